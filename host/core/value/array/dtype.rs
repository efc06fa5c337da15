//! The sizes of dtypes.

use super::{InvalidArray, MOST_BYTES};

/// The maximum nesting of structured dtypes.
const MOST_NESTED: usize = 8;

pub(super) const NOT_PLAIN: InvalidArray = InvalidArray("the dtype is not plain");
pub(super) const TOO_LARGE: InvalidArray = InvalidArray("it is too large");

/// Returns the size of an element, in bytes.
pub(super) fn item_size(dtype: &str) -> Result<u64, InvalidArray> {
    let mut parser = Parser { rest: dtype };
    let size = parser.dtype(0)?;
    match parser.rest.is_empty() {
        true => Ok(size),
        false => Err(NOT_PLAIN),
    }
}

/// Reads the text of a dtype, of which the sizes matter.
struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    /// Reads a dtype and returns its size in bytes.
    fn dtype(&mut self, depth: usize) -> Result<u64, InvalidArray> {
        if !self.rest.starts_with('[') {
            let text = std::mem::take(&mut self.rest);
            return simple(text);
        }
        self.fields(depth)
    }

    /// Reads `[('x', '<f8'), ...]`.
    fn fields(&mut self, depth: usize) -> Result<u64, InvalidArray> {
        if depth > MOST_NESTED {
            return Err(NOT_PLAIN);
        }
        self.expect("[")?;
        let mut total = 0u64;
        let mut is_first = true;
        while !self.accept("]") {
            if !is_first {
                self.expect(", ")?;
            }
            is_first = false;
            self.expect("(")?;
            self.quoted()?;
            self.expect(", ")?;
            let mut size = match self.rest.starts_with('[') {
                true => self.fields(depth + 1)?,
                false => simple(self.quoted()?)?,
            };
            if self.accept(", (") {
                while !self.accept(")") {
                    size = size.saturating_mul(self.number()?);
                    let _ = self.accept(", ") || self.accept(",");
                }
            }
            self.expect(")")?;
            total = total.saturating_add(size);
            if total > MOST_BYTES {
                return Err(TOO_LARGE);
            }
        }
        Ok(total)
    }

    fn accept(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, text: &str) -> Result<(), InvalidArray> {
        self.accept(text).then_some(()).ok_or(NOT_PLAIN)
    }

    /// Reads a string in single quotes that needs no escapes.
    fn quoted(&mut self) -> Result<&'a str, InvalidArray> {
        self.expect("'")?;
        let (text, rest) = self.rest.split_once('\'').ok_or(NOT_PLAIN)?;
        if text.contains(|c: char| c == '\\' || c.is_control()) {
            return Err(NOT_PLAIN);
        }
        self.rest = rest;
        Ok(text)
    }

    fn number(&mut self) -> Result<u64, InvalidArray> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit());
        let (digits, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        digits.parse().map_err(|_| NOT_PLAIN)
    }
}

/// Returns the size of a simple dtype, such as `<f8`, `|S5` or `<M8[ns]`.
fn simple(text: &str) -> Result<u64, InvalidArray> {
    let mut letters = text.chars();
    let (Some('<' | '>' | '|'), Some(kind)) = (letters.next(), letters.next()) else {
        return Err(NOT_PLAIN);
    };
    let rest = letters.as_str();
    let (digits, unit) = match rest.split_once('[') {
        Some((digits, unit)) => (digits, Some(unit)),
        None => (rest, None),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NOT_PLAIN);
    }
    let size: u64 = digits.parse().map_err(|_| NOT_PLAIN)?;
    let is_unit = |unit: &str| {
        let unit = unit.strip_suffix(']').unwrap_or_default();
        !unit.is_empty() && unit.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    let fits = match (kind, size, unit) {
        ('b', 1, None) | ('i' | 'u', 1 | 2 | 4 | 8, None) => true,
        ('f', 2 | 4 | 8 | 16, None) | ('c', 8 | 16 | 32, None) => true,
        ('m' | 'M', 8, None) => true,
        ('m' | 'M', 8, Some(unit)) => is_unit(unit),
        ('S' | 'V' | 'U', 0..=MOST_BYTES, None) => true,
        _ => false,
    };
    match (fits, kind) {
        (true, 'U') => Ok(4 * size),
        (true, _) => Ok(size),
        (false, _) => Err(NOT_PLAIN),
    }
}
