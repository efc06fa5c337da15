//! The model's record of each message.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::super::*;

/// The fate of a message after its sender is removed.
#[derive(Clone, Copy, Eq, PartialEq, Debug)]
pub(super) enum Kind {
    Outlives,
    Kept,
    Removed,
    Replaced,
    /// The replacement of a `Replaced` message.
    Mark,
}

/// A message with a serial number.
#[derive(Clone, Eq, PartialEq, Debug)]
pub(super) struct Note {
    pub(super) serial: u32,
    pub(super) size: usize,
    pub(super) kind: Kind,
    pub(super) sender: PartyId,
}

impl Parcel for Note {
    fn size(&self) -> usize {
        self.size
    }

    fn outlives_sender(&self) -> bool {
        self.kind == Kind::Outlives
    }

    fn orphaned(&self) -> Orphaned<Self> {
        ORPHANED.with_borrow_mut(|orphaned| orphaned.push(self.clone()));
        match self.kind {
            Kind::Kept => Orphaned::Keep,
            Kind::Removed => Orphaned::Remove,
            Kind::Replaced => Orphaned::Replace(Note {
                size: self.size / 2,
                kind: Kind::Mark,
                ..self.clone()
            }),
            Kind::Outlives | Kind::Mark => panic!("{self:?}"),
        }
    }
}

thread_local! {
    /// Orphaned notes that the records have not processed yet.
    static ORPHANED: RefCell<Vec<Note>> = const { RefCell::new(Vec::new()) };
}

#[derive(Clone, Copy, Eq, PartialEq, Debug)]
enum Fate {
    /// In transit: with a waiting sender, queued, or received and not taken.
    Accepted,
    /// Taken, returned or discarded. It must not appear again.
    Gone,
}

#[derive(Default)]
pub(super) struct Records {
    next_serial: u32,
    /// The fate of each message, and the channel that it was sent to. The key is the serial number and whether
    /// the message is the mark that replaced it.
    fates: BTreeMap<(u32, bool), (Fate, usize)>,
    orphaned: BTreeSet<u32>,
    left: BTreeSet<PartyId>,
}

impl Records {
    pub(super) fn new() -> Self {
        ORPHANED.take();
        Self::default()
    }

    pub(super) fn note(
        &mut self,
        channel: usize,
        size: usize,
        kind: Kind,
        sender: PartyId,
    ) -> Note {
        let serial = self.next_serial;
        self.next_serial += 1;
        self.fates
            .insert((serial, false), (Fate::Accepted, channel));
        Note {
            serial,
            size,
            kind,
            sender,
        }
    }

    pub(super) fn party_left(&mut self, party: PartyId) {
        self.left.insert(party);
    }

    /// Processes orphaned notes. Checks that each could be orphaned, and was orphaned once.
    pub(super) fn learn(&mut self) {
        for note in ORPHANED.take() {
            assert!(self.left.contains(&note.sender), "{note:?}");
            assert!(self.orphaned.insert(note.serial), "{note:?}");
            let (fate, channel) = self.fates[&(note.serial, false)];
            assert_eq!(fate, Fate::Accepted, "{note:?}");
            if note.kind == Kind::Replaced {
                self.fates.insert((note.serial, true), (fate, channel));
            }
        }
    }

    /// Records that the message leaves the model. It must not have left before.
    pub(super) fn gone(&mut self, note: &Note) {
        let key = (note.serial, note.kind == Kind::Mark);
        let (fate, _) = self.fates.get_mut(&key).unwrap();
        assert_eq!(*fate, Fate::Accepted, "{note:?}");
        *fate = Fate::Gone;
    }

    /// Checks that the message is in transit through that channel.
    pub(super) fn is_on_its_way(&self, note: &Note, channel: usize) {
        let key = (note.serial, note.kind == Kind::Mark);
        assert_eq!(self.fates[&key], (Fate::Accepted, channel), "{note:?}");
    }

    /// Checks a message that is queued or was just received: it is an orphan if its sender was removed, and
    /// unchanged otherwise.
    pub(super) fn is_up_to_date(&self, note: &Note) {
        let orphaned = self.orphaned.contains(&note.serial);
        let bound = note.kind != Kind::Outlives;
        let left = bound && self.left.contains(&note.sender);
        assert_eq!(orphaned, left, "{note:?}");
        if orphaned {
            assert!(matches!(note.kind, Kind::Kept | Kind::Mark), "{note:?}");
        }
    }

    pub(super) fn all_are_gone(&self) {
        let mut fates = self.fates.iter();
        let lost = fates.find(|(_, (fate, _))| *fate != Fate::Gone);
        assert_eq!(lost, None);
    }
}
