//! The encoding of a message's body, and the check every body must pass.
//!
//! A body is what CPython's `marshal.dumps(obj, 4)` writes, restricted to data. `marshal` is used
//! because guests read and write it at C speed, but `marshal.loads` trusts its input: it builds
//! code objects, and garbage can crash it. The broker therefore lets a body through only once
//! [`check`] has read every byte of it. For an accepted body `marshal.loads` succeeds, short of
//! running out of memory, returns only plain data, and runs no code.
//!
//! What `marshal` has no type for is *escaped*: a tuple `(Ellipsis, code, payload)`, which the
//! receiving guest rebuilds into the object it stands for.
//!
//! | code | payload | object |
//! |------|---------|--------|
//! | 1 | bytes | `bytearray` |
//! | 2 | bytes | `memoryview` |
//! | 3 | index | sending end of a channel |
//! | 4 | index | receiving end of a channel |
//! | 5 | index | end of a queue |
//! | 6 | index | interpreter |
//!
//! An index counts into the handles that travel beside the body. No other use of `Ellipsis` is
//! data.
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

mod check;
mod decode;
mod encode;
mod frame;
mod reader;
mod refusal;
mod table;
#[cfg(test)]
mod tests;
pub(crate) mod utf8;

pub use check::{Carries, Check, Travels, check_ends, is_wide};
pub use check::{Summary, check};
pub use decode::decode;
pub use decode::decode_within;
pub use encode::{Encoded, encode};
pub use refusal::Refusal;

/// How deeply containers may nest in a message, unless the host says otherwise.
///
/// A scalar nests 0 deep, `[]` nests 1 deep and `[[]]` 2 deep. Nesting through references counts.
pub const MAX_DEPTH: usize = 100;

/// The deepest nesting that [`check`] and [`decode`] allow, whatever depth they are asked to allow.
///
/// Decoding recurses, as `marshal` does. The ceiling keeps it within a 2 MiB stack even in a debug
/// build, and keeps `marshal` within the 1,500 levels it allows itself on WASI.
pub const DEPTH_CEILING: usize = 500;

/// The longest body, in bytes: `marshal` measures everything in signed 32-bit integers.
pub const MAX_SIZE: usize = i32::MAX as usize;

/// How many objects the keys and set elements of one message may amount to beyond what its body
/// writes out, counting a shared object each time it is met.
///
/// Comparing two keys visits every path through them. Thirty tuples, each holding the previous one
/// twice, make a key with a thousand million paths, so that a body of some hundred bytes could
/// otherwise keep `marshal.loads` busy for ever.
pub const MAX_SHARED_KEYS: usize = 1 << 24;

/// How many bytes [`decode`] may spend on objects met again through a reference.
///
/// A [`Value`](crate::value::Value) shares nothing, so a reference becomes a copy, and a small body
/// full of references to references would otherwise fill the memory of the host.
pub const MAX_COPIES: usize = 64 << 20;

/// How many bytes [`decode`] may spend on all objects of a message.
///
/// A [`Value`](crate::value::Value) takes many times what the shortest objects take in a body, of which a
/// message can have 64 million.
pub const MAX_DECODED: usize = 1 << 30;

/// The bit of a type byte that has the reader remember the object for later references.
const FLAG_REF: u8 = 0x80;

/// How a body names types that more than one module has to recognise.
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

/// The codes of escapes, the second element of `(Ellipsis, code, payload)`.
mod escape {
    pub const BYTEARRAY: i32 = 1;
    pub const MEMORYVIEW: i32 = 2;
    pub const SENDER: i32 = 3;
    pub const RECEIVER: i32 = 4;
    pub const QUEUE: i32 = 5;
    pub const INTERPRETER: i32 = 6;
}
