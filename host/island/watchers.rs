//! Watchers, which are notified when an interpreter becomes idle.

use crate::lock::lock;
use std::sync::{Mutex, MutexGuard, Weak};

/// Something that is notified when an interpreter becomes idle.
pub(crate) trait Watcher: Send + Sync {
    /// The interpreter is idle.
    fn idles(&self);
}

/// The registered watchers; each is notified once.
#[derive(Default)]
pub(super) struct Watchers(Mutex<Vec<Weak<dyn Watcher>>>);

/// The number of watchers below which dropped ones are kept.
const FEW_WATCHERS: usize = 64;

impl Watchers {
    fn all(&self) -> MutexGuard<'_, Vec<Weak<dyn Watcher>>> {
        lock(&self.0)
    }

    /// Registers a watcher. It is notified once, unless it is dropped first.
    pub(super) fn add(&self, watcher: Weak<dyn Watcher>) {
        let mut all = self.all();
        // A running guest can watch itself and drop the watcher, over and over.
        if all.len() >= FEW_WATCHERS && all.len() == all.capacity() {
            all.retain(|watcher| watcher.strong_count() > 0);
        }
        all.push(watcher);
    }

    /// Notifies all watchers.
    pub(super) fn notify(&self) {
        let all = std::mem::take(&mut *self.all());
        for watcher in all.iter().filter_map(Weak::upgrade) {
            watcher.idles();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Watcher for Counter {
        fn idles(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn dropped_watchers_are_removed_and_live_ones_notified_once() {
        let watchers = Watchers::default();
        let kept: Vec<Arc<Counter>> = (0..100).map(|_| Arc::default()).collect();
        for watcher in &kept {
            let watcher: Weak<Counter> = Arc::downgrade(watcher);
            watchers.add(watcher);
            for _ in 0..1000 {
                let gone: Weak<Counter> = Arc::downgrade(&Arc::default());
                watchers.add(gone);
            }
        }
        assert!(watchers.all().capacity() <= 4 * kept.len());
        watchers.notify();
        watchers.notify();
        let counts = kept.iter().map(|watcher| watcher.0.load(Ordering::Relaxed));
        assert!(counts.eq(kept.iter().map(|_| 1)));
    }
}
