//! The refusal: why a body or a value may not travel.

use std::{error, fmt};

/// Why a body or a value may not travel.
///
/// It displays as one lower-case sentence without a full stop, ready to follow "cannot send: ".
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    /// The body ends before the object it announces is complete; an empty body is the plainest
    /// case.
    Truncated,
    /// Bytes follow the object.
    Trailing,
    /// The body is longer than `limit` bytes, or would be.
    TooLarge {
        /// The longest allowed body in bytes.
        limit: usize,
    },
    /// Containers nest deeper than `limit`.
    TooDeep {
        /// The deepest allowed nesting.
        limit: usize,
    },
    /// Writing out every shared object each time it is met would exceed `limit`.
    ///
    /// [`check`](super::check) counts objects within keys, see
    /// [`MAX_SHARED_KEYS`](super::MAX_SHARED_KEYS). [`decode`](super::decode) counts bytes, see
    /// [`MAX_COPIES`](super::MAX_COPIES).
    TooShared {
        /// The limit that would be exceeded.
        limit: usize,
    },
    /// The value would take more than `limit` bytes of the host's memory, see
    /// [`MAX_DECODED`](super::MAX_DECODED).
    TooManyObjects {
        /// The limit that would be exceeded, in bytes.
        limit: usize,
    },
    /// A container contains itself.
    Cyclic,
    /// A key or a set element is of the named Python type, which has no hash.
    Unhashable(&'static str),
    /// The named thing is not data.
    NotShareable(&'static str),
    /// The body is not what `marshal` writes.
    Malformed {
        /// The offset in the body at which this was noticed.
        at: usize,
        /// What is wrong there.
        what: &'static str,
    },
    /// An escape names a handle that does not travel with the message.
    NoSuchHandle {
        /// The index the escape gives.
        index: i64,
        /// The number of handles that travel with the message.
        handles: usize,
    },
    /// An escape names a handle of another kind than its own, such as a sender where a receiver is due.
    WrongHandle {
        /// The index the escape gives.
        index: i64,
    },
    /// The sender was destroyed before the message was received, and had asked for a mark to take the
    /// message's place.
    Unbound,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the message ends in the middle of an object"),
            Self::Trailing => f.write_str("the message goes on after its object"),
            Self::TooLarge { limit } => write!(f, "the message is longer than {limit} bytes"),
            Self::TooDeep { limit } => write!(f, "the message nests deeper than {limit} levels"),
            Self::TooShared { limit } => {
                write!(
                    f,
                    "the message refers to shared objects more than {limit} allows"
                )
            }
            Self::TooManyObjects { limit } => {
                write!(
                    f,
                    "the message has more objects than fit into {limit} bytes"
                )
            }
            Self::Cyclic => f.write_str("the message holds a container that contains itself"),
            Self::Unhashable(name) => {
                write!(
                    f,
                    "the message has a key or set element of unhashable type '{name}'"
                )
            }
            Self::NotShareable(what) => write!(f, "the message holds {what}, which is not data"),
            Self::Malformed { at, what } => {
                write!(f, "the message is malformed at byte {at}: {what}")
            }
            Self::NoSuchHandle { index, handles } => {
                write!(f, "the message names handle {index} but carries {handles}")
            }
            Self::WrongHandle { index } => {
                write!(
                    f,
                    "the message names handle {index}, which is of another kind"
                )
            }
            Self::Unbound => f.write_str("the sender of the message was destroyed"),
        }
    }
}

impl error::Error for Refusal {}
