//! Waiting lines: FIFO lists of the waits at one side of a channel or at an event.

use super::bond::Bond;
use super::slab::{NIL, Slab};
use super::{ChannelId, EventId, Origin};

/// The line that an entry is in.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum Place {
    Receivers(ChannelId),
    Senders(ChannelId),
    Event(EventId),
}

/// A message with its charge and bond. Both are stored, so that a message whose answers change cannot corrupt
/// the sums.
#[derive(Debug)]
pub(super) struct Load<M> {
    pub(super) message: M,
    pub(super) charge: usize,
    pub(super) bond: Bond,
}

impl<M> Load<M> {
    /// Returns the place to which the message returns if it is not delivered.
    pub(super) fn origin(&self, channel: ChannelId, order: u64) -> Origin {
        Origin {
            channel,
            order,
            charge: self.charge,
            bond: self.bond,
        }
    }
}

/// One case of one wait, in one line.
#[derive(Debug)]
pub(super) struct Entry<M> {
    /// The index of the wait.
    pub(super) wait: u32,
    pub(super) case: usize,
    pub(super) place: Place,
    /// The message of a send.
    pub(super) load: Option<Load<M>>,
    /// The index of the wait's next entry.
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

/// A FIFO line. The entries are linked through the slab, so that a wait that ends leaves all its lines at
/// once, including those of idle channels.
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

    /// Returns the number of entries. One wait can have several.
    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    /// Returns the index of the first entry.
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

    /// Unlinks an entry that was already removed from the slab. Returns whether another entry became the
    /// first.
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
