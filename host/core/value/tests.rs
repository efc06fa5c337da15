//! Tests of values: conversions, equality and display.

use std::collections::{BTreeMap, HashMap};

use super::{BigInt, HandleKind, Mismatch, Text, Value};

#[test]
fn scalars_convert_both_ways() {
    assert_eq!(i64::try_from(Value::from(-5)), Ok(-5));
    assert_eq!(u128::try_from(&Value::from(u128::MAX)), Ok(u128::MAX));
    assert_eq!(bool::try_from(&Value::from(true)), Ok(true));
    assert_eq!(f64::try_from(Value::from(0.5)), Ok(0.5));
    assert_eq!(<()>::try_from(Value::from(())), Ok(()));
    assert_eq!(String::try_from(Value::from("a")), Ok("a".to_owned()));
    assert_eq!(<&str>::try_from(&Value::from("a".to_owned())), Ok("a"));
    assert_eq!(Vec::<u8>::try_from(Value::from(vec![1u8])), Ok(vec![1]));
    assert_eq!(
        <&[u8]>::try_from(&Value::MemoryView(vec![1])),
        Ok(&[1u8][..])
    );
    assert_eq!(BigInt::try_from(Value::from(7)), Ok(7.into()));
    assert_eq!(<&BigInt>::try_from(&Value::from(7)), Ok(&7.into()));
}

#[test]
fn containers_convert_both_ways() {
    let value = Value::from(vec![Some(1), None]);
    assert_eq!(Vec::<Option<i32>>::try_from(value), Ok(vec![Some(1), None]));

    let map = BTreeMap::from([("a".to_owned(), (1, 0.5)), ("b".to_owned(), (2, 1.5))]);
    let value = Value::from(map.clone());
    assert_eq!(BTreeMap::try_from(value.clone()), Ok(map.clone()));
    let map: HashMap<_, _> = map.into_iter().collect();
    assert_eq!(Value::from(map.clone()), value);
    assert_eq!(HashMap::try_from(value), Ok(map));

    let tuple = (1, "a".to_owned(), true, 0.5, vec![1i64], Some(2));
    let value = Value::from(tuple.clone());
    assert_eq!(
        <(i32, String, bool, f64, Vec<i64>, Option<i32>)>::try_from(value),
        Ok(tuple)
    );

    let items = vec![Value::None, Value::from(1)];
    assert_eq!(
        Vec::<Value>::try_from(Value::from(items.clone())),
        Ok(items)
    );
}

#[test]
fn try_from_reports_mismatches() {
    let wrong_type = Mismatch::WrongType {
        expected: "int",
        found: "str",
    };
    assert_eq!(wrong_type.to_string(), "expected int, found str");
    assert_eq!(i64::try_from(Value::from("a")), Err(wrong_type.clone()));
    assert_eq!(
        Vec::<i64>::try_from(Value::from(vec!["a"])),
        Err(wrong_type)
    );
    assert_eq!(
        u16::try_from(Value::from(-1)),
        Err(Mismatch::OutOfRange { expected: "u16" })
    );
    let wrong_length = Mismatch::WrongLength {
        expected: 3,
        found: 2,
    };
    assert_eq!(
        <(i32, i32, i32)>::try_from(Value::from((1, 2))),
        Err(wrong_length)
    );
    let surrogate = Text::from_generalised_utf8(b"\xed\xb0\x80".to_vec()).unwrap();
    assert_eq!(
        String::try_from(Value::from(surrogate.clone())),
        Err(Mismatch::Surrogates)
    );
    assert_eq!(
        <&str>::try_from(&Value::from(surrogate)),
        Err(Mismatch::Surrogates)
    );
    let found = Mismatch::WrongType {
        expected: "dict",
        found: "NoneType",
    };
    assert_eq!(HashMap::<i32, i32>::try_from(Value::None), Err(found));
}

#[test]
fn equality_is_by_type_and_contents() {
    let set = |items: &[i32]| Value::Set(items.iter().map(|item| (*item).into()).collect());
    assert_eq!(set(&[1, 2, 3]), set(&[3, 1, 2]));
    assert_ne!(set(&[1, 2, 3]), set(&[1, 2]));
    let dict = |items: &[(i32, i32)]| {
        Value::Dict(
            items
                .iter()
                .map(|(key, value)| ((*key).into(), (*value).into()))
                .collect(),
        )
    };
    assert_eq!(dict(&[(1, 2), (3, 4)]), dict(&[(3, 4), (1, 2)]));
    assert_ne!(dict(&[(1, 2)]), dict(&[(1, 3)]));
    assert_eq!(Value::from(f64::NAN), Value::from(f64::NAN));
    assert_ne!(Value::from(0.0), Value::from(-0.0));
    assert_ne!(Value::from(1), Value::from(1.0));
    assert_ne!(Value::from(1), Value::from(true));
    assert_ne!(Value::Bytes(vec![1]), Value::ByteArray(vec![1]));
    assert_ne!(Value::from(vec![1]), Value::Tuple(vec![1.into()]));
    assert_eq!(Value::from(5), 5);
    assert_eq!(Value::from("a"), "a");
    assert_ne!(Value::from(-1), u64::MAX);
}

#[test]
fn accessors_return_matching_variants_only() {
    let dict = Value::from(HashMap::from([("a", vec![1, 2])]));
    assert_eq!(
        dict.get("a").and_then(Value::as_list).map(<[_]>::len),
        Some(2)
    );
    assert_eq!(dict.get(&Value::from("b")), None);
    assert_eq!(Value::None.get("a"), None);
    let repeated = Value::Dict(vec![("a".into(), 1.into()), ("a".into(), 2.into())]);
    assert_eq!(repeated.get("a").and_then(Value::as_i64), Some(2));
    assert_eq!(Value::from(i128::MAX).as_i64(), None);
    assert_eq!(dict.type_name(), "dict");
}

#[test]
fn display_of_values_without_a_python_repr() {
    let handle = Value::Handle {
        kind: HandleKind::Receiver,
        index: 3,
    };
    assert_eq!(handle.to_string(), "<Receiver 3>");
    assert_eq!(
        Value::ByteArray(b"a'".to_vec()).to_string(),
        r#"bytearray(b"a'")"#
    );
    assert_eq!(
        Value::MemoryView(vec![0]).to_string(),
        r"memoryview(b'\x00')"
    );
    assert_eq!(
        Value::from(BigInt::from(1) << 19_999u32).to_string(),
        "<int of 20000 bits>"
    );
    assert_eq!(Value::from(f64::INFINITY).to_string(), "inf");
    assert_eq!(Value::from(-f64::NAN).to_string(), "nan");
    assert_eq!(
        Value::Complex {
            re: 1.0,
            im: -f64::NAN
        }
        .to_string(),
        "(1+nanj)"
    );
    assert_eq!(Value::Set(Vec::new()).to_string(), "set()");
    // A combining accent is printable, and not escaped even after a quote.
    assert_eq!(Value::from("\u{301}").to_string(), "'\u{301}'");
}
