//! What is known of each message.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::super::*;

/// What becomes of a message with its sender.
#[derive(Clone, Copy, Eq, PartialEq, Debug)]
pub(super) enum Kind {
    Outlives,
    Kept,
    Removed,
    Replaced,
    /// It stands in for one that was replaced.
    Mark,
}

/// A message, with a number that counts up over the test.
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
    /// The notes that were orphaned and that the ledger does not know of yet.
    static ORPHANED: RefCell<Vec<Note>> = const { RefCell::new(Vec::new()) };
}

#[derive(Clone, Copy, Eq, PartialEq, Debug)]
enum Fate {
    /// On its way: held by a wait that sends it, queued, or received and not taken.
    Accepted,
    /// Taken, given back or discarded: it must not be seen again.
    Gone,
}

#[derive(Default)]
pub(super) struct Ledger {
    next_serial: u32,
    /// By serial number, and whether it is the mark in its place: the fate, and the channel that
    /// the message was meant for.
    fates: BTreeMap<(u32, bool), (Fate, usize)>,
    orphaned: BTreeSet<u32>,
    left: BTreeSet<PartyId>,
}

impl Ledger {
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

    /// Learns what was orphaned: only what may be, and each once.
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

    /// The message leaves the model, for the first time.
    pub(super) fn gone(&mut self, note: &Note) {
        let key = (note.serial, note.kind == Kind::Mark);
        let (fate, _) = self.fates.get_mut(&key).unwrap();
        assert_eq!(*fate, Fate::Accepted, "{note:?}");
        *fate = Fate::Gone;
    }

    /// The message is on its way, through that channel.
    pub(super) fn is_on_its_way(&self, note: &Note, channel: usize) {
        let key = (note.serial, note.kind == Kind::Mark);
        assert_eq!(self.fates[&key], (Fate::Accepted, channel), "{note:?}");
    }

    /// The message is what it has to be, given that it is queued or has just been received: an
    /// orphan if its sender has left, and otherwise what was sent.
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
