//! The channel broker: who may take which message, who waits for whom, and who waits in vain.
//!
//! This is a state machine and nothing else. It knows no threads, no clock and no executor: the
//! caller keeps it under a lock, drives it with short calls, and carries out the [`Effects`] they
//! leave behind once the lock is released.
//!
//! *Parties* (interpreters, and the host) hold counted *ends* of *channels*. A party [begins]
//! sends, receives and waits for events, alone or several as in Go's `select`. What cannot end at
//! once becomes a *wait*, which is [polled](Broker::poll) until it has a result or
//! [abandoned](Broker::abandon). A message reaches exactly one receiver: if the wait that got it
//! is abandoned before the result was taken, the message goes back to where it was in its channel;
//! and whoever took the result and cannot hand the message to the receiver
//! [redelivers](Broker::redeliver) it.
//! A message that nobody received when its sender is removed becomes an [orphan](Orphaned), unless
//! it [outlives](Parcel::outlives_sender) its sender.
//!
//! Every call takes constant time, or logarithmic time in the number of parties at one channel,
//! apart from what it ends for others: closing wakes every waiter, removing a party releases what
//! it held and looks through the queues with messages that it orphans, the analysis of deadlocks
//! walks along the parties that wait for one another, and the search for channels that nobody can
//! come to any more walks along the messages that carry ends of them. To list the holders of a channel's ends takes
//! as long as there are many.
//!
//! [begins]: Broker::begin

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
mod model;
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

/// The state of all channels, events, waits and parties. The [module](self) tells the idea.
#[derive(Debug)]
pub struct Broker<M> {
    channels: Slab<Channel<M>>,
    events: Slab<Event>,
    waits: Slab<Wait<M>>,
    entries: Slab<Entry<M>>,
    parties: Parties,
    queued_messages: usize,
    /// Wraps around, should the channels' sums together exceed the number's range.
    queued_bytes: usize,
    /// Channels where a sender that did not fit has left the head of the line, so that the next
    /// one may fit. Worked off before a call returns: doing it on the spot would recurse as deep
    /// as guests can chain their selects.
    unblocked: Vec<ChannelId>,
    suspects: Suspects,
    random: u64,
    /// How many steps the searches took, for tests of what they cost.
    #[cfg(test)]
    searched: std::cell::Cell<usize>,
}

/// How much of everything there is.
#[derive(Copy, Clone, Eq, PartialEq, Default, Debug)]
pub struct Counts {
    /// Channels with at least one end.
    pub channels: usize,
    /// Events that were not released.
    pub events: usize,
    /// Waits, including those that ended and whose result was not taken.
    pub waits: usize,
    /// Parties that were added, without [`PartyId::HOST`] and [`PartyId::FLIGHT`].
    pub parties: usize,
    /// Messages queued in channels. Those of waiting senders do not count.
    pub queued_messages: usize,
    /// What those messages are charged for, in bytes.
    pub queued_bytes: usize,
}

impl<M: Parcel> Broker<M> {
    /// What a queued message is charged for at least, in bytes, so that a flood of empty messages
    /// meets the byte budget too.  It is what the shortest takes in the host's memory, and it bounds how
    /// many there can be: removing a party and closing a channel take time for each.
    pub const MIN_CHARGE: usize = 256;

    /// How many waits a party other than [`PartyId::HOST`] may have at once.
    pub const MAX_WAITS: usize = 64;

    /// An empty broker. The seed feeds the choice between cases that are ready.
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
            // Zero is the one state that the generator never leaves.
            random: started(seed),
            #[cfg(test)]
            searched: std::cell::Cell::new(0),
        }
    }

    /// How much of everything there is now.
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

    /// Brings everything to rest before a call returns.
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

    /// Lets the choices of a party follow from `seed` alone.
    pub fn seed_party(&mut self, party: PartyId, seed: u64) {
        self.parties.set_random(party, started(seed));
    }

    /// The next number of the party's own generator, if it has one, or of the one for all.
    fn random_for(&mut self, party: PartyId) -> u64 {
        let own = self.parties.random(party);
        let state = own.unwrap_or(&mut self.random);
        // An xorshift generator.
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }
}

/// The state of a generator that begins with `seed`, which must not be zero.
fn started(seed: u64) -> u64 {
    (seed ^ 0x9e37_79b9_7f4a_7c15).max(1)
}
