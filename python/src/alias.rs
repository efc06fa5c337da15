//! Python functions as aliases.

use crate::errors;
use crate::values::{from_python, to_python};
use archipel::{AliasError, Call, Interpreter, Value};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

type Outcome = Result<Value, AliasError>;

/// A failure, as text for the script and for the host's log.
fn failure(py: Python<'_>, error: PyErr) -> AliasError {
    let texts = py
        .import("archipel._errors")
        .and_then(|errors| errors.call_method1("_complaint", (error,)))
        .and_then(|texts| texts.extract::<(String, String)>());
    match texts {
        Ok((reason, detail)) => AliasError::new(reason).with_detail(detail),
        Err(error) => AliasError::from(error),
    }
}

/// The failure of a call after the end of the interpreter of the host.
fn ending() -> AliasError {
    AliasError::new("the host is shutting down")
}

fn arguments<'py>(
    py: Python<'py>,
    call: Call,
) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
    let args: Vec<_> = call
        .args
        .into_iter()
        .map(|value| to_python(py, value))
        .collect::<PyResult<_>>()?;
    let keywords = PyDict::new(py);
    for (name, value) in call.kwargs {
        keywords.set_item(name, to_python(py, value)?)?;
    }
    Ok((PyTuple::new(py, args)?, keywords))
}

fn answer(py: Python<'_>, result: PyResult<Bound<'_, PyAny>>) -> Outcome {
    let result = result.map_err(|error| failure(py, error))?;
    from_python(&result, "the result").map_err(|error| {
        let text = error.value(py).to_string();
        AliasError::new(format!("the result cannot be sent: {text}"))
    })
}

/// Lends an interpreter a function that is called on a thread that can block.
pub(crate) fn lend(island: &Interpreter, name: &str, function: Py<PyAny>) -> archipel::Result<()> {
    island.alias_blocking(name, move |call| {
        let outcome = Python::try_attach(|py| {
            let called = arguments(py, call)
                .and_then(|(args, keywords)| function.bind(py).call(args, Some(&keywords)));
            answer(py, called)
        });
        outcome.unwrap_or_else(|| Err(ending()))
    })
}

/// Lends an interpreter a function that starts a call, `function(reply, args, kwargs)`, and returns a function that
/// cancels it.
pub(crate) fn lend_async(
    island: &Interpreter,
    name: &str,
    function: Py<PyAny>,
    handle: Handle,
) -> archipel::Result<()> {
    let function = Arc::new(function);
    island.alias_async(name, move |call| {
        let (function, handle) = (function.clone(), handle.clone());
        async move {
            let (sender, receiver) = oneshot::channel();
            let reply = Reply(Mutex::new(Some(sender)));
            let started = handle.spawn_blocking(move || {
                Python::try_attach(|py| {
                    let (args, keywords) = arguments(py, call)?;
                    function.call1(py, (reply, args, keywords))
                })
            });
            let cancel = match started.await.ok().flatten() {
                None => return Err(ending()),
                Some(Err(error)) => {
                    let failed = Python::try_attach(|py| failure(py, error));
                    return Err(failed.unwrap_or_else(ending));
                }
                Some(Ok(cancel)) => Cancel(Some(cancel), handle),
            };
            let outcome = receiver.await.unwrap_or_else(|_| Err(ending()));
            cancel.forget();
            outcome
        }
    })
}

/// Cancels the call if the script is stopped during it.
struct Cancel(Option<Py<PyAny>>, Handle);

impl Cancel {
    fn forget(mut self) {
        self.0 = None;
    }
}

impl Drop for Cancel {
    fn drop(&mut self) {
        let Some(cancel) = self.0.take() else { return };
        self.1.spawn_blocking(move || {
            Python::try_attach(|py| {
                if let Err(error) = cancel.call0(py) {
                    error.write_unraisable(py, None);
                }
            })
        });
    }
}

/// The answer to a call of an asynchronous alias. The first answer counts.
#[pyclass(frozen, module = "archipel._archipel")]
pub(crate) struct Reply(Mutex<Option<oneshot::Sender<Outcome>>>);

impl Reply {
    fn send(&self, outcome: Outcome) {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sender) = sender {
            // The script can have been stopped.
            let _ = sender.send(outcome);
        }
    }
}

#[pymethods]
impl Reply {
    /// Returns a value to the script.
    fn resolve(&self, value: Bound<'_, PyAny>) {
        self.send(answer(value.py(), Ok(value.clone())));
    }

    /// Raises `AliasError` in the script.
    fn reject(&self, error: Bound<'_, PyAny>) {
        self.send(Err(failure(error.py(), PyErr::from_value(error.clone()))));
    }
}

/// Converts the arguments of a call into an interpreter.
pub(crate) fn args_of(
    args: &Bound<'_, PyTuple>,
    keywords: Option<&Bound<'_, PyDict>>,
) -> PyResult<archipel::Args> {
    let positional: Vec<Value> = args
        .iter()
        .enumerate()
        .map(|(index, arg)| from_python(&arg, &format!("args[{index}]")))
        .collect::<PyResult<_>>()?;
    let mut converted = archipel::Args::from(positional);
    for (name, value) in keywords.into_iter().flatten() {
        let name: String = name.extract()?;
        let value = from_python(&value, &format!("kwargs[{name:?}]"))?;
        converted = converted.keyword(name, value);
    }
    Ok(converted)
}

/// Raises the exception of an alias that cannot be added.
pub(crate) fn refused(py: Python<'_>, error: &archipel::Error) -> PyErr {
    match error {
        archipel::Error::Config(_) => pyo3::exceptions::PyValueError::new_err(error.to_string()),
        other => errors::exception(py, other),
    }
}
