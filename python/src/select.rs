//! Waits for the first of several channel operations.

use crate::channel::{Receiver, Sender};
use crate::errors;
use crate::values::{from_python, to_python};
use crate::waiting::{Attempt, in_slices};
use archipel::{Select, Selected, Value};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// A case: an end, and the value to send.
enum Case {
    Receive(archipel::Receiver),
    Send(archipel::Sender, Value),
}

impl Case {
    fn of(end: &Bound<'_, PyAny>, object: Option<&Bound<'_, PyTuple>>) -> PyResult<Self> {
        let py = end.py();
        match object {
            None => Ok(Case::Receive(
                end.cast::<Receiver>()?.get().end(py)?.clone(),
            )),
            Some(object) => {
                let value = from_python(&object.get_item(0)?, "the object")?;
                Ok(Case::Send(
                    end.cast::<Sender>()?.get().end(py)?.clone(),
                    value,
                ))
            }
        }
    }
}

/// Carries out the first of the cases that is ready, and returns its number, a word for the outcome, and the value.
/// A case is a receiver and None, or a sender and a tuple with the object.
#[pyfunction]
pub(crate) fn select<'py>(
    py: Python<'py>,
    cases: Vec<(Bound<'py, PyAny>, Option<Bound<'py, PyTuple>>)>,
    timeout: Option<f64>,
) -> PyResult<Option<(usize, &'static str, Bound<'py, PyAny>)>> {
    let cases: Vec<Case> = cases
        .iter()
        .map(|(end, object)| Case::of(end, object.as_ref()))
        .collect::<PyResult<_>>()?;
    let attempt = |wait| {
        let mut select = Select::new();
        for (index, case) in cases.iter().enumerate() {
            select = match case {
                Case::Receive(end) => select.recv(end),
                Case::Send(end, value) => match select.send(end, value.clone()) {
                    Ok(select) => select,
                    Err(refusal) => {
                        return Ok(Attempt::Done((index, Selected::Refused(refusal))));
                    }
                },
            };
        }
        match select.wait(Some(wait)) {
            Ok(Some(selected)) => Ok(Attempt::Done(selected)),
            Ok(None) => Ok(Attempt::TooLate),
            Err(error) => Err(Python::attach(|py| errors::exception(py, &error))),
        }
    };
    let Some((index, selected)) = in_slices(py, timeout, attempt)? else {
        return Ok(None);
    };
    let none = py.None().into_bound(py);
    Ok(Some(match selected {
        Selected::Received(value) => (index, "received", to_python(py, value)?),
        Selected::Sent => (index, "sent", none),
        Selected::Refused(refusal) => {
            let text = refusal.to_string().into_pyobject(py)?.into_any();
            (index, "refused", text)
        }
        _ => (index, "closed", none),
    }))
}
