//! The command `archipel`.

use pyo3::prelude::*;
use std::ffi::OsString;

/// Runs the command, and returns its exit status. The first argument is the name of the program.
#[pyfunction]
pub(crate) fn main(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| archipel_cli::main(arguments))
}
