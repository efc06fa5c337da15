//! Conversion of types that serde can serialise into values.

use super::MAX_DEPTH;
use super::convert::{ConvertError, Step};
use super::{BigInt, Text, Value, exact};
use serde::ser::{self, Serialize};

/// Converts data into the corresponding Python value.
///
/// | Rust | Python |
/// |---|---|
/// | integers | `int` |
/// | `f32`, `f64` | `float` |
/// | `char`, `str` | `str` |
/// | bytes of [`serde_bytes`](https://docs.rs/serde_bytes) and the like | `bytes` |
/// | `()`, `None`, unit structs | `None` |
/// | `Vec`, slices, sets | `list` |
/// | tuples, arrays, tuple structs | `tuple` |
/// | maps, structs | `dict` |
/// | a variant without fields | its name, a `str` |
/// | any other variant | a `dict` with its name as the only key |
/// | [`Value`] | itself |
///
/// serde treats a `Vec<u8>` as a list of integers, so it becomes a list here, unlike with `From`.
///
/// # Errors
///
/// Returns [`ConvertError`] if the data is nested deeper than 100 levels, or if a type's serialisation
/// fails.
///
/// # Examples
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::value::{Value, to_value};
///
/// #[derive(serde::Serialize)]
/// struct Order {
///     id: u64,
///     items: Vec<(String, u32)>,
/// }
///
/// let order = Order { id: 7, items: vec![("tea".to_owned(), 2)] };
/// assert_eq!(to_value(&order)?.to_string(), "{'id': 7, 'items': [('tea', 2)]}");
/// # Ok::<(), archipel::value::ConvertError>(())
/// ```
pub fn to_value<T: Serialize + ?Sized>(data: &T) -> Result<Value, ConvertError> {
    data.serialize(ToValue { depth: MAX_DEPTH })
}

/// The serialiser for one value.
#[derive(Clone, Copy)]
pub(super) struct ToValue {
    /// The number of further levels of containers that are allowed.
    depth: usize,
}

impl ToValue {
    /// Returns the serialiser for the contents of a container.
    fn deeper(self) -> Result<Self, ConvertError> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(ToValue { depth }),
            None => Err(ConvertError::new(format_args!(
                "nested deeper than {MAX_DEPTH} levels"
            ))),
        }
    }

    fn items(self, length: usize, make: fn(Vec<Value>) -> Value) -> Result<Items, ConvertError> {
        Ok(Items {
            inner: self.deeper()?,
            items: Vec::with_capacity(length.min(MOST_RESERVED)),
            make,
            variant: None,
        })
    }

    fn pairs(self, length: usize) -> Result<Pairs, ConvertError> {
        Ok(Pairs {
            inner: self.deeper()?,
            pairs: Vec::with_capacity(length.min(MOST_RESERVED)),
            key: None,
            variant: None,
        })
    }
}

/// The maximum number of items to preallocate: a type's stated length is only a hint.
const MOST_RESERVED: usize = 1024;

macro_rules! ints {
    ($($method:ident $int:ty;)*) => {$(
        fn $method(self, int: $int) -> Result<Value, ConvertError> {
            Ok(Value::Int(BigInt::from(int)))
        }
    )*};
}

impl ser::Serializer for ToValue {
    type Ok = Value;
    type Error = ConvertError;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Pairs;
    type SerializeStruct = Pairs;
    type SerializeStructVariant = Pairs;

    ints! {
        serialize_i8 i8; serialize_i16 i16; serialize_i32 i32; serialize_i64 i64; serialize_i128 i128;
        serialize_u8 u8; serialize_u16 u16; serialize_u32 u32; serialize_u64 u64; serialize_u128 u128;
    }

    fn serialize_bool(self, value: bool) -> Result<Value, ConvertError> {
        Ok(Value::Bool(value))
    }

    fn serialize_f32(self, float: f32) -> Result<Value, ConvertError> {
        Ok(Value::Float(float.into()))
    }

    fn serialize_f64(self, float: f64) -> Result<Value, ConvertError> {
        Ok(Value::Float(float))
    }

    fn serialize_char(self, c: char) -> Result<Value, ConvertError> {
        Ok(Value::Str(Text::from(c.to_string())))
    }

    fn serialize_str(self, text: &str) -> Result<Value, ConvertError> {
        Ok(Value::Str(text.into()))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Value, ConvertError> {
        Ok(Value::Bytes(bytes.to_vec()))
    }

    fn serialize_none(self) -> Result<Value, ConvertError> {
        Ok(Value::None)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, data: &T) -> Result<Value, ConvertError> {
        data.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, ConvertError> {
        Ok(Value::None)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<Value, ConvertError> {
        Ok(Value::None)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<Value, ConvertError> {
        Ok(Value::Str(variant.into()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        data: &T,
    ) -> Result<Value, ConvertError> {
        let plain = data.serialize(self)?;
        match exact::Kind::marked(name) {
            Some(kind) => kind.restore(plain),
            None => Ok(plain),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        data: &T,
    ) -> Result<Value, ConvertError> {
        let inner = self.deeper()?;
        let value = data
            .serialize(inner)
            .map_err(|error| in_field(error, variant))?;
        Ok(tagged(Some(variant), value))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Items, ConvertError> {
        self.items(length.unwrap_or(0), Value::List)
    }

    fn serialize_tuple(self, length: usize) -> Result<Items, ConvertError> {
        self.items(length, Value::Tuple)
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        length: usize,
    ) -> Result<Items, ConvertError> {
        self.items(length, Value::Tuple)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Items, ConvertError> {
        let mut items = self.deeper()?.items(length, Value::Tuple)?;
        items.variant = Some(variant);
        Ok(items)
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Pairs, ConvertError> {
        self.pairs(length.unwrap_or(0))
    }

    fn serialize_struct(self, _name: &'static str, length: usize) -> Result<Pairs, ConvertError> {
        self.pairs(length)
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Pairs, ConvertError> {
        let mut pairs = self.deeper()?.pairs(length)?;
        pairs.variant = Some(variant);
        Ok(pairs)
    }
}

/// Wraps a value in the dict of its variant, if there is one.
fn tagged(variant: Option<&'static str>, value: Value) -> Value {
    match variant {
        Some(variant) => Value::Dict(vec![(variant.into(), value)]),
        None => value,
    }
}

fn in_field(error: ConvertError, name: &str) -> ConvertError {
    error.inside(Step::to_value_of(&name.into()))
}

/// A list or a tuple under construction.
pub(super) struct Items {
    inner: ToValue,
    items: Vec<Value>,
    make: fn(Vec<Value>) -> Value,
    variant: Option<&'static str>,
}

impl Items {
    fn push<T: Serialize + ?Sized>(&mut self, data: &T) -> Result<(), ConvertError> {
        let value = data.serialize(self.inner).map_err(|error| {
            let error = error.inside(Step::Item(self.items.len()));
            match self.variant {
                Some(variant) => in_field(error, variant),
                None => error,
            }
        })?;
        self.items.push(value);
        Ok(())
    }

    fn finish(self) -> Value {
        tagged(self.variant, (self.make)(self.items))
    }
}

/// A dict under construction.
pub(super) struct Pairs {
    inner: ToValue,
    pairs: Vec<(Value, Value)>,
    key: Option<Value>,
    variant: Option<&'static str>,
}

impl Pairs {
    fn push<T: Serialize + ?Sized>(&mut self, key: Value, data: &T) -> Result<(), ConvertError> {
        let value = data.serialize(self.inner).map_err(|error| {
            let error = error.inside(Step::to_value_of(&key));
            match self.variant {
                Some(variant) => in_field(error, variant),
                None => error,
            }
        })?;
        self.pairs.push((key, value));
        Ok(())
    }

    fn finish(self) -> Value {
        tagged(self.variant, Value::Dict(self.pairs))
    }
}

macro_rules! items {
    ($($trait:ident $method:ident;)*) => {$(
        impl ser::$trait for Items {
            type Ok = Value;
            type Error = ConvertError;

            fn $method<T: Serialize + ?Sized>(&mut self, data: &T) -> Result<(), ConvertError> {
                self.push(data)
            }

            fn end(self) -> Result<Value, ConvertError> {
                Ok(self.finish())
            }
        }
    )*};
}

items! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

macro_rules! pairs {
    ($($trait:ident)*) => {$(
        impl ser::$trait for Pairs {
            type Ok = Value;
            type Error = ConvertError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                data: &T,
            ) -> Result<(), ConvertError> {
                self.push(name.into(), data)
            }

            fn end(self) -> Result<Value, ConvertError> {
                Ok(self.finish())
            }
        }
    )*};
}

pairs!(SerializeStruct SerializeStructVariant);

impl ser::SerializeMap for Pairs {
    type Ok = Value;
    type Error = ConvertError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ConvertError> {
        self.key = Some(key.serialize(self.inner)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, data: &T) -> Result<(), ConvertError> {
        let key = self.key.take();
        let key = key.ok_or_else(|| ConvertError::new("a map has a value without a key"))?;
        self.push(key, data)
    }

    fn end(self) -> Result<Value, ConvertError> {
        Ok(self.finish())
    }
}
