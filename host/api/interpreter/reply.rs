//! The results of jobs as values of the host.

use crate::exchange::message::{Form, Message};
use crate::island::job::Reply;
use archipel_core::encoding::{self, MAX_DEPTH, Refusal};
use archipel_core::error::{Error, Result};
use archipel_core::value::{FromValue, Value};

/// Returns the outcome of a job without a result.
pub(super) fn done(reply: Reply) -> Result<()> {
    match reply {
        Reply::Done => Ok(()),
        Reply::Exit(status) => Err(Error::exited(status)),
        Reply::Value(_) | Reply::Status(_) | Reply::Served => Err(mismatch()),
    }
}

/// Returns the result of a job, converted into the requested type.
pub(super) fn typed<R: FromValue>(reply: Reply) -> Result<R> {
    match reply {
        Reply::Value(message) => Ok(R::from_value(to_value(message)?)?),
        other => done(other).and_then(|()| Err(mismatch())),
    }
}

/// Returns the exit status of a script.
pub(super) fn status(reply: Reply) -> Result<u8> {
    match reply {
        Reply::Status(status) | Reply::Exit(status) => Ok(status),
        Reply::Done | Reply::Served | Reply::Value(_) => Err(mismatch()),
    }
}

/// Decodes a message; the ends that travel with it are released.
pub(crate) fn to_value(message: Message) -> std::result::Result<Value, Refusal> {
    match message.form {
        Form::Buffer => Ok(Value::MemoryView(message.body)),
        _ => decoded(&message),
    }
}

/// Decodes a message that is still needed; otherwise as [`to_value`].
pub(crate) fn decoded(message: &Message) -> std::result::Result<Value, Refusal> {
    match message.form {
        Form::Buffer => Ok(Value::MemoryView(message.body.clone())),
        Form::Trusted => Err(Refusal::NotShareable("a pickle")),
        Form::Unbound => Err(Refusal::Unbound),
        Form::Plain | Form::Escaped => {
            encoding::decode(&message.body, message.ends.len(), MAX_DEPTH)
        }
    }
}

/// The error of a reply that does not belong to its job.
pub(super) fn mismatch() -> Error {
    Error::Internal("a job returned the reply of another job".into())
}
