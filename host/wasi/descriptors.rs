//! The process's file descriptors that guests use.
//!
//! The system limits them, and a guest that took the last one would block all others and the host. So a part
//! is reserved for the host, and of the rest no family can take what others need.

use crate::account::{Charge, Gauge, fair_share};
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use tokio::sync::Notify;

/// The number that guests have open, in all runtimes of the process.
static OPEN: LazyLock<Gauge> = LazyLock::new(Gauge::default);

/// The number reserved for the host.
const HOSTS: usize = 16;

/// The file descriptors of a family.
#[derive(Clone, Debug, Default)]
pub(crate) struct DescriptorBudget {
    /// The descriptors charged to the family when they were scarce.
    scarce: Gauge,
    closings: Closings,
}

/// File descriptors that a guest has open, charged until this is dropped.
#[derive(Debug)]
pub(crate) struct DescriptorCharge {
    _open: Charge,
    _share: Option<Charge>,
    /// Dropped after the charges, so that the waiters it notifies find room.
    closing: Option<Closing>,
    closings: Closings,
}

/// The file descriptors of a family that are released but not yet closed, and the waiters for them.
#[derive(Clone, Debug, Default)]
struct Closings {
    count: Gauge,
    closed: Arc<Notify>,
}

impl Closings {
    fn begin(&self) -> Closing {
        let (charge, _) = self.count.charge(1);
        Closing {
            charge: Some(charge),
            closed: self.closed.clone(),
        }
    }

    fn is_any(&self) -> bool {
        self.count.amount() > 0
    }
}

/// A file descriptor that is being closed, until this is dropped.
#[derive(Debug)]
struct Closing {
    charge: Option<Charge>,
    closed: Arc<Notify>,
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.charge = None;
        self.closed.notify_waiters();
    }
}

impl DescriptorBudget {
    /// Charges `count` file descriptors to a member of the family. Returns `None` if it cannot have more.
    ///
    /// When guests use half of their descriptors, a family can take at most as many more as it leaves to
    /// others.
    pub(crate) fn take(&self, count: usize) -> Option<DescriptorCharge> {
        self.take_of(count, &OPEN, most())
    }

    /// Does what [`take`](Self::take) does for one descriptor. If it is refused while some of the family's
    /// descriptors are being closed, waits for these.
    pub(crate) async fn take_one(&self) -> Option<DescriptorCharge> {
        self.take_closed(&OPEN, most()).await
    }

    async fn take_closed(&self, open: &Gauge, most: usize) -> Option<DescriptorCharge> {
        loop {
            let mut closed = pin!(self.closings.closed.notified());
            closed.as_mut().enable();
            let more = self.closings.is_any();
            let charge = self.take_of(1, open, most);
            if charge.is_some() || !more {
                return charge;
            }
            closed.await;
        }
    }

    fn take_of(&self, count: usize, open: &Gauge, most: usize) -> Option<DescriptorCharge> {
        let (charge, total) = open.charge(count);
        let share = fair_share(&self.scarce, count, total - count, most)?;
        Some(DescriptorCharge {
            _open: charge,
            _share: share,
            closing: None,
            closings: self.closings.clone(),
        })
    }
}

impl DescriptorCharge {
    /// Marks the descriptors as being closed. They stay charged until they are closed.
    pub(crate) fn closes(&mut self) {
        self.closing = Some(self.closings.begin());
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
    fn fill(budget: &DescriptorBudget, open: &Gauge, most: usize) -> Vec<DescriptorCharge> {
        std::iter::from_fn(|| budget.take_of(1, open, most)).collect()
    }

    #[test]
    fn a_family_leaves_descriptors_to_others() {
        for most in [0, 1, 2, 7, 8, 100, 752] {
            let open = Gauge::default();
            let held: Vec<_> = (1..5)
                .map(|_| fill(&DescriptorBudget::default(), &open, most))
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
        let (budget, open, most) = (DescriptorBudget::default(), Gauge::default(), 40);
        let held = fill(&budget, &open, most);
        let count = held.len();
        assert!(count > most / 2);
        drop(held);
        assert_eq!(open.amount(), 0);
        assert_eq!(fill(&budget, &open, most).len(), count);
    }

    #[test]
    fn take_waits_for_descriptors_that_are_being_closed() {
        let (budget, open, most) = (DescriptorBudget::default(), Gauge::default(), 40);
        let mut held = fill(&budget, &open, most);
        let mut context = Context::from_waker(Waker::noop());
        let mut next = || pin!(budget.take_closed(&open, most)).poll(&mut context);
        assert!(matches!(next(), Poll::Ready(None)));
        let mut closing = held.pop().unwrap();
        closing.closes();
        let mut waits = pin!(budget.take_closed(&open, most));
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
