//! Operations that a party requests, and their results.

use std::task::Waker;

#[cfg(doc)]
use super::PartyId;
use super::{ChannelId, EventId, Origin, Orphaned, WaitId};

/// A message, as the broker sees it.
pub trait Parcel {
    /// Returns the message's size in bytes. The broker asks once for each attempt to send and charges the
    /// channel at least [`Broker::MIN_CHARGE`](super::Broker::MIN_CHARGE).
    fn size(&self) -> usize;

    /// Returns whether the message stays unchanged if its sender is removed before a receiver takes it. The
    /// broker asks once for each attempt to send. It counts only the messages that do not, so that other
    /// messages cost nothing when a party is removed.
    fn outlives_sender(&self) -> bool {
        true
    }

    /// Calls `visit` with the channel of each end that the message carries, and with no other channel.
    /// [`PartyId::FLIGHT`] holds these ends until the message is dropped. The broker calls this under the
    /// caller's lock, for messages in channels that may be unreachable.
    fn each_end(&self, _visit: &mut dyn FnMut(ChannelId)) {}

    /// Returns what becomes of the message after its sender is removed. The broker asks at most once, under
    /// the caller's lock, and only for a message that does not outlive its sender. A message that does not
    /// stay goes to [`Effects::discarded`].
    fn orphaned(&self) -> Orphaned<Self>
    where
        Self: Sized,
    {
        Orphaned::Keep
    }
}

/// One operation of a wait. A wait for several is Go's `select`.
#[derive(Clone, Eq, PartialEq, Debug)]
pub enum Case<M> {
    /// Takes the channel's next message.
    Receive(ChannelId),
    /// Puts the message on the channel.
    Send(ChannelId, M),
    /// Waits for the event to fire.
    Event(EventId),
}

impl<M> Case<M> {
    /// Returns the message to send, if this is a send.
    pub fn into_message(self) -> Option<M> {
        match self {
            Self::Send(_, message) => Some(message),
            Self::Receive(_) | Self::Event(_) => None,
        }
    }
}

/// The result of a case.
#[derive(Clone, Eq, PartialEq, Debug)]
pub enum Outcome<M> {
    /// A receive took this message.
    Received(M),
    /// A send queued its message or, at a rendezvous, delivered it to a receiver.
    Sent,
    /// The channel is closed, its other side has no holders, or the id is stale. A send returns its message. A
    /// wait for an event that is released before it fires also ends like this.
    Closed(Option<M>),
    /// The event fired.
    Fired,
    /// No party that could end the wait is able to act. The text names the parties that wait for one another.
    /// The messages of all the wait's sends are in [`Done::unsent`]. [`Done::case`] is 0 and has no meaning.
    Deadlock(String),
    /// The message alone exceeds the channel's byte budget and can never be queued.
    TooLarge {
        /// The channel's budget in bytes.
        limit: usize,
        /// The message's size in bytes.
        size: usize,
        /// The message, returned to the caller.
        message: M,
    },
}

/// The result of a wait, or of an attempt that completed at once.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Done<M> {
    /// The index of the case that ended the wait, in the order given, from 0.
    pub case: usize,
    /// The result of that case.
    pub outcome: Outcome<M>,
    /// The place a received message came from. A caller that cannot deliver the message
    /// [redelivers](super::Broker::redeliver) it with this.
    pub origin: Option<Origin>,
    /// The messages of the sends that were not chosen, in the order given.
    pub unsent: Vec<M>,
}

/// The action if no case can complete at once.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Blocking {
    /// Return the cases to the caller.
    Try,
    /// Wait.
    Wait {
        /// True if the caller will abandon the wait by itself at some time. A party in a timed wait is never
        /// part of a deadlock.
        timed: bool,
    },
}

/// The result of an attempt. `B` is the type of the cases that are returned to the caller.
#[derive(Clone, Eq, PartialEq, Debug)]
pub enum Begin<M, B> {
    /// A case completed at once.
    Done(Done<M>),
    /// No case could complete at once, and the caller did not want to wait.
    WouldBlock(B),
    /// No case could complete at once. The caller polls this wait or abandons it.
    Waiting(WaitId),
    /// No case could complete at once, and the party cannot wait: it was never added, was removed, or already
    /// has [`Broker::MAX_WAITS`](super::Broker::MAX_WAITS) waits.
    Refused(B),
}

/// Work for the caller after it has released the lock around the broker. Waking and dropping can both run code
/// that calls the broker.
#[derive(Debug)]
#[must_use = "parties that are not woken wait forever"]
pub struct Effects<M> {
    /// The wakers of waits that ended.
    pub wake: Vec<Waker>,
    /// Messages to drop: undeliverable messages, and orphans that were removed or replaced.
    pub discarded: Vec<M>,
}

impl<M> Effects<M> {
    /// Creates an empty list of effects, without allocating.
    pub fn new() -> Self {
        Self {
            wake: Vec::new(),
            discarded: Vec::new(),
        }
    }

    /// Wakes all wakers and returns the discarded messages for the caller to drop. Dropping messages that
    /// carry ends can discard further messages. Must not be called under the lock.
    #[must_use = "the caller must drop the messages"]
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
