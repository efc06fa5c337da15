//! The process that a runtime belongs to: a forked child has its memory, and none of its threads.

use crate::errors;
use pyo3::prelude::*;

/// A handle of a runtime, which does nothing in a forked child, not even when it is dropped: locks can be held there
/// by threads that do not exist.
pub(crate) struct Own<T> {
    /// It is `None` only while it is dropped.
    handle: Option<T>,
    process: u32,
}

impl<T> Own<T> {
    pub(crate) fn new(handle: T) -> Self {
        Own {
            handle: Some(handle),
            process: std::process::id(),
        }
    }

    /// Returns the handle.
    ///
    /// # Errors
    ///
    /// Raises `archipel.Error` in a forked child.
    pub(crate) fn get(&self, py: Python<'_>) -> PyResult<&T> {
        match &self.handle {
            Some(handle) if self.process == std::process::id() => Ok(handle),
            _ => Err(errors::new(
                py,
                "Error",
                "a runtime cannot be used in a forked process (use the start method spawn or forkserver, or create \
                 the runtime after the fork)",
            )),
        }
    }
}

impl<T> Drop for Own<T> {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            std::mem::forget(self.handle.take());
        }
    }
}
