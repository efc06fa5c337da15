//! Returning the pages that earlier interpreters wrote in a slot.
//!
//! A slot keeps the pages that were written in it: cleaning a present page by copying takes a tenth
//! of a new page fault. But kept pages are cleaned for every later interpreter, whether it writes
//! to them or not. An interpreter that imports a dozen modules leaves so many pages that short
//! lives in the same slot take twice as long. So the pages of an unusually long life are returned
//! to the system, and the next life pays for page faults once.

use crate::lock::lock;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// The CPU time, in nanoseconds, below which a life leaves few pages.
const SHORT_LIFE: u64 = 500_000;

/// The CPU time, in nanoseconds, above which the cost of new page faults does not matter.
const LONG_LIFE: u64 = 10_000_000;

/// The multiple of the average above which a life between the two is unusual.
const UNUSUAL: u64 = 8;

/// The inverse weight of one life in the moving average.
const PACE: u64 = 32;

/// The slots of a runtime, identified by the addresses of their memories.
#[derive(Debug, Default)]
pub(crate) struct SlotHistory {
    /// The average CPU time of lives that are not long, in nanoseconds.
    usual: AtomicU64,
    /// For each slot, the longest life, if not a short one, whose pages it still has.
    left: Mutex<HashMap<usize, u64>>,
}

impl SlotHistory {
    /// Records the end of a life that took `time` nanoseconds of CPU time. It returns whether the
    /// pages in the slot are to be returned to the system.
    pub(crate) fn ends(&self, slot: usize, time: u64) -> bool {
        let mut usual = self.usual.load(Ordering::Relaxed);
        // The pages of long lives are always returned, so they are not averaged.
        if time <= LONG_LIFE {
            usual = usual - usual / PACE + time / PACE;
            // A lost update between threads does not matter.
            self.usual.store(usual, Ordering::Relaxed);
        }
        let mut left = lock(&self.left);
        let longest = left.get(&slot).copied().unwrap_or(0).max(time);
        if longest > LONG_LIFE || longest > SHORT_LIFE && longest / UNUSUAL > usual {
            left.remove(&slot);
            return true;
        }
        if longest > SHORT_LIFE {
            left.insert(slot, longest);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: usize = 1 << 12;
    const B: usize = 2 << 12;
    const USUAL: u64 = 40_000;
    const IMPORTS: u64 = 2_000_000;

    #[test]
    fn pages_of_usual_lives_stay() {
        for time in [0, USUAL, SHORT_LIFE, IMPORTS, LONG_LIFE] {
            let slots = SlotHistory::default();
            let given_back = (0..1000).filter(|n| slots.ends(A + n % 2, time)).count();
            // The first lives count as unusual until the average is known.
            assert!(given_back < 20, "{time}: {given_back}");
            assert!(!slots.ends(B, time));
        }
    }

    #[test]
    fn pages_of_unusual_lives_are_returned() {
        let slots = SlotHistory::default();
        for n in 0..500 {
            assert!(!slots.ends(A + n % 2, USUAL));
        }
        for _ in 0..100 {
            assert!(slots.ends(A, 1000 * LONG_LIFE));
        }
        assert!(slots.ends(A, IMPORTS));
        assert!(!slots.ends(A, USUAL));
        assert!(slots.ends(A, LONG_LIFE + 1));
        assert!(!slots.ends(B, SHORT_LIFE));
    }

    #[test]
    fn a_life_that_became_unusual_is_noticed_in_each_slot() {
        let slots = SlotHistory::default();
        for _ in 0..500 {
            slots.ends(A, IMPORTS);
            slots.ends(B, IMPORTS);
        }
        let given_back: Vec<_> = (0..500).filter(|_| slots.ends(A, USUAL)).collect();
        assert_eq!(given_back.len(), 1);
        // The other slot still has the pages of a life that has become unusual.
        assert!(slots.ends(B, USUAL));
        assert!(!slots.ends(B, USUAL));
        assert!(slots.left.lock().unwrap().is_empty());
    }
}
