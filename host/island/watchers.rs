//! Whoever wants to know that an interpreter has nothing to do.

use std::sync::{Mutex, MutexGuard, PoisonError, Weak};

/// One of those.
pub(crate) trait Watcher: Send + Sync {
    /// It has nothing to do.
    fn idles(&self);
}

/// All of them, until they were told.
#[derive(Default)]
pub(super) struct Watchers(Mutex<Vec<Weak<dyn Watcher>>>);

/// With fewer than these it is not worth while to look for those that are no more.
const FEW: usize = 64;

impl Watchers {
    fn all(&self) -> MutexGuard<'_, Vec<Weak<dyn Watcher>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds one, who is told once unless he is no more by then.
    pub(super) fn add(&self, watcher: Weak<dyn Watcher>) {
        let mut all = self.all();
        // A guest can watch itself, which is never idle meanwhile, and forget about it, over and over.
        if all.len() >= FEW && all.len() == all.capacity() {
            all.retain(|watcher| watcher.strong_count() > 0);
        }
        all.push(watcher);
    }

    /// Tells them.
    pub(super) fn tell(&self) {
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
    struct Told(AtomicUsize);

    impl Watcher for Told {
        fn idles(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn those_that_are_no_more_are_forgotten_and_the_others_told_once() {
        let watchers = Watchers::default();
        let kept: Vec<Arc<Told>> = (0..100).map(|_| Arc::default()).collect();
        for watcher in &kept {
            let watcher: Weak<Told> = Arc::downgrade(watcher);
            watchers.add(watcher);
            for _ in 0..1000 {
                let gone: Weak<Told> = Arc::downgrade(&Arc::default());
                watchers.add(gone);
            }
        }
        assert!(watchers.all().capacity() <= 4 * kept.len());
        watchers.tell();
        watchers.tell();
        let told = kept.iter().map(|watcher| watcher.0.load(Ordering::Relaxed));
        assert!(told.eq(kept.iter().map(|_| 1)));
    }
}
