//! Tests of the encoding with vectors from CPython, and of every refusal.

mod limits;
mod properties;

use super::{MAX_DEPTH, Refusal, Travels, check, check_ends, decode, encode, is_array};
use crate::value::{HandleKind, Value};

/// Lines of `python-expression<TAB>hex of marshal.dumps(python-expression, 4)`.
const VECTORS: &str = include_str!("../../../tests/vectors/values.txt");

/// Substrings of expressions that are not their own repr.
const COMPUTED: [&str; 4] = ["lambda", "float(", " * ", " ** "];

fn unhex(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn decode_reads_marshal_output_of_cpython() {
    for line in VECTORS.lines() {
        let (expression, hex) = line.split_once('\t').unwrap();
        let body = unhex(hex);
        check(&body, 0, MAX_DEPTH).unwrap_or_else(|refusal| panic!("{expression}: {refusal}"));
        let value = decode(&body, 0, MAX_DEPTH).unwrap();
        if !COMPUTED.iter().any(|mark| expression.contains(mark)) {
            assert_eq!(value.to_string(), expression);
        }
        let again = encode(&value).unwrap();
        assert_eq!(
            decode(&again.body, 0, MAX_DEPTH).unwrap(),
            value,
            "{expression}"
        );

        for end in 0..body.len().min(500) {
            assert!(
                check(&body[..end], 0, MAX_DEPTH).is_err(),
                "{expression} cut at {end}"
            );
        }
        let trailing = [body, vec![b'N']].concat();
        assert_eq!(check(&trailing, 0, MAX_DEPTH), Err(Refusal::Trailing));
    }
}

fn malformed(at: usize, what: &'static str) -> Refusal {
    Refusal::Malformed { at, what }
}

#[test]
fn check_and_decode_refuse_invalid_bodies() {
    let ellipsis = Refusal::NotShareable("Ellipsis");
    let flagged = "a reference flag on an object that does not take one";
    let cases: &[(&[u8], Refusal)] = &[
        (b"", Refusal::Truncated),
        (b"i\0\0\0", Refusal::Truncated),
        (b"[\xff\xff\xff\x7f", Refusal::Truncated),
        (b"(\xff\xff\xff\x7fN", Refusal::Truncated),
        (b"s\xff\xff\xff\x7f", Refusal::Truncated),
        (b"l\xff\xff\xff\x7f", Refusal::Truncated),
        (b"{NN", Refusal::Truncated),
        (b"NN", Refusal::Trailing),
        // l = []; l.append(l)
        (b"\xdb\x01\0\0\0r\0\0\0\0", Refusal::Cyclic),
        (b"\xa9\x01r\0\0\0\0", Refusal::Cyclic),
        (b"\xbe\x01\0\0\0r\0\0\0\0", Refusal::Cyclic),
        (b"\xfbNr\0\0\0\x000", Refusal::Cyclic),
        (b"{[\0\0\0\0N0", Refusal::Unhashable("list")),
        (b"{)\x01{0N0", Refusal::Unhashable("dict")),
        (b"<\x01\0\0\0<\0\0\0\0", Refusal::Unhashable("set")),
        (
            b">\x01\0\0\0)\x03.i\x01\0\0\0s\0\0\0\0",
            Refusal::Unhashable("bytearray"),
        ),
        (
            b">\x01\0\0\0)\x03.i\x02\0\0\0s\0\0\0\0",
            Refusal::Unhashable("memoryview"),
        ),
        (
            b"[\x02\0\0\0\xdb\0\0\0\0{r\0\0\0\0N0",
            Refusal::Unhashable("list"),
        ),
        (
            b"[\x02\0\0\0\xa9\x01[\0\0\0\0{r\0\0\0\0N0",
            Refusal::Unhashable("list"),
        ),
        (b"c", Refusal::NotShareable("a code object")),
        (b"\xe3", Refusal::NotShareable("a code object")),
        (b"S", Refusal::NotShareable("StopIteration")),
        (b":NNN", Refusal::NotShareable("a slice")),
        (
            b"I\0\0\0\0\0\0\0\0",
            Refusal::NotShareable("a 64-bit integer of an old format"),
        ),
        (b"f\x010", Refusal::NotShareable("a float in text form")),
        (
            b"x\x010\x010",
            Refusal::NotShareable("a complex number in text form"),
        ),
        (b"?", Refusal::NotShareable("an object of unknown type")),
        (b"\0", Refusal::NotShareable("an object of unknown type")),
        (b".", ellipsis.clone()),
        (b"[\x01\0\0\0.", ellipsis.clone()),
        (b"{.N0", ellipsis.clone()),
        (b")\x01.", ellipsis.clone()),
        (b")\x02N.", ellipsis.clone()),
        (b")\x04.i\x01\0\0\0s\0\0\0\0N", ellipsis.clone()),
        (b")\x03.Ns\0\0\0\0", ellipsis.clone()),
        (b")\x03.i\0\0\0\0s\0\0\0\0", ellipsis.clone()),
        (b")\x03.i\x08\0\0\0s\0\0\0\0", ellipsis.clone()),
        (b")\x03.i\x01\0\0\0i\0\0\0\0", ellipsis.clone()),
        (b")\x03.i\x03\0\0\0s\0\0\0\0", ellipsis.clone()),
        (b")\x03.i\x03\0\0\0.", ellipsis.clone()),
        (b")\x03.i\x01\0\0\0z\0", ellipsis),
        (
            b")\x03.i\x03\0\0\0i\x02\0\0\0",
            Refusal::NoSuchHandle {
                index: 2,
                handles: 2,
            },
        ),
        (
            b")\x03.i\x06\0\0\0i\xff\xff\xff\xff",
            Refusal::NoSuchHandle {
                index: -1,
                handles: 2,
            },
        ),
        (b"0", malformed(0, "a null object")),
        (b"[\x01\0\0\x000", malformed(5, "a null object")),
        (b"{N00", malformed(2, "a null object")),
        (b"\xce", malformed(0, flagged)),
        (b"\xd4", malformed(0, flagged)),
        (
            b"[\x02\0\0\0\xe9\0\0\0\0\xf2\0\0\0\0",
            malformed(10, flagged),
        ),
        (
            b"r\0\0\0\0",
            malformed(1, "a reference to an undefined object"),
        ),
        (
            b"[\x02\0\0\0\xe9\0\0\0\0r\x01\0\0\0",
            malformed(11, "a reference to an undefined object"),
        ),
        (
            b"[\x02\0\0\0\xe9\0\0\0\0r\xff\xff\xff\xff",
            malformed(11, "a reference to an undefined object"),
        ),
        (b"s\xff\xff\xff\xff", malformed(1, "a negative length")),
        (
            b"l\0\0\0\x80",
            malformed(1, "a long integer of invalid size"),
        ),
        (b"l\x01\0\0\0\0\x80", malformed(1, "a digit out of range")),
        (
            b"l\x02\0\0\0\x01\0\0\0",
            malformed(1, "a long integer with a leading zero"),
        ),
        (
            b"l\x01\0\0\0\0\0",
            malformed(1, "a long integer with a leading zero"),
        ),
        (
            b"z\x01\x80",
            malformed(2, "an ASCII string with non-ASCII bytes"),
        ),
        (
            b"A\x01\0\0\0\xff",
            malformed(5, "an ASCII string with non-ASCII bytes"),
        ),
        (
            b"u\x01\0\0\0\xff",
            malformed(5, "a string that is not valid UTF-8"),
        ),
        (
            b"u\x02\0\0\0\xc0\x80",
            malformed(5, "a string that is not valid UTF-8"),
        ),
        (
            b"u\x02\0\0\0\xed\xa0",
            malformed(5, "a string that is not valid UTF-8"),
        ),
        (
            b"t\x04\0\0\0\xf4\x90\x80\x80",
            malformed(5, "a string that is not valid UTF-8"),
        ),
    ];
    for (body, refusal) in cases {
        let shown = body.escape_ascii();
        assert_eq!(check(body, 2, MAX_DEPTH).as_ref(), Err(refusal), "{shown}");
        assert_eq!(decode(body, 2, MAX_DEPTH).as_ref(), Err(refusal), "{shown}");
    }
}

#[test]
fn escapes_can_be_flagged_and_referenced() {
    // Both elements of the first escape, then the escape itself, are repeated as references.
    let body = b"[\x05\0\0\0\xa9\x03.\xe9\x01\0\0\0\xf3\x01\0\0\0x\
                 (\x03\0\0\0.r\x01\0\0\0r\x02\0\0\0r\0\0\0\0)\x03.\xe9\x03\0\0\0r\x01\0\0\0\
                 {r\0\0\0\0N0";
    let refused = check(body, 2, MAX_DEPTH);
    assert_eq!(refused, Err(Refusal::Unhashable("bytearray")));

    let body = b"[\x04\0\0\0\xa9\x03.\xe9\x01\0\0\0\xf3\x01\0\0\0x\
                 (\x03\0\0\0.r\x01\0\0\0r\x02\0\0\0r\0\0\0\0)\x03.\xe9\x03\0\0\0r\x01\0\0\0";
    let summary = check(body, 2, MAX_DEPTH).unwrap();
    assert!(summary.escaped && !summary.plain_bytes && !summary.interned);
    let value = decode(body, 2, MAX_DEPTH).unwrap();
    assert_eq!(
        value.to_string(),
        "[bytearray(b'x'), bytearray(b'x'), bytearray(b'x'), <Sender 1>]"
    );
}

#[test]
fn escapes_must_refer_to_ends_of_their_kind() {
    use Travels::{Interpreter, Receiver, Sender};
    let refused = |code: u8, index: u8, ends: &[Travels]| {
        let body = [
            b")\x03.i".as_slice(),
            &[code, 0, 0, 0, b'i', index, 0, 0, 0],
        ]
        .concat();
        assert!(check(&body, 5, MAX_DEPTH).is_ok());
        check_ends(&body, ends, MAX_DEPTH).err()
    };
    let kinds = [(3, Sender), (4, Receiver), (6, Interpreter)];
    for (code, _) in kinds {
        for (other, end) in kinds {
            let expected = (code != other).then_some(Refusal::WrongHandle { index: 1 });
            assert_eq!(refused(code, 1, &[Sender, end]), expected);
        }
        let missing = Refusal::NoSuchHandle {
            index: 1,
            handles: 1,
        };
        assert_eq!(refused(code, 1, &[Sender]), Some(missing));
    }
    // A queue is a sender followed by a receiver.
    assert_eq!(refused(5, 1, &[Receiver, Sender, Receiver]), None);
    let wrong = Some(Refusal::WrongHandle { index: 0 });
    for ends in [
        [Sender].as_slice(),
        &[Receiver, Sender],
        &[Sender, Sender],
        &[Interpreter, Receiver],
    ] {
        assert_eq!(refused(5, 0, ends), wrong, "{ends:?}");
    }
}

#[test]
fn arrays_are_checked() {
    let start = b")\x03.i\x07\0\0\0s";
    let array = |header: &[u8], elements: &[u8]| {
        let begun = (start.len() + 4 + header.len()).next_multiple_of(16);
        let length = u8::try_from(begun - start.len() - 4 + elements.len()).unwrap();
        let mut body = [start, &[length, 0, 0, 0][..], header].concat();
        body.resize(begun, 0);
        body.extend(elements);
        body
    };
    let good = array(b"\0\x01\x03\0\x02\0\0\0<i2", b"abcd");
    assert_eq!(good.len(), 32 + 4);
    assert!(is_array(&good));
    let summary = check(&good, 0, MAX_DEPTH).unwrap();
    assert!(summary.escaped && !summary.plain_bytes);
    let value = decode(&good, 0, MAX_DEPTH).unwrap();
    assert_eq!(value.to_string(), "array(shape=(2,), dtype='<i2')");
    assert_eq!(encode(&value).unwrap().body, good);
    assert_eq!(
        encode(&Value::Set(vec![value])),
        Err(Refusal::Unhashable("ndarray"))
    );

    let short = "the header is truncated";
    let mut cut = good.clone();
    cut.truncate(30);
    cut[start.len()] = 30 - 13;
    let mut smeared = good.clone();
    smeared[31] = 1;
    for (body, what) in [
        ([start, &[0; 4][..]].concat(), short),
        (
            [start, &b"\x07\0\0\0\0\x01\x03\0\x02\0\0"[..]].concat(),
            short,
        ),
        (cut, short),
        (smeared, "the header is not followed by zeros"),
        (array(b"\x02\0\x03\0<i2", b"ab"), "the order is unknown"),
        (
            array(b"\0\0\x03\0|O8", b"abcdefgh"),
            "the dtype is not plain",
        ),
        (array(b"\0\0\x02\0\xff\xff", b""), "the dtype is not plain"),
        (
            array(b"\0\x01\x03\0\x03\0\0\0<i2", b"abcd"),
            "the size of the data does not fit the shape and the dtype",
        ),
    ] {
        let refusal = Some(malformed(8, what));
        assert_eq!(check(&body, 0, MAX_DEPTH).err(), refusal, "{what}");
        assert_eq!(decode(&body, 0, MAX_DEPTH).err(), refusal, "{what}");
    }
    let elsewhere = b"[\x02\0\0\0\xf3\x02\0\0\0ab)\x03.i\x07\0\0\0r\0\0\0\0";
    assert_eq!(
        check(elsewhere, 0, MAX_DEPTH),
        Err(malformed(20, "an array whose bytes are elsewhere"))
    );
    let key = [b"<\x01\0\0\0".to_vec(), good].concat();
    assert_eq!(
        check(&key, 0, MAX_DEPTH),
        Err(Refusal::Unhashable("ndarray"))
    );
}

#[test]
fn handles_are_hashable() {
    let body = b"<\x01\0\0\0)\x01)\x03.i\x06\0\0\0i\0\0\0\0";
    assert!(check(body, 1, MAX_DEPTH).is_ok());
}

#[test]
fn check_reports_bytes_outside_escapes() {
    assert!(check(b"s\0\0\0\0", 0, MAX_DEPTH).unwrap().plain_bytes);
    assert!(
        !check(b")\x03.i\x01\0\0\0s\0\0\0\0", 0, MAX_DEPTH)
            .unwrap()
            .plain_bytes
    );
    // The bytes of an escape, repeated outside it.
    let body = b"[\x02\0\0\0)\x03.i\x01\0\0\0\xf3\0\0\0\0r\0\0\0\0";
    assert!(check(body, 0, MAX_DEPTH).unwrap().plain_bytes);
    // Bytes outside an escape, repeated inside one.
    let body = b"[\x02\0\0\0\xf3\0\0\0\0)\x03.i\x01\0\0\0r\0\0\0\0";
    assert!(check(body, 0, MAX_DEPTH).unwrap().plain_bytes);
}

#[test]
fn check_reports_interned_strings() {
    assert!(check(b"Z\x01a", 0, MAX_DEPTH).unwrap().interned);
    assert!(!check(b"z\x01a", 0, MAX_DEPTH).unwrap().interned);
}

#[test]
fn encode_refuses_invalid_values() {
    let mut deep = Value::None;
    for _ in 0..MAX_DEPTH {
        deep = Value::List(vec![deep]);
    }
    assert!(encode(&deep).is_ok());
    let refused = encode(&Value::List(vec![deep]));
    assert_eq!(refused, Err(Refusal::TooDeep { limit: MAX_DEPTH }));

    let key = Value::Tuple(vec![Value::ByteArray(Vec::new())]);
    assert_eq!(
        encode(&Value::Set(vec![key])),
        Err(Refusal::Unhashable("bytearray"))
    );
    let pairs = vec![(Value::Dict(Vec::new()), Value::None)];
    assert_eq!(
        encode(&Value::Dict(pairs)),
        Err(Refusal::Unhashable("dict"))
    );

    let handle = Value::Handle {
        kind: HandleKind::Queue,
        index: u32::MAX,
    };
    let refusal = Refusal::NoSuchHandle {
        index: u32::MAX.into(),
        handles: 0,
    };
    assert_eq!(encode(&handle), Err(refusal));
    let handle = Value::Handle {
        kind: HandleKind::Queue,
        index: 4,
    };
    let encoded = encode(&handle).unwrap();
    assert!(encoded.escaped);
    assert_eq!(encoded.handles, 5);
}

#[test]
fn refusals_display_in_lower_case_without_a_stop() {
    assert_eq!(
        Refusal::NotShareable("a code object").to_string(),
        "the message contains a code object, which is not data"
    );
    assert_eq!(
        malformed(3, "a null object").to_string(),
        "the message is malformed at byte 3: a null object"
    );
}
