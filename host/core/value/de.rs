//! Conversion of values into types that serde can deserialise.

use super::convert::{ConvertError, Step, shortened};
use super::{BigInt, Value, exact};
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};

/// Converts a value into a Rust type.
///
/// The result of [`to_value`](super::to_value) converts back into the same data. Lists, tuples and sets are
/// interchangeable. An `int` converts to a float, as in Python, but a float never to an integer. Bytes convert
/// to a `Vec<u8>`, and a `complex` to a pair. Structs ignore unknown keys, unless they are declared otherwise.
///
/// # Errors
///
/// Returns [`ConvertError`] with the place in the value if the value does not have the shape of `T`: a missing
/// or wrong field, an integer out of range, a string with surrogates, or a handle.
///
/// # Examples
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::value::{Value, from_value};
///
/// #[derive(Debug, PartialEq, serde::Deserialize)]
/// struct Point { x: f64, y: f64 }
///
/// let dict = |y: Value| Value::Dict(vec![("x".into(), 1.into()), ("y".into(), y)]);
/// let point: Point = from_value(dict(0.5.into()))?;
/// assert_eq!(point, Point { x: 1.0, y: 0.5 });
///
/// let error = from_value::<Vec<Point>>(Value::List(vec![dict("north".into())])).unwrap_err();
/// assert_eq!(error.to_string(), r#"[0].y: expected f64, found the str "north""#);
/// # Ok::<(), archipel::value::ConvertError>(())
/// ```
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, ConvertError> {
    T::deserialize(value)
}

fn surrogates() -> ConvertError {
    ConvertError::new("the str contains surrogates")
}

/// Passes an `int` to the visitor as the smallest Rust type that can hold it.
fn visit_int<'de, V: Visitor<'de>>(int: &BigInt, visitor: V) -> Result<V::Value, ConvertError> {
    if let Ok(int) = i64::try_from(int) {
        return visitor.visit_i64(int);
    }
    if let Ok(int) = u64::try_from(int) {
        return visitor.visit_u64(int);
    }
    if let Ok(int) = i128::try_from(int) {
        return visitor.visit_i128(int);
    }
    match u128::try_from(int) {
        Ok(int) => visitor.visit_u128(int),
        Err(_) => Err(ConvertError::new(format_args!(
            "an int of {} bits is out of range",
            int.bits()
        ))),
    }
}

impl<'de> Deserializer<'de> for Value {
    type Error = ConvertError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConvertError> {
        match self {
            Value::None => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Int(int) => visit_int(&int, visitor),
            Value::Float(float) => visitor.visit_f64(float),
            Value::Complex { re, im } => visit_items(vec![re.into(), im.into()], visitor),
            Value::Str(text) => match text.into_string() {
                Ok(text) => visitor.visit_string(text),
                Err(_) => Err(surrogates()),
            },
            Value::Bytes(bytes) | Value::ByteArray(bytes) | Value::MemoryView(bytes) => {
                visitor.visit_byte_buf(bytes)
            }
            Value::Tuple(items)
            | Value::List(items)
            | Value::Set(items)
            | Value::FrozenSet(items) => visit_items(items, visitor),
            Value::Dict(pairs) => visit_pairs(pairs, visitor),
            Value::Array(_) => Err(ConvertError::new(
                "an array has no equivalent in serde (use Value::as_array)",
            )),
            Value::Handle { .. } => Err(ConvertError::new(format_args!(
                "a handle ({}) is not data",
                self.type_name()
            ))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConvertError> {
        match self {
            Value::None => visitor.visit_none(),
            value => visitor.visit_some(value),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ConvertError> {
        if name != exact::WHOLE {
            return visitor.visit_newtype_struct(self);
        }
        match exact::taken_apart(self) {
            Ok((mark, plain)) => visitor.visit_enum(Tagged {
                name: mark.into(),
                content: Some(plain),
                marked: true,
            }),
            Err(value) => value.deserialize_any(visitor),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConvertError> {
        match self {
            Value::Bytes(bytes) | Value::ByteArray(bytes) | Value::MemoryView(bytes) => {
                let items = de::value::SeqDeserializer::new(bytes.into_iter());
                visitor.visit_seq(items)
            }
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, ConvertError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, ConvertError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ConvertError> {
        let (name, content) = match self {
            Value::Str(_) => (self, None),
            Value::Dict(pairs) => match <[_; 1]>::try_from(pairs) {
                Ok([(name, content)]) => (name, Some(content)),
                Err(pairs) => {
                    return Err(ConvertError::new(format_args!(
                        "expected the name of a variant, or a dict with it as the only key, found a \
                         dict of {}",
                        pairs.len()
                    )));
                }
            },
            other => {
                return Err(ConvertError::new(format_args!(
                    "expected the name of a variant, or a dict with it as the only key, found {}",
                    other.type_name()
                )));
            }
        };
        visitor.visit_enum(Tagged {
            name,
            content,
            marked: false,
        })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(
        self,
        visitor: V,
    ) -> Result<V::Value, ConvertError> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct map struct identifier
    }
}

impl IntoDeserializer<'_, ConvertError> for Value {
    type Deserializer = Value;

    fn into_deserializer(self) -> Value {
        self
    }
}

fn visit_items<'de, V: Visitor<'de>>(
    items: Vec<Value>,
    visitor: V,
) -> Result<V::Value, ConvertError> {
    let length = items.len();
    let mut items = Items {
        items: items.into_iter(),
        at: 0,
    };
    let made = visitor.visit_seq(&mut items)?;
    match items.items.len() {
        0 => Ok(made),
        left => Err(ConvertError::new(format_args!(
            "expected {} items, found {length}",
            length - left
        ))),
    }
}

fn visit_pairs<'de, V: Visitor<'de>>(
    pairs: Vec<(Value, Value)>,
    visitor: V,
) -> Result<V::Value, ConvertError> {
    visitor.visit_map(Pairs {
        pairs: pairs.into_iter(),
        value: None,
    })
}

/// The items of a sequence, with their indices.
struct Items {
    items: std::vec::IntoIter<Value>,
    at: usize,
}

impl<'de> de::SeqAccess<'de> for &mut Items {
    type Error = ConvertError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ConvertError> {
        let Some(item) = self.items.next() else {
            return Ok(None);
        };
        let at = self.at;
        self.at += 1;
        let made = seed.deserialize(item);
        made.map(Some).map_err(|error| error.inside(Step::Item(at)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// The pairs of a dict.
struct Pairs {
    pairs: std::vec::IntoIter<(Value, Value)>,
    value: Option<(Step, Value)>,
}

impl<'de> de::MapAccess<'de> for Pairs {
    type Error = ConvertError;

    fn next_key_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ConvertError> {
        let Some((key, value)) = self.pairs.next() else {
            return Ok(None);
        };
        let step = Step::to_value_of(&key);
        let shown = shortened(&key.to_string());
        self.value = Some((step, value));
        let made = seed.deserialize(key).map(Some);
        made.map_err(|error| ConvertError::new(format_args!("the key {shown}: {error}")))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<T::Value, ConvertError> {
        let (step, value) = self
            .value
            .take()
            .ok_or_else(|| ConvertError::new("a value was requested before its key"))?;
        let made = seed.deserialize(value);
        made.map_err(|error| error.inside(step))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.pairs.len())
    }
}

/// A variant of an enum, or a value without a serde equivalent with its mark.
struct Tagged {
    name: Value,
    content: Option<Value>,
    /// True if the name is a mark. Paths omit marks.
    marked: bool,
}

impl<'de> de::EnumAccess<'de> for Tagged {
    type Error = ConvertError;
    type Variant = Content;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Content), ConvertError> {
        let step = (!self.marked).then(|| Step::to_value_of(&self.name));
        let made = seed.deserialize(self.name)?;
        let content = Content {
            content: self.content,
            step,
        };
        Ok((made, content))
    }
}

/// The content of a variant.
struct Content {
    content: Option<Value>,
    step: Option<Step>,
}

impl Content {
    fn with<T>(
        self,
        act: impl FnOnce(Value) -> Result<T, ConvertError>,
    ) -> Result<T, ConvertError> {
        let content = self.content;
        let content = content.ok_or_else(|| ConvertError::new("missing content of the variant"))?;
        act(content).map_err(|error| match self.step {
            Some(step) => error.inside(step),
            None => error,
        })
    }
}

impl<'de> de::VariantAccess<'de> for Content {
    type Error = ConvertError;

    fn unit_variant(self) -> Result<(), ConvertError> {
        match self.content {
            None => Ok(()),
            Some(_) => self.with(de::Deserialize::deserialize),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, ConvertError> {
        self.with(|content| seed.deserialize(content))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, ConvertError> {
        self.with(|content| content.deserialize_seq(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ConvertError> {
        self.with(|content| content.deserialize_any(visitor))
    }
}
