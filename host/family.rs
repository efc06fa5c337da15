//! Families: an interpreter that a host created, and its descendants.

use crate::blocking::Blocking;
use crate::descriptors::Closings;
use crate::exchange::{Charter, End, Exchange};
use crate::island::Island;
use archipel_core::broker::{ChannelId, PartyId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// An interpreter that a host created, its copies, and the descendants of these.
///
/// Numbers of interpreters and channels are the family's own, so that they tell nothing of others.
pub(crate) struct Family {
    number: u64,
    members: Mutex<Members>,
    next_id: AtomicU64,
    pub(crate) channels: Channels,
    /// The bytes of its messages that were queued while there was little room.
    pub(crate) queued: Portion,
    /// The descriptors that it has opened while there were few left.
    pub(crate) descriptors: Portion,
    /// Those of them that are being closed.
    pub(crate) closings: Closings,
    /// Where its members' blocking calls run.
    pub(crate) blocking: Blocking,
}

/// How much a family has of what is scarce.
#[derive(Clone, Default, Debug)]
pub(crate) struct Portion(Arc<AtomicUsize>);

impl Portion {
    /// A share of `amount` more; `None` where it would be more than `left`.
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

/// What something has of its family's portion, until it is dropped.
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
    /// The numbers of creators and of what they created, so that the end of one does not look at all others.
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

    /// The number of the family, which no other in the runtime has.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number for a new member.
    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// The party that the member with number `id` is.  There is none beyond the four billionth member or
    /// family, which would be taken for an earlier one.
    pub(crate) fn party(&self, id: u64) -> Option<PartyId> {
        let family = u32::try_from(self.number).ok()?;
        let member = u32::try_from(id).ok()?;
        let party = PartyId(u64::from(family) << 32 | u64::from(member));
        (!party.is_reserved()).then_some(party)
    }

    /// The number of the member that `party` is, if it is one.
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

    /// Removes a member; doing it twice is harmless.
    pub(crate) fn remove(&self, id: u64) {
        let mut members = self.members();
        if let Some((_, Some(creator))) = members.all.remove(&id) {
            members.created.remove(&(creator, id));
        }
    }

    /// The living member with number `id`.
    pub(crate) fn member(&self, id: u64) -> Option<Arc<Island>> {
        self.members().all.get(&id)?.0.upgrade()
    }

    /// The living members, in ascending order of their numbers.
    pub(crate) fn living(&self) -> Vec<Arc<Island>> {
        // Whoever holds the last reference drops it after the lock is released.
        let members = self.members();
        let all: Vec<_> = members
            .all
            .values()
            .map(|(island, _)| island.clone())
            .collect();
        drop(members);
        all.iter().filter_map(Weak::upgrade).collect()
    }

    /// The living members that the one with number `id` created.
    pub(crate) fn children_of(&self, id: u64) -> Vec<Arc<Island>> {
        let members = self.members();
        let created = members.created.range((id, 0)..=(id, u64::MAX));
        let children = created.filter_map(|(_, child)| Some(members.all.get(child)?.0.clone()));
        let children: Vec<_> = children.collect();
        drop(members);
        children.iter().filter_map(Weak::upgrade).collect()
    }
}

/// The numbers by which a family knows channels.
#[derive(Default)]
pub(crate) struct Channels(Mutex<Numbers>);

#[derive(Default)]
struct Numbers {
    of: HashMap<ChannelId, u64>,
    /// Each of a channel's ends has its charter.
    known: HashMap<u64, (ChannelId, Weak<Charter>)>,
    next: u64,
    /// At this size, those that are no more are forgotten.
    clean_at: usize,
}

impl Channels {
    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The family's number for the channel of `end`.
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
        let known = (end.channel, Arc::downgrade(&end.charter));
        numbers.known.insert(number, known);
        number
    }

    /// The channel that the family knows by `number`; it may be gone by now.
    pub(crate) fn find(&self, number: u64) -> Option<(ChannelId, Arc<Charter>)> {
        let numbers = self.numbers();
        let (channel, charter) = numbers.known.get(&number)?;
        Some((*channel, charter.upgrade()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_members_are_one_party() {
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
