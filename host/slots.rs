//! What earlier lives left behind in the slots that new interpreters get.
//!
//! A slot keeps the pages that were written in it, since a page that is there is cleaned by copying at a
//! tenth of what it costs to have the system give it again. But it is cleaned whether the next
//! interpreter writes to it or not: one that imports a dozen modules leaves so many that all that
//! have the slot after it live twice as long, if they do little. So what an unusual life has left is
//! given back to the system, which the next life pays for once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// A life that takes less processor time than this leaves little behind, in nanoseconds.
const SHORT: u64 = 500_000;

/// After one that takes more, having all pages given again does not matter.
const LONG: u64 = 10_000_000;

/// In between, a life is unusual that takes so many times what lives usually take.
const UNUSUAL: u64 = 8;

/// The average follows the lives at this pace.
const PACE: u64 = 32;

/// The slots of a runtime, named by the addresses of their memories.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    /// The processor time that lives take which are not long, in nanoseconds.
    usual: AtomicU64,
    /// The longest lives whose pages are in a slot still, by slot, where they were not short.
    left: Mutex<HashMap<usize, u64>>,
}

impl Slots {
    /// A life ends that has taken this much processor time, in nanoseconds. Returns whether what it and those
    /// before it have written is to be given back.
    pub(crate) fn ends(&self, slot: usize, time: u64) -> bool {
        let mut usual = self.usual.load(Ordering::Relaxed);
        // What is given back in any case says nothing of what the others leave.
        if time <= LONG {
            usual = usual - usual / PACE + time / PACE;
            // An update that another thread overwrites is no loss.
            self.usual.store(usual, Ordering::Relaxed);
        }
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let longest = left.get(&slot).copied().unwrap_or(0).max(time);
        if longest > LONG || longest > SHORT && longest / UNUSUAL > usual {
            left.remove(&slot);
            return true;
        }
        if longest > SHORT {
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
    fn what_lives_usually_leave_stays() {
        for time in [0, USUAL, SHORT, IMPORTS, LONG] {
            let slots = Slots::default();
            let given_back = (0..1000).filter(|n| slots.ends(A + n % 2, time)).count();
            // Until it is known what is usual.
            assert!(given_back < 20, "{time}: {given_back}");
            assert!(!slots.ends(B, time));
        }
    }

    #[test]
    fn what_unusual_ones_leave_does_not() {
        let slots = Slots::default();
        for n in 0..500 {
            assert!(!slots.ends(A + n % 2, USUAL));
        }
        for _ in 0..100 {
            assert!(slots.ends(A, 1000 * LONG));
        }
        assert!(slots.ends(A, IMPORTS));
        assert!(!slots.ends(A, USUAL));
        assert!(slots.ends(A, LONG + 1));
        assert!(!slots.ends(B, SHORT));
    }

    #[test]
    fn what_became_unusual_is_noticed_by_whoever_has_the_slot_next() {
        let slots = Slots::default();
        for _ in 0..500 {
            slots.ends(A, IMPORTS);
            slots.ends(B, IMPORTS);
        }
        let given_back: Vec<_> = (0..500).filter(|_| slots.ends(A, USUAL)).collect();
        assert_eq!(given_back.len(), 1);
        // Nobody had that one meanwhile.
        assert!(slots.ends(B, USUAL));
        assert!(!slots.ends(B, USUAL));
        assert!(slots.left.lock().unwrap().is_empty());
    }
}
