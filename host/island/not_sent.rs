//! The reasons for not passing a message on.

use super::bindings::archipel::island::channels::{Error, LimitReached};
use archipel_core::encoding::Refusal;
use archipel_core::ledger::Exceeded;

/// The reason for not accepting a message from a guest, or not delivering it to one.
pub(crate) enum NotSent {
    Inexact,
    NotShareable(String),
    /// The message is larger than this many bytes, alone or with everything that is queued.
    TooLarge(usize),
    /// A limit would be exceeded.
    Limit(Exceeded),
    Closed,
}

impl NotSent {
    pub(super) fn not_trusted() -> Self {
        NotSent::NotShareable("the object is not data, and its sender is not trusted".to_owned())
    }

    pub(super) fn too_many_ends() -> Self {
        NotSent::NotShareable(format!(
            "a message carries at most {MOST_ENDS} channel ends and interpreters"
        ))
    }
}

/// The maximum number of channel ends and interpreters in one message. Each takes some tenths of a
/// microsecond.
pub(super) const MOST_ENDS: usize = 1 << 16;

/// Returns the text of an error that does not concern a channel.
pub(crate) fn text(reason: NotSent) -> String {
    match reason {
        NotSent::Inexact => "the object contains a buffer that would arrive as bytes".to_owned(),
        NotSent::NotShareable(text) => text,
        NotSent::TooLarge(limit) => format!("a message beyond the limit of {limit} bytes"),
        NotSent::Limit(exceeded) => exceeded.to_string(),
        NotSent::Closed => "a closed channel end or interpreter is not shareable".to_owned(),
    }
}

impl From<Refusal> for NotSent {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::TooLarge { limit } => NotSent::TooLarge(limit),
            refusal => NotSent::NotShareable(refusal.to_string()),
        }
    }
}

impl From<Exceeded> for LimitReached {
    fn from(exceeded: Exceeded) -> Self {
        LimitReached {
            kind: exceeded.kind.name().to_owned(),
            limit: exceeded.limit,
            used: exceeded.used,
        }
    }
}

impl From<NotSent> for Error {
    fn from(reason: NotSent) -> Self {
        match reason {
            NotSent::Inexact => Error::Inexact,
            NotSent::NotShareable(text) => Error::NotShareable(text),
            NotSent::TooLarge(limit) => Error::TooLarge(limit as u64),
            NotSent::Limit(exceeded) => Error::Limit(exceeded.into()),
            NotSent::Closed => Error::Closed,
        }
    }
}
