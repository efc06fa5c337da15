//! Waiting lines: who is next at one side of a channel, or at an event.

use super::orphan::Bond;
use super::slab::{NIL, Slab};
use super::{ChannelId, EventId, Origin};

/// Where an entry stands.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum Place {
    Receivers(ChannelId),
    Senders(ChannelId),
    Event(EventId),
}

/// A message with what it is charged for and whom it is bound to, so that a message that changes
/// its mind about these cannot upset the sums.
#[derive(Debug)]
pub(super) struct Load<M> {
    pub(super) message: M,
    pub(super) charge: usize,
    pub(super) bond: Bond,
}

impl<M> Load<M> {
    /// Where it goes back to, when it was received from there.
    pub(super) fn origin(&self, channel: ChannelId, order: u64) -> Origin {
        Origin {
            channel,
            order,
            charge: self.charge,
            bond: self.bond,
        }
    }
}

/// One case of one wait, standing in one line.
#[derive(Debug)]
pub(super) struct Entry<M> {
    /// The index of the wait.
    pub(super) wait: u32,
    pub(super) case: usize,
    pub(super) place: Place,
    /// The message of a send.
    pub(super) load: Option<Load<M>>,
    /// The wait's next entry.
    pub(super) sibling: u32,
    previous: u32,
    next: u32,
}

impl<M> Entry<M> {
    pub(super) fn new(wait: u32, case: usize, place: Place, load: Option<Load<M>>) -> Self {
        Self {
            wait,
            case,
            place,
            load,
            sibling: NIL,
            previous: NIL,
            next: NIL,
        }
    }
}

/// A first-come-first-served line. The entries are linked through the slab, so that a wait that
/// ends leaves all its lines at once: a select over a channel that nobody touches leaves nothing
/// behind there.
#[derive(Debug)]
pub(super) struct Line {
    head: u32,
    tail: u32,
    len: u32,
}

impl Line {
    pub(super) fn new() -> Self {
        Self {
            head: NIL,
            tail: NIL,
            len: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.head == NIL
    }

    /// How many entries stand in the line, of which one wait may have several.
    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    /// The index of the first entry.
    pub(super) fn first(&self) -> Option<u32> {
        (self.head != NIL).then_some(self.head)
    }

    pub(super) fn push<M>(&mut self, entries: &mut Slab<Entry<M>>, index: u32) {
        if let Some(entry) = entries.at_mut(index) {
            entry.previous = self.tail;
            entry.next = NIL;
        }
        match entries.at_mut(self.tail) {
            Some(last) => last.next = index,
            None => self.head = index,
        }
        self.tail = index;
        self.len += 1;
    }

    /// Takes an entry that is already out of the slab out of the line. Tells whether that put
    /// another one first.
    pub(super) fn unlink<M>(&mut self, entries: &mut Slab<Entry<M>>, entry: &Entry<M>) -> bool {
        match entries.at_mut(entry.previous) {
            Some(previous) => previous.next = entry.next,
            None => self.head = entry.next,
        }
        match entries.at_mut(entry.next) {
            Some(next) => next.previous = entry.previous,
            None => self.tail = entry.previous,
        }
        self.len -= 1;
        entry.previous == NIL && entry.next != NIL
    }
}
