//! Time on a processor, measured where futures are polled.
//!
//! The clock of a thread's processor time takes longer to read than many a call takes, so what counts
//! is the time that passes while a guest is polled.  Where that is long, as it is for a guest that
//! computes until it is interrupted, the thread's clock is read too, and what the system gave to
//! others in the meantime is not counted.

use archipel_core::error::LimitKind;
use archipel_core::ledger::{Account, Exceeded};
use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// From here on it pays to read the thread's own clock.
const LONG: Duration = Duration::from_millis(2);

thread_local! {
    /// How long those took that were polled within the one that is polled now.
    static WITHIN: Cell<Duration> = const { Cell::new(Duration::ZERO) };

    /// How many are polled in each other.
    static DEPTH: Cell<u32> = const { Cell::new(0) };

    /// Since when the innermost one is polled.
    static SINCE: Cell<Option<Instant>> = const { Cell::new(None) };

    /// What the thread's clock said when it was read last.
    static READ: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// Polls `work`, at the cost of `account`, until it ends or takes more than it may.
///
/// Whoever polls it again after that lets it go on.
pub(crate) async fn metered<F: Future>(
    account: &Account,
    mut work: Pin<&mut F>,
) -> Result<F::Output, Exceeded> {
    std::future::poll_fn(|context| {
        let (polled, spent) = measured(work.as_mut(), context);
        let passed = account.note(LimitKind::Cpu, spent);
        match (polled, passed) {
            (Poll::Ready(output), _) => Poll::Ready(Ok(output)),
            (Poll::Pending, Some(passed)) => Poll::Ready(Err(passed)),
            (Poll::Pending, None) => Poll::Pending,
        }
    })
    .await
}

/// How long the guest that runs on this thread has done so since it last yielded or waited.
pub(crate) fn running_for() -> Option<Duration> {
    SINCE.get().map(|since| since.elapsed())
}

fn measured<F: Future>(work: Pin<&mut F>, context: &mut Context<'_>) -> (Poll<F::Output>, u64) {
    let outer = WITHIN.replace(Duration::ZERO);
    DEPTH.set(DEPTH.get() + 1);
    let start = Instant::now();
    let outer_since = SINCE.replace(Some(start));
    let polled = work.poll(context);
    SINCE.set(outer_since);
    let elapsed = start.elapsed();
    DEPTH.set(DEPTH.get() - 1);
    let mut own = elapsed.saturating_sub(WITHIN.get());
    WITHIN.set(outer + elapsed);
    if DEPTH.get() == 0 {
        WITHIN.set(Duration::ZERO);
        if elapsed > LONG
            && let Some(now) = thread_time()
            && let Some(before) = READ.replace(Some(now))
        {
            // The thread did other things too since then, but no more than this.
            own = own.min(now.saturating_sub(before));
        }
    }
    (polled, u64::try_from(own.as_nanos()).unwrap_or(u64::MAX))
}

/// What the thread's own clock says.
#[cfg(unix)]
pub(crate) fn thread_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).ok()
}

#[cfg(not(unix))]
pub(crate) fn thread_time() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use archipel_core::limits::Limits;
    use std::pin::pin;
    use std::task::Waker;

    /// Computes for at least `time`, and yields.
    async fn busy(time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            std::hint::spin_loop();
        }
        tokio::task::yield_now().await;
    }

    fn poll_once<F: Future>(work: Pin<&mut F>) -> Poll<F::Output> {
        work.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn one_within_another_is_not_counted_twice() {
        let parent = Account::open(None, &Limits::new());
        let child = Account::open(Some(&parent), &Limits::new());
        let inner = async {
            let work = pin!(busy(Duration::from_millis(1)));
            metered(&child, work).await
        };
        let outer = pin!(inner);
        let whole = pin!(metered(&parent, outer));
        assert!(poll_once(whole).is_pending());
        let (parents, both) = parent.used(LimitKind::Cpu);
        let (childs, _) = child.used(LimitKind::Cpu);
        assert!(childs >= 1_000_000);
        assert_eq!(both, parents + childs);
        assert!(parents < childs);
    }

    #[test]
    fn whoever_takes_too_much_is_told_and_can_go_on() {
        let limits = Limits::new().cpu(Duration::from_micros(10)).unwrap();
        let account = Account::open(None, &limits);
        let mut work = pin!(busy(Duration::from_micros(50)));
        let stopped = poll_once(pin!(metered(&account, work.as_mut())));
        assert!(matches!(stopped, Poll::Ready(Err(exceeded)) if exceeded.limit == 10_000));
        let ended = poll_once(pin!(metered(&account, work)));
        assert!(matches!(ended, Poll::Ready(Ok(()))));
    }
}
