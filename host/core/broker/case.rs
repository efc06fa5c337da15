//! What a party asks for and what comes of it.

use std::task::Waker;

#[cfg(doc)]
use super::PartyId;
use super::{ChannelId, EventId, Origin, Orphaned, WaitId};

/// A message, as far as the broker needs to know it.
pub trait Parcel {
    /// The message's size in bytes. The broker asks once for each attempt to send and charges the
    /// channel at least [`Broker::MIN_CHARGE`](super::Broker::MIN_CHARGE).
    fn size(&self) -> usize;

    /// Whether the message stays what it is when its sender is removed before anybody received it.
    /// The broker asks once for each attempt to send. It counts those that do not, so that
    /// removing a party costs nothing for the others.
    fn outlives_sender(&self) -> bool {
        true
    }

    /// Calls `visit` with the channel of each end in the message, which [`PartyId::FLIGHT`] holds for
    /// it until the message is dropped, and with no other channel. Asked under the caller's lock, of
    /// messages in channels that all might have forgotten.
    fn each_end(&self, _visit: &mut dyn FnMut(ChannelId)) {}

    /// What becomes of the message now that its sender is removed. Only asked of a message that
    /// does not outlive its sender, at most once, and under the caller's lock: the message itself
    /// is left to [`Effects::discarded`] if it does not stay.
    fn orphaned(&self) -> Orphaned<Self>
    where
        Self: Sized,
    {
        Orphaned::Keep
    }
}

/// One of the things a wait may end with; a wait over several is Go's `select`.
#[derive(Clone, Eq, PartialEq, Debug)]
pub enum Case<M> {
    /// Take the channel's next message.
    Receive(ChannelId),
    /// Put the message on the channel.
    Send(ChannelId, M),
    /// See the event fired.
    Event(EventId),
}

impl<M> Case<M> {
    /// The message that was to be sent, if this is a send.
    pub fn into_message(self) -> Option<M> {
        match self {
            Self::Send(_, message) => Some(message),
            Self::Receive(_) | Self::Event(_) => None,
        }
    }
}

/// How a case ended.
#[derive(Clone, Eq, PartialEq, Debug)]
pub enum Outcome<M> {
    /// A receive took this message.
    Received(M),
    /// A send put its message on the channel, or in a receiver's hands if it is a rendezvous.
    Sent,
    /// The channel is closed, nobody holds its other side, or the id names nothing any more. A
    /// send gives its message back. An event that is released before it fires ends like this too.
    Closed(Option<M>),
    /// The event has fired.
    Fired,
    /// No party that could end the wait is able to act any more. The text names the parties that
    /// wait for one another. The messages of all the wait's sends are in [`Done::unsent`], and
    /// [`Done::case`] is 0 and means nothing.
    Deadlock(String),
    /// The message alone exceeds the channel's byte budget, so it could never be queued.
    TooLarge {
        /// The channel's budget in bytes.
        limit: usize,
        /// The message's size in bytes.
        size: usize,
        /// The message, given back.
        message: M,
    },
}

/// The end of a wait, or of an attempt that needed none.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Done<M> {
    /// Which case ended it, counted from 0 in the order given.
    pub case: usize,
    /// How that case ended.
    pub outcome: Outcome<M>,
    /// Where the message came from, if one was received: whoever finds that it cannot be handed to
    /// the receiver [redelivers](super::Broker::redeliver) it with this.
    pub origin: Option<Origin>,
    /// The messages of the sends that were not chosen, in the order given.
    pub unsent: Vec<M>,
}

/// What to do when no case can end at once.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Blocking {
    /// Give the cases back.
    Try,
    /// Wait.
    Wait {
        /// Whether the caller will abandon the wait at some time by itself. A party in a timed
        /// wait is never part of a deadlock.
        timed: bool,
    },
}

/// What became of an attempt. `B` is what is given back when nothing came of it.
#[derive(Clone, Eq, PartialEq, Debug)]
pub enum Begin<M, B> {
    /// A case ended at once.
    Done(Done<M>),
    /// No case could end at once and the caller did not want to wait.
    WouldBlock(B),
    /// No case could end at once. Poll this wait, or abandon it.
    Waiting(WaitId),
    /// No case could end at once and the party may not wait: it was never added, was removed, or
    /// has [`Broker::MAX_WAITS`](super::Broker::MAX_WAITS) waits already.
    Refused(B),
}

/// What the caller has to do once it no longer holds the lock around the broker. Both waking and
/// dropping may run code that comes back to the broker.
#[derive(Debug)]
#[must_use = "parties that are not woken wait for ever"]
pub struct Effects<M> {
    /// To be woken: each has a wait that ended.
    pub wake: Vec<Waker>,
    /// To be dropped: messages that nobody can receive any more, and orphans that were removed or
    /// replaced.
    pub discarded: Vec<M>,
}

impl<M> Effects<M> {
    /// Nothing to do yet. Allocates nothing.
    pub fn new() -> Self {
        Self {
            wake: Vec::new(),
            discarded: Vec::new(),
        }
    }

    /// Wakes everyone and returns the discarded messages, which are to be dropped: where they carry
    /// ends, that may discard others. Not to be called under the lock.
    #[must_use = "messages are dropped in the caller's own way"]
    pub fn apply(self) -> Vec<M> {
        for waker in self.wake {
            waker.wake();
        }
        self.discarded
    }
}

impl<M> Default for Effects<M> {
    fn default() -> Self {
        Self::new()
    }
}
