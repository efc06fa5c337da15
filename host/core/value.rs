//! Python values on the host side.
//!
//! Host code that sends or receives messages works with [`Value`]s. Values are made with `From`, taken apart
//! with `TryFrom` or by matching, and displayed as by Python's `repr`. [`to_value`] and [`from_value`] convert
//! types that implement serde's traits.
//!
//! ```
//! # use archipel_core as archipel;
//! use archipel::value::Value;
//!
//! let value = Value::from(vec![("one", 1), ("two", 2)]);
//! assert_eq!(value.to_string(), "[('one', 1), ('two', 2)]");
//!
//! let back: Vec<(String, i64)> = value.try_into().unwrap();
//! assert_eq!(back, [("one".to_string(), 1), ("two".to_string(), 2)]);
//! ```

mod array;
mod convert;
mod de;
mod equal;
mod exact;
mod extract;
mod from;
mod repr;
mod ser;
#[cfg(test)]
mod serde_tests;
#[cfg(test)]
mod tests;
mod text;
pub(crate) mod utf8;

pub use num_bigint::BigInt;

pub(crate) use array::check_payload;
pub use array::{Array, InvalidArray, Order};
pub use convert::ConvertError;
pub use de::from_value;
pub use extract::{FromValue, Mismatch};
pub use ser::to_value;
pub use text::Text;

/// The maximum nesting of a value that can be sent.
pub(crate) const MAX_DEPTH: usize = 100;

/// A Python value that can be sent from one interpreter to another.
///
/// Values are trees: an object that several containers share in Python is copied here.
///
/// Two values are equal if they have the same type and the same contents. Sets and dicts compare regardless of
/// order. Floats are equal if their bits are, so a NaN equals itself and `-0.0` differs from `0.0`. Unlike in
/// Python, `1`, `1.0` and `True` differ.
///
/// The depth of a received value is limited. Comparing, cloning, displaying and dropping recurse, so a value
/// must not be nested much deeper than [`MAX_DEPTH`](crate::encoding::MAX_DEPTH); nesting thousands deep can
/// overflow the stack.
///
/// The default is `None`.
///
/// # Examples
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::Value;
///
/// let value = Value::from((1, "a"));
/// assert_eq!(value, Value::Tuple(vec![1.into(), "a".into()]));
/// assert_eq!(value.as_tuple().and_then(|items| items[0].as_i64()), Some(1));
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Value {
    /// `None`.
    #[default]
    None,
    /// A `bool`.
    Bool(bool),
    /// An `int`, of any size.
    Int(BigInt),
    /// A `float`.
    Float(f64),
    /// A `complex`.
    Complex {
        /// The real part.
        re: f64,
        /// The imaginary part.
        im: f64,
    },
    /// A `str`.
    Str(Text),
    /// A `bytes`.
    Bytes(Vec<u8>),
    /// A `bytearray`.
    ByteArray(Vec<u8>),
    /// A `memoryview`, with a copy of the bytes that it views.
    MemoryView(Vec<u8>),
    /// A `tuple`.
    Tuple(Vec<Value>),
    /// A `list`.
    List(Vec<Value>),
    /// A `dict`, as pairs of key and value in the order of the dict. If a key occurs more than once, Python
    /// keeps its last value.
    Dict(Vec<(Value, Value)>),
    /// A `set`, in unspecified order.
    Set(Vec<Value>),
    /// A `frozenset`, in unspecified order.
    FrozenSet(Vec<Value>),
    /// A `numpy.ndarray`, or a scalar of numpy.
    Array(Box<Array>),
    /// An object that is not data but travels beside the message, such as a channel end.
    Handle {
        /// The kind of the object.
        kind: HandleKind,
        /// Its index among the handles that travel with the message, from 0.
        index: u32,
    },
}

/// The kind of a [`Value::Handle`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum HandleKind {
    /// The sending end of a channel.
    Sender,
    /// The receiving end of a channel.
    Receiver,
    /// An end of a queue.
    Queue,
    /// An interpreter.
    Interpreter,
}

impl Value {
    /// Returns the name of the value's Python type.
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::value::Value;
    ///
    /// assert_eq!(Value::from(1).type_name(), "int");
    /// assert_eq!(Value::None.type_name(), "NoneType");
    /// ```
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::None => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Complex { .. } => "complex",
            Self::Str(_) => "str",
            Self::Bytes(_) => "bytes",
            Self::ByteArray(_) => "bytearray",
            Self::MemoryView(_) => "memoryview",
            Self::Tuple(_) => "tuple",
            Self::List(_) => "list",
            Self::Dict(_) => "dict",
            Self::Set(_) => "set",
            Self::FrozenSet(_) => "frozenset",
            Self::Array(array) if array.is_scalar() => "numpy scalar",
            Self::Array(_) => "ndarray",
            Self::Handle { kind, .. } => match kind {
                HandleKind::Sender => "Sender",
                HandleKind::Receiver => "Receiver",
                HandleKind::Queue => "Queue",
                HandleKind::Interpreter => "Interpreter",
            },
        }
    }

    /// Returns whether this is `None`.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Returns the value of a `bool`.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self {
            Some(*value)
        } else {
            None
        }
    }

    /// Returns the value of an `int`.
    #[must_use]
    pub fn as_int(&self) -> Option<&BigInt> {
        if let Self::Int(value) = self {
            Some(value)
        } else {
            None
        }
    }

    /// Returns the value of an `int` that fits into 64 bits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        self.as_int().and_then(|value| i64::try_from(value).ok())
    }

    /// Returns the value of a `float`. Returns `None` for an `int`.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        if let Self::Float(value) = self {
            Some(*value)
        } else {
            None
        }
    }

    /// Returns the value of a `str` without lone surrogates. [`Value::as_text`] returns any `str`.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.as_text().and_then(Text::as_str)
    }

    /// Returns the value of a `str`.
    #[must_use]
    pub fn as_text(&self) -> Option<&Text> {
        if let Self::Str(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// Returns the contents of a `bytes`, `bytearray` or `memoryview`.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) | Self::ByteArray(bytes) | Self::MemoryView(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Returns the array, if this is one.
    #[must_use]
    pub fn as_array(&self) -> Option<&Array> {
        if let Self::Array(array) = self {
            Some(array)
        } else {
            None
        }
    }

    /// Returns the items of a `list`.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Value]> {
        if let Self::List(items) = self {
            Some(items)
        } else {
            None
        }
    }

    /// Returns the items of a `tuple`.
    #[must_use]
    pub fn as_tuple(&self) -> Option<&[Value]> {
        if let Self::Tuple(items) = self {
            Some(items)
        } else {
            None
        }
    }

    /// Returns the elements of a `set` or `frozenset`.
    #[must_use]
    pub fn as_set(&self) -> Option<&[Value]> {
        match self {
            Self::Set(elements) | Self::FrozenSet(elements) => Some(elements),
            _ => None,
        }
    }

    /// Returns the pairs of a `dict`.
    #[must_use]
    pub fn as_dict(&self) -> Option<&[(Value, Value)]> {
        if let Self::Dict(pairs) = self {
            Some(pairs)
        } else {
            None
        }
    }

    /// Returns the value of a key, if this is a `dict` that contains it.
    ///
    /// The search starts at the end, so that the last of equal keys wins, as in Python. It takes linear time.
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::value::Value;
    ///
    /// let dict = Value::Dict(vec![("a".into(), 1.into()), (2.into(), "b".into())]);
    /// assert_eq!(dict.get("a"), Some(&Value::from(1)));
    /// assert_eq!(dict.get(&2).and_then(Value::as_str), Some("b"));
    /// assert_eq!(dict.get("b"), None);
    /// ```
    #[must_use]
    pub fn get<K: ?Sized>(&self, key: &K) -> Option<&Value>
    where
        Self: PartialEq<K>,
    {
        let (_, value) = self
            .as_dict()?
            .iter()
            .rev()
            .find(|(candidate, _)| candidate == key)?;
        Some(value)
    }
}
