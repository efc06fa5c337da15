//! Why a value was not sent or received, one type for each way to ask.

use archipel_core::encoding::Refusal;
use archipel_core::value::Value;
use std::fmt;

/// Why [`Sender::send`](crate::Sender::send) did not send a value, which it gives back.
#[derive(Debug, Clone, PartialEq)]
pub enum SendError {
    /// The channel is closed, or has no receiver any more.
    Closed(Value),
    /// The value cannot be sent at all.
    Refused {
        /// The value.
        value: Value,
        /// What is wrong with it.
        refusal: Refusal,
    },
}

/// Why [`Sender::try_send`](crate::Sender::try_send) did not send a value, which it gives back.
#[derive(Debug, Clone, PartialEq)]
pub enum TrySendError {
    /// The channel is full, or no receiver waits at a rendezvous.
    Full(Value),
    /// The channel is closed, or has no receiver any more.
    Closed(Value),
    /// The value cannot be sent at all.
    Refused {
        /// The value.
        value: Value,
        /// What is wrong with it.
        refusal: Refusal,
    },
}

/// Why [`Sender::send_timeout`](crate::Sender::send_timeout) did not send a value, which it gives back.
#[derive(Debug, Clone, PartialEq)]
pub enum SendTimeoutError {
    /// Time ran out.
    Timeout(Value),
    /// The channel is closed, or has no receiver any more.
    Closed(Value),
    /// The value cannot be sent at all.
    Refused {
        /// The value.
        value: Value,
        /// What is wrong with it.
        refusal: Refusal,
    },
}

/// Why [`Receiver::recv`](crate::Receiver::recv) returned no value.
///
/// `Undecodable` concerns one message, which is gone; the channel goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecvError {
    /// The channel is empty, and closed or without senders.
    Closed,
    /// The next message cannot become a [`Value`]: it shares too much, or too large a value would come of
    /// it ([`Refusal::TooShared`], [`Refusal::TooManyObjects`]), it is a pickle
    /// ([`Refusal::NotShareable`]), or its sender was destroyed ([`Refusal::Unbound`]).
    Undecodable(Refusal),
}

/// Why [`Receiver::try_recv`](crate::Receiver::try_recv) returned no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TryRecvError {
    /// The channel is empty.
    Empty,
    /// The channel is empty, and closed or without senders.
    Closed,
    /// The next message cannot become a [`Value`]: see [`RecvError::Undecodable`].
    Undecodable(Refusal),
}

/// Why [`Receiver::recv_timeout`](crate::Receiver::recv_timeout) returned no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecvTimeoutError {
    /// Time ran out.
    Timeout,
    /// The channel is empty, and closed or without senders.
    Closed,
    /// The next message cannot become a [`Value`]: see [`RecvError::Undecodable`].
    Undecodable(Refusal),
}

const CLOSED: &str = "the channel is closed";
const DRAINED: &str = "the channel is empty and closed";

/// What is said of a value that cannot be sent.
fn unsendable(f: &mut fmt::Formatter<'_>, refusal: &Refusal) -> fmt::Result {
    write!(f, "cannot send: {refusal}")
}

/// What is said of a message that no value comes of.
fn unreadable(f: &mut fmt::Formatter<'_>, refusal: &Refusal) -> fmt::Result {
    write!(f, "cannot receive: {refusal}")
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::Closed(_) => f.write_str(CLOSED),
            SendError::Refused { refusal, .. } => unsendable(f, refusal),
        }
    }
}

impl fmt::Display for TrySendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrySendError::Full(_) => f.write_str("the channel is full"),
            TrySendError::Closed(_) => f.write_str(CLOSED),
            TrySendError::Refused { refusal, .. } => unsendable(f, refusal),
        }
    }
}

impl fmt::Display for SendTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendTimeoutError::Timeout(_) => f.write_str("no receiver came in time"),
            SendTimeoutError::Closed(_) => f.write_str(CLOSED),
            SendTimeoutError::Refused { refusal, .. } => unsendable(f, refusal),
        }
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecvError::Closed => f.write_str(DRAINED),
            RecvError::Undecodable(refusal) => unreadable(f, refusal),
        }
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TryRecvError::Empty => f.write_str("the channel is empty"),
            TryRecvError::Closed => f.write_str(DRAINED),
            TryRecvError::Undecodable(refusal) => unreadable(f, refusal),
        }
    }
}

impl fmt::Display for RecvTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecvTimeoutError::Timeout => f.write_str("no value was sent in time"),
            RecvTimeoutError::Closed => f.write_str(DRAINED),
            RecvTimeoutError::Undecodable(refusal) => unreadable(f, refusal),
        }
    }
}

impl std::error::Error for SendError {}
impl std::error::Error for TrySendError {}
impl std::error::Error for SendTimeoutError {}
impl std::error::Error for RecvError {}
impl std::error::Error for TryRecvError {}
impl std::error::Error for RecvTimeoutError {}

impl From<SendTimeoutError> for TrySendError {
    /// A send that does not wait runs out of time where the channel is full.
    fn from(error: SendTimeoutError) -> Self {
        match error {
            SendTimeoutError::Timeout(value) => TrySendError::Full(value),
            SendTimeoutError::Closed(value) => TrySendError::Closed(value),
            SendTimeoutError::Refused { value, refusal } => {
                TrySendError::Refused { value, refusal }
            }
        }
    }
}

impl From<RecvTimeoutError> for TryRecvError {
    /// A receive that does not wait runs out of time where the channel is empty.
    fn from(error: RecvTimeoutError) -> Self {
        match error {
            RecvTimeoutError::Timeout => TryRecvError::Empty,
            RecvTimeoutError::Closed => TryRecvError::Closed,
            RecvTimeoutError::Undecodable(refusal) => TryRecvError::Undecodable(refusal),
        }
    }
}
