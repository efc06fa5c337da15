//! The channel broker: message delivery, waits and deadlock detection.
//!
//! The broker is a pure state machine. It has no threads, no clock and no executor. The caller keeps it under
//! a lock, drives it with short calls, and carries out the resulting [`Effects`] after it has released the
//! lock.
//!
//! *Parties* (interpreters and the host) hold counted *ends* of *channels*. A party [begins] sends, receives
//! and waits for events, one at a time or several as in Go's `select`. An operation that cannot complete at
//! once becomes a *wait*. The caller [polls](Broker::poll) the wait until it has a result, or
//! [abandons](Broker::abandon) it.
//!
//! Each message reaches exactly one receiver. If a wait that received a message is abandoned before its result
//! is taken, the message returns to its place in the channel. A caller that took the result and cannot deliver
//! the message [redelivers](Broker::redeliver) it. A message that is still queued when its sender is removed
//! becomes an [orphan](Orphaned), unless it [outlives](Parcel::outlives_sender) its sender.
//!
//! Every call takes constant time, or logarithmic time in the number of parties of one channel, except for its
//! effects on others:
//!
//! - Closing a channel wakes every waiter.
//! - Removing a party releases its ends and scans the queues with messages that it orphans.
//! - The deadlock analysis walks the parties that wait for one another.
//! - The search for unreachable channels walks the messages that carry ends of them.
//! - Listing the holders of a channel takes time proportional to their number.
//!
//! [begins]: Broker::begin

mod bond;
mod case;
mod channel;
mod closing;
#[cfg(test)]
mod closing_tests;
mod cycle;
#[cfg(test)]
mod cycle_tests;
mod deadlock;
#[cfg(test)]
mod deadlock_tests;
mod event;
mod id;
mod info;
#[cfg(test)]
mod interleaving_tests;
mod line;
#[cfg(test)]
mod model_tests;
mod orphan;
#[cfg(test)]
mod orphan_tests;
mod party;
mod slab;
#[cfg(test)]
mod tests;
mod transfer;
mod wait;

pub use case::{Begin, Blocking, Case, Done, Effects, Outcome, Parcel};
pub use channel::{Capacity, Side};
pub use id::{ChannelId, EventId, PartyId, WaitId};
pub use orphan::Orphaned;
pub use wait::Origin;

use channel::Channel;
use cycle::Suspects;
use event::Event;
use line::Entry;
use party::Parties;
use slab::Slab;
use wait::Wait;

/// The state of all channels, events, waits and parties. See the [module documentation](self).
#[derive(Debug)]
pub struct Broker<M> {
    channels: Slab<Channel<M>>,
    events: Slab<Event>,
    waits: Slab<Wait<M>>,
    entries: Slab<Entry<M>>,
    parties: Parties,
    queued_messages: usize,
    /// The sum of all channels' charges. It wraps around on overflow.
    queued_bytes: usize,
    /// Channels whose line of senders lost a head that did not fit, so that the next sender may fit. `settle`
    /// processes this list before a call returns: immediate processing would recurse as deep as guests can
    /// chain their selects.
    unblocked: Vec<ChannelId>,
    suspects: Suspects,
    random: u64,
    /// The number of steps that searches took. Tests check the cost of searches with it.
    #[cfg(test)]
    searched: std::cell::Cell<usize>,
}

/// The number of objects in a broker.
#[derive(Copy, Clone, Eq, PartialEq, Default, Debug)]
pub struct Counts {
    /// Channels with at least one end.
    pub channels: usize,
    /// Events that are not released.
    pub events: usize,
    /// Waits, including those with a result that is not taken yet.
    pub waits: usize,
    /// Parties that were added, excluding [`PartyId::HOST`] and [`PartyId::FLIGHT`].
    pub parties: usize,
    /// Messages queued in channels, excluding those of waiting senders.
    pub queued_messages: usize,
    /// The total charge of the queued messages, in bytes.
    pub queued_bytes: usize,
}

impl<M: Parcel> Broker<M> {
    /// The minimum charge of a queued message, in bytes. It is what the shortest message takes in the host's
    /// memory. Because of it the byte budget also bounds the number of queued messages, and with it the time
    /// that removing a party and closing a channel take.
    pub const MIN_CHARGE: usize = 256;

    /// The maximum number of waits of a party other than [`PartyId::HOST`] at one time.
    pub const MAX_WAITS: usize = 64;

    /// Creates an empty broker. `seed` seeds the random choice between cases that are ready.
    pub fn new(seed: u64) -> Self {
        Self {
            channels: Slab::new(),
            events: Slab::new(),
            waits: Slab::new(),
            entries: Slab::new(),
            parties: Parties::new(),
            queued_messages: 0,
            queued_bytes: 0,
            unblocked: Vec::new(),
            suspects: Suspects::new(),
            // Zero is a fixed point of the generator.
            random: started(seed),
            #[cfg(test)]
            searched: std::cell::Cell::new(0),
        }
    }

    /// Returns the current number of objects.
    pub fn counts(&self) -> Counts {
        Counts {
            channels: self.channels.len(),
            events: self.events.len(),
            waits: self.waits.len(),
            parties: self.parties.len(),
            queued_messages: self.queued_messages,
            queued_bytes: self.queued_bytes,
        }
    }

    /// Restores the broker's invariants before a call returns.
    #[inline]
    fn settle(&mut self, effects: &mut Effects<M>) {
        while let Some(channel) = self.unblocked.pop() {
            self.promote(channel, effects);
        }
        if self.suspects.is_due() {
            self.search(effects);
        }
        if self.parties.none_awake() && self.parties.has_suspects() {
            self.analyse(effects);
        }
    }

    /// Makes the party's random choices depend on `seed` alone.
    pub fn seed_party(&mut self, party: PartyId, seed: u64) {
        self.parties.set_random(party, started(seed));
    }

    /// Returns the next random number of the party's own generator, or of the shared one if it has none.
    fn random_for(&mut self, party: PartyId) -> u64 {
        let own = self.parties.random(party);
        let state = own.unwrap_or(&mut self.random);
        // Xorshift64.
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }
}

/// Returns a non-zero generator state derived from `seed`.
fn started(seed: u64) -> u64 {
    (seed ^ 0x9e37_79b9_7f4a_7c15).max(1)
}
