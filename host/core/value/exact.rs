//! Conversion of values without serde equivalents. Such a value is serialised as a newtype with a reserved
//! name (a *mark*), from which `to_value` and `from_value` restore it. Other formats ignore the mark.

use super::convert::ConvertError;
use super::{Array, BigInt, Text, Value};
use serde::de::{self, Deserialize, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess};
use serde::ser::{self, Serialize, SerializeMap, SerializeTuple, Serializer};
use std::fmt;

/// The newtype name that requests an unchanged value from the deserialiser of `Value`.
pub(super) const WHOLE: &str = "$archipel::Value";

/// The kinds of values without serde equivalents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An `int` of more than 128 bits, as little-endian bytes in two's complement: a decimal form would take
    /// time quadratic in its size.
    BigInt,
    /// A `str` with surrogates, as bytes in generalised UTF-8.
    Surrogates,
    Complex,
    ByteArray,
    MemoryView,
    Set,
    FrozenSet,
    Array,
}

impl Kind {
    const ALL: [(Kind, &str); 8] = [
        (Kind::BigInt, "$archipel::int"),
        (Kind::Surrogates, "$archipel::str"),
        (Kind::Complex, "$archipel::complex"),
        (Kind::ByteArray, "$archipel::bytearray"),
        (Kind::MemoryView, "$archipel::memoryview"),
        (Kind::Set, "$archipel::set"),
        (Kind::FrozenSet, "$archipel::frozenset"),
        (Kind::Array, "$archipel::ndarray"),
    ];

    /// Returns the kind with that mark.
    pub(super) fn marked(name: &str) -> Option<Kind> {
        let found = Kind::ALL.into_iter().find(|(_, mark)| *mark == name);
        found.map(|(kind, _)| kind)
    }

    fn mark(self) -> &'static str {
        let found = Kind::ALL.into_iter().find(|(kind, _)| *kind == self);
        found.map_or("", |(_, mark)| mark)
    }

    /// Restores the value from its plain form.
    pub(super) fn restore(self, plain: Value) -> Result<Value, ConvertError> {
        let restored = match (self, plain) {
            (Kind::BigInt, Value::Bytes(bytes)) => {
                Some(Value::Int(BigInt::from_signed_bytes_le(&bytes)))
            }
            (Kind::Surrogates, Value::Bytes(bytes)) => {
                Text::from_generalised_utf8(bytes).map(Value::Str)
            }
            (Kind::Complex, Value::Tuple(parts)) => match parts[..] {
                [Value::Float(re), Value::Float(im)] => Some(Value::Complex { re, im }),
                _ => None,
            },
            (Kind::ByteArray, Value::Bytes(bytes)) => Some(Value::ByteArray(bytes)),
            (Kind::MemoryView, Value::Bytes(bytes)) => Some(Value::MemoryView(bytes)),
            (Kind::Set, Value::List(items)) => Some(Value::Set(items)),
            (Kind::FrozenSet, Value::List(items)) => Some(Value::FrozenSet(items)),
            (Kind::Array, Value::Bytes(bytes)) => Array::from_payload(bytes).ok().map(Value::from),
            _ => None,
        };
        restored
            .ok_or_else(|| ConvertError::new(format_args!("invalid content for {}", self.mark())))
    }
}

/// Serialises as bytes instead of a list.
struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// [`to_value`](super::to_value) keeps a value unchanged. In other formats sets, frozensets and tuples become
/// sequences, `bytearray` and `memoryview` bytes, and complex numbers pairs. Strings with surrogates become
/// bytes, and integers of more than 128 bits become little-endian bytes in two's complement.
///
/// A [`Value::Handle`] cannot be serialised.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::None => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(int) => serialise_int(int, serializer),
            Value::Float(float) => serializer.serialize_f64(*float),
            Value::Complex { re, im } => {
                serializer.serialize_newtype_struct(Kind::Complex.mark(), &(re, im))
            }
            Value::Str(text) => match text.as_str() {
                Some(text) => serializer.serialize_str(text),
                None => serializer
                    .serialize_newtype_struct(Kind::Surrogates.mark(), &Bytes(text.as_bytes())),
            },
            Value::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Value::ByteArray(bytes) => {
                serializer.serialize_newtype_struct(Kind::ByteArray.mark(), &Bytes(bytes))
            }
            Value::MemoryView(bytes) => {
                serializer.serialize_newtype_struct(Kind::MemoryView.mark(), &Bytes(bytes))
            }
            Value::Array(array) => {
                let payload = array.to_payload();
                serializer.serialize_newtype_struct(Kind::Array.mark(), &Bytes(&payload))
            }
            Value::Tuple(items) => {
                let mut tuple = serializer.serialize_tuple(items.len())?;
                for item in items {
                    tuple.serialize_element(item)?;
                }
                tuple.end()
            }
            Value::List(items) => serializer.collect_seq(items),
            Value::Dict(pairs) => {
                let mut map = serializer.serialize_map(Some(pairs.len()))?;
                for (key, value) in pairs {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
            Value::Set(items) => serializer.serialize_newtype_struct(Kind::Set.mark(), items),
            Value::FrozenSet(items) => {
                serializer.serialize_newtype_struct(Kind::FrozenSet.mark(), items)
            }
            Value::Handle { .. } => Err(ser::Error::custom(format_args!(
                "a handle ({}) is not data",
                self.type_name()
            ))),
        }
    }
}

fn serialise_int<S: Serializer>(int: &BigInt, serializer: S) -> Result<S::Ok, S::Error> {
    if let Ok(int) = i64::try_from(int) {
        return serializer.serialize_i64(int);
    }
    if let Ok(int) = u64::try_from(int) {
        return serializer.serialize_u64(int);
    }
    if let Ok(int) = i128::try_from(int) {
        return serializer.serialize_i128(int);
    }
    match u128::try_from(int) {
        Ok(int) => serializer.serialize_u128(int),
        Err(_) => serializer
            .serialize_newtype_struct(Kind::BigInt.mark(), &Bytes(&int.to_signed_bytes_le())),
    }
}

/// [`from_value`](super::from_value) keeps a value unchanged, except inside types that serde buffers, such as
/// untagged enums. Other formats yield `None`, `bool`, `int`, `float`, `str`, `bytes`, `list` and `dict`.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(WHOLE, Any)
    }
}

/// Accepts any value.
struct Any;

macro_rules! visits {
    ($($method:ident $type:ty;)*) => {$(
        fn $method<E: de::Error>(self, value: $type) -> Result<Value, E> {
            Ok(value.into())
        }
    )*};
}

impl<'de> de::Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value with a Python equivalent")
    }

    visits! {
        visit_bool bool; visit_i64 i64; visit_i128 i128; visit_u64 u64; visit_u128 u128;
        visit_f64 f64; visit_str &str; visit_string String; visit_bytes &[u8]; visit_byte_buf Vec<u8>;
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::None)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::None)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        Value::deserialize(inner)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        inner.deserialize_any(Any)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = entries.next_entry()? {
            pairs.push(pair);
        }
        Ok(Value::Dict(pairs))
    }

    /// The deserialiser of `Value` presents values without serde equivalents as an enum: a mark and the plain
    /// form.
    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Value, A::Error> {
        let (mark, content) = data.variant::<String>()?;
        if mark == TUPLE {
            return content.newtype_variant().map(Value::Tuple);
        }
        let kind =
            Kind::marked(&mark).ok_or_else(|| de::Error::custom("an enum is not a Value"))?;
        let plain = match kind {
            Kind::Complex => Value::from(content.newtype_variant::<(f64, f64)>()?),
            _ => content.newtype_variant::<Value>()?,
        };
        kind.restore(plain).map_err(de::Error::custom)
    }
}

/// The mark of a tuple. serde distinguishes it from a list only if a tuple is requested.
pub(super) const TUPLE: &str = "$archipel::tuple";

/// Returns the mark and the plain form of a value without a serde equivalent, or else the value.
pub(super) fn taken_apart(value: Value) -> Result<(&'static str, Value), Value> {
    let (kind, plain) = match value {
        Value::Tuple(items) => return Ok((TUPLE, Value::List(items))),
        Value::Complex { re, im } => (Kind::Complex, Value::from((re, im))),
        Value::ByteArray(bytes) => (Kind::ByteArray, Value::Bytes(bytes)),
        Value::MemoryView(bytes) => (Kind::MemoryView, Value::Bytes(bytes)),
        Value::Set(items) => (Kind::Set, Value::List(items)),
        Value::FrozenSet(items) => (Kind::FrozenSet, Value::List(items)),
        Value::Array(array) => (Kind::Array, Value::Bytes(array.to_payload())),
        Value::Str(text) if text.as_str().is_none() => {
            (Kind::Surrogates, Value::Bytes(text.as_bytes().to_vec()))
        }
        Value::Int(int) if int.bits() > 127 => {
            (Kind::BigInt, Value::Bytes(int.to_signed_bytes_le()))
        }
        other => return Err(other),
    };
    Ok((kind.mark(), plain))
}
