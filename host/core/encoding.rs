//! The encoding of message bodies, and the check that every body must pass.
//!
//! A body is the output of CPython's `marshal.dumps(obj, 4)`, restricted to data. Guests read and write
//! `marshal` at C speed, but `marshal.loads` trusts its input: it builds code objects, and malformed input can
//! crash it. The host therefore accepts a body only after [`check`] has read every byte of it. For an accepted
//! body, `marshal.loads` succeeds unless it runs out of memory, returns only plain data, and runs no code.
//!
//! Objects without a `marshal` type are *escaped*: written as a tuple `(Ellipsis, code, payload)`, from which
//! the receiving guest rebuilds the object.
//!
//! | code | payload | object |
//! |------|---------|--------|
//! | 1 | bytes | `bytearray` |
//! | 2 | bytes | `memoryview` |
//! | 3 | index | sending end of a channel |
//! | 4 | index | receiving end of a channel |
//! | 5 | index | end of a queue |
//! | 6 | index | interpreter |
//! | 7 | bytes | `numpy.ndarray` |
//!
//! The bytes of an array are a header and the elements, in the order that the header gives. The header consists of the
//! order (one byte: 0 for C, 1 for Fortran), the number of dimensions (one byte), the length of the dtype (two bytes),
//! the size in each dimension (four bytes each), all little-endian, the dtype as in the header of a `.npy` file, and
//! zeros, after which the elements of a body that is only an array begin at a multiple of 16.
//!
//! An index refers to the handles that travel beside the body. Any other use of `Ellipsis` is refused.
//!
//! ```
//! # use archipel_core as archipel;
//! use archipel::encoding::{MAX_DEPTH, Refusal, check};
//!
//! // marshal.dumps([1, None], 4)
//! let summary = check(b"[\x02\0\0\0i\x01\0\0\0N", 0, MAX_DEPTH).unwrap();
//! assert_eq!(summary.objects, 3);
//!
//! assert_eq!(check(b"c", 0, MAX_DEPTH), Err(Refusal::NotShareable("a code object")));
//! ```

mod carries;
mod check;
mod decode;
mod encode;
mod frame;
mod reader;
mod refusal;
mod table;
#[cfg(test)]
mod tests;

pub use carries::{Carries, Travels};
pub use check::{Check, Summary, check, check_ends, is_array, is_wide};
pub use decode::decode;
pub use decode::decode_within;
pub use encode::{Encoded, encode};
pub use refusal::Refusal;

/// The default limit on the nesting of containers in a message, in levels.
///
/// A scalar has depth 0, `[]` has depth 1 and `[[]]` depth 2. Nesting through references counts. [`check`] and
/// [`decode`] take the limit as an argument; [`encode`] always applies this one. A deeper message is refused
/// with [`Refusal::TooDeep`].
pub const MAX_DEPTH: usize = crate::value::MAX_DEPTH;

/// The maximum nesting that [`check`] and [`decode`] accept, in levels, whatever `max_depth` they are given.
///
/// Decoding recurses, as `marshal` does. This ceiling keeps it within a 2 MiB stack even in a debug build, and
/// keeps `marshal` within its own limit of 1,500 levels on WASI.
pub const DEPTH_CEILING: usize = 500;

/// The maximum size of a body, in bytes: `marshal` uses signed 32-bit lengths.
pub const MAX_SIZE: usize = i32::MAX as usize;

/// The maximum number of objects that the keys and set elements of one message can expand to beyond what its
/// body writes out, if a shared object counts each time it is referred to.
///
/// Comparing two keys visits every path through them. Thirty tuples that each contain the previous one twice
/// make a key with a billion paths, so a body of a few hundred bytes could otherwise keep `marshal.loads` busy
/// indefinitely.
pub const MAX_SHARED_KEYS: usize = 1 << 24;

/// The maximum memory that [`decode`] uses for copies of shared objects, in bytes for each message.
///
/// A [`Value`](crate::value::Value) does not share objects, so a reference becomes a copy. Without this limit,
/// a small body of nested references could exhaust the host's memory.
pub const MAX_COPIES: usize = 64 << 20;

/// The maximum memory that [`decode`] uses for all objects of one message, in bytes.
///
/// A [`Value`](crate::value::Value) takes many times the size of the shortest encoded objects, and a message
/// can contain 64 million of these.
pub const MAX_DECODED: usize = 1 << 30;

/// The bit of a type byte that adds the object to the table for later references.
const FLAG_REF: u8 = 0x80;

/// Type codes that are used by more than one module.
mod code {
    pub const NULL: u8 = b'0';
    pub const NONE: u8 = b'N';
    pub const TRUE: u8 = b'T';
    pub const FALSE: u8 = b'F';
    pub const ELLIPSIS: u8 = b'.';
    pub const INT: u8 = b'i';
    pub const LONG: u8 = b'l';
    pub const FLOAT: u8 = b'g';
    pub const COMPLEX: u8 = b'y';
    pub const BYTES: u8 = b's';
    pub const UNICODE: u8 = b'u';
    pub const UNICODE_INTERNED: u8 = b't';
    pub const ASCII: u8 = b'a';
    pub const ASCII_INTERNED: u8 = b'A';
    pub const SHORT_ASCII: u8 = b'z';
    pub const SHORT_ASCII_INTERNED: u8 = b'Z';
    pub const SMALL_TUPLE: u8 = b')';
    pub const TUPLE: u8 = b'(';
    pub const LIST: u8 = b'[';
    pub const DICT: u8 = b'{';
    pub const SET: u8 = b'<';
    pub const FROZENSET: u8 = b'>';
    pub const REFERENCE: u8 = b'r';
}

/// The codes of escapes: the second element of `(Ellipsis, code, payload)`.
mod escape {
    pub const BYTEARRAY: i32 = 1;
    pub const MEMORYVIEW: i32 = 2;
    pub const SENDER: i32 = 3;
    pub const RECEIVER: i32 = 4;
    pub const QUEUE: i32 = 5;
    pub const INTERPRETER: i32 = 6;
    pub const ARRAY: i32 = 7;
}
