//! Parties: their waits, their ends, and whether they are able to act.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use super::bond::Bond;
use super::{Broker, ChannelId, Effects, Parcel, PartyId, Side, WaitId};

/// A hasher for party numbers. The host chooses these, so it need not resist chosen collisions.
#[derive(Copy, Clone, Default, Debug)]
pub(super) struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        let product = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ (product >> 32);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[derive(Debug)]
pub(super) struct Party {
    pub(super) running: bool,
    pub(super) host_owned: bool,
    pub(super) parent: Option<PartyId>,
    pub(super) waits: Vec<WaitId>,
    /// The number of pending waits that only another party ends.
    untimed: usize,
    /// The number of pending waits that also end by themselves at some time.
    timed: usize,
    /// The party is being stopped, so its waits will end regardless of other parties.
    stopping: bool,
    /// True if it counts as awake.
    awake: bool,
    /// True if it is in the list of suspects.
    suspect: bool,
    ends: BTreeSet<(ChannelId, Side)>,
    /// The number of queued messages that are bound to it, by channel.
    bound: BTreeMap<ChannelId, usize>,
    /// True while it is being removed. Its messages that are put back then become orphans at once.
    leaving: bool,
    /// The state of its own random generator, if it was seeded.
    random: Option<u64>,
}

impl Party {
    /// Returns whether it only waits for others. A party with an untaken result is not asleep, because it will
    /// take the result.
    pub(super) fn is_asleep(&self) -> bool {
        self.running && !self.stopping && self.untimed > 0 && self.untimed == self.waits.len()
    }

    pub(super) fn is_awake(&self) -> bool {
        self.awake
    }
}

#[derive(Debug)]
pub(super) struct Parties {
    all: HashMap<PartyId, Party, BuildHasherDefault<Spread>>,
    awake: usize,
    /// The parties that fell asleep since the last analysis. Only these can have completed a deadlock.
    suspects: Vec<PartyId>,
    /// All parties are suspects, regardless of the list.
    suspect_all: bool,
}

impl Parties {
    pub(super) fn new() -> Self {
        Self {
            all: HashMap::default(),
            awake: 0,
            suspects: Vec::new(),
            suspect_all: false,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn get(&self, party: PartyId) -> Option<&Party> {
        self.all.get(&party)
    }

    pub(super) fn set_random(&mut self, party: PartyId, state: u64) {
        if let Some(party) = self.all.get_mut(&party) {
            party.random = Some(state);
        }
    }

    pub(super) fn random(&mut self, party: PartyId) -> Option<&mut u64> {
        self.all.get_mut(&party)?.random.as_mut()
    }

    pub(super) fn exists(&self, party: PartyId) -> bool {
        party.is_reserved() || self.all.contains_key(&party)
    }

    pub(super) fn none_awake(&self) -> bool {
        self.awake == 0
    }

    pub(super) fn has_suspects(&self) -> bool {
        self.suspect_all || !self.suspects.is_empty()
    }

    /// Makes all parties suspects, because an event other than falling asleep may have completed a deadlock.
    pub(super) fn suspect_all(&mut self) {
        self.suspect_all = true;
    }

    /// Takes the suspects that are asleep: only these can be part of a deadlock that did not exist at the last
    /// analysis.
    pub(super) fn take_suspects(&mut self) -> Vec<PartyId> {
        let mut suspects = std::mem::take(&mut self.suspects);
        for party in &suspects {
            if let Some(state) = self.all.get_mut(party) {
                state.suspect = false;
            }
        }
        if std::mem::take(&mut self.suspect_all) {
            suspects = self.all.keys().copied().collect();
        }
        suspects.retain(|party| self.all.get(party).is_some_and(Party::is_asleep));
        suspects.sort_unstable();
        suspects
    }

    /// Changes a party and updates the number of awake parties and the suspects.
    fn change(&mut self, party: PartyId, change: impl FnOnce(&mut Party)) -> bool {
        let Some(state) = self.all.get_mut(&party) else {
            return false;
        };
        change(state);
        let asleep = state.is_asleep();
        let awake = state.running && !asleep;
        if awake != state.awake {
            state.awake = awake;
            if awake {
                self.awake += 1;
            } else {
                self.awake -= 1;
            }
        }
        // The list holds each party once. Removed parties can remain in it, but removing one sets
        // `suspect_all`, which stops the list from growing.
        if asleep && !state.suspect && !self.suspect_all {
            state.suspect = true;
            self.suspects.push(party);
        }
        true
    }

    pub(super) fn may_wait(&self, party: PartyId, limit: usize) -> bool {
        party == PartyId::HOST || self.get(party).is_some_and(|p| p.waits.len() < limit)
    }

    pub(super) fn began(&mut self, party: PartyId, wait: WaitId, timed: bool) {
        self.change(party, |state| {
            state.waits.push(wait);
            *state.pending(timed) += 1;
        });
    }

    /// Records that a wait has a result now.
    pub(super) fn note_ended(&mut self, party: PartyId, timed: bool) {
        self.change(party, |state| *state.pending(timed) -= 1);
    }

    /// Removes a wait that has ended.
    pub(super) fn remove_wait(&mut self, party: PartyId, wait: WaitId) {
        let mut now_idle = false;
        self.change(party, |state| {
            if let Some(place) = state.waits.iter().position(|&other| other == wait) {
                state.waits.swap_remove(place);
            }
            now_idle = !state.running && !state.host_owned && state.waits.is_empty();
        });
        if now_idle {
            self.suspect_all();
        }
    }

    pub(super) fn note_end(&mut self, party: PartyId, channel: ChannelId, side: Side) {
        if let Some(state) = self.all.get_mut(&party) {
            state.ends.insert((channel, side));
        }
    }

    pub(super) fn forget_end(&mut self, party: PartyId, channel: ChannelId, side: Side) {
        if let Some(state) = self.all.get_mut(&party) {
            state.ends.remove(&(channel, side));
        }
    }

    /// Returns whether the bound sender is being removed or does not exist.
    #[inline]
    pub(super) fn has_left(&self, bond: Bond) -> bool {
        let sender = bond.sender();
        sender.is_some_and(|sender| self.all.get(&sender).is_none_or(|state| state.leaving))
    }

    /// Records that a message with that bond is queued in the channel. Returns `false` if the bound party does
    /// not exist.
    #[inline]
    pub(super) fn bind(&mut self, bond: Bond, channel: ChannelId) -> bool {
        bond.sender()
            .is_none_or(|sender| self.note_bound(sender, channel))
    }

    // Not inlined, to keep the path of messages that outlive their sender short.
    #[inline(never)]
    fn note_bound(&mut self, sender: PartyId, channel: ChannelId) -> bool {
        let Some(state) = self.all.get_mut(&sender) else {
            return false;
        };
        *state.bound.entry(channel).or_insert(0) += 1;
        true
    }

    /// Records that a message with that bond is no longer queued in the channel.
    #[inline]
    pub(super) fn unbind(&mut self, bond: Bond, channel: ChannelId) {
        if let Some(sender) = bond.sender() {
            self.forget_bound(sender, channel);
        }
    }

    #[inline(never)]
    fn forget_bound(&mut self, sender: PartyId, channel: ChannelId) {
        if let Some(state) = self.all.get_mut(&sender)
            && let Some(count) = state.bound.get_mut(&channel)
        {
            *count -= 1;
            if *count == 0 {
                state.bound.remove(&channel);
            }
        }
    }

    /// Takes the channels with queued messages that are bound to the party, and the number in each.
    pub(super) fn take_bound(&mut self, party: PartyId) -> BTreeMap<ChannelId, usize> {
        let state = self.all.get_mut(&party);
        state.map_or_else(BTreeMap::new, |state| std::mem::take(&mut state.bound))
    }

    #[cfg(test)]
    pub(super) fn bound(&self, party: PartyId) -> Option<&BTreeMap<ChannelId, usize>> {
        Some(&self.get(party)?.bound)
    }
}

impl Party {
    fn pending(&mut self, timed: bool) -> &mut usize {
        if timed {
            &mut self.timed
        } else {
            &mut self.untimed
        }
    }
}

impl<M: Parcel> Broker<M> {
    /// Adds a party, which is idle at first.
    ///
    /// If `host_owned`, the host can run it at any time. Otherwise only its ancestors can: its `parent`, the
    /// parent's parent, and so on. If [`PartyId::HOST`] is among the ancestors, the host can run it at any
    /// time too. A party with neither can never be run.
    ///
    /// If the number was used before, the new party counts as the same sender: messages of the former party
    /// that were being received when it was removed are bound to the new party if they are put back.
    ///
    /// Returns `false` and changes nothing if the number is in use.
    pub fn add_party(&mut self, id: PartyId, host_owned: bool, parent: Option<PartyId>) -> bool {
        if self.parties.exists(id) {
            return false;
        }
        let party = Party {
            running: false,
            host_owned,
            parent,
            waits: Vec::new(),
            untimed: 0,
            timed: 0,
            stopping: false,
            awake: false,
            suspect: false,
            ends: BTreeSet::new(),
            bound: BTreeMap::new(),
            leaving: false,
            random: None,
        };
        self.parties.all.insert(id, party);
        true
    }

    /// Sets whether the party executes anything. It keeps running while it waits. When a task ends, fire its
    /// event before calling this.
    ///
    /// A running party is *awake*, unless it has untimed waits and nothing else, that is, no timed wait and no
    /// untaken result. Such a party is assumed to do nothing but wait. A party that does several things at
    /// once must use timed waits or be divided into several parties.
    ///
    /// Returns whether the party exists.
    pub fn set_running(&mut self, party: PartyId, running: bool, effects: &mut Effects<M>) -> bool {
        let mut left_alone = false;
        let exists = self.parties.change(party, |state| {
            left_alone = state.running && !running && !state.host_owned;
            state.running = running;
        });
        if left_alone {
            self.parties.suspect_all();
        }
        self.settle(effects);
        exists
    }

    /// Marks the party as being stopped: it will be removed, whatever it waits for now.
    pub fn set_stopping(&mut self, party: PartyId) {
        self.parties.change(party, |state| state.stopping = true);
    }

    /// Removes the party: abandons its waits, discards their unsent messages, and releases all its ends.
    /// Queued messages that do not outlive it become [orphans](super::Orphaned). Messages that a wait has
    /// already received count as delivered. The party's events stay, because the caller fires or releases
    /// them.
    ///
    /// Returns whether the party existed.
    pub fn remove_party(&mut self, party: PartyId, effects: &mut Effects<M>) -> bool {
        let Some(state) = self.parties.all.get_mut(&party) else {
            return false;
        };
        state.leaving = true;
        // One at a time: a message that one wait puts back can go to the party's next wait.
        while let Some(wait) = self
            .parties
            .get(party)
            .and_then(|p| p.waits.last().copied())
        {
            let Some(unsent) = self.give_up(wait, effects) else {
                break;
            };
            effects.discarded.extend(unsent);
        }
        let state = self.parties.all.get_mut(&party);
        let ends = state.map(|state| std::mem::take(&mut state.ends));
        for (channel, side) in ends.into_iter().flatten() {
            self.drop_ends(channel, side, party, usize::MAX, effects);
        }
        // After the ends, so that destroyed queues are not scanned.
        self.orphan_all(party, effects);
        self.parties.change(party, |state| state.running = false);
        self.parties.all.remove(&party);
        self.parties.suspect_all();
        self.settle(effects);
        true
    }
}
