//! Cycles: channels that nobody can come to any more, because all of their ends lie in messages that
//! are queued in such channels.
//!
//! Counting ends does not find them, as counting references does not find cycles of objects. So
//! whenever a channel is left with no ends but those in flight, or something is queued in such a
//! channel, it becomes a *suspect*: what nobody can come to any more was reachable through a suspect
//! until then. The search follows the messages from the suspects on, takes the ends that it finds in
//! them off the count of all ends of their channels, and what is left of the count is held by
//! somebody: a wait, or whoever has received a message and not dealt with it yet. This is CPython's
//! own way of finding cycles, see its `InternalDocs/garbage_collector.md`.

use std::collections::HashMap;

use super::channel::Channel;
use super::{Broker, ChannelId, Effects, Parcel, PartyId, Side};

/// How much of what a search found in use another search may look through again for each new suspect,
/// so that searching costs each operation a bounded amount however much there is.
const LOOKED_THROUGH: usize = 16;

/// The channels to begin searching with.
#[derive(Debug)]
pub(super) struct Suspects {
    channels: Vec<ChannelId>,
    /// With more suspects than this a search is due.
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
    /// How many ends it has, if all of them travel inside messages.
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
    /// Makes a suspect of the channel if there is any reason to.
    #[inline]
    pub(super) fn suspect(&mut self, id: ChannelId) {
        let state = self.channels.get(id.0);
        if state.is_some_and(|state| !state.queue.is_empty() && state.only_in_flight().is_some()) {
            self.suspects.channels.push(id);
        }
    }

    /// Destroys the channels that nobody can come to any more, whose messages are left to
    /// [`Effects::discarded`]. The broker does this by itself, but where much is queued in channels
    /// whose ends are all in flight, not at once.
    pub fn collect(&mut self, effects: &mut Effects<M>) {
        self.search(effects);
        self.settle(effects);
    }

    /// Collects what can be, without settling.
    #[cold]
    pub(super) fn search(&mut self, effects: &mut Effects<M>) {
        // How many ends of a channel were not found in messages. It may be less than there are,
        // since the caller says what is in a message, but it cannot be less than none.
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
        self.suspects.due = looked_through / LOOKED_THROUGH;
        for id in ahead {
            if missing.contains_key(&id) {
                self.ruin(id, effects);
            }
        }
    }

    /// Counts the ends of a channel that the search meets for the first time, if it can be part of a
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

    /// Visits the channels of all ends that lie in the channel's queue. Returns how much there was to
    /// look through.
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
