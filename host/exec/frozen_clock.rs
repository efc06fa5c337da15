//! Frozen clocks, which advance only by the waits of their interpreter.

use archipel_core::amount::nanos;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The time of a frozen clock, in nanoseconds: the total of the sleeps and timeouts that ended.
#[derive(Debug, Default)]
pub(crate) struct FrozenClock(AtomicU64);

impl FrozenClock {
    pub(crate) fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Advances to `time`, unless the clock is later already.
    pub(crate) fn advance_to(&self, time: u64) {
        self.0.fetch_max(time, Ordering::Relaxed);
    }

    /// Advances by the timeout of a wait that ended.
    pub(crate) fn advance(&self, time: Duration) {
        self.advance_to(self.now().saturating_add(nanos(time)));
    }
}
