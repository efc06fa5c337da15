//! The process's file descriptors that guests use.
//!
//! The system limits them, and a guest that took the last one would block all others and the host. So a part
//! is reserved for the host, and of the rest no family can take what others need.

use crate::island::family::{Family, Share};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

/// The number that guests have open, in all runtimes of the process.
static OPEN: AtomicUsize = AtomicUsize::new(0);

/// The number reserved for the host.
const HOSTS: usize = 16;

/// File descriptors that a guest has open, charged until this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    count: usize,
    of: &'static AtomicUsize,
    _share: Option<Share>,
    /// Dropped after the charge and the share are released, so that the waiters it notifies find room.
    closing: Option<Closing>,
    closings: Closings,
}

/// The file descriptors of a family that are released but not yet closed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Closings(Arc<(AtomicUsize, Notify)>);

impl Closings {
    fn begin(&self) -> Closing {
        self.0.0.fetch_add(1, Ordering::AcqRel);
        Closing(self.clone())
    }

    fn is_any(&self) -> bool {
        self.0.0.load(Ordering::Acquire) > 0
    }
}

/// A file descriptor that is being closed, until this is dropped.
#[derive(Debug)]
struct Closing(Closings);

impl Drop for Closing {
    fn drop(&mut self) {
        let (count, closed) = &*self.0.0;
        count.fetch_sub(1, Ordering::AcqRel);
        closed.notify_waiters();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.of.fetch_sub(self.count, Ordering::Relaxed);
    }
}

impl Held {
    /// Charges `count` file descriptors to a member of `family`. Returns `None` if it cannot have more.
    ///
    /// When guests use half of their descriptors, a family can take at most as many more as it leaves to
    /// others.
    pub(crate) fn take(family: &Family, count: usize) -> Option<Held> {
        Held::take_of(family, count, &OPEN, most())
    }

    /// Does what [`Held::take`] does for one descriptor. If it is refused while some of the family's
    /// descriptors are being closed, waits for these.
    pub(crate) async fn take_one(family: &Family) -> Option<Held> {
        Held::take_closed(family, &OPEN, most()).await
    }

    async fn take_closed(family: &Family, of: &'static AtomicUsize, most: usize) -> Option<Held> {
        loop {
            let mut closed = pin!(family.closings.0.1.notified());
            closed.as_mut().enable();
            let more = family.closings.is_any();
            let held = Held::take_of(family, 1, of, most);
            if held.is_some() || !more {
                return held;
            }
            closed.await;
        }
    }

    /// Marks the descriptors as being closed. They stay charged until they are closed.
    pub(crate) fn closes(&mut self) {
        self.closing = Some(self.closings.begin());
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
            Some(_share) => Some(Held {
                count,
                of,
                _share,
                closing: None,
                closings: family.closings.clone(),
            }),
            None => {
                of.fetch_sub(count, Ordering::Relaxed);
                None
            }
        }
    }
}

/// Returns the maximum for all guests: three quarters of the system's limit for the process, minus the host's
/// reserve.
fn most() -> usize {
    limit().map_or(usize::MAX, of_guests)
}

fn of_guests(limit: usize) -> usize {
    (limit - limit / 4).saturating_sub(HOSTS)
}

/// Returns the system's limit for the process.
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
    use std::task::{Context, Poll, Waker};

    /// Takes as many as possible, one at a time.
    fn fill(family: &Family, open: &'static AtomicUsize, most: usize) -> Vec<Held> {
        std::iter::from_fn(|| Held::take_of(family, 1, open, most)).collect()
    }

    #[test]
    fn a_family_leaves_descriptors_to_others() {
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
    fn released_descriptors_can_be_taken_again() {
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
    fn take_waits_for_descriptors_that_are_being_closed() {
        let open: &AtomicUsize = Box::leak(Box::default());
        let (family, most) = (Family::new(1), 40);
        let mut held = fill(&family, open, most);
        let mut context = Context::from_waker(Waker::noop());
        let mut next = || pin!(Held::take_closed(&family, open, most)).poll(&mut context);
        assert!(matches!(next(), Poll::Ready(None)));
        let mut closing = held.pop().unwrap();
        closing.closes();
        let mut waits = pin!(Held::take_closed(&family, open, most));
        let mut context = Context::from_waker(Waker::noop());
        assert!(waits.as_mut().poll(&mut context).is_pending());
        drop(closing);
        assert!(matches!(waits.poll(&mut context), Poll::Ready(Some(_))));
    }

    #[test]
    fn descriptors_are_reserved_for_the_host() {
        for (limit, guests) in [(0, 0), (8, 0), (32, 8), (1024, 752)] {
            assert_eq!(of_guests(limit), guests);
        }
    }
}
