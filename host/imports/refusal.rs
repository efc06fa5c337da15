//! Refusals of operations on interpreters, for guests.

use crate::island::bindings::archipel::island::interpreters::{Exception, Refusal};
use crate::island::not_sent::{NotSent, text};
use archipel_core::error::{Error, LimitKind, Raised};
use wasmtime::Result;

/// Returns the refusal of one more interpreter.
pub(super) fn too_many(limit: u64) -> Refusal {
    Refusal::Limit(("interpreters".to_owned(), limit))
}

/// Translates a limit that an operation on an interpreter would exceed.
pub(super) fn limited(kind: LimitKind, limit: u64) -> Refusal {
    match kind {
        LimitKind::Children => too_many(limit),
        LimitKind::Memory => Refusal::Limit(("bytes of memory".to_owned(), limit)),
        kind => Refusal::Limit((kind.name().to_owned(), limit)),
    }
}

/// Translates the error of a copy or a reset.
pub(super) fn not_done<T>(error: Error) -> Result<Result<T, Refusal>> {
    Ok(Err(match error {
        Error::Running => Refusal::Running,
        Error::Closed => Refusal::Closed,
        Error::Capacity { limit } => too_many(u64::from(limit)),
        Error::LimitExceeded {
            kind: kind @ (LimitKind::Children | LimitKind::Memory),
            limit,
            ..
        } => limited(kind, limit),
        error @ (Error::Raised(_)
        | Error::NotCopyable(_)
        | Error::Died(_)
        | Error::Killed
        | Error::LimitExceeded { .. }
        | Error::NoMemory(_)
        | Error::Exhausted(_)) => Refusal::Unfit(error.to_string()),
        error => return Err(wasmtime::Error::new(error)),
    }))
}

/// Translates the reason that a message was not sent.
pub(super) fn refused(reason: NotSent) -> Refusal {
    match reason {
        NotSent::Inexact => Refusal::Inexact,
        reason => Refusal::NotShareable(text(reason)),
    }
}

impl From<Raised> for Exception {
    fn from(raised: Raised) -> Self {
        Exception {
            name: raised.name,
            qualified_name: raised.qualified_name,
            module: raised.module,
            message: raised.message,
            traceback: raised.traceback,
        }
    }
}
