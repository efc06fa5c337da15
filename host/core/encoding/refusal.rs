//! The reasons for refusing a body or a value.

use std::{error, fmt};

/// The reason for refusing a body or a value.
///
/// Its text is lower case and has no final stop, so that it can follow "cannot send: ".
///
/// # Examples
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::encoding::{MAX_DEPTH, Refusal, check};
///
/// let refusal = check(b"", 0, MAX_DEPTH).unwrap_err();
/// assert_eq!(refusal, Refusal::Truncated);
/// assert_eq!(refusal.to_string(), "the message is truncated");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    /// The body ends before its object is complete. This includes the empty body.
    Truncated,
    /// Bytes follow the object.
    Trailing,
    /// The body is or would be longer than `limit` bytes.
    TooLarge {
        /// The maximum size of a body, in bytes.
        limit: usize,
    },
    /// Containers nest deeper than `limit`.
    TooDeep {
        /// The maximum nesting, in levels.
        limit: usize,
    },
    /// Shared objects, expanded at each reference, exceed `limit`.
    ///
    /// [`check`](super::check) counts objects in keys, see [`MAX_SHARED_KEYS`](super::MAX_SHARED_KEYS).
    /// [`decode`](super::decode) counts bytes, see [`MAX_COPIES`](super::MAX_COPIES).
    TooShared {
        /// The limit, in objects or bytes.
        limit: usize,
    },
    /// The decoded value would take more than `limit` bytes of the host's memory, see
    /// [`MAX_DECODED`](super::MAX_DECODED).
    TooManyObjects {
        /// The limit, in bytes.
        limit: usize,
    },
    /// A container contains itself.
    Cyclic,
    /// A key or a set element is of the named Python type, which is not hashable.
    Unhashable(&'static str),
    /// The body contains the named object, which is not data.
    NotShareable(&'static str),
    /// The body is not valid `marshal` output.
    Malformed {
        /// The offset of the error in the body.
        at: usize,
        /// A description of the error.
        what: &'static str,
    },
    /// An escape refers to a handle that does not travel with the message.
    NoSuchHandle {
        /// The index in the escape.
        index: i64,
        /// The number of handles that travel with the message.
        handles: usize,
    },
    /// An escape refers to a handle of a different kind, such as a sender instead of a receiver.
    WrongHandle {
        /// The index in the escape.
        index: i64,
    },
    /// The sending interpreter was destroyed before the message was received, and had requested an unbound
    /// marker in its place.
    Unbound,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the message is truncated"),
            Self::Trailing => f.write_str("the message has trailing bytes"),
            Self::TooLarge { limit } => write!(f, "the message is longer than {limit} bytes"),
            Self::TooDeep { limit } => write!(f, "the message nests deeper than {limit} levels"),
            Self::TooShared { limit } => {
                write!(
                    f,
                    "the message's shared objects exceed the limit of {limit} when expanded"
                )
            }
            Self::TooManyObjects { limit } => {
                write!(f, "the message needs more than {limit} bytes when decoded")
            }
            Self::Cyclic => f.write_str("the message contains a reference cycle"),
            Self::Unhashable(name) => {
                write!(
                    f,
                    "the message has a key or set element of unhashable type '{name}'"
                )
            }
            Self::NotShareable(what) => write!(f, "the message contains {what}, which is not data"),
            Self::Malformed { at, what } => {
                write!(f, "the message is malformed at byte {at}: {what}")
            }
            Self::NoSuchHandle { index, handles } => {
                write!(
                    f,
                    "the message refers to handle {index} but carries {handles}"
                )
            }
            Self::WrongHandle { index } => {
                write!(
                    f,
                    "the message refers to handle {index}, which is of a different kind"
                )
            }
            Self::Unbound => f.write_str("the sender of the message was destroyed"),
        }
    }
}

impl error::Error for Refusal {}
