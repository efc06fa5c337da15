//! A bounds-checked cursor over a body.

use super::Refusal;

/// A cursor over a body.
pub(super) struct Reader<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self { body, at: 0 }
    }

    /// Returns the offset of the next byte.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Moves to an offset. At or beyond the end, all reads return `Truncated`.
    pub(super) fn seek(&mut self, at: usize) {
        self.at = at.min(self.body.len());
    }

    pub(super) fn remaining(&self) -> usize {
        self.body.len().saturating_sub(self.at)
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.body.get(self.at).copied()
    }

    /// Returns the bytes read since `start`.
    pub(super) fn since(&self, start: usize) -> &'a [u8] {
        self.body.get(start..self.at).unwrap_or_default()
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, Refusal> {
        let byte = self.peek().ok_or(Refusal::Truncated)?;
        self.at += 1;
        Ok(byte)
    }

    #[inline]
    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], Refusal> {
        let rest = self.body.get(self.at..).unwrap_or_default();
        let taken = rest.get(..len).ok_or(Refusal::Truncated)?;
        self.at += len;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        let rest = self.body.get(self.at..).unwrap_or_default();
        let array = *rest.first_chunk().ok_or(Refusal::Truncated)?;
        self.at += N;
        Ok(array)
    }

    #[inline]
    pub(super) fn int(&mut self) -> Result<i32, Refusal> {
        self.array().map(i32::from_le_bytes)
    }

    #[inline]
    pub(super) fn float(&mut self) -> Result<f64, Refusal> {
        self.array().map(f64::from_le_bytes)
    }

    /// Reads the length of a sequence of which every item takes at least one byte.
    ///
    /// The length is at most the number of remaining bytes, so it is safe to allocate for.
    #[inline]
    pub(super) fn length(&mut self) -> Result<usize, Refusal> {
        let at = self.at;
        let length = self.int()?;
        let length = usize::try_from(length).map_err(|_| Refusal::Malformed {
            at,
            what: "a negative length",
        })?;
        self.bounded(length)
    }

    /// Reads a length of one byte, see [`Self::length`].
    #[inline]
    pub(super) fn short_length(&mut self) -> Result<usize, Refusal> {
        let length = self.byte()?;
        self.bounded(usize::from(length))
    }

    #[inline]
    fn bounded(&self, length: usize) -> Result<usize, Refusal> {
        if length > self.remaining() {
            return Err(Refusal::Truncated);
        }
        Ok(length)
    }

    /// Reads a long integer: its sign, and its 15-bit digits, two bytes each, lowest first.
    pub(super) fn long(&mut self) -> Result<(bool, &'a [u8]), Refusal> {
        let at = self.at;
        let (negative, size) = self.long_size()?;
        let digits = self.take(size)?;
        if !are_digits(digits) {
            return Err(Refusal::Malformed {
                at,
                what: "a digit out of range",
            });
        }
        Ok((negative, digits))
    }

    /// Reads the header of a long integer: its sign, and the size in bytes of the digits that follow.
    pub(super) fn long_size(&mut self) -> Result<(bool, usize), Refusal> {
        let at = self.at;
        let malformed = |what| Refusal::Malformed { at, what };
        let count = self.int()?;
        if count == i32::MIN {
            return Err(malformed("a long integer of invalid size"));
        }
        let size = usize::try_from(count.unsigned_abs())
            .ok()
            .and_then(|count| count.checked_mul(2))
            .ok_or(Refusal::Truncated)?;
        let rest = self.body.get(self.at..).unwrap_or_default();
        let digits = rest.get(..size).ok_or(Refusal::Truncated)?;
        if digits.ends_with(&[0, 0]) {
            return Err(malformed("a long integer with a leading zero"));
        }
        Ok((count < 0, size))
    }
}

/// Returns whether bytes are 15-bit digits, two bytes each.
pub(super) fn are_digits(bytes: &[u8]) -> bool {
    // Branch-free check of bit 15 of all digits.
    let high = bytes
        .iter()
        .skip(1)
        .step_by(2)
        .fold(0, |high, byte| high | byte);
    high < 0x80
}
