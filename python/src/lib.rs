//! The extension module beneath the Python package `archipel`: what must run without the GIL. The package, in
//! `python/archipel`, is the interface that programs use.

mod alias;
mod channel;
mod command;
mod errors;
mod guest;
mod interpreter;
mod on_limit;
mod output;
mod process;
mod runtime;
mod select;
mod settings;
mod values;
mod waiting;
mod watch;

use pyo3::prelude::*;

/// The extension module of the package `archipel`, which is the public interface.
#[pymodule]
fn _archipel(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<runtime::Runtime>()?;
    module.add_class::<interpreter::Interpreter>()?;
    module.add_class::<channel::Sender>()?;
    module.add_class::<channel::Receiver>()?;
    module.add_class::<channel::Waiting>()?;
    module.add_class::<alias::Reply>()?;
    module.add_function(wrap_pyfunction!(select::select, module)?)?;
    module.add_function(wrap_pyfunction!(values::check, module)?)?;
    module.add_function(wrap_pyfunction!(guest::supply, module)?)?;
    module.add_function(wrap_pyfunction!(guest::cache_dir, module)?)?;
    module.add_function(wrap_pyfunction!(command::main, module)?)?;
    module.add("limit_units", settings::units(module.py())?)?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}
