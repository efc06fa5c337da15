//! Which of several nested limits strikes: the outermost.
//!
//! A child's limits are its creator's too, so that what it does can reach several at once.  Were the innermost to
//! strike, the creator would be told of it, and would run on for a moment with its own limit reached: what
//! comes of it would be a race.

use super::{Island, Reason};
use archipel_core::error::LimitKind;
use archipel_core::ledger::Exceeded;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// When the job that runs in an interpreter began, while one runs.
#[derive(Default)]
pub(super) struct Began(Mutex<Option<Instant>>);

impl Began {
    fn set(&self, began: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = began;
    }

    fn get(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// That a job runs, as long as this lives.
pub(crate) struct UnderWay<'i>(&'i Island);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.began.set(None);
    }
}

/// A job that began at some time, and how many nanoseconds it may take.
type Timed = (Instant, Option<u64>);

/// How long the outermost of these jobs has taken that has reached its limit at `now`, with the limit and its
/// place.  They are given from the innermost.
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

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Island {
    /// Notes that a job begins now, until the result is dropped.
    pub(crate) fn under_way_since(&self, began: Instant) -> UnderWay<'_> {
        self.began.set(Some(began));
        UnderWay(self)
    }

    /// The interpreter and those above it, from itself.
    fn line(self: &Arc<Self>) -> impl Iterator<Item = Arc<Island>> {
        std::iter::successors(Some(self.clone()), |island| {
            island.parent.as_ref().and_then(Weak::upgrade)
        })
    }

    /// The outermost wall limit of the jobs here and above that is reached at `now`.
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

    /// Stops the outermost running interpreter that has reached a limit with this one: an ancestor, or none.
    ///
    /// It is asked for before anybody is told of what became of this one, so that no interpreter sees a child
    /// stopped at a limit that is its own.
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

    /// Waits for the end where this interpreter is being stopped: what it would be told now is not for it.
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
    fn the_outermost_job_that_is_late_is_found() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let limit = |millis: u64| Some(millis * 1_000_000);
        let found = |jobs: &[Option<Timed>], now| {
            outermost_late(jobs.iter().copied(), now).map(|(index, _, _)| index)
        };
        // The same limit for all, each of which began a little later than the one above it.
        let nested = [
            Some((at(2), limit(300))),
            Some((at(1), limit(300))),
            Some((at(0), limit(300))),
        ];
        assert_eq!(found(&nested, at(299)), None);
        // However late somebody looks, it is never one that has another late one above it.
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
