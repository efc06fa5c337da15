//! Reference cycles: channels that are unreachable because all of their ends lie in messages queued in such
//! channels.
//!
//! Counting ends does not find them, as reference counting does not find cycles of objects. A channel becomes
//! a *suspect* when only ends in flight are left of it, or when a message is queued in such a channel. Every
//! channel that becomes unreachable was reachable through a suspect before. The search follows the messages
//! from the suspects on and subtracts the ends in them from the end counts of their channels. The remaining
//! ends are held from outside: by a wait, or by a caller that has received a message and still processes it.
//! CPython finds reference cycles in the same way, see its `InternalDocs/garbage_collector.md`.

use std::collections::HashMap;

use super::channel::Channel;
use super::{Broker, ChannelId, Effects, Parcel, PartyId, Side};

/// A search that scanned `n` messages and ends in reachable channels is followed by the next one after `n / 16` new
/// suspects. This bounds the amortized cost per operation.
const SCANNED_PER_SUSPECT: usize = 16;

/// The channels from which the next search starts.
#[derive(Debug)]
pub(super) struct Suspects {
    channels: Vec<ChannelId>,
    /// The next search starts when there are more suspects than this.
    due: usize,
}

impl Suspects {
    pub(super) fn new() -> Self {
        Self {
            channels: Vec::new(),
            due: 0,
        }
    }

    #[inline]
    pub(super) fn is_due(&self) -> bool {
        self.channels.len() > self.due
    }
}

impl<M> Channel<M> {
    /// Returns the channel's number of ends if all of them travel in messages.
    #[inline]
    fn only_in_flight(&self) -> Option<usize> {
        let mut all = 0;
        for side in [Side::Sender, Side::Receiver] {
            let ends = self.ends(side);
            match ends.get(&PartyId::FLIGHT) {
                Some(count) if ends.len() == 1 => all += *count,
                None if ends.is_empty() => {}
                _ => return None,
            }
        }
        Some(all)
    }
}

impl<M: Parcel> Broker<M> {
    /// Makes the channel a suspect if it can be part of a cycle.
    #[inline]
    pub(super) fn suspect(&mut self, id: ChannelId) {
        let state = self.channels.get(id.0);
        if state.is_some_and(|state| !state.queue.is_empty() && state.only_in_flight().is_some()) {
            self.suspects.channels.push(id);
        }
    }

    /// Destroys all unreachable channels. Their messages go to [`Effects::discarded`]. The broker does this by
    /// itself, but with a delay if many messages are queued in channels whose ends are all in flight.
    pub fn collect(&mut self, effects: &mut Effects<M>) {
        self.search(effects);
        self.settle(effects);
    }

    /// Destroys unreachable channels, without settling.
    #[cold]
    pub(super) fn search(&mut self, effects: &mut Effects<M>) {
        // The number of ends of a channel that were not found in messages. Subtraction saturates, since the
        // caller's report of the ends in a message is not trusted.
        let mut missing = HashMap::new();
        let mut ahead = Vec::new();
        for id in std::mem::take(&mut self.suspects.channels) {
            self.meet(id, &mut missing, &mut ahead);
        }
        let mut met = 0;
        while let Some(&id) = ahead.get(met) {
            met += 1;
            self.each_carried(id, |other| {
                self.meet(other, &mut missing, &mut ahead);
                if let Some(count) = missing.get_mut(&other) {
                    *count = count.saturating_sub(1);
                }
            });
        }
        let mut in_use: Vec<_> = ahead.iter().copied().filter(|id| missing[id] > 0).collect();
        let mut looked_through = in_use.len();
        let mut next = 0;
        for id in &in_use {
            missing.remove(id);
        }
        while let Some(&id) = in_use.get(next) {
            next += 1;
            looked_through += self.each_carried(id, |other| {
                if missing.remove(&other).is_some() {
                    in_use.push(other);
                }
            });
        }
        self.suspects.due = looked_through / SCANNED_PER_SUSPECT;
        for id in ahead {
            if missing.contains_key(&id) {
                self.ruin(id, effects);
            }
        }
    }

    /// Records the end count of a channel that the search meets for the first time, if it can be part of a
    /// cycle.
    fn meet(
        &self,
        id: ChannelId,
        missing: &mut HashMap<ChannelId, usize>,
        ahead: &mut Vec<ChannelId>,
    ) {
        if !missing.contains_key(&id)
            && let Some(state) = self.channels.get(id.0)
            && let Some(ends) = state.only_in_flight()
        {
            missing.insert(id, ends);
            ahead.push(id);
        }
    }

    /// Visits the channels of all ends in the channel's queue. Returns the number of messages and ends
    /// scanned.
    fn each_carried(&self, id: ChannelId, mut visit: impl FnMut(ChannelId)) -> usize {
        let queue = self.channels.get(id.0).map(|state| &state.queue);
        let mut looked_through = 0;
        for item in queue.into_iter().flatten() {
            looked_through += 1;
            #[cfg(test)]
            self.searched.set(self.searched.get() + 1);
            item.load.message.each_end(&mut |channel| {
                looked_through += 1;
                visit(channel);
            });
        }
        looked_through
    }
}
