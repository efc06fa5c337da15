//! Clocks that stand still, and go on by what an interpreter waits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How far a standing clock has come, in nanoseconds: by the sleeps and timeouts that are over.
#[derive(Debug, Default)]
pub(crate) struct Standing(AtomicU64);

impl Standing {
    pub(crate) fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Goes on to a time, unless it is there already.
    pub(crate) fn reach(&self, time: u64) {
        self.0.fetch_max(time, Ordering::Relaxed);
    }

    /// Goes on by the timeout of a wait that is over.
    pub(crate) fn pass(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.reach(self.now().saturating_add(nanos));
    }
}
