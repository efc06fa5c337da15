//! The workers: where the futures of guests run, and how callers wait for them.

use super::run::Run;
use super::scheduler::Scheduler;
use super::timers::Timers;
use super::wait_hook::watched;
use crate::account::Gauge;
use archipel_core::error::{Error, Result};
use async_task::FallibleTask;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use tokio::sync::oneshot;

/// The threads that run guests, and the timers that wake them.
pub(crate) struct Workers {
    scheduler: Scheduler,
    /// Timers, and the blocking pool.
    timers: Timers,
    /// The number of callers that run guests on their own threads.
    inline: Gauge,
    /// The number of workers, which is also the maximum of `inline`.
    count: usize,
}

impl Workers {
    pub(crate) fn start(workers: usize) -> Result<Self> {
        let timers = Timers::start().map_err(Error::of_system)?;
        let scheduler = Scheduler::start(workers, timers.handle()).map_err(Error::of_system)?;
        Ok(Workers {
            scheduler,
            timers,
            inline: Gauge::default(),
            count: workers,
        })
    }

    /// Runs `future` on the workers.
    pub(crate) fn spawn<F>(&self, future: F) -> FallibleTask<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.scheduler.spawn(future)
    }

    /// Runs `future` on the workers while the caller awaits it. Dropping this cancels it.
    pub(crate) async fn join<F>(&self, future: F) -> Result<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.spawn(future).await.ok_or_else(task_dropped)
    }

    /// Runs `future` to its end and blocks the caller.
    ///
    /// It starts on the caller's thread, since a move to another thread takes longer than many
    /// scripts run. As soon as it waits, or has run for `INLINE_TICKS` ticks, it moves to the
    /// workers.
    pub(crate) fn block_on<F>(&self, future: F) -> Result<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        if self.scheduler.is_worker() {
            // A host alias makes this call. If every worker did that, no worker would be left to
            // run what they wait for.
            return Ok(self.wait(future));
        }
        let mut future = Box::pin(future);
        match self.inline(future.as_mut()) {
            Some(output) => Ok(output),
            None => self.wait(self.join(future)),
        }
    }

    /// Polls `future` on the caller's thread until it waits or has run for `INLINE_TICKS` ticks.
    ///
    /// At most as many callers do so as there are workers. With more, the operating system would
    /// decide which guest runs, and a guest to be killed could wait long for a processor.
    fn inline<F: Future>(&self, mut future: Pin<&mut F>) -> Option<F::Output> {
        let _permit = self.inline.charge_within(1, self.count)?;
        let _entered = self.timers.handle().enter();
        let woken = Arc::new(Woken(AtomicBool::new(false)));
        let waker = woken.clone().into();
        let mut context = std::task::Context::from_waker(&waker);
        for _ in 0..INLINE_TICKS {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return Some(output);
            }
            // A guest that only yielded is polled again at once. All other waits are polled again
            // by a worker.
            if !woken.0.swap(false, Ordering::Relaxed) {
                break;
            }
        }
        None
    }

    /// Runs `run` to its end, or until it is stopped, and blocks the caller.
    pub(crate) fn finish<T: Send + 'static>(&self, mut run: Run<T>) -> Result<T> {
        if self.scheduler.is_worker() {
            return self.wait(run);
        }
        if let Some(result) = self.inline(Pin::new(&mut run)) {
            return result;
        }
        let stopped = stopped(&run);
        self.wait(either(async { self.join(run).await? }, stopped))
    }

    /// Runs `run` as `finish` does, for asynchronous callers. Dropping this stops the run.
    pub(crate) async fn finish_async<T: Send + 'static>(&self, run: Run<T>) -> Result<T> {
        let stopped = stopped(&run);
        either(async { self.join(run).await? }, stopped).await
    }

    /// Enters the tokio runtime, for tests that poll by hand.
    #[cfg(test)]
    pub(crate) fn enter(&self) -> tokio::runtime::EnterGuard<'_> {
        self.timers.handle().enter()
    }

    /// Runs `future` to its end on the caller's thread.
    pub(crate) fn wait<F: Future>(&self, future: F) -> F::Output {
        let _entered = self.timers.handle().enter();
        pollster::block_on(watched(future))
    }
}

/// Resolves when `run` is stopped. The task that polls `run` can see the request later.
fn stopped<T: Send + 'static>(run: &Run<T>) -> oneshot::Receiver<Result<T>> {
    let (sender, receiver) = oneshot::channel();
    run.when_stopped(move |error| {
        // The caller may be gone.
        let _ = sender.send(error);
    });
    receiver
}

/// Returns the result of `run`, or of `stopped` if that comes first.
async fn either<T>(
    run: impl Future<Output = Result<T>>,
    stopped: oneshot::Receiver<Result<T>>,
) -> Result<T> {
    tokio::select! {
        biased;
        Ok(stopped) = stopped => stopped,
        result = run => result,
    }
}

/// The error of a task that panicked or was dropped.
fn task_dropped() -> Error {
    Error::Internal("a worker dropped a task".into())
}

/// The number of ticks for which a call may run on the thread of its caller.
const INLINE_TICKS: usize = 4;

/// A waker that records that it was woken.
struct Woken(AtomicBool);

impl std::task::Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}
