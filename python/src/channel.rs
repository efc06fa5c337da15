//! Channel ends that the host holds.

use crate::errors;
use crate::process::Own;
use crate::values::{from_python, to_python};
use crate::waiting::{Attempt, Loops, in_slices, tell};
use archipel::{
    RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError, Value,
};
use pyo3::prelude::*;
use std::fmt::Display;
use std::sync::Arc;

fn closed() -> PyErr {
    named("ChannelClosedError", "the channel is closed")
}

fn refused(refusal: impl Display) -> PyErr {
    named("NotShareableError", format!("cannot send: {refusal}"))
}

fn undecodable(refusal: impl Display) -> PyErr {
    named("NotShareableError", format!("cannot receive: {refusal}"))
}

fn named(class: &str, text: impl Into<String>) -> PyErr {
    Python::attach(|py| errors::new(py, class, text))
}

/// The sending end of a channel.
#[pyclass(frozen, module = "archipel._archipel")]
pub(crate) struct Sender {
    end: Own<archipel::Sender>,
    loops: Arc<Loops>,
}

impl Sender {
    pub(crate) fn new(end: archipel::Sender, loops: Arc<Loops>) -> Self {
        Sender {
            end: Own::new(end),
            loops,
        }
    }

    pub(crate) fn end(&self, py: Python<'_>) -> PyResult<&archipel::Sender> {
        self.end.get(py)
    }
}

#[pymethods]
impl Sender {
    /// Sends an object, and returns whether a receiver or the queue took it in time.
    fn send(&self, object: &Bound<'_, PyAny>, timeout: Option<f64>) -> PyResult<bool> {
        let py = object.py();
        let end = self.end.get(py)?;
        let mut value = Some(from_python(object, "the object")?);
        if timeout == Some(0.0) {
            return match end.try_send(value.take().unwrap_or_default()) {
                Ok(()) => Ok(true),
                Err(TrySendError::Full(_)) => Ok(false),
                Err(TrySendError::Closed(_)) => Err(closed()),
                Err(TrySendError::Refused { refusal, .. }) => Err(refused(refusal)),
            };
        }
        let attempt = |wait| match end.send_timeout(value.take().unwrap_or_default(), wait) {
            Ok(()) => Ok(Attempt::Done(())),
            Err(SendTimeoutError::Timeout(back)) => {
                value = Some(back);
                Ok(Attempt::TooLate)
            }
            Err(SendTimeoutError::Closed(_)) => Err(closed()),
            Err(SendTimeoutError::Refused { refusal, .. }) => Err(refused(refusal)),
        };
        Ok(in_slices(py, timeout, attempt)?.is_some())
    }

    fn send_later(&self, object: &Bound<'_, PyAny>, done: Py<PyAny>) -> PyResult<Waiting> {
        let py = object.py();
        let end = self.end.get(py)?.clone();
        let value = from_python(object, "the object")?;
        let future = async move {
            end.send_async(value).await.map_err(|error| match error {
                SendError::Closed(_) => closed(),
                SendError::Refused { refusal, .. } => refused(refusal),
            })?;
            Ok(Value::None)
        };
        Ok(Waiting::start(&self.loops.handle(py)?, future, done))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let end = self.end.get(py)?;
        py.detach(|| end.close());
        Ok(())
    }
}

/// The receiving end of a channel.
#[pyclass(frozen, module = "archipel._archipel")]
pub(crate) struct Receiver {
    end: Own<archipel::Receiver>,
    loops: Arc<Loops>,
}

impl Receiver {
    pub(crate) fn new(end: archipel::Receiver, loops: Arc<Loops>) -> Self {
        Receiver {
            end: Own::new(end),
            loops,
        }
    }

    pub(crate) fn end(&self, py: Python<'_>) -> PyResult<&archipel::Receiver> {
        self.end.get(py)
    }
}

#[pymethods]
impl Receiver {
    /// Receives an object, in a tuple. The tuple is empty if none arrives in time.
    fn recv<'py>(&self, py: Python<'py>, timeout: Option<f64>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let end = self.end.get(py)?;
        let received = if timeout == Some(0.0) {
            match end.try_recv() {
                Ok(value) => Some(value),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Closed) => return Err(closed()),
                Err(TryRecvError::Undecodable(refusal)) => return Err(undecodable(refusal)),
            }
        } else {
            in_slices(py, timeout, |wait| match end.recv_timeout(wait) {
                Ok(value) => Ok(Attempt::Done(value)),
                Err(RecvTimeoutError::Timeout) => Ok(Attempt::TooLate),
                Err(RecvTimeoutError::Closed) => Err(closed()),
                Err(RecvTimeoutError::Undecodable(refusal)) => Err(undecodable(refusal)),
            })?
        };
        received
            .into_iter()
            .map(|value| to_python(py, value))
            .collect()
    }

    fn recv_later(&self, py: Python<'_>, done: Py<PyAny>) -> PyResult<Waiting> {
        let end = self.end.get(py)?.clone();
        let future = async move {
            end.recv_async().await.map_err(|error| match error {
                RecvError::Closed => closed(),
                RecvError::Undecodable(refusal) => undecodable(refusal),
            })
        };
        Ok(Waiting::start(&self.loops.handle(py)?, future, done))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let end = self.end.get(py)?;
        py.detach(|| end.close());
        Ok(())
    }
}

/// A wait for a channel that an event loop started.
#[pyclass(frozen, module = "archipel._archipel")]
pub(crate) struct Waiting(tokio::task::AbortHandle);

impl Waiting {
    fn start(
        handle: &tokio::runtime::Handle,
        future: impl Future<Output = PyResult<Value>> + Send + 'static,
        done: Py<PyAny>,
    ) -> Self {
        let task = handle.spawn(async move {
            let result = future.await;
            tokio::task::block_in_place(|| {
                Python::try_attach(|py| {
                    tell(py, result.and_then(|value| to_python(py, value)), done);
                });
            });
        });
        Waiting(task.abort_handle())
    }
}

#[pymethods]
impl Waiting {
    /// Ends the wait. An object that was not passed on stays in the channel.
    fn abandon(&self) {
        self.0.abort();
    }
}
