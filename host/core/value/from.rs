//! Conversion of Rust types into values with `From`.

use std::collections::{BTreeMap, HashMap};

use super::{Array, BigInt, Text, Value};

macro_rules! from_int {
    ($($int:ty)*) => {$(
        impl From<$int> for Value {
            fn from(int: $int) -> Self {
                Self::Int(int.into())
            }
        }
    )*};
}

// Not implemented for `u8`, because `Vec<u8>` is a bytes object and not a list.
from_int!(i8 i16 i32 i64 i128 isize u16 u32 u64 u128 usize BigInt);

impl From<()> for Value {
    fn from((): ()) -> Self {
        Self::None
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(float: f64) -> Self {
        Self::Float(float)
    }
}

impl From<Array> for Value {
    fn from(array: Array) -> Self {
        Self::Array(Box::new(array))
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Self {
        Self::Str(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text.into())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl<T> From<Vec<T>> for Value
where
    Value: From<T>,
{
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Self::from).collect())
    }
}

impl<T> From<Option<T>> for Value
where
    Value: From<T>,
{
    fn from(option: Option<T>) -> Self {
        option.map_or(Self::None, Self::from)
    }
}

impl<K, V, S> From<HashMap<K, V, S>> for Value
where
    Value: From<K> + From<V>,
{
    fn from(map: HashMap<K, V, S>) -> Self {
        dict(map)
    }
}

impl<K, V> From<BTreeMap<K, V>> for Value
where
    Value: From<K> + From<V>,
{
    fn from(map: BTreeMap<K, V>) -> Self {
        dict(map)
    }
}

fn dict<K, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Value
where
    Value: From<K> + From<V>,
{
    Value::Dict(
        pairs
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect(),
    )
}

macro_rules! from_tuple {
    ($(($($item:ident)+))*) => {$(
        impl<$($item),+> From<($($item,)+)> for Value
        where
            Value: $(From<$item> +)+,
        {
            #[expect(non_snake_case, reason = "items are named like their types")]
            fn from(($($item,)+): ($($item,)+)) -> Self {
                Self::Tuple(vec![$($item.into()),+])
            }
        }
    )*};
}

from_tuple!((A)(A B)(A B C)(A B C D)(A B C D E)(A B C D E F));
