//! The future of a job in an island, which its owner polls and others can stop.

use super::stop::{Stop, Stoppable};
use crate::lock::lock;
use archipel_core::error::Result;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

type Work<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;
type Hook<T> = Box<dyn FnOnce(Result<T>) + Send>;

/// Work in an island. Dropping it ends the work, and destroys the island, whose state is then
/// unknown.
///
/// A stop drops the work at once, on the thread that requests it, because the task that polls the
/// work can be far back in the queue for a worker.
#[must_use]
pub(crate) struct Run<T>(Arc<Cell<T>>);

struct Cell<T> {
    stop: Arc<Stop>,
    work: Mutex<Option<Work<T>>>,
    /// Called when the work is stopped.
    hook: Mutex<Option<Hook<T>>>,
}

impl<T: Send + 'static> Run<T> {
    /// Starts `work`, which `stop` can stop, and which must destroy the island if it is dropped
    /// before it ends.
    pub(crate) fn begin(
        stop: &Arc<Stop>,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Self {
        let cell = Arc::new(Cell {
            stop: stop.clone(),
            work: Mutex::new(Some(Box::pin(work))),
            hook: Mutex::default(),
        });
        let stoppable: Arc<dyn Stoppable> = cell.clone();
        stop.register(Arc::downgrade(&stoppable));
        let run = Run(cell);
        if stop.is_requested() {
            // The stop was requested after the island was entered and before the line above.
            run.0.stop();
        }
        run
    }

    /// Calls `hook` with the error if the work is stopped.
    pub(crate) fn when_stopped(&self, hook: impl FnOnce(Result<T>) + Send + 'static) {
        *lock(&self.0.hook) = Some(Box::new(hook));
        if self.0.stop.is_requested() && lock(&self.0.work).is_none() {
            self.0.call_hook();
        }
    }
}

impl<T> Cell<T> {
    fn call_hook(&self) {
        let hook = lock(&self.hook).take();
        if let Some(hook) = hook {
            hook(Err(self.stop.error()));
        }
    }
}

impl<T: Send + 'static> Stoppable for Cell<T> {
    fn stop(&self) {
        let work = match self.work.try_lock() {
            Ok(mut work) => work.take(),
            Err(std::sync::TryLockError::Poisoned(work)) => work.into_inner().take(),
            Err(std::sync::TryLockError::WouldBlock) => return,
        };
        if work.is_some() {
            drop(work);
            self.call_hook();
        }
    }
}

impl<T: Send + 'static> Future for Run<T> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        let cell = &self.0;
        let polled = {
            let mut work = lock(&cell.work);
            let Some(under_way) = work.as_mut() else {
                return Poll::Ready(Err(cell.stop.error()));
            };
            let polled = under_way.as_mut().poll(context);
            if polled.is_ready() {
                *work = None;
            }
            polled
        };
        // A stop that was requested during the poll could not drop the work.
        if polled.is_pending() && cell.stop.is_requested() {
            cell.stop();
            return Poll::Ready(Err(cell.stop.error()));
        }
        polled
    }
}

impl<T> Drop for Run<T> {
    fn drop(&mut self) {
        let work = lock(&self.0.work).take();
        drop(work);
    }
}
