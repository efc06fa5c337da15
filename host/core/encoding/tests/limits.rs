//! Tests that depth, references and their number cannot overload the host.

use super::super::{DEPTH_CEILING, MAX_COPIES, MAX_DEPTH, MAX_SHARED_KEYS, Refusal, check, decode};
use crate::value::Value;

/// Returns nested tuples of the given depth.
fn nested(depth: usize) -> Vec<u8> {
    [b")\x01".repeat(depth), b"N".to_vec()].concat()
}

#[test]
fn check_refuses_bodies_deeper_than_the_limit() {
    assert!(check(&nested(MAX_DEPTH), 0, MAX_DEPTH).is_ok());
    let too_deep = Err(Refusal::TooDeep { limit: MAX_DEPTH });
    assert_eq!(check(&nested(MAX_DEPTH + 1), 0, MAX_DEPTH), too_deep);
    assert_eq!(check(&nested(1_000_000), 0, MAX_DEPTH), too_deep);
    assert!(check(b"N", 0, 0).is_ok());
    assert_eq!(check(b")\0", 0, 0), Err(Refusal::TooDeep { limit: 0 }));
}

#[test]
fn deep_bodies_do_not_overflow_the_stack() {
    let deepest = nested(DEPTH_CEILING);
    assert!(decode(&deepest, 0, usize::MAX).is_ok());
    let too_deep = Err(Refusal::TooDeep {
        limit: DEPTH_CEILING,
    });
    assert_eq!(check(&nested(1_000_000), 0, usize::MAX), too_deep);
    for opening in [&b"[\x01\0\0\0"[..], b"{N", b">\x01\0\0\0"] {
        assert_eq!(check(&opening.repeat(100_000), 0, usize::MAX), too_deep);
    }
}

/// A list of tuples, each with `width` references to the previous one, and then `last`.
fn staircase(steps: u8, width: u8, last: &[u8]) -> Vec<u8> {
    let mut body = vec![b'[', steps + 2, 0, 0, 0, 0xa9, 0];
    for step in 0..steps {
        body.extend([0xa9, width]);
        for _ in 0..width {
            body.extend([b'r', step, 0, 0, 0]);
        }
    }
    body.extend(last);
    body
}

#[test]
fn depth_includes_nesting_through_references() {
    let limit = MAX_DEPTH;
    assert!(check(&staircase(98, 1, b"N"), 0, limit).is_ok());
    assert_eq!(
        check(&staircase(99, 1, b"N"), 0, limit),
        Err(Refusal::TooDeep { limit })
    );
}

#[test]
fn reference_bombs_are_refused() {
    let limit = MAX_COPIES;
    let bomb = staircase(60, 2, b"N");
    assert!(
        check(&bomb, 0, MAX_DEPTH).is_ok(),
        "marshal keeps shared objects shared"
    );
    assert_eq!(
        decode(&bomb, 0, MAX_DEPTH),
        Err(Refusal::TooShared { limit })
    );

    let limit = MAX_SHARED_KEYS;
    for key in [
        &b"{r\x3c\0\0\0N0"[..],
        b"<\x01\0\0\0r\x3c\0\0\0",
        b"<\x01\0\0\0)\x01r\x3c\0\0\0",
    ] {
        let bomb = staircase(60, 2, key);
        assert_eq!(
            check(&bomb, 0, MAX_DEPTH),
            Err(Refusal::TooShared { limit })
        );
    }
    assert!(check(&staircase(20, 2, b"{r\x14\0\0\0N0"), 0, MAX_DEPTH).is_ok());

    let long = [
        &b"[\xe9\x03\0\0\xf3\0\0\x10\0"[..],
        &[0; 1 << 20],
        &b"r\0\0\0\0".repeat(1000),
    ];
    let refused = decode(&long.concat(), 0, MAX_DEPTH);
    assert_eq!(refused, Err(Refusal::TooShared { limit: MAX_COPIES }));
}

#[test]
fn decode_resolves_many_references() {
    let count = 1000u32;
    let mut body = [&b"["[..], &(2 * count).to_le_bytes()].concat();
    for int in 0..count {
        body.push(0xe9);
        body.extend(int.to_le_bytes());
    }
    for int in 0..count {
        body.push(b'r');
        body.extend(int.to_le_bytes());
    }
    let expected: Vec<i64> = (0..1000).chain(0..1000).collect();
    assert_eq!(decode(&body, 0, MAX_DEPTH).unwrap(), Value::from(expected));
}
