//! The exceptions of the package for the errors of the library.

use archipel::{Error, LimitKind, Raised};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyModule;

static CLASSES: PyOnceLock<Py<PyModule>> = PyOnceLock::new();

/// Returns the module with the exceptions.
fn classes(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    let module =
        CLASSES.get_or_try_init(py, || py.import("archipel._errors").map(Bound::unbind))?;
    Ok(module.bind(py))
}

/// Calls the class or the function `name` of that module, and returns the exception that it makes.
fn make<'py, A>(py: Python<'py>, name: &str, args: A) -> PyErr
where
    A: pyo3::call::PyCallArgs<'py>,
{
    let made = classes(py)
        .and_then(|classes| classes.getattr(name))
        .and_then(|class| class.call1(args));
    match made {
        Ok(error) => PyErr::from_value(error),
        Err(error) => error,
    }
}

/// Creates an exception of the class `name` with a text.
pub(crate) fn new(py: Python<'_>, name: &str, text: impl Into<String>) -> PyErr {
    make(py, name, (text.into(),))
}

fn raised(py: Python<'_>, raised: &Raised) -> PyErr {
    let texts = (
        &raised.module,
        &raised.name,
        &raised.qualified_name,
        &raised.message,
        &raised.traceback,
    );
    make(py, "_failed", texts)
}

/// Returns how many of the library's units are one of the package's, in which times are seconds.
pub(crate) fn unit(kind: LimitKind) -> u64 {
    match kind {
        LimitKind::Cpu | LimitKind::Wall => 1_000_000_000,
        _ => 1,
    }
}

/// Converts an amount to the unit of the package.
pub(crate) fn amount<'py>(
    py: Python<'py>,
    kind: LimitKind,
    amount: u64,
) -> PyResult<Bound<'py, PyAny>> {
    Ok(match unit(kind) {
        1 => amount.into_pyobject(py)?.into_any(),
        #[expect(
            clippy::cast_precision_loss,
            reason = "nanoseconds are precision enough"
        )]
        unit => {
            let seconds = amount as f64 / unit as f64;
            seconds.into_pyobject(py)?.into_any()
        }
    })
}

/// Converts an error of the library into an exception.
pub(crate) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    let text = error.to_string();
    match error {
        Error::Raised(of) => raised(py, of),
        Error::LimitExceeded { kind, limit, used } => {
            match (amount(py, *kind, *limit), amount(py, *kind, *used)) {
                (Ok(limit), Ok(used)) => {
                    make(py, "_limit_exceeded", (text, kind.name(), limit, used))
                }
                (Err(error), _) | (_, Err(error)) => error,
            }
        }
        Error::Cancelled(message) => new(py, "Cancelled", message),
        Error::Denied(_) => new(py, "Denied", text),
        Error::Killed | Error::Died(_) => new(py, "InterpreterDied", text),
        Error::Closed => new(py, "InterpreterNotFoundError", text),
        Error::Running => new(py, "InterpreterError", text),
        Error::NotShareable(_) => new(py, "NotShareableError", text),
        Error::Config(_) => new(py, "ConfigError", text),
        Error::NoMemory(_) => new(py, "OutOfMemory", text),
        _ => new(py, "InterpreterError", text),
    }
}
