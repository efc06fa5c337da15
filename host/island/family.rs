//! Families: an interpreter that a host created, with its copies and descendants.

use crate::exchange::{ChannelMeta, End, Exchange};
use crate::exec::blocking::Blocking;
use crate::island::Island;
use crate::wasi::descriptors::Closings;
use archipel_core::broker::{ChannelId, PartyId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// An interpreter that a host created, its copies, and the descendants of these.
///
/// Interpreters and channels are numbered per family, so that the numbers reveal nothing about other families.
pub(crate) struct Family {
    number: u64,
    members: Mutex<Members>,
    next_id: AtomicU64,
    pub(crate) channels: Channels,
    /// The queued bytes charged to the family when space was scarce.
    pub(crate) queued: Portion,
    /// The file descriptors charged to the family when they were scarce.
    pub(crate) descriptors: Portion,
    /// The file descriptors of the family that are being closed.
    pub(crate) closings: Closings,
    /// The executor of its members' blocking calls.
    pub(crate) blocking: Blocking,
}

/// The amount of a scarce resource that a family uses.
#[derive(Clone, Default, Debug)]
pub(crate) struct Portion(Arc<AtomicUsize>);

impl Portion {
    /// Charges `amount`. Returns `None` if the family's total would exceed `left`.
    pub(crate) fn share(&self, amount: usize, left: usize) -> Option<Share> {
        let more = |shared: usize| shared.checked_add(amount).filter(|shared| *shared <= left);
        let taken = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.ok().map(|_| Share {
            portion: self.clone(),
            amount,
        })
    }
}

/// A part of a family's portion, charged until it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    portion: Portion,
    amount: usize,
}

impl Drop for Share {
    fn drop(&mut self) {
        self.portion.0.fetch_sub(self.amount, Ordering::Relaxed);
    }
}

#[derive(Default)]
struct Members {
    all: BTreeMap<u64, (Weak<Island>, Option<u64>)>,
    /// Pairs of creator and created member, so that finding children does not scan all members.
    created: BTreeSet<(u64, u64)>,
}

impl Family {
    pub(crate) fn new(number: u64) -> Arc<Self> {
        Arc::new(Family {
            number,
            members: Mutex::default(),
            next_id: AtomicU64::new(0),
            channels: Channels::default(),
            queued: Portion::default(),
            descriptors: Portion::default(),
            closings: Closings::default(),
            blocking: Blocking::new(),
        })
    }

    /// Returns the family's number, which is unique in the runtime.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a number for a new member.
    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns the party of the member with number `id`. Returns `None` beyond the four billionth member or
    /// family, because the party would be that of an earlier one.
    pub(crate) fn party(&self, id: u64) -> Option<PartyId> {
        let family = u32::try_from(self.number).ok()?;
        let member = u32::try_from(id).ok()?;
        let party = PartyId(u64::from(family) << 32 | u64::from(member));
        (!party.is_reserved()).then_some(party)
    }

    /// Returns the number of the member that is `party`, if there is one.
    pub(crate) fn id_of(&self, party: PartyId) -> Option<u64> {
        let PartyId(number) = party;
        (number >> 32 == self.number && !party.is_reserved()).then_some(number & 0xffff_ffff)
    }

    /// Adds a member.
    pub(crate) fn add(&self, island: &Arc<Island>) {
        let creator = island.parent_id();
        let mut members = self.members();
        let member = (Arc::downgrade(island), creator);
        members.all.insert(island.id, member);
        members
            .created
            .extend(creator.map(|creator| (creator, island.id)));
    }

    /// Removes a member. Removing it twice has no effect.
    pub(crate) fn remove(&self, id: u64) {
        let mut members = self.members();
        if let Some((_, Some(creator))) = members.all.remove(&id) {
            members.created.remove(&(creator, id));
        }
    }

    /// Returns the living member with number `id`.
    pub(crate) fn member(&self, id: u64) -> Option<Arc<Island>> {
        self.members().all.get(&id)?.0.upgrade()
    }

    /// Returns the living members, in ascending order of their numbers.
    pub(crate) fn living(&self) -> Vec<Arc<Island>> {
        // Upgraded after unlocking, so that no last reference is dropped under the lock.
        let members = self.members();
        let all: Vec<_> = members
            .all
            .values()
            .map(|(island, _)| island.clone())
            .collect();
        drop(members);
        all.iter().filter_map(Weak::upgrade).collect()
    }

    /// Returns the living children of the member with number `id`.
    pub(crate) fn children_of(&self, id: u64) -> Vec<Arc<Island>> {
        let members = self.members();
        let created = members.created.range((id, 0)..=(id, u64::MAX));
        let children = created.filter_map(|(_, child)| Some(members.all.get(child)?.0.clone()));
        let children: Vec<_> = children.collect();
        drop(members);
        children.iter().filter_map(Weak::upgrade).collect()
    }
}

/// The family's numbers of channels.
#[derive(Default)]
pub(crate) struct Channels(Mutex<Numbers>);

#[derive(Default)]
struct Numbers {
    of: HashMap<ChannelId, u64>,
    /// The metas are kept alive by the channel ends.
    known: HashMap<u64, (ChannelId, Weak<ChannelMeta>)>,
    next: u64,
    /// The size at which entries of freed channels are removed.
    clean_at: usize,
}

impl Channels {
    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the family's number for the channel of `end`.
    pub(crate) fn number(&self, exchange: &Exchange, end: &End) -> u64 {
        let mut numbers = self.numbers();
        if let Some(number) = numbers.of.get(&end.channel) {
            return *number;
        }
        if numbers.of.len() >= numbers.clean_at {
            let Numbers { of, known, .. } = &mut *numbers;
            exchange.with(|broker, _| {
                of.retain(|channel, number| {
                    let lives = broker.len(*channel).is_some();
                    if !lives {
                        known.remove(number);
                    }
                    lives
                });
            });
            numbers.clean_at = (2 * numbers.of.len()).max(64);
        }
        let number = numbers.next;
        numbers.next += 1;
        numbers.of.insert(end.channel, number);
        let known = (end.channel, Arc::downgrade(&end.meta));
        numbers.known.insert(number, known);
        number
    }

    /// Returns the channel with the family's number `number`. The channel may be gone.
    pub(crate) fn find(&self, number: u64) -> Option<(ChannelId, Arc<ChannelMeta>)> {
        let numbers = self.numbers();
        let (channel, meta) = numbers.known.get(&number)?;
        Some((*channel, meta.upgrade()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parties_of_members_are_unique() {
        let most = u64::from(u32::MAX);
        for (number, id, is_one) in [
            (1, 0, true),
            (1, most, true),
            (1, most + 1, false),
            (most, 0, true),
            (most, most, false),
            (most + 1, 0, false),
        ] {
            let family = Family::new(number);
            let party = family.party(id);
            assert_eq!(party.is_some(), is_one, "{number} {id}");
            assert_eq!(party.and_then(|p| family.id_of(p)), is_one.then_some(id));
        }
    }
}
