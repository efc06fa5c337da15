//! The request to stop an interpreter.

use crate::lock::lock;
use archipel_core::error::Error;
use archipel_core::ledger::Exceeded;
use std::sync::{Mutex, MutexGuard, OnceLock, Weak};

/// The reason for stopping an interpreter.
#[derive(Debug, Clone)]
pub(crate) enum Reason {
    Killed,
    /// It was cancelled with `unwind`, with this message.
    Cancelled(String),
    /// A limit was exceeded in a descendant, and is this interpreter's too.
    Limited(Exceeded),
}

/// Work that can be stopped.
pub(super) trait Stoppable: Send + Sync {
    /// Drops the work after a stop was requested. If the work is being polled right now, the
    /// polling thread drops it instead.
    fn stop(&self);
}

/// The request to stop the current job and all later ones. Only the first request counts.
#[derive(Default)]
pub(crate) struct Stop {
    reason: OnceLock<Reason>,
    under_way: Mutex<Option<Weak<dyn Stoppable>>>,
}

impl Stop {
    /// Requests the stop, and drops the work that is under way.
    pub(crate) fn request(&self, reason: Reason) {
        // After a second request the interpreter is already stopped.
        let _ = self.reason.set(reason);
        let under_way = self.under_way().as_ref().and_then(Weak::upgrade);
        if let Some(under_way) = under_way {
            under_way.stop();
        }
    }

    /// Registers the work that is under way from now on.
    pub(super) fn register(&self, work: Weak<dyn Stoppable>) {
        *self.under_way() = Some(work);
    }

    fn under_way(&self) -> MutexGuard<'_, Option<Weak<dyn Stoppable>>> {
        lock(&self.under_way)
    }

    /// Returns whether a stop was requested.
    pub(crate) fn is_requested(&self) -> bool {
        self.reason.get().is_some()
    }

    /// Returns the error of the stopped job. Work that was dropped without a request counts as
    /// killed.
    pub(crate) fn error(&self) -> Error {
        match self.reason.get() {
            Some(Reason::Cancelled(message)) => Error::Cancelled(message.clone()),
            Some(Reason::Limited(exceeded)) => exceeded.clone().into(),
            Some(Reason::Killed) | None => Error::Killed,
        }
    }
}
