//! What runs in an island: a future that whoever asked for it awaits, and that others can end.

use super::Island;
use archipel_core::error::Result;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

type Work<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;
type Hook<T> = Box<dyn FnOnce(Result<T>) + Send>;

/// Work in an island.  Dropping it ends the work, and with it the island, whose state is unknown then.
///
/// A request to stop ends it at once, on the thread of whoever makes it: a task that computes may
/// stand far back in the line for a worker.
#[must_use]
pub(crate) struct Run<T>(Arc<Cell<T>>);

struct Cell<T> {
    island: Arc<Island>,
    work: Mutex<Option<Work<T>>>,
    /// Whom to tell when somebody stops it.
    hook: Mutex<Option<Hook<T>>>,
}

/// What runs in an island, for whoever wants to stop it.
pub(super) trait Stoppable: Send + Sync {
    /// Ends the work, which was requested before, unless it is polled just now: then whoever polls it
    /// does so in a moment.
    fn stop(&self);
}

impl<T: Send + 'static> Run<T> {
    /// Begins `work`, which must do away with the island when it is dropped half-way.
    pub(super) fn begin(
        island: &Arc<Island>,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Self {
        let cell = Arc::new(Cell {
            island: island.clone(),
            work: Mutex::new(Some(Box::pin(work))),
            hook: Mutex::default(),
        });
        let stoppable: Arc<dyn Stoppable> = cell.clone();
        *island.under_way() = Some(Arc::downgrade(&stoppable));
        let run = Run(cell);
        if island.stop.is_requested() {
            // The request came between entering the island and this.
            run.0.stop();
        }
        run
    }

    /// Calls `hook` with the error when somebody stops it.
    pub(crate) fn when_stopped(&self, hook: impl FnOnce(Result<T>) + Send + 'static) {
        *lock(&self.0.hook) = Some(Box::new(hook));
        if self.0.island.stop.is_requested() && lock(&self.0.work).is_none() {
            self.0.tell();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A guest's work that panics is caught by its worker, and never polled again.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Cell<T> {
    fn tell(&self) {
        let hook = lock(&self.hook).take();
        if let Some(hook) = hook {
            hook(Err(self.island.stop.error()));
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
            self.tell();
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
                return Poll::Ready(Err(cell.island.stop.error()));
            };
            let polled = under_way.as_mut().poll(context);
            if polled.is_ready() {
                *work = None;
            }
            polled
        };
        // Whoever requested it while the work was polled could not end it.
        if polled.is_pending() && cell.island.stop.is_requested() {
            cell.stop();
            return Poll::Ready(Err(cell.island.stop.error()));
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
