//! Runs the test vectors of the encoding in the guest and in the host.

use crate::{root, runtime};
use archipel::{Binding, Value};
use archipel_core::encoding::{MAX_DEPTH, decode, encode};

fn vectors() -> Vec<(String, Vec<u8>)> {
    let text = std::fs::read_to_string(root().join("tests/vectors/values.txt")).unwrap();
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| {
            let (expression, hex) = line.split_once('\t').unwrap();
            let bytes = (0..hex.len() / 2)
                .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
                .collect();
            (expression.to_owned(), bytes)
        })
        .collect()
}

#[test]
fn guest_and_host_decode_vectors_to_equal_values() {
    let interpreter = runtime().interpreter().build().unwrap();
    let vectors = vectors();
    assert!(vectors.len() > 50);
    for (expression, body) in vectors {
        // User code cannot write escapes. The host's own tests cover them.
        if expression.contains("...") {
            continue;
        }
        let decoded = decode(&body, 0, MAX_DEPTH).unwrap();
        let evaluated = interpreter.eval::<Value>(expression.as_str()).unwrap();
        assert_eq!(evaluated, decoded, "{expression}");
        let again = decode(&encode(&decoded).unwrap().body, 0, MAX_DEPTH).unwrap();
        assert_eq!(again, decoded, "{expression}");
        interpreter
            .prepare_main([("bound", Binding::from(decoded.clone()))])
            .unwrap();
        assert_eq!(
            interpreter.eval::<Value>("bound").unwrap(),
            decoded,
            "{expression}"
        );
    }
}

#[test]
fn buffers_keep_their_types() {
    let interpreter = runtime().interpreter().build().unwrap();
    let value = interpreter
        .eval::<Value>("[bytearray(b'a'), memoryview(b'b'), b'c']")
        .unwrap();
    let bytes = |text: &str| text.as_bytes().to_vec();
    assert_eq!(
        value,
        Value::List(vec![
            Value::ByteArray(bytes("a")),
            Value::MemoryView(bytes("b")),
            Value::Bytes(bytes("c")),
        ])
    );
    interpreter
        .prepare_main([("v", Binding::from(value))])
        .unwrap();
    let types = interpreter
        .eval::<Value>("[type(x).__name__ for x in v]")
        .unwrap();
    assert_eq!(types.to_string(), "['bytearray', 'memoryview', 'bytes']");
}
