//! The request to stop an interpreter.

use archipel_core::error::Error;
use archipel_core::ledger::Exceeded;
use std::sync::OnceLock;

/// The reason for stopping an interpreter.
#[derive(Debug, Clone)]
pub(crate) enum Reason {
    Killed,
    /// It was cancelled with `unwind`, with this message.
    Cancelled(String),
    /// A limit was exceeded in a descendant, and is this interpreter's too.
    Limited(Exceeded),
}

/// The request to stop the current job and all later ones. Only the first request counts.
#[derive(Default)]
pub(crate) struct Stop(OnceLock<Reason>);

impl Stop {
    pub(super) fn request(&self, reason: Reason) {
        // After a second request the interpreter is already stopped.
        let _ = self.0.set(reason);
    }

    pub(super) fn is_requested(&self) -> bool {
        self.0.get().is_some()
    }

    /// Returns the error of the stopped job. Work that was dropped without a request counts as
    /// killed.
    pub(super) fn error(&self) -> Error {
        match self.0.get() {
            Some(Reason::Cancelled(message)) => Error::Cancelled(message.clone()),
            Some(Reason::Limited(exceeded)) => exceeded.clone().into(),
            Some(Reason::Killed) | None => Error::Killed,
        }
    }
}
