//! Tests of the conversions with serde.

use super::{Array, BigInt, HandleKind, Order, Text, Value, from_value, to_value};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Shape {
    Empty,
    Circle(f64),
    Line(i32, i32),
    Box { width: u8, label: Option<String> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Metres(u16);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Drawing {
    name: String,
    shapes: Vec<Shape>,
    #[serde(default)]
    scale: Option<Metres>,
    extra: Value,
}

/// Checks the Python form of some data, and that it converts back.
#[track_caller]
fn same<T: Serialize + DeserializeOwned + PartialEq + Debug>(data: T, python: &str) {
    let value = to_value(&data).unwrap();
    assert_eq!(value.to_string(), python);
    assert_eq!(from_value::<T>(value).unwrap(), data);
}

#[test]
fn serde_data_converts_to_python_and_back() {
    same(true, "True");
    same((), "None");
    same(Unit, "None");
    same(Option::<u8>::None, "None");
    same(Some(3_u8), "3");
    same(-5_i8, "-5");
    same(u64::MAX, "18446744073709551615");
    same(i128::MIN, "-170141183460469231731687303715884105728");
    same(u128::MAX, "340282366920938463463374607431768211455");
    same(0.5_f32, "0.5");
    same('\u{e9}', "'\u{e9}'");
    same("text".to_owned(), "'text'");
    same(vec![1_u8, 2], "[1, 2]");
    same(
        (1, "a".to_owned(), [true, false]),
        "(1, 'a', (True, False))",
    );
    same(Metres(7), "7");
    same(BTreeSet::from([1, 2]), "[1, 2]");
    same(BTreeMap::from([(1, "a".to_owned())]), "{1: 'a'}");
    same(
        BTreeMap::from([((1, 2), Some(()))])
            .into_keys()
            .collect::<Vec<_>>(),
        "[(1, 2)]",
    );
    same(Shape::Empty, "'Empty'");
    same(Shape::Circle(1.0), "{'Circle': 1.0}");
    same(Shape::Line(1, -1), "{'Line': (1, -1)}");
    let labelled = Shape::Box {
        width: 3,
        label: None,
    };
    same(labelled.clone(), "{'Box': {'width': 3, 'label': None}}");
    same(
        Drawing {
            name: "d".to_owned(),
            shapes: vec![Shape::Empty, labelled],
            scale: Some(Metres(2)),
            extra: Value::from((1, vec![0_u8])),
        },
        "{'name': 'd', 'shapes': ['Empty', {'Box': {'width': 3, 'label': None}}], 'scale': 2, \
         'extra': (1, b'\\x00')}",
    );
}

#[test]
fn from_value_accepts_interchangeable_types() {
    assert_eq!(from_value::<f64>(3.into()), Ok(3.0));
    assert_eq!(
        from_value::<(f64, f64)>(Value::Complex { re: 1.0, im: 2.0 }),
        Ok((1.0, 2.0))
    );
    assert_eq!(
        from_value::<Vec<u8>>(Value::ByteArray(vec![1, 2])),
        Ok(vec![1, 2])
    );
    assert_eq!(from_value::<[u8; 2]>(Value::Bytes(vec![1, 2])), Ok([1, 2]));
    assert_eq!(
        from_value::<BTreeSet<i32>>(Value::Set(vec![2.into(), 1.into()])),
        Ok([1, 2].into())
    );
    assert_eq!(from_value::<Vec<i32>>(Value::from((1, 2))), Ok(vec![1, 2]));
    let extra = Value::Dict(vec![("Circle".into(), 1.into())]);
    assert_eq!(from_value::<Shape>(extra), Ok(Shape::Circle(1.0)));
    let unit = Value::Dict(vec![("Empty".into(), Value::None)]);
    assert_eq!(from_value::<Shape>(unit), Ok(Shape::Empty));
}

fn dict(pairs: &[(&str, Value)]) -> Value {
    let pairs = pairs
        .iter()
        .map(|(key, value)| (Value::from(*key), value.clone()));
    Value::Dict(pairs.collect())
}

fn refused<T: DeserializeOwned + Debug>(value: Value) -> String {
    from_value::<T>(value).unwrap_err().to_string()
}

#[test]
fn from_value_errors_give_the_place() {
    let surrogate = Value::Str(Text::from_generalised_utf8(b"\xed\xb0\x80".to_vec()).unwrap());
    let handle = Value::Handle {
        kind: HandleKind::Sender,
        index: 0,
    };
    let drawing = |shapes: Value| dict(&[("name", "x".into()), ("shapes", shapes)]);
    let long = "x".repeat(1000);
    let rows = [
        (refused::<u8>(300.into()), "expected u8, found the int 300"),
        (refused::<u8>(Value::None), "expected u8, found None"),
        (
            refused::<i32>(1.5.into()),
            "expected i32, found the float 1.5",
        ),
        (refused::<i32>(true.into()), "expected i32, found True"),
        (
            refused::<u64>((BigInt::from(1) << 200_u32).into()),
            "an int of 201 bits is out of range",
        ),
        (refused::<String>(surrogate), "the str contains surrogates"),
        (refused::<Value>(handle), "a handle (Sender) is not data"),
        (
            refused::<(i32, i32)>(Value::from(vec![1])),
            "expected a tuple of size 2, found 1",
        ),
        (
            refused::<(i32,)>(Value::from(vec![1, 2, 3])),
            "expected 1 items, found 3",
        ),
        (refused::<Drawing>(dict(&[])), "missing field `name`"),
        (
            refused::<Drawing>(drawing(vec!["Empty", "Round"].into())),
            "shapes[1]: unknown variant `Round`, expected one of `Empty`, `Circle`, `Line`, `Box`",
        ),
        (
            refused::<Drawing>(drawing(Value::List(vec![dict(&[(
                "Line",
                (1, "a").into(),
            )])]))),
            "shapes[0].Line[1]: expected i32, found the str \"a\"",
        ),
        (
            refused::<Shape>("Line".into()),
            "missing content of the variant",
        ),
        (
            refused::<Shape>(dict(&[])),
            "expected the name of a variant, or a dict with it as the only key, found a dict of 0",
        ),
        (
            refused::<BTreeMap<u8, u8>>(Value::Dict(vec![("a\nb".into(), 1.into())])),
            "the key 'a\\nb': expected u8, found the str \"a\\nb\"",
        ),
        (
            refused::<BTreeMap<String, u8>>(dict(&[("a b", Value::None)])),
            "['a b']: expected u8, found None",
        ),
        (
            refused::<u8>(long.into()),
            "expected u8, found the str \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\u{2026}\"",
        ),
    ];
    for (found, expected) in rows {
        assert_eq!(found, expected);
    }
    let error = from_value::<Drawing>(drawing(Value::List(vec![1.into()]))).unwrap_err();
    assert_eq!(error.path(), "shapes[0]");
    assert!(error.reason().starts_with("expected the name"), "{error}");
}

/// A list of lists of any depth.
#[derive(Debug, Serialize, Deserialize)]
struct Nest(Vec<Nest>);

/// A type whose serialisation fails.
struct Stubborn;

impl Serialize for Stubborn {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("not me,\nnever"))
    }
}

#[test]
fn to_value_fails_for_deep_data_and_handles() {
    let mut nest = Nest(Vec::new());
    for _ in 0..200 {
        nest = Nest(vec![nest]);
    }
    let error = to_value(&nest).unwrap_err();
    assert_eq!(error.reason(), "nested deeper than 100 levels");
    assert!(error.path().starts_with("[0][0]") && error.path().len() < 200);
    let error = to_value(&BTreeMap::from([("who", vec![Stubborn])])).unwrap_err();
    assert_eq!(error.to_string(), "who[0]: not me,\\nnever");
    let handle = Value::Handle {
        kind: HandleKind::Queue,
        index: 1,
    };
    assert_eq!(
        to_value(&vec![handle]).unwrap_err().to_string(),
        "[0]: a handle (Queue) is not data"
    );
}

#[test]
fn values_serialise_to_other_formats() {
    let rows = [
        (Value::from((1, vec![0.5])), "[1,[0.5]]"),
        (Value::Set(vec![1.into()]), "[1]"),
        (
            dict(&[("a", Value::None), ("b", true.into())]),
            r#"{"a":null,"b":true}"#,
        ),
        (Value::ByteArray(vec![1, 2]), "[1,2]"),
        (Value::Complex { re: 1.0, im: -1.0 }, "[1.0,-1.0]"),
        (u64::MAX.into(), "18446744073709551615"),
    ];
    for (value, json) in rows {
        assert_eq!(serde_json::to_string(&value).unwrap(), json);
    }
    let read: Value = serde_json::from_str(r#"{"a": [1, -0.5, "x", null, {}]}"#).unwrap();
    assert_eq!(read.to_string(), "{'a': [1, -0.5, 'x', None, {}]}");
    let read: BTreeMap<String, Value> = toml::from_str("a = 1\nb = ['x']").unwrap();
    assert_eq!(to_value(&read).unwrap().to_string(), "{'a': 1, 'b': ['x']}");
}

fn text() -> impl Strategy<Value = Text> {
    let surrogates = Text::from_generalised_utf8(b"a\xed\xa0\x80".to_vec());
    prop_oneof![
        9 => ".*".prop_map(Text::from),
        1 => Just(surrogates.unwrap_or_else(|| "".into())),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..40);
    let leaf = prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<u128>().prop_map(Value::from),
        bytes().prop_map(|bytes| Value::Int(BigInt::from_signed_bytes_le(&bytes))),
        any::<f64>().prop_map(Value::Float),
        any::<(f64, f64)>().prop_map(|(re, im)| Value::Complex { re, im }),
        text().prop_map(Value::Str),
        bytes().prop_map(Value::Bytes),
        bytes().prop_map(Value::ByteArray),
        bytes().prop_map(Value::MemoryView),
        (bytes(), any::<bool>()).prop_map(|(bytes, fortran)| {
            let order = if fortran { Order::Fortran } else { Order::C };
            let shape = vec![bytes.len() as u32, 1];
            Array::new("|u1", shape, order, bytes).unwrap().into()
        }),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        let items = || proptest::collection::vec(inner.clone(), 0..6);
        prop_oneof![
            items().prop_map(Value::Tuple),
            items().prop_map(Value::List),
            items().prop_map(Value::Set),
            items().prop_map(Value::FrozenSet),
            proptest::collection::vec((inner.clone(), inner.clone()), 0..6).prop_map(Value::Dict),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn values_survive_to_value_and_from_value(value in value()) {
        let through = to_value(&value).unwrap();
        prop_assert_eq!(&through, &value);
        prop_assert_eq!(from_value::<Value>(through).unwrap(), value);
    }

    /// Any value converts into a host type, or the error is a single line.
    #[test]
    fn conversions_of_arbitrary_values_do_not_panic(value in value()) {
        if let Err(error) = from_value::<Drawing>(value.clone()) {
            prop_assert!(!error.to_string().contains('\n'));
        }
        let _ = from_value::<BTreeMap<String, Vec<Shape>>>(value.clone());
        let _ = from_value::<Nest>(value.clone());
        let _ = serde_json::to_string(&value);
    }
}
