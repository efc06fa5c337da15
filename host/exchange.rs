//! The exchange: the broker of `archipel-core` behind a lock, and everything through which interpreters and the host
//! use it. It knows parties by number only, and no interpreter.

pub(crate) mod channel_meta;
pub(crate) mod end;
pub(crate) mod kept;
pub(crate) mod message;
pub(crate) mod numbers;
pub(crate) mod promise;
pub(crate) mod quota;
pub(crate) mod waiting;

use crate::exec::deferred_drop;
use crate::exec::frozen_clock::FrozenClock;
#[cfg(test)]
use crate::failpoints::Failpoints;
use crate::lock::lock;
use archipel_core::broker::{Broker, Capacity, Counts, Effects, PartyId, Side};
use channel_meta::ChannelMeta;
use end::End;
use message::Message;
use quota::MOST_QUEUED;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Instant;

/// The exchange: the only place through which the parties of a runtime exchange messages.
#[derive(Debug)]
pub(crate) struct Exchange {
    // Critical sections are short. Wakers are called and messages dropped after unlocking, since both can call
    // the exchange again.
    broker: Mutex<Broker<Message>>,
    /// The earliest time of the next search for unreachable channels.
    next_search: Mutex<Instant>,
    /// The number of messages sent.
    messages: AtomicU64,
    /// Frozen clocks, which advance only by the waits of their parties.
    frozen_clocks: Mutex<HashMap<PartyId, Weak<FrozenClock>>>,
    /// The failpoints of tests.
    #[cfg(test)]
    pub(crate) points: Failpoints,
}

impl Exchange {
    pub(crate) fn new(seed: u64) -> Arc<Self> {
        Arc::new(Exchange {
            broker: Mutex::new(Broker::new(seed)),
            next_search: Mutex::new(Instant::now()),
            messages: AtomicU64::new(0),
            frozen_clocks: Mutex::default(),
            #[cfg(test)]
            points: Failpoints::default(),
        })
    }

    /// Makes the frozen clock of a party advance by the timeouts of its waits.
    pub(crate) fn add_frozen_clock(&self, party: PartyId, clock: &Arc<FrozenClock>) {
        let mut clocks = self.frozen_clocks();
        if clocks.len() >= 64 && clocks.len().is_power_of_two() {
            clocks.retain(|_, clock| clock.strong_count() > 0);
        }
        clocks.insert(party, Arc::downgrade(clock));
    }

    fn frozen_clocks(&self) -> MutexGuard<'_, HashMap<PartyId, Weak<FrozenClock>>> {
        lock(&self.frozen_clocks)
    }

    /// Calls `act` with the broker, and carries out the effects after unlocking.
    pub(crate) fn with<R>(
        &self,
        act: impl FnOnce(&mut Broker<Message>, &mut Effects<Message>) -> R,
    ) -> R {
        let mut effects = Effects::new();
        let result = {
            // The broker's operations do not panic half-way, so a poisoned lock is still consistent.
            let mut broker = lock(&self.broker);
            act(&mut broker, &mut effects)
        };
        let discarded = effects.apply();
        if !discarded.is_empty() {
            let ends = discarded.iter().map(|message| message.ends.len());
            let weight = discarded.len() + ends.sum::<usize>();
            deferred_drop::discard(weight, Box::new(discarded));
        }
        result
    }

    /// Creates a channel, and gives both ends to `party`. Returns `None` if the channel numbers have run out.
    pub(crate) fn create_channel(
        self: &Arc<Self>,
        capacity: Capacity,
        meta: ChannelMeta,
        party: PartyId,
    ) -> Option<(End, End)> {
        let channel = self.with(|broker, _| broker.create(capacity, MOST_QUEUED, party))?;
        let meta = Arc::new(meta);
        let end = |side| End::held(self, channel, side, meta.clone(), party);
        Some((end(Side::Sender), end(Side::Receiver)))
    }

    /// Returns whether the counts exceed a limit even after unreachable channels are collected.
    pub(crate) fn is_beyond(&self, mut too_much: impl FnMut(&Counts) -> bool) -> bool {
        let counts = || self.with(|broker, _| broker.counts());
        too_much(&counts()) && {
            self.collect();
            too_much(&counts())
        }
    }

    /// Collects unreachable channels, unless that already took a tenth of the recent time: with full queues,
    /// parties could otherwise not do anything else.
    fn collect(&self) {
        let begun = Instant::now();
        if begun < *self.next_search() {
            return;
        }
        self.with(|broker, effects| broker.collect(effects));
        // Not locked during the search, because dropping what it finds takes time proportional to its size.
        *self.next_search() = Instant::now() + 9 * begun.elapsed();
    }

    fn next_search(&self) -> MutexGuard<'_, Instant> {
        lock(&self.next_search)
    }

    /// Returns the number of messages sent so far.
    pub(crate) fn messages(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }
}
