//! The request to stop an interpreter.

use archipel_core::error::Error;
use archipel_core::ledger::Exceeded;
use std::sync::OnceLock;

/// Why an interpreter is stopped.
#[derive(Debug, Clone)]
pub(crate) enum Reason {
    Killed,
    /// It was cancelled in a way that cannot be caught, with this message.
    Cancelled(String),
    /// What runs below it has reached a limit of its own.
    Limited(Exceeded),
}

/// The request to stop whatever runs, now and later.  The first one counts.
#[derive(Default)]
pub(crate) struct Stop(OnceLock<Reason>);

impl Stop {
    pub(super) fn request(&self, reason: Reason) {
        // A second request finds the interpreter stopped already.
        let _ = self.0.set(reason);
    }

    pub(super) fn is_requested(&self) -> bool {
        self.0.get().is_some()
    }

    /// What came of what ran then.  What was dropped without any request counts as killed.
    pub(super) fn error(&self) -> Error {
        match self.0.get() {
            Some(Reason::Cancelled(message)) => Error::Cancelled(message.clone()),
            Some(Reason::Limited(exceeded)) => exceeded.clone().into(),
            Some(Reason::Killed) | None => Error::Killed,
        }
    }
}
