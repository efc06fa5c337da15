//! Errors of operations on channels, for guests.

use crate::exchange::channel_meta::ChannelMeta;
use crate::exchange::message::Message;
use crate::island::bindings::archipel::island::channels::Error;
use archipel_core::broker::Outcome;

/// Translates the outcome of an operation that failed.
pub(super) fn failure(outcome: Option<Outcome<Message>>) -> Error {
    match outcome {
        None => Error::Timeout,
        Some(Outcome::Deadlock(text)) => Error::Deadlock(text),
        Some(Outcome::TooLarge { limit, .. }) => Error::TooLarge(limit as u64),
        Some(_) => Error::Closed,
    }
}

/// Translates the outcome of a receive that failed on a channel with that metadata.
pub(super) fn not_received(outcome: Option<Outcome<Message>>, meta: &ChannelMeta) -> Error {
    match (failure(outcome), meta.poison.get()) {
        (Error::Closed, Some((reason, _))) => Error::Poisoned(reason.clone()),
        (error, _) => error,
    }
}
