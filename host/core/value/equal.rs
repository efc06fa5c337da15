//! Equality of values.

use std::cmp::Ordering;

use super::{BigInt, Value};

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        order(self, other).is_eq()
    }
}

impl Eq for Value {}

impl PartialEq<str> for Value {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == Some(other)
    }
}

impl PartialEq<&str> for Value {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == Some(other)
    }
}

impl PartialEq<bool> for Value {
    fn eq(&self, other: &bool) -> bool {
        self.as_bool() == Some(*other)
    }
}

macro_rules! equal_int {
    ($($int:ty)*) => {$(
        impl PartialEq<$int> for Value {
            fn eq(&self, other: &$int) -> bool {
                self.as_int().and_then(|int| <$int>::try_from(int).ok()) == Some(*other)
            }
        }
    )*};
}

equal_int!(i32 i64 u64 i128);

impl PartialEq<BigInt> for Value {
    fn eq(&self, other: &BigInt) -> bool {
        self.as_int() == Some(other)
    }
}

/// A total order of all values that is consistent with equality.
///
/// It has no other meaning. Comparing unordered sets takes n log n steps with it instead of n² with equality
/// alone, which would be too slow for sets from untrusted interpreters.
fn order(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::None, Value::None) => Ordering::Equal,
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Float(a), Value::Float(b)) => a.to_bits().cmp(&b.to_bits()),
        (Value::Complex { re: a_re, im: a_im }, Value::Complex { re: b_re, im: b_im }) => {
            (a_re.to_bits(), a_im.to_bits()).cmp(&(b_re.to_bits(), b_im.to_bits()))
        }
        (Value::Str(a), Value::Str(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::Bytes(a), Value::Bytes(b))
        | (Value::ByteArray(a), Value::ByteArray(b))
        | (Value::MemoryView(a), Value::MemoryView(b)) => a.cmp(b),
        (Value::Tuple(a), Value::Tuple(b)) | (Value::List(a), Value::List(b)) => {
            in_sequence(a, b, order)
        }
        (Value::Dict(a), Value::Dict(b)) => in_any_order(a, b, |(a_key, a), (b_key, b)| {
            order(a_key, b_key).then_with(|| order(a, b))
        }),
        (Value::Set(a), Value::Set(b)) | (Value::FrozenSet(a), Value::FrozenSet(b)) => {
            in_any_order(a, b, order)
        }
        (Value::Array(a), Value::Array(b)) => a.cmp(b),
        (
            Value::Handle {
                kind: a_kind,
                index: a_index,
            },
            Value::Handle {
                kind: b_kind,
                index: b_index,
            },
        ) => (a_kind, a_index).cmp(&(b_kind, b_index)),
        _ => rank(a).cmp(&rank(b)),
    }
}

/// Returns the rank of a value's type in the order.
fn rank(value: &Value) -> u8 {
    match value {
        Value::None => 0,
        Value::Bool(_) => 1,
        Value::Int(_) => 2,
        Value::Float(_) => 3,
        Value::Complex { .. } => 4,
        Value::Str(_) => 5,
        Value::Bytes(_) => 6,
        Value::ByteArray(_) => 7,
        Value::MemoryView(_) => 8,
        Value::Tuple(_) => 9,
        Value::List(_) => 10,
        Value::Dict(_) => 11,
        Value::Set(_) => 12,
        Value::FrozenSet(_) => 13,
        Value::Handle { .. } => 14,
        Value::Array(_) => 15,
    }
}

/// Compares lengths first, which decides most comparisons.
fn in_sequence<T>(a: &[T], b: &[T], order: impl Fn(&T, &T) -> Ordering) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| {
        a.iter()
            .zip(b)
            .map(|(a, b)| order(a, b))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    })
}

fn in_any_order<T>(a: &[T], b: &[T], order: impl Fn(&T, &T) -> Ordering) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| {
        let [a, b] = [a, b].map(|items| {
            let mut sorted: Vec<&T> = items.iter().collect();
            sorted.sort_by(|a, b| order(a, b));
            sorted
        });
        in_sequence(&a, &b, |a, b| order(a, b))
    })
}
