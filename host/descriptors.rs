//! The process's file descriptors, as far as guests have them open.
//!
//! The system gives a process so many, and who takes the last one is in the way of all others, the host included.
//! So a part stays the host's, and of the rest no family takes what others need.

use crate::family::{Family, Share};
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many guests have open, in all runtimes of the process.
static OPEN: AtomicUsize = AtomicUsize::new(0);

/// How many the host needs in any case.
const HOSTS: usize = 16;

/// Descriptors that a guest has open, until this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    count: usize,
    of: &'static AtomicUsize,
    _share: Option<Share>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.of.fetch_sub(self.count, Ordering::Relaxed);
    }
}

impl Held {
    /// Counts `count` descriptors of a member of `family`; `None` where it may have no more.
    ///
    /// When guests have half of what there is for them, a family can take at most as many more as it leaves to
    /// others.
    pub(crate) fn take(family: &Family, count: usize) -> Option<Held> {
        Held::take_of(family, count, &OPEN, most())
    }

    fn take_of(
        family: &Family,
        count: usize,
        of: &'static AtomicUsize,
        most: usize,
    ) -> Option<Held> {
        let before = of.fetch_add(count, Ordering::Relaxed);
        let after = before.saturating_add(count);
        let share = match after <= most / 2 {
            true => Some(None),
            false => {
                let left = most.checked_sub(after);
                let share = left.and_then(|left| family.descriptors.share(count, left + count));
                share.map(Some)
            }
        };
        match share {
            Some(_share) => Some(Held { count, of, _share }),
            None => {
                of.fetch_sub(count, Ordering::Relaxed);
                None
            }
        }
    }
}

/// How many guests can have open together: three quarters of what the system lets the process have, without
/// what the host needs in any case.
fn most() -> usize {
    limit().map_or(usize::MAX, of_guests)
}

fn of_guests(limit: usize) -> usize {
    (limit - limit / 4).saturating_sub(HOSTS)
}

/// How many the process can have.
#[cfg(unix)]
fn limit() -> Option<usize> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    usize::try_from(limit.current?).ok()
}

#[cfg(not(unix))]
fn limit() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes all that it can have, one at a time.
    fn fill(family: &Family, open: &'static AtomicUsize, most: usize) -> Vec<Held> {
        std::iter::from_fn(|| Held::take_of(family, 1, open, most)).collect()
    }

    #[test]
    fn no_family_takes_what_others_need() {
        for most in [0, 1, 2, 7, 8, 100, 752] {
            let open: &AtomicUsize = Box::leak(Box::default());
            let families: Vec<_> = (1..5).map(Family::new).collect();
            let held: Vec<_> = families
                .iter()
                .map(|family| fill(family, open, most))
                .collect();
            let counts: Vec<_> = held.iter().map(Vec::len).collect();
            assert!(counts.iter().sum::<usize>() <= most, "{most}: {counts:?}");
            if most >= 100 {
                assert!(counts[0] <= most * 3 / 4 + 1, "{most}: {counts:?}");
                assert!(
                    counts.iter().all(|count| *count >= most / 32),
                    "{most}: {counts:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let open: &AtomicUsize = Box::leak(Box::default());
        let (family, most) = (Family::new(1), 40);
        let held = fill(&family, open, most);
        let count = held.len();
        assert!(count > most / 2);
        drop(held);
        assert_eq!(open.load(Ordering::Relaxed), 0);
        assert_eq!(fill(&family, open, most).len(), count);
    }

    #[test]
    fn some_are_the_hosts() {
        for (limit, guests) in [(0, 0), (8, 0), (32, 8), (1024, 752)] {
            assert_eq!(of_guests(limit), guests);
        }
    }
}
