//! CPU time, measured where futures are polled.
//!
//! Reading a thread's CPU clock takes longer than many calls, so usually the time that passes during a poll of
//! a guest is counted. If it is long, as for a guest that computes until it is preempted, the thread's CPU
//! clock is read too, so that time in which the system ran other threads is not counted.

use archipel_core::amount::nanos;
use archipel_core::error::LimitKind;
use archipel_core::ledger::{Account, Exceeded};
use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The duration from which reading the thread's CPU clock is worthwhile.
const LONG_POLL: Duration = Duration::from_millis(2);

thread_local! {
    /// The time of polls nested in the current one.
    static WITHIN: Cell<Duration> = const { Cell::new(Duration::ZERO) };

    /// The number of nested polls.
    static DEPTH: Cell<u32> = const { Cell::new(0) };

    /// The start of the innermost poll.
    static SINCE: Cell<Option<Instant>> = const { Cell::new(None) };

    /// The last reading of the thread's CPU clock.
    static READ: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// Polls `work` and charges its time to `account`, until `work` ends or a limit is exceeded.
///
/// After an exceeded limit, `work` can be polled again to continue.
pub(crate) async fn metered<F: Future>(
    account: &Account,
    mut work: Pin<&mut F>,
) -> Result<F::Output, Exceeded> {
    std::future::poll_fn(|context| {
        let (polled, spent) = poll_measured(work.as_mut(), context);
        let passed = account.note(LimitKind::Cpu, spent);
        match (polled, passed) {
            (Poll::Ready(output), _) => Poll::Ready(Ok(output)),
            (Poll::Pending, Some(passed)) => Poll::Ready(Err(passed)),
            (Poll::Pending, None) => Poll::Pending,
        }
    })
    .await
}

/// Returns how long the guest on this thread has run since it last yielded or waited.
pub(crate) fn running_for() -> Option<Duration> {
    SINCE.get().map(|since| since.elapsed())
}

fn poll_measured<F: Future>(
    work: Pin<&mut F>,
    context: &mut Context<'_>,
) -> (Poll<F::Output>, u64) {
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
        if elapsed > LONG_POLL
            && let Some(now) = thread_time()
            && let Some(before) = READ.replace(Some(now))
        {
            // The thread also did other things in this time, so it is an upper bound.
            own = own.min(now.saturating_sub(before));
        }
    }
    (polled, nanos(own))
}

/// Runs `work`, and charges the CPU time of this thread to `account`.
pub(crate) fn run_charged<T>(account: &Account, work: impl FnOnce() -> T) -> T {
    let before = thread_time();
    let done = work();
    if let (Some(before), Some(after)) = (before, thread_time()) {
        account.note(LimitKind::Cpu, nanos(after.saturating_sub(before)));
    }
    done
}

/// Returns the thread's CPU time.
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

    /// Computes for at least `time`, then yields.
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
    fn nested_polls_are_not_counted_twice() {
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
    fn work_can_be_polled_again_after_an_exceeded_limit() {
        let limits = Limits::new().cpu(Duration::from_micros(10));
        let account = Account::open(None, &limits);
        let mut work = pin!(busy(Duration::from_micros(50)));
        let stopped = poll_once(pin!(metered(&account, work.as_mut())));
        assert!(matches!(stopped, Poll::Ready(Err(exceeded)) if exceeded.limit == 10_000));
        let ended = poll_once(pin!(metered(&account, work)));
        assert!(matches!(ended, Poll::Ready(Ok(()))));
    }
}
