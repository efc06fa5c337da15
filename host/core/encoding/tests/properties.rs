//! Properties of arbitrary values and bodies.

use proptest::prelude::*;

use super::{
    super::{MAX_COPIES, MAX_DEPTH, Refusal, check, decode, encode},
    VECTORS, unhex,
};
use crate::value::{Array, BigInt, HandleKind, Order, Text, Value};

fn array() -> impl Strategy<Value = Value> {
    let dtypes = [
        ("<f8", 8),
        (">i4", 4),
        ("|b1", 1),
        ("<U2", 8),
        ("|V0", 0),
        ("<M8[ns]", 8),
        ("[('x', '<f4'), ('', '|V4'), ('y', '>u8', (2,))]", 24),
    ];
    let shape = proptest::collection::vec(0..4u32, 0..4);
    (
        proptest::sample::select(dtypes.to_vec()),
        shape,
        any::<(bool, u8)>(),
    )
        .prop_map(|((dtype, size), shape, (fortran, byte))| {
            let count = shape.iter().product::<u32>() as usize;
            let order = if fortran { Order::Fortran } else { Order::C };
            let data = vec![byte; count * size];
            Array::new(dtype, shape, order, data).unwrap().into()
        })
}

fn scalar() -> BoxedStrategy<Value> {
    let kinds = [
        HandleKind::Sender,
        HandleKind::Receiver,
        HandleKind::Queue,
        HandleKind::Interpreter,
    ];
    prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<i128>().prop_map(Value::from),
        (any::<i128>(), 0u32..9).prop_map(|(int, power)| Value::Int(BigInt::from(int).pow(power))),
        any::<u64>().prop_map(|bits| Value::Float(f64::from_bits(bits))),
        (any::<u64>(), any::<u64>()).prop_map(|(re, im)| Value::Complex {
            re: f64::from_bits(re),
            im: f64::from_bits(im)
        }),
        any::<String>().prop_map(Value::from),
        proptest::collection::vec(0xd7f0..0xe010u32, 0..5).prop_map(|points| {
            let bytes = points.iter().flat_map(|point| {
                [
                    0xe0 | (point >> 12) as u8,
                    0x80 | (point >> 6 & 0x3f) as u8,
                    0x80 | (point & 0x3f) as u8,
                ]
            });
            Value::Str(Text::from_generalised_utf8(bytes.collect()).unwrap())
        }),
        any::<Vec<u8>>().prop_map(Value::from),
        (0..4usize, 0..4u32).prop_map(move |(kind, index)| Value::Handle {
            kind: kinds[kind],
            index
        }),
    ]
    .boxed()
}

fn key() -> BoxedStrategy<Value> {
    scalar()
        .prop_recursive(3, 12, 4, |key| {
            let keys = proptest::collection::vec(key, 0..4);
            prop_oneof![
                keys.clone().prop_map(Value::Tuple),
                keys.prop_map(Value::FrozenSet)
            ]
        })
        .boxed()
}

fn value() -> BoxedStrategy<Value> {
    let buffer = prop_oneof![
        any::<Vec<u8>>().prop_map(Value::ByteArray),
        any::<Vec<u8>>().prop_map(Value::MemoryView),
        array(),
    ];
    prop_oneof![scalar(), buffer]
        .prop_recursive(4, 24, 5, |item| {
            let items = proptest::collection::vec(item.clone(), 0..5);
            let keys = proptest::collection::vec(key(), 0..5);
            let pairs = proptest::collection::vec((key(), item), 0..5);
            prop_oneof![
                items.clone().prop_map(Value::Tuple),
                items.prop_map(Value::List),
                keys.clone().prop_map(Value::Set),
                keys.prop_map(Value::FrozenSet),
                pairs.prop_map(Value::Dict),
            ]
        })
        .boxed()
}

/// Returns the memory of a value, in bytes, including the spare capacity of its lists.
fn held(value: &Value) -> usize {
    let list = |items: &Vec<Value>| {
        let spare = items.capacity() - items.len();
        spare * size_of::<Value>() + items.iter().map(held).sum::<usize>()
    };
    size_of::<Value>()
        + match value {
            Value::Tuple(items) | Value::List(items) => list(items),
            Value::Set(items) | Value::FrozenSet(items) => list(items),
            Value::Dict(pairs) => {
                let spare = pairs.capacity() - pairs.len();
                let held = pairs.iter().map(|(key, value)| held(key) + held(value));
                spare * size_of::<(Value, Value)>() + held.sum::<usize>()
            }
            Value::Bytes(bytes) | Value::ByteArray(bytes) | Value::MemoryView(bytes) => {
                bytes.capacity()
            }
            Value::Str(text) => text.as_bytes().len(),
            Value::Int(int) => int.bits() as usize / 8,
            _ => 0,
        }
}

/// Bodies with containers and false lengths.
fn lies() -> impl Strategy<Value = Vec<u8>> {
    let code = proptest::sample::select(b"([<>slua)zZtA{r".as_slice());
    let length = prop_oneof![
        3 => 0..6_u32,
        1 => Just(u32::MAX),
        1 => Just(i32::MAX as u32),
        1 => any::<u32>(),
    ];
    let piece = (code, any::<bool>(), length).prop_map(|(code, flag, length)| {
        let mut piece = vec![code | if flag { 0x80 } else { 0 }];
        piece.extend(length.to_le_bytes());
        piece
    });
    let filling = proptest::collection::vec(proptest::sample::select(b"NTF0r\0".as_slice()), 0..6);
    let pieces = proptest::collection::vec(prop_oneof![piece, filling], 1..10);
    pieces.prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..Default::default() })]

    /// False lengths never make the host allocate more than a multiple of the body's size plus the copies of
    /// shared objects.
    #[test]
    fn false_lengths_do_not_allocate_memory(body in prop_oneof![lies(), any::<Vec<u8>>()]) {
        let checked = check(&body, 2, MAX_DEPTH);
        match decode(&body, 2, MAX_DEPTH) {
            Ok(value) => {
                // A list item takes at least a byte; a growing dict has up to twice the capacity.
                let most = (body.len() + 4) * 4 * size_of::<Value>() + MAX_COPIES;
                prop_assert!(held(&value) <= most);
            }
            Err(refusal) => prop_assert_eq!(checked.err(), Some(refusal)),
        }
    }
}

/// Bodies in which each object is a tuple or a list with repeated references to earlier ones.
fn shared() -> impl Strategy<Value = Vec<u8>> {
    let level = (any::<bool>(), 0..5_usize);
    (any::<Vec<u8>>(), proptest::collection::vec(level, 1..90)).prop_map(|(bytes, levels)| {
        let mut body = Vec::new();
        let mut end = Vec::new();
        // Each level starts a container that contains the next one, followed by references to that.
        for (index, (list, references)) in levels.iter().enumerate() {
            body.push(if *list { b'[' } else { b'(' } | 0x80);
            body.extend((*references as i32 + 1).to_le_bytes());
            let next = (index as i32 + 1).to_le_bytes();
            let references: Vec<u8> = (0..*references)
                .flat_map(|_| std::iter::once(b'r').chain(next))
                .collect();
            end.push(references);
        }
        body.push(b's' | 0x80);
        body.extend((bytes.len() as i32).to_le_bytes());
        body.extend(bytes);
        body.extend(end.into_iter().rev().flatten());
        body
    })
}

proptest! {
    /// An accepted body has a value that can be encoded again, or is refused for its size only.
    #[test]
    fn accepted_bodies_decode_or_are_too_large(body in shared()) {
        prop_assert!(check(&body, 0, MAX_DEPTH).is_ok());
        match decode(&body, 0, MAX_DEPTH) {
            Ok(value) => {
                let again = encode(&value).unwrap();
                prop_assert_eq!(decode(&again.body, 0, MAX_DEPTH).unwrap(), value);
            }
            Err(refusal) => prop_assert!(
                matches!(refusal, Refusal::TooShared { .. } | Refusal::TooManyObjects { .. }),
                "{refusal:?}"
            ),
        }
    }

    #[test]
    fn decode_reverses_encode(value in value()) {
        let encoded = encode(&value).unwrap();
        let summary = check(&encoded.body, encoded.handles, MAX_DEPTH).unwrap();
        prop_assert_eq!(summary.escaped, encoded.escaped);
        prop_assert_eq!(&decode(&encoded.body, encoded.handles, MAX_DEPTH).unwrap(), &value);
        if encoded.handles > 0 {
            prop_assert!(check(&encoded.body, encoded.handles - 1, MAX_DEPTH).is_err());
        }
    }

    #[test]
    fn check_and_decode_agree_on_arbitrary_bytes(body: Vec<u8>) {
        let checked = check(&body, 2, MAX_DEPTH);
        let decoded = decode(&body, 2, MAX_DEPTH);
        prop_assert_eq!(checked.err(), decoded.err());
    }

    #[test]
    fn check_and_decode_agree_on_marshal_like_bytes(
        body in proptest::collection::vec(
            prop_oneof![
                proptest::sample::select(b"NTFilgysutaAzZ)([{<>r0.".as_slice()),
                proptest::sample::select(b"NTFilgysutaAzZ)([{<>r0.".as_slice())
                    .prop_map(|code| code | 0x80),
                0..4u8,
            ],
            0..64,
        )
    ) {
        let checked = check(&body, 2, MAX_DEPTH);
        let decoded = decode(&body, 2, MAX_DEPTH);
        prop_assert_eq!(checked.err(), decoded.err());
    }

    #[test]
    fn accepted_mutations_decode_and_encode(
        line: proptest::sample::Index,
        mutations in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let lines: Vec<&str> = VECTORS.lines().collect();
        let (_, hex) = line.get(&lines).split_once('\t').unwrap();
        let mut body = unhex(hex);
        for (index, byte) in mutations {
            *index.get_mut(&mut body) = byte;
        }
        if check(&body, 2, MAX_DEPTH).is_ok() {
            let value = decode(&body, 2, MAX_DEPTH).unwrap();
            let again = encode(&value).unwrap();
            prop_assert_eq!(decode(&again.body, 2, MAX_DEPTH).unwrap(), value);
        }
    }
}
