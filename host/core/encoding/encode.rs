//! Encoding of a host value into a body.

use num_bigint::{BigInt, Sign};

use super::{MAX_DEPTH, MAX_SIZE, Refusal, code, escape, table::Hash};
use crate::value::{HandleKind, Text, Value};

/// An encoded value.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Encoded {
    /// The body, which [`check`](super::check) accepts.
    pub body: Vec<u8>,
    /// An object is escaped, so the reader must rebuild the value after `marshal.loads`.
    pub escaped: bool,
    /// The number of handles that must travel with the message: the highest index plus one.
    pub handles: usize,
}

/// Encodes a value.
///
/// The body contains no references: repeated objects are written repeatedly.
///
/// # Errors
///
/// Returns [`Refusal::TooDeep`] beyond [`MAX_DEPTH`], [`Refusal::TooLarge`] beyond [`MAX_SIZE`],
/// [`Refusal::Unhashable`] for an unhashable key or set element, and [`Refusal::NoSuchHandle`] for a handle
/// index that exceeds a signed 32-bit integer.
///
/// # Examples
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::{encoding::encode, value::Value};
///
/// let encoded = encode(&Value::from(("a", 1))).unwrap();
/// assert_eq!(encoded.body, b")\x02z\x01ai\x01\0\0\0");
/// ```
pub fn encode(value: &Value) -> Result<Encoded, Refusal> {
    let mut encoder = Encoder {
        encoded: Encoded::default(),
    };
    encoder.object(value, 0)?;
    if encoder.encoded.body.len() > MAX_SIZE {
        return Err(Refusal::TooLarge { limit: MAX_SIZE });
    }
    Ok(encoder.encoded)
}

struct Encoder {
    encoded: Encoded,
}

impl Encoder {
    /// Writes an object inside `depth` containers, and returns whether it is hashable.
    fn object(&mut self, value: &Value, depth: usize) -> Result<Hash, Refusal> {
        match value {
            Value::None => self.code(code::NONE),
            Value::Bool(true) => self.code(code::TRUE),
            Value::Bool(false) => self.code(code::FALSE),
            Value::Int(int) => self.int(int)?,
            Value::Float(float) => {
                self.code(code::FLOAT);
                self.raw(&float.to_le_bytes())?;
            }
            Value::Complex { re, im } => {
                self.code(code::COMPLEX);
                self.raw(&re.to_le_bytes())?;
                self.raw(&im.to_le_bytes())?;
            }
            Value::Str(text) => self.text(text)?,
            Value::Bytes(bytes) => self.sized(code::BYTES, bytes)?,
            Value::ByteArray(bytes) => {
                self.escape(escape::BYTEARRAY);
                self.sized(code::BYTES, bytes)?;
                return Ok(Hash::ByteArray);
            }
            Value::MemoryView(bytes) => {
                self.escape(escape::MEMORYVIEW);
                self.sized(code::BYTES, bytes)?;
                return Ok(Hash::MemoryView);
            }
            Value::Array(array) => {
                self.escape(escape::ARRAY);
                self.sized(code::BYTES, &array.to_payload())?;
                if !array.is_hashable() {
                    return Ok(Hash::Array);
                }
            }
            Value::Handle { kind, index } => self.handle(*kind, *index)?,
            Value::Tuple(items) => {
                if let Ok(count) = u8::try_from(items.len()) {
                    self.code(code::SMALL_TUPLE);
                    self.code(count);
                } else {
                    self.code(code::TUPLE);
                    self.length(items.len())?;
                }
                let mut hash = Hash::Yes;
                let depth = inside(depth)?;
                for item in items {
                    let item = self.object(item, depth)?;
                    if hash == Hash::Yes {
                        hash = item;
                    }
                }
                return Ok(hash);
            }
            Value::List(items) => {
                self.code(code::LIST);
                self.length(items.len())?;
                let depth = inside(depth)?;
                for item in items {
                    self.object(item, depth)?;
                }
                return Ok(Hash::List);
            }
            Value::Dict(pairs) => {
                self.code(code::DICT);
                let depth = inside(depth)?;
                for (key, value) in pairs {
                    self.key(key, depth)?;
                    self.object(value, depth)?;
                }
                self.code(code::NULL);
                return Ok(Hash::Dict);
            }
            Value::Set(elements) => {
                self.set(code::SET, elements, depth)?;
                return Ok(Hash::Set);
            }
            Value::FrozenSet(elements) => self.set(code::FROZENSET, elements, depth)?,
        }
        Ok(Hash::Yes)
    }

    fn set(&mut self, code: u8, elements: &[Value], depth: usize) -> Result<(), Refusal> {
        self.code(code);
        self.length(elements.len())?;
        let depth = inside(depth)?;
        elements
            .iter()
            .try_for_each(|element| self.key(element, depth))
    }

    fn key(&mut self, key: &Value, depth: usize) -> Result<(), Refusal> {
        match self.object(key, depth)?.missing() {
            Some(name) => Err(Refusal::Unhashable(name)),
            None => Ok(()),
        }
    }

    fn code(&mut self, code: u8) {
        self.encoded.body.push(code);
    }

    /// Appends bytes. Refuses at once if the body would become too large.
    fn raw(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        if bytes.len() > MAX_SIZE.saturating_sub(self.encoded.body.len()) {
            return Err(Refusal::TooLarge { limit: MAX_SIZE });
        }
        self.encoded.body.extend_from_slice(bytes);
        Ok(())
    }

    fn length(&mut self, length: usize) -> Result<(), Refusal> {
        let length = i32::try_from(length).map_err(|_| Refusal::TooLarge { limit: MAX_SIZE })?;
        self.raw(&length.to_le_bytes())
    }

    fn sized(&mut self, code: u8, bytes: &[u8]) -> Result<(), Refusal> {
        self.code(code);
        self.length(bytes.len())?;
        self.raw(bytes)
    }

    fn text(&mut self, text: &Text) -> Result<(), Refusal> {
        let bytes = text.as_bytes();
        if !bytes.is_ascii() {
            return self.sized(code::UNICODE, bytes);
        }
        let Ok(length) = u8::try_from(bytes.len()) else {
            return self.sized(code::ASCII, bytes);
        };
        self.code(code::SHORT_ASCII);
        self.code(length);
        self.raw(bytes)
    }

    fn small(&mut self, int: i32) {
        self.code(code::INT);
        self.encoded.body.extend_from_slice(&int.to_le_bytes());
    }

    fn int(&mut self, int: &BigInt) -> Result<(), Refusal> {
        if let Ok(small) = i32::try_from(int) {
            self.small(small);
            return Ok(());
        }
        self.code(code::LONG);
        let count = i32::try_from(int.bits().div_ceil(15))
            .map_err(|_| Refusal::TooLarge { limit: MAX_SIZE })?;
        let signed = if int.sign() == Sign::Minus {
            -count
        } else {
            count
        };
        self.raw(&signed.to_le_bytes())?;
        let (mut pending, mut bits) = (0u64, 0u32);
        let mut words = int.iter_u32_digits();
        for _ in 0..count {
            if bits < 15 {
                pending |= u64::from(words.next().unwrap_or_default()) << bits;
                bits += 32;
            }
            let digit = u16::try_from(pending & 0x7fff).unwrap_or_default();
            self.raw(&digit.to_le_bytes())?;
            pending >>= 15;
            bits -= 15;
        }
        Ok(())
    }

    /// Writes an escape up to its payload.
    fn escape(&mut self, code: i32) {
        self.encoded.escaped = true;
        self.encoded
            .body
            .extend_from_slice(&[code::SMALL_TUPLE, 3, code::ELLIPSIS]);
        self.small(code);
    }

    fn handle(&mut self, kind: HandleKind, index: u32) -> Result<(), Refusal> {
        let handles = self.encoded.handles;
        let Ok(payload) = i32::try_from(index) else {
            return Err(Refusal::NoSuchHandle {
                index: index.into(),
                handles,
            });
        };
        self.escape(match kind {
            HandleKind::Sender => escape::SENDER,
            HandleKind::Receiver => escape::RECEIVER,
            HandleKind::Queue => escape::QUEUE,
            HandleKind::Interpreter => escape::INTERPRETER,
        });
        self.small(payload);
        let count = usize::try_from(index)
            .unwrap_or(usize::MAX)
            .saturating_add(1);
        self.encoded.handles = handles.max(count);
        Ok(())
    }
}

/// Returns the depth of the items of a container at `depth`.
fn inside(depth: usize) -> Result<usize, Refusal> {
    if depth >= MAX_DEPTH {
        return Err(Refusal::TooDeep { limit: MAX_DEPTH });
    }
    Ok(depth + 1)
}
