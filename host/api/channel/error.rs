//! The errors of channel operations, one type for each operation.

use archipel_core::encoding::Refusal;
use archipel_core::value::Value;
use std::fmt;

/// The error of [`Sender::send`](crate::Sender::send), which returns the value.
#[derive(Debug, Clone, PartialEq)]
pub enum SendError {
    /// The channel is closed, or has no receivers.
    Closed(Value),
    /// The value cannot be sent.
    Refused {
        /// The value.
        value: Value,
        /// The reason.
        refusal: Refusal,
    },
}

/// The error of [`Sender::try_send`](crate::Sender::try_send), which returns the value.
#[derive(Debug, Clone, PartialEq)]
pub enum TrySendError {
    /// The channel is full or, at a rendezvous, no receiver waits.
    Full(Value),
    /// The channel is closed, or has no receivers.
    Closed(Value),
    /// The value cannot be sent.
    Refused {
        /// The value.
        value: Value,
        /// The reason.
        refusal: Refusal,
    },
}

/// The error of [`Sender::send_timeout`](crate::Sender::send_timeout), which returns the value.
#[derive(Debug, Clone, PartialEq)]
pub enum SendTimeoutError {
    /// The time limit expired before the value was sent.
    Timeout(Value),
    /// The channel is closed, or has no receivers.
    Closed(Value),
    /// The value cannot be sent.
    Refused {
        /// The value.
        value: Value,
        /// The reason.
        refusal: Refusal,
    },
}

/// The error of [`Receiver::recv`](crate::Receiver::recv).
///
/// `Undecodable` affects one message only, which is gone; the channel can still be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecvError {
    /// The channel is empty, and closed or without senders.
    Closed,
    /// The next message cannot be converted into a [`Value`]. Either its value would be too large because of
    /// shared objects ([`Refusal::TooShared`]) or otherwise ([`Refusal::TooManyObjects`]), or it is a pickle
    /// ([`Refusal::NotShareable`]), or its sender was destroyed ([`Refusal::Unbound`]).
    Undecodable(Refusal),
}

/// The error of [`Receiver::try_recv`](crate::Receiver::try_recv).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TryRecvError {
    /// The channel is empty.
    Empty,
    /// The channel is empty, and closed or without senders.
    Closed,
    /// The next message cannot be converted into a [`Value`]: see [`RecvError::Undecodable`].
    Undecodable(Refusal),
}

/// The error of [`Receiver::recv_timeout`](crate::Receiver::recv_timeout).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecvTimeoutError {
    /// The time limit expired before a value was received.
    Timeout,
    /// The channel is empty, and closed or without senders.
    Closed,
    /// The next message cannot be converted into a [`Value`]: see [`RecvError::Undecodable`].
    Undecodable(Refusal),
}

const CLOSED: &str = "the channel is closed";
const DRAINED: &str = "the channel is empty and closed";

/// Writes the text for a value that cannot be sent.
fn unsendable(f: &mut fmt::Formatter<'_>, refusal: &Refusal) -> fmt::Result {
    write!(f, "cannot send: {refusal}")
}

/// Writes the text for an undecodable message.
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
            SendTimeoutError::Timeout(_) => f.write_str("the send timed out"),
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
            RecvTimeoutError::Timeout => f.write_str("the receive timed out"),
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
    /// Converts `Timeout` into `Full`: a send without waiting times out if the channel is full.
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
    /// Converts `Timeout` into `Empty`: a receive without waiting times out if the channel is empty.
    fn from(error: RecvTimeoutError) -> Self {
        match error {
            RecvTimeoutError::Timeout => TryRecvError::Empty,
            RecvTimeoutError::Closed => TryRecvError::Closed,
            RecvTimeoutError::Undecodable(refusal) => TryRecvError::Undecodable(refusal),
        }
    }
}
