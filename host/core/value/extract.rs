//! Conversion of values into Rust types with `TryFrom`.

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    error, fmt,
    hash::{BuildHasher, Hash},
};

use super::{BigInt, Text, Value};

/// The error of converting a [`Value`] with `TryFrom`.
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::value::{Mismatch, Value};
///
/// let error = i64::try_from(Value::from("x")).unwrap_err();
/// assert_eq!(error.to_string(), "expected int, found str");
/// let error = i8::try_from(Value::from(300)).unwrap_err();
/// assert!(matches!(error, Mismatch::OutOfRange { expected: "i8" }));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Mismatch {
    /// The value is of another type.
    WrongType {
        /// The expected Python type.
        expected: &'static str,
        /// The type of the value.
        found: &'static str,
    },
    /// The value is an `int` outside the range of the Rust type.
    OutOfRange {
        /// The Rust type.
        expected: &'static str,
    },
    /// The value is a `tuple` of another length.
    WrongLength {
        /// The expected length.
        expected: usize,
        /// The length of the tuple.
        found: usize,
    },
    /// The value is a `str` with surrogates, which a Rust string cannot contain.
    Surrogates,
}

impl Mismatch {
    fn wrong_type(expected: &'static str, found: &Value) -> Self {
        Self::WrongType {
            expected,
            found: found.type_name(),
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongType { expected, found } => write!(f, "expected {expected}, found {found}"),
            Self::OutOfRange { expected } => write!(f, "the int is out of the range of {expected}"),
            Self::WrongLength { expected, found } => {
                write!(
                    f,
                    "expected a tuple of length {expected}, found one of length {found}"
                )
            }
            Self::Surrogates => f.write_str("the str contains surrogates"),
        }
    }
}

impl error::Error for Mismatch {}

/// Types into which a value can be converted: all types with a matching `TryFrom`, including [`Value`] itself.
///
/// These are `bool`, `f64`, `String`, [`Text`], the integers except `u8`, [`BigInt`], `Vec<u8>` (any bytes-like
/// object), `Vec` (a list or tuple), `HashMap` and `BTreeMap`, `Option`, tuples of up to six items, and `()`, which is
/// `None`. Conversions are strict: an `int` is not a `float`.
///
/// # Examples
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::Value;
/// use archipel::value::FromValue;
///
/// assert_eq!(i64::from_value(Value::from(3)), Ok(3));
/// let error = f64::from_value(Value::from(3)).unwrap_err();
/// assert_eq!(error.to_string(), "expected float, found int");
/// ```
pub trait FromValue: Sized {
    /// Converts a value.
    ///
    /// # Errors
    ///
    /// Returns a [`Mismatch`] if the value is of another type, or does not fit.
    fn from_value(value: Value) -> Result<Self, Mismatch>;
}

impl<T> FromValue for T
where
    T: TryFrom<Value>,
    Mismatch: From<T::Error>,
{
    fn from_value(value: Value) -> Result<Self, Mismatch> {
        Ok(T::try_from(value)?)
    }
}

/// Never called. It allows [`Value`] itself as a type in fallible conversions, such as `Vec<Value>`.
impl From<Infallible> for Mismatch {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

macro_rules! extract_int {
    ($($int:ty)*) => {$(
        impl TryFrom<&Value> for $int {
            type Error = Mismatch;

            fn try_from(value: &Value) -> Result<Self, Mismatch> {
                let int = value.as_int().ok_or_else(|| Mismatch::wrong_type("int", value))?;
                Self::try_from(int)
                    .map_err(|_| Mismatch::OutOfRange { expected: stringify!($int) })
            }
        }

        impl TryFrom<Value> for $int {
            type Error = Mismatch;

            fn try_from(value: Value) -> Result<Self, Mismatch> {
                Self::try_from(&value)
            }
        }
    )*};
}

// There is no conversion for `u8`, because `From<u8>` does not exist either.
extract_int!(i8 i16 i32 i64 i128 isize u16 u32 u64 u128 usize);

macro_rules! extract {
    ($($variant:ident($owned:ty) from $borrowed:ty, $name:literal;)*) => {$(
        impl TryFrom<Value> for $owned {
            type Error = Mismatch;

            fn try_from(value: Value) -> Result<Self, Mismatch> {
                match value {
                    Value::$variant(inner) => Ok(inner),
                    other => Err(Mismatch::wrong_type($name, &other)),
                }
            }
        }

        impl<'a> TryFrom<&'a Value> for $borrowed {
            type Error = Mismatch;

            fn try_from(value: &'a Value) -> Result<Self, Mismatch> {
                match value {
                    Value::$variant(inner) => Ok(inner.clone_or_borrow()),
                    other => Err(Mismatch::wrong_type($name, other)),
                }
            }
        }
    )*};
}

/// Converts the reference from a match into the result of a conversion: a copy of a `Copy` type, otherwise the
/// reference.
trait CloneOrBorrow<'a, T> {
    fn clone_or_borrow(&'a self) -> T;
}

impl<T: Copy> CloneOrBorrow<'_, T> for T {
    fn clone_or_borrow(&self) -> T {
        *self
    }
}

impl<'a, T> CloneOrBorrow<'a, &'a T> for T {
    fn clone_or_borrow(&'a self) -> &'a T {
        self
    }
}

extract! {
    Bool(bool) from bool, "bool";
    Float(f64) from f64, "float";
    Int(BigInt) from &'a BigInt, "int";
    Str(Text) from &'a Text, "str";
}

impl TryFrom<Value> for () {
    type Error = Mismatch;

    fn try_from(value: Value) -> Result<Self, Mismatch> {
        if value.is_none() {
            Ok(())
        } else {
            Err(Mismatch::wrong_type("NoneType", &value))
        }
    }
}

impl TryFrom<Value> for String {
    type Error = Mismatch;

    fn try_from(value: Value) -> Result<Self, Mismatch> {
        Text::try_from(value)?
            .into_string()
            .map_err(|_| Mismatch::Surrogates)
    }
}

impl<'a> TryFrom<&'a Value> for &'a str {
    type Error = Mismatch;

    fn try_from(value: &'a Value) -> Result<Self, Mismatch> {
        <&Text>::try_from(value)?
            .as_str()
            .ok_or(Mismatch::Surrogates)
    }
}

/// Accepts `bytes`, `bytearray` and `memoryview`.
impl TryFrom<Value> for Vec<u8> {
    type Error = Mismatch;

    fn try_from(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::Bytes(bytes) | Value::ByteArray(bytes) | Value::MemoryView(bytes) => Ok(bytes),
            other => Err(Mismatch::wrong_type("bytes", &other)),
        }
    }
}

/// Accepts `bytes`, `bytearray` and `memoryview`.
impl<'a> TryFrom<&'a Value> for &'a [u8] {
    type Error = Mismatch;

    fn try_from(value: &'a Value) -> Result<Self, Mismatch> {
        value
            .as_bytes()
            .ok_or_else(|| Mismatch::wrong_type("bytes", value))
    }
}

/// Accepts `list` and `tuple`.
impl<T> TryFrom<Value> for Vec<T>
where
    T: TryFrom<Value>,
    Mismatch: From<T::Error>,
{
    type Error = Mismatch;

    fn try_from(value: Value) -> Result<Self, Mismatch> {
        match value {
            Value::List(items) | Value::Tuple(items) => items
                .into_iter()
                .map(|item| Ok(T::try_from(item)?))
                .collect(),
            other => Err(Mismatch::wrong_type("list", &other)),
        }
    }
}

impl<T> TryFrom<Value> for Option<T>
where
    T: TryFrom<Value, Error = Mismatch>,
{
    type Error = Mismatch;

    fn try_from(value: Value) -> Result<Self, Mismatch> {
        if value.is_none() {
            Ok(None)
        } else {
            T::try_from(value).map(Some)
        }
    }
}

impl<K, V, S> TryFrom<Value> for HashMap<K, V, S>
where
    K: TryFrom<Value> + Eq + Hash,
    V: TryFrom<Value>,
    S: BuildHasher + Default,
    Mismatch: From<K::Error> + From<V::Error>,
{
    type Error = Mismatch;

    fn try_from(value: Value) -> Result<Self, Mismatch> {
        pairs(value)?
            .map(|(key, value)| Ok((K::try_from(key)?, V::try_from(value)?)))
            .collect()
    }
}

impl<K, V> TryFrom<Value> for BTreeMap<K, V>
where
    K: TryFrom<Value> + Ord,
    V: TryFrom<Value>,
    Mismatch: From<K::Error> + From<V::Error>,
{
    type Error = Mismatch;

    fn try_from(value: Value) -> Result<Self, Mismatch> {
        pairs(value)?
            .map(|(key, value)| Ok((K::try_from(key)?, V::try_from(value)?)))
            .collect()
    }
}

fn pairs(value: Value) -> Result<impl Iterator<Item = (Value, Value)>, Mismatch> {
    match value {
        Value::Dict(pairs) => Ok(pairs.into_iter()),
        other => Err(Mismatch::wrong_type("dict", &other)),
    }
}

macro_rules! extract_tuple {
    ($($length:literal ($($item:ident)+))*) => {$(
        impl<$($item),+> TryFrom<Value> for ($($item,)+)
        where
            $($item: TryFrom<Value>,)+
            Mismatch: $(From<$item::Error> +)+,
        {
            type Error = Mismatch;

            #[expect(non_snake_case, reason = "items are named like their types")]
            fn try_from(value: Value) -> Result<Self, Mismatch> {
                let items = match value {
                    Value::Tuple(items) => items,
                    other => return Err(Mismatch::wrong_type("tuple", &other)),
                };
                let [$($item),+] = <[Value; $length]>::try_from(items)
                    .map_err(|items| Mismatch::WrongLength {
                        expected: $length,
                        found: items.len(),
                    })?;
                Ok(($($item::try_from($item)?,)+))
            }
        }
    )*};
}

extract_tuple!(1 (A) 2 (A B) 3 (A B C) 4 (A B C D) 5 (A B C D E) 6 (A B C D E F));
