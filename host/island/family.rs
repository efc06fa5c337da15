//! Families: an interpreter that a host created, with its copies and descendants.

use super::Island;
use crate::account::Gauge;
use crate::exchange::numbers::ChannelNumbers;
use crate::exec::blocking::Blocking;
use crate::lock::lock;
use crate::wasi::descriptors::DescriptorBudget;
use archipel_core::broker::PartyId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

/// An interpreter that a host created, its copies, and the descendants of these.
///
/// Interpreters and channels are numbered per family, so that the numbers reveal nothing about other families.
pub(crate) struct Family {
    number: u64,
    members: Mutex<Members>,
    next_id: AtomicU64,
    pub(crate) channels: ChannelNumbers,
    /// The queued bytes charged to the family when space was scarce.
    pub(crate) queued: Gauge,
    pub(crate) descriptors: DescriptorBudget,
    /// The executor of its members' blocking calls.
    pub(crate) blocking: Blocking,
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
            channels: ChannelNumbers::default(),
            queued: Gauge::default(),
            descriptors: DescriptorBudget::default(),
            blocking: Blocking::new(),
        })
    }

    /// Returns the family's number, which is unique in the runtime.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        lock(&self.members)
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
