//! The choice among several nested limits: the outermost takes effect.
//!
//! A child's use also counts against its ancestors' limits, so one action can exceed several limits
//! at once. If the innermost took effect, the parent would see its child stopped and would run for
//! a moment with its own limit exceeded, and the outcome would be a race.

use super::Island;
use crate::exec::stop::Reason;
use crate::lock::lock;
use archipel_core::amount::nanos;
use archipel_core::error::LimitKind;
use archipel_core::ledger::Exceeded;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

/// The start of the running job, if one runs.
#[derive(Default)]
pub(super) struct Began(Mutex<Option<Instant>>);

impl Began {
    fn set(&self, began: Option<Instant>) {
        *lock(&self.0) = began;
    }

    fn get(&self) -> Option<Instant> {
        *lock(&self.0)
    }
}

/// Marks a job as running while it lives.
pub(crate) struct UnderWay<'i>(&'i Island);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.began.set(None);
    }
}

/// The start of a job, and its wall limit in nanoseconds.
type Timed = (Instant, Option<u64>);

/// Returns the index, the limit and the duration of the outermost job whose limit is exceeded at
/// `now`. The innermost job comes first.
fn outermost_late(
    jobs: impl Iterator<Item = Option<Timed>>,
    now: Instant,
) -> Option<(usize, u64, u64)> {
    let late = jobs.enumerate().filter_map(|(index, job)| {
        let (began, limit) = job?;
        let limit = limit?;
        let taken = now.saturating_duration_since(began);
        (taken >= Duration::from_nanos(limit)).then(|| (index, limit, nanos(taken)))
    });
    late.last()
}

impl Island {
    /// Marks a job as running since `began`, until the result is dropped.
    pub(crate) fn under_way_since(&self, began: Instant) -> UnderWay<'_> {
        self.began.set(Some(began));
        UnderWay(self)
    }

    /// Returns this interpreter and its ancestors, innermost first.
    fn line(self: &Arc<Self>) -> impl Iterator<Item = Arc<Island>> {
        std::iter::successors(Some(self.clone()), |island| {
            island.parent.as_ref().and_then(Weak::upgrade)
        })
    }

    /// Returns the outermost wall limit, here or above, that is exceeded at `now`.
    pub(crate) fn late_at(self: &Arc<Self>, now: Instant) -> Option<Exceeded> {
        let line: Vec<_> = self.line().collect();
        let jobs = line.iter().map(|island| {
            let began = island.began.get()?;
            Some((began, island.account.tightest(LimitKind::Wall)))
        });
        let (index, limit, used) = outermost_late(jobs, now)?;
        Some(Exceeded {
            kind: LimitKind::Wall,
            limit,
            used,
            generation: line[index].account.generation(),
        })
    }

    /// Stops the outermost running ancestor, if any, whose limit is exceeded together with this
    /// one's.
    ///
    /// It is called before the outcome of this interpreter is reported, so that no interpreter sees
    /// a child stopped by a limit that is its own.
    pub(crate) fn strike(self: &Arc<Self>, exceeded: &Exceeded) {
        let above = self
            .line()
            .skip(1)
            .take_while(|island| island.account.generation() >= exceeded.generation);
        let struck = above.filter(|island| island.is_running()).last();
        if let Some(island) = struck {
            island.stop(Reason::Limited(exceeded.clone()));
        }
    }

    /// If this interpreter is being stopped, waits to be dropped, so that it gets no further
    /// results.
    pub(crate) async fn unless_stopping(&self) {
        if self.is_stopping() {
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outermost_late_job_is_found() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let limit = |millis: u64| Some(millis * 1_000_000);
        let found = |jobs: &[Option<Timed>], now| {
            outermost_late(jobs.iter().copied(), now).map(|(index, _, _)| index)
        };
        // The same limit for all; each began a little later than the one above it.
        let nested = [
            Some((at(2), limit(300))),
            Some((at(1), limit(300))),
            Some((at(0), limit(300))),
        ];
        assert_eq!(found(&nested, at(299)), None);
        // The result is never a job with a late job above it, at any time.
        for (now, expected) in [(300, 2), (301, 2), (302, 2), (900, 2)] {
            assert_eq!(found(&nested, at(now)), Some(expected), "{now}");
        }
        let tighter_within = [Some((at(2), limit(100))), Some((at(0), limit(300)))];
        assert_eq!(found(&tighter_within, at(102)), Some(0));
        assert_eq!(found(&tighter_within, at(300)), Some(1));
        let idle_or_unlimited = [Some((at(2), limit(100))), Some((at(0), None)), None];
        assert_eq!(found(&idle_or_unlimited, at(500)), Some(0));
    }
}
