//! Decoding of a body into a host value.

use num_bigint::{BigInt, BigUint, Sign};

use super::{FLAG_REF, MAX_COPIES, MAX_DECODED, Refusal, check, code, escape, reader::Reader};
use crate::value::{Array, HandleKind, Text, Value};

/// Decodes a body into a [`Value`].
///
/// The body is [checked](check) first, with the same `handles` and `max_depth`. Shared objects are copied.
/// Repeated keys are kept, while Python keeps the last one only.
///
/// # Errors
///
/// Returns the refusals of [`check`], [`Refusal::TooShared`] if the copies of shared objects take more than
/// [`MAX_COPIES`] bytes, and [`Refusal::TooManyObjects`] if all objects take more than [`MAX_DECODED`] bytes.
///
/// # Examples
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::encoding::{MAX_DEPTH, decode};
///
/// // marshal.dumps({'a': 1}, 4)
/// let value = decode(b"{\xda\x01ai\x01\0\0\x000", 0, MAX_DEPTH).unwrap();
/// assert_eq!(value.to_string(), "{'a': 1}");
/// ```
pub fn decode(body: &[u8], handles: usize, max_depth: usize) -> Result<Value, Refusal> {
    decode_within(body, handles, max_depth, MAX_DECODED)
}

/// Does what [`decode`] does, with a limit in bytes for all objects.
pub fn decode_within(
    body: &[u8],
    handles: usize,
    max_depth: usize,
    limit: usize,
) -> Result<Value, Refusal> {
    check(body, handles, max_depth)?;
    let reader = Reader::new(body);
    Decoder {
        reader,
        starts: Vec::new(),
        copying: false,
        copied: 0,
        limit,
        left: limit,
    }
    .object()
}

/// Builds the value of a body that passed the check.
///
/// Bounds, such as that on recursion, rely on the check. If the check failed to refuse anything else, decoding
/// returns a refusal.
struct Decoder<'a> {
    reader: Reader<'a>,
    /// The offsets of objects that references can refer to. A reference is decoded by reading its object
    /// again.
    starts: Vec<usize>,
    /// True while an object is being read again.
    copying: bool,
    /// The used part of [`MAX_COPIES`].
    copied: usize,
    /// The memory limit for all objects, in bytes. `left` is the unused part.
    limit: usize,
    left: usize,
}

impl Decoder<'_> {
    fn object(&mut self) -> Result<Value, Refusal> {
        let at = self.reader.at();
        let byte = self.reader.byte()?;
        self.spend(size_of::<Value>())?;
        if byte & FLAG_REF != 0 && !self.copying {
            self.starts.push(at);
        }
        Ok(match byte & !FLAG_REF {
            code::NONE => Value::None,
            code::TRUE => Value::Bool(true),
            code::FALSE => Value::Bool(false),
            code::INT => Value::Int(self.reader.int()?.into()),
            code::LONG => Value::Int(self.long()?),
            code::FLOAT => Value::Float(self.reader.float()?),
            code::COMPLEX => Value::Complex {
                re: self.reader.float()?,
                im: self.reader.float()?,
            },
            code::BYTES => Value::Bytes(self.bytes()?),
            code::SHORT_ASCII | code::SHORT_ASCII_INTERNED => {
                let length = self.reader.short_length()?;
                self.text(length)?
            }
            code::ASCII | code::ASCII_INTERNED | code::UNICODE | code::UNICODE_INTERNED => {
                let length = self.reader.length()?;
                self.text(length)?
            }
            code::SMALL_TUPLE => {
                let count = self.reader.short_length()?;
                self.tuple(count)?
            }
            code::TUPLE => {
                let count = self.reader.length()?;
                self.tuple(count)?
            }
            code::LIST => Value::List(self.counted()?),
            code::SET => Value::Set(self.counted()?),
            code::FROZENSET => Value::FrozenSet(self.counted()?),
            code::DICT => Value::Dict(self.dict()?),
            code::REFERENCE => self.reference()?,
            _ => return Err(self.unchecked()),
        })
    }

    #[cold]
    fn unchecked(&self) -> Refusal {
        Refusal::Malformed {
            at: self.reader.at(),
            what: "an object that the check should have refused",
        }
    }

    /// Charges memory against the limits.
    fn spend(&mut self, bytes: usize) -> Result<(), Refusal> {
        let too_many = Refusal::TooManyObjects { limit: self.limit };
        self.left = self.left.checked_sub(bytes).ok_or(too_many)?;
        if self.copying {
            self.copied = self.copied.saturating_add(bytes);
            if self.copied > MAX_COPIES {
                return Err(Refusal::TooShared { limit: MAX_COPIES });
            }
        }
        Ok(())
    }

    fn long(&mut self) -> Result<BigInt, Refusal> {
        let (negative, digits) = self.reader.long()?;
        self.spend(digits.len())?;
        let mut words = Vec::with_capacity(digits.len() / 4 + 1);
        let (mut pending, mut bits) = (0u64, 0u32);
        for digit in digits.chunks_exact(2) {
            let digit = digit
                .iter()
                .rev()
                .fold(0, |digit, byte| digit << 8 | u64::from(*byte));
            pending |= digit << bits;
            bits += 15;
            if bits >= 32 {
                words.push(low_word(pending));
                pending >>= 32;
                bits -= 32;
            }
        }
        words.push(low_word(pending));
        let sign = if negative { Sign::Minus } else { Sign::Plus };
        Ok(BigInt::from_biguint(sign, BigUint::new(words)))
    }

    fn bytes(&mut self) -> Result<Vec<u8>, Refusal> {
        let length = self.reader.length()?;
        self.spend(length)?;
        Ok(self.reader.take(length)?.to_vec())
    }

    fn text(&mut self, length: usize) -> Result<Value, Refusal> {
        self.spend(length)?;
        let bytes = self.reader.take(length)?.to_vec();
        Text::from_generalised_utf8(bytes)
            .map(Value::Str)
            .ok_or_else(|| self.unchecked())
    }

    fn tuple(&mut self, count: usize) -> Result<Value, Refusal> {
        if count > 0 && self.reader.peek() == Some(code::ELLIPSIS) {
            return self.escape();
        }
        self.items(count).map(Value::Tuple)
    }

    fn counted(&mut self) -> Result<Vec<Value>, Refusal> {
        let count = self.reader.length()?;
        self.items(count)
    }

    fn items(&mut self, count: usize) -> Result<Vec<Value>, Refusal> {
        // Each item charges for itself. This check only prevents allocating a vector that could never be
        // filled.
        if count > self.left / size_of::<Value>() {
            return Err(Refusal::TooManyObjects { limit: self.limit });
        }
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(self.object()?);
        }
        Ok(items)
    }

    fn dict(&mut self) -> Result<Vec<(Value, Value)>, Refusal> {
        let mut pairs = Vec::new();
        while self.reader.peek() != Some(code::NULL) {
            let key = self.object()?;
            pairs.push((key, self.object()?));
        }
        self.reader.byte()?;
        Ok(pairs)
    }

    fn reference(&mut self) -> Result<Value, Refusal> {
        let index = usize::try_from(self.reader.int()?).map_err(|_| self.unchecked())?;
        let start = *self.starts.get(index).ok_or_else(|| self.unchecked())?;
        let (after, copying) = (self.reader.at(), self.copying);
        self.copying = true;
        self.reader.seek(start);
        let value = self.object()?;
        self.reader.seek(after);
        self.copying = copying;
        Ok(value)
    }

    fn escape(&mut self) -> Result<Value, Refusal> {
        self.reader.byte()?;
        let code = self
            .object()?
            .as_i64()
            .and_then(|code| i32::try_from(code).ok());
        let code = code.ok_or_else(|| self.unchecked())?;
        let kind = match (code, self.object()?) {
            (escape::BYTEARRAY, Value::Bytes(bytes)) => return Ok(Value::ByteArray(bytes)),
            (escape::MEMORYVIEW, Value::Bytes(bytes)) => return Ok(Value::MemoryView(bytes)),
            (escape::ARRAY, Value::Bytes(payload)) => {
                let array = Array::from_payload(payload).map_err(|_| self.unchecked())?;
                return Ok(array.into());
            }
            (escape::SENDER, Value::Int(index)) => (HandleKind::Sender, index),
            (escape::RECEIVER, Value::Int(index)) => (HandleKind::Receiver, index),
            (escape::QUEUE, Value::Int(index)) => (HandleKind::Queue, index),
            (escape::INTERPRETER, Value::Int(index)) => (HandleKind::Interpreter, index),
            _ => return Err(self.unchecked()),
        };
        let (kind, index) = kind;
        let index = u32::try_from(index).map_err(|_| self.unchecked())?;
        Ok(Value::Handle { kind, index })
    }
}

/// Returns the low 32 bits.
fn low_word(pair: u64) -> u32 {
    u32::try_from(pair & u64::from(u32::MAX)).unwrap_or_default()
}
