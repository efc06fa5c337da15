//! The standard guest that the package contains, and the progress of its preparation.

use archipel::Progress;
use pyo3::prelude::*;
use std::io;
use std::path::PathBuf;

/// Sets the function that returns the standard guest as bytes, or None if the package lacks it.
#[pyfunction]
pub(crate) fn supply(function: Py<PyAny>) {
    archipel::supply_standard_guest(move || {
        let supplied = Python::try_attach(|py| {
            let guest = function.call0(py)?;
            guest.extract::<Option<Vec<u8>>>(py)
        });
        match supplied {
            Some(supplied) => supplied.map_err(io::Error::other),
            None => Err(io::Error::other("the host is shutting down")),
        }
    });
}

/// Returns the user's cache folder, or None if the system has none.
#[pyfunction]
pub(crate) fn cache_dir() -> Option<PathBuf> {
    archipel::default_cache_dir()
}

/// Returns a callback that passes the steps of a preparation to `function(step, text)`.
pub(crate) fn progress(function: Py<PyAny>) -> impl FnMut(Progress) + Send + 'static {
    move |step| {
        let (step, text) = match step {
            Progress::Build(text) => ("build", text),
            Progress::Compile => ("compile", ""),
            Progress::Damaged(text) => ("damaged", text),
            Progress::NoCache => ("nocache", ""),
            _ => return,
        };
        Python::try_attach(|py| {
            if let Err(error) = function.call1(py, (step, text)) {
                error.write_unraisable(py, None);
            }
        });
    }
}
