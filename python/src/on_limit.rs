//! The functions that decide when interpreters exceed limits.

use crate::errors;
use crate::settings::{Pairs, with_pairs};
use archipel::{LimitReached, Limits};
use pyo3::prelude::*;
use std::sync::{Mutex, PoisonError};

/// The function that decides when an interpreter exceeds a limit.
#[derive(Default)]
pub(crate) struct OnLimit(Mutex<Option<Py<PyAny>>>);

impl OnLimit {
    pub(crate) fn set(&self, function: Option<Py<PyAny>>) {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let previous = std::mem::replace(&mut *slot, function);
        drop(slot);
        drop(previous);
    }

    /// Returns new limits, or `None` if the interpreter must stop.
    pub(crate) fn ask(&self, reached: &LimitReached) -> Option<Limits> {
        if self.is_empty() {
            return None;
        }
        Python::try_attach(|py| {
            let function = {
                let slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                slot.as_ref().map(|function| function.clone_ref(py))?
            };
            let ask = || {
                let limit = errors::amount(py, reached.kind, reached.limit)?;
                let used = errors::amount(py, reached.kind, reached.used)?;
                let answer = function.call1(py, (reached.kind.name(), limit, used))?;
                let pairs: Pairs = answer.extract(py)?;
                with_pairs(py, Limits::new(), &pairs)
            };
            ask().map_err(|error| error.write_unraisable(py, None)).ok()
        })
        .flatten()
    }

    fn is_empty(&self) -> bool {
        let slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slot.is_none()
    }
}
