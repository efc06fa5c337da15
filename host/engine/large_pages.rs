//! Large pages for guests with large arrays.
//!
//! A new array costs a page fault for each of its pages, and code that visits an array in random order spends most of
//! its time on looking up pages. So once a guest grows its memory by several MiB at a time, its new memory gets pages of
//! 2 MiB. Most guests stay smaller than that and would waste such pages.

use crate::lock::lock;
use archipel_core::limits::MOST_MEMORY;
use std::collections::HashSet;
use std::sync::{Arc, Mutex};

/// The growth at a time, in bytes, from which on a guest gets large pages.
const LARGE: usize = 4 << 20;

/// The size of a large page on most systems, in bytes.
const PAGE: usize = 2 << 20;

/// The maximum number of slots with large pages. Each takes up to two mappings of the process's.
const MOST_SLOTS: usize = 200;

/// The slots of a runtime that have had large pages, identified by the addresses of their memories.
#[derive(Debug, Default)]
pub(crate) struct LargePages(Mutex<HashSet<usize>>);

/// The memory of one guest.
#[derive(Debug)]
pub(crate) struct Slot {
    pages: Arc<LargePages>,
    /// The memory's address.
    start: usize,
    /// The address from which on it has large pages.
    large: Option<usize>,
}

impl LargePages {
    /// Returns the memory of a guest, which starts at an address in the pool.
    pub(crate) fn slot(self: &Arc<Self>, start: usize) -> Slot {
        Slot {
            pages: self.clone(),
            start,
            large: None,
        }
    }

    fn has_room_for(&self, slot: usize) -> bool {
        let mut slots = lock(&self.0);
        if slots.len() < MOST_SLOTS {
            slots.insert(slot);
        }
        slots.contains(&slot)
    }
}

impl Slot {
    /// Notes that the memory is about to grow.
    pub(crate) fn grows(&mut self, current: usize, desired: usize) {
        if self.large.is_some()
            || desired.saturating_sub(current) < LARGE
            || !self.pages.has_room_for(self.start)
        {
            return;
        }
        let begin = (self.start + current).next_multiple_of(PAGE);
        self.large = Some(begin);
        advise(begin, self.start + MOST_MEMORY, true);
    }

    /// Returns whether the memory has large pages.
    pub(crate) fn is_large(&self) -> bool {
        self.large.is_some()
    }

    /// Makes new pages of the memory small again, for the next guest in the slot.
    pub(crate) fn ends(&mut self) {
        if let Some(begin) = self.large.take() {
            advise(begin, self.start + MOST_MEMORY, false);
        }
    }
}

/// Sets whether new pages between two addresses in a slot are large. If the system cannot do that, nothing changes.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "only madvise can choose the size of pages")]
fn advise(begin: usize, end: usize, large: bool) {
    use rustix::mm::{Advice, madvise};
    let advice = match large {
        true => Advice::LinuxHugepage,
        false => Advice::LinuxNoHugepage,
    };
    let place = std::ptr::with_exposed_provenance_mut(begin);
    // SAFETY: neither advice changes the contents of memory or its protection, whatever is mapped there.
    let _ = unsafe { madvise(place, end.saturating_sub(begin), advice) };
}

#[cfg(not(target_os = "linux"))]
fn advise(_begin: usize, _end: usize, _large: bool) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_large_growth_gets_large_pages_in_a_bounded_number_of_slots() {
        let pages = Arc::<LargePages>::default();
        // No memory is mapped at these addresses, so the system ignores the advice.
        for number in 1..=MOST_SLOTS + 1 {
            let mut slot = pages.slot(number << 12);
            slot.grows(PAGE, PAGE + LARGE - 1);
            assert!(!slot.is_large());
            slot.grows(PAGE, PAGE + LARGE);
            assert_eq!(slot.is_large(), number <= MOST_SLOTS);
            slot.ends();
            assert!(!slot.is_large());
        }
        let mut known = pages.slot(1 << 12);
        known.grows(0, LARGE);
        assert_eq!(known.large, Some(PAGE));
    }
}
