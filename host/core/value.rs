//! Python values as the host sees them.
//!
//! Code of the host that sends or receives messages itself works with [`Value`]s: they are made
//! with `From`, taken apart with `TryFrom` or by matching, and displayed as Python would.  Types that
//! serde knows are converted with [`to_value`] and [`from_value`].
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

pub use num_bigint::BigInt;

pub use convert::ConvertError;
pub use de::from_value;
pub use extract::Mismatch;
pub use ser::to_value;
pub use text::Text;

/// A Python value that can be sent from one interpreter to another.
///
/// Values are trees: what several containers share in Python is copied here.
///
/// Two values are equal if they are of the same type and have the same contents, where sets and
/// dicts compare regardless of order. Floats are the same if their bits are, so that a NaN equals
/// itself and `-0.0` differs from `0.0`. Unlike in Python, `1`, `1.0` and `True` differ.
///
/// The depth of a received value is limited. Comparing, cloning, displaying and dropping recurse,
/// so that a value must not be made much deeper than [`MAX_DEPTH`](crate::encoding::MAX_DEPTH).
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
    /// A `memoryview`, with a copy of the bytes it views.
    MemoryView(Vec<u8>),
    /// A `tuple`.
    Tuple(Vec<Value>),
    /// A `list`.
    List(Vec<Value>),
    /// A `dict`, as pairs of key and value in the order of the dict. Of a key that occurs more than
    /// once Python keeps the last value.
    Dict(Vec<(Value, Value)>),
    /// A `set`, in no particular order.
    Set(Vec<Value>),
    /// A `frozenset`, in no particular order.
    FrozenSet(Vec<Value>),
    /// Something that is not data, but travels beside it.
    Handle {
        /// What it is.
        kind: HandleKind,
        /// Its place among the handles that travel with the message.
        index: u32,
    },
}

/// What a [`Value::Handle`] is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
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
    /// The name of its Python type, such as `int`.
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
            Self::Handle { kind, .. } => match kind {
                HandleKind::Sender => "Sender",
                HandleKind::Receiver => "Receiver",
                HandleKind::Queue => "Queue",
                HandleKind::Interpreter => "Interpreter",
            },
        }
    }

    /// Whether this is `None`.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// The value of a `bool`.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self {
            Some(*value)
        } else {
            None
        }
    }

    /// The value of an `int`.
    #[must_use]
    pub fn as_int(&self) -> Option<&BigInt> {
        if let Self::Int(value) = self {
            Some(value)
        } else {
            None
        }
    }

    /// The value of an `int` within 64 bits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        self.as_int().and_then(|value| i64::try_from(value).ok())
    }

    /// The value of a `float`. An `int` is none.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        if let Self::Float(value) = self {
            Some(*value)
        } else {
            None
        }
    }

    /// The value of a `str` without lone surrogates; [`Value::as_text`] returns any.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.as_text().and_then(Text::as_str)
    }

    /// The value of a `str`.
    #[must_use]
    pub fn as_text(&self) -> Option<&Text> {
        if let Self::Str(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// The contents of a `bytes`, `bytearray` or `memoryview`.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) | Self::ByteArray(bytes) | Self::MemoryView(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The items of a `list`.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Value]> {
        if let Self::List(items) = self {
            Some(items)
        } else {
            None
        }
    }

    /// The items of a `tuple`.
    #[must_use]
    pub fn as_tuple(&self) -> Option<&[Value]> {
        if let Self::Tuple(items) = self {
            Some(items)
        } else {
            None
        }
    }

    /// The elements of a `set` or `frozenset`.
    #[must_use]
    pub fn as_set(&self) -> Option<&[Value]> {
        match self {
            Self::Set(elements) | Self::FrozenSet(elements) => Some(elements),
            _ => None,
        }
    }

    /// The pairs of a `dict`.
    #[must_use]
    pub fn as_dict(&self) -> Option<&[(Value, Value)]> {
        if let Self::Dict(pairs) = self {
            Some(pairs)
        } else {
            None
        }
    }

    /// The value of a key, if this is a `dict` that has it.
    ///
    /// The dict is searched from its end, so that the last of equal keys wins as in Python.
    ///
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
