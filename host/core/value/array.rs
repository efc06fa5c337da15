//! Arrays of numpy.

use std::{error, fmt};

/// A `numpy.ndarray`: its type of elements, its shape and its bytes.
///
/// An array travels without a pickle, so an interpreter accepts it from any other one. The host checks that the dtype
/// is plain and that the bytes have the size that it and the shape require; their contents can be anything.
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::value::{Array, Order, Value};
///
/// let data = [1.5f64, 2.5].iter().flat_map(|x| x.to_le_bytes()).collect();
/// let array = Array::new("<f8", vec![2], Order::C, data).unwrap();
/// assert_eq!(array.shape(), [2]);
/// assert_eq!(Value::from(array).to_string(), "array(shape=(2,), dtype='<f8')");
///
/// let error = Array::new("|O", vec![0], Order::C, Vec::new()).unwrap_err();
/// assert_eq!(error.to_string(), "invalid array: the dtype is not plain");
/// ```
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Array {
    dtype: String,
    shape: Vec<u32>,
    order: Order,
    data: Vec<u8>,
}

/// The order of an array's elements in memory.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Order {
    /// The last index varies fastest, as in C.
    #[default]
    C,
    /// The first index varies fastest, as in Fortran.
    Fortran,
}

/// The error of an array whose parts do not fit together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidArray(&'static str);

impl InvalidArray {
    pub(crate) fn reason(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for InvalidArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid array: {}", self.0)
    }
}

impl error::Error for InvalidArray {}

/// The maximum number of dimensions, as in numpy.
const MOST_DIMENSIONS: usize = 64;

/// The maximum size of an array in a guest, in bytes.
const MOST_BYTES: u64 = i32::MAX as u64;

/// The maximum nesting of structured dtypes.
const MOST_NESTED: usize = 8;

/// The length of a header without its shape and dtype: the order, the number of dimensions and the dtype's length.
const HEADER: usize = 4;

/// The offset of the payload in a body that is only an array, and the alignment of the elements there.
const BEFORE: usize = 13;
const ALIGNED: usize = 16;

/// Returns the length of a header and the zeros behind it.
fn padded(header: usize) -> usize {
    (BEFORE + header).next_multiple_of(ALIGNED) - BEFORE
}

impl Array {
    /// Creates an array.
    ///
    /// `dtype` is in the form of the header of `.npy` files: `<f8`, or a list of fields such as
    /// `[('x', '<f8'), ('y', '>i4', (2,))]`.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidArray`] if the dtype contains objects or is not in this form, there are more than 64
    /// dimensions, or `data` does not have the size of the array.
    pub fn new(
        dtype: &str,
        shape: Vec<u32>,
        order: Order,
        data: Vec<u8>,
    ) -> Result<Self, InvalidArray> {
        check_size(dtype, &shape, data.len())?;
        Ok(Array {
            dtype: dtype.to_owned(),
            shape,
            order,
            data,
        })
    }

    /// Returns the type of the elements.
    #[must_use]
    pub fn dtype(&self) -> &str {
        &self.dtype
    }

    /// Returns the size in each dimension. It is empty for an array of a single element without dimensions.
    #[must_use]
    pub fn shape(&self) -> &[u32] {
        &self.shape
    }

    /// Returns the order of the elements in [`Array::data`].
    #[must_use]
    pub fn order(&self) -> Order {
        self.order
    }

    /// Returns the bytes of the elements, without gaps.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Returns the bytes of the elements.
    #[must_use]
    pub fn into_data(self) -> Vec<u8> {
        self.data
    }

    /// Returns the payload of the array in a message.
    pub(crate) fn to_payload(&self) -> Vec<u8> {
        let mut payload = Vec::with_capacity(self.header_size() + self.data.len());
        payload.push(u8::from(self.order == Order::Fortran));
        // `new` has checked both lengths.
        payload.push(u8::try_from(self.shape.len()).unwrap_or(u8::MAX));
        let length = u16::try_from(self.dtype.len()).unwrap_or(u16::MAX);
        payload.extend(length.to_le_bytes());
        for size in &self.shape {
            payload.extend(size.to_le_bytes());
        }
        payload.extend(self.dtype.as_bytes());
        payload.resize(self.header_size(), 0);
        payload.extend(&self.data);
        payload
    }

    fn header_size(&self) -> usize {
        padded(HEADER + 4 * self.shape.len() + self.dtype.len())
    }

    /// Reads the payload of an array in a message.
    pub(crate) fn from_payload(mut payload: Vec<u8>) -> Result<Self, InvalidArray> {
        let header = Header::read(&payload)?;
        let (dtype, shape, order) = (header.dtype.to_owned(), header.shape, header.order);
        payload.drain(..header.size);
        Ok(Array {
            dtype,
            shape,
            order,
            data: payload,
        })
    }
}

/// Checks the payload of an array in a message.
pub(crate) fn check_payload(payload: &[u8]) -> Result<(), InvalidArray> {
    Header::read(payload).map(drop)
}

/// The checked start of a payload.
struct Header<'a> {
    dtype: &'a str,
    shape: Vec<u32>,
    order: Order,
    size: usize,
}

impl<'a> Header<'a> {
    fn read(payload: &'a [u8]) -> Result<Self, InvalidArray> {
        const TRUNCATED: InvalidArray = InvalidArray("the header is truncated");
        let (&[order, dimensions, low, high], rest) =
            payload.split_first_chunk().ok_or(TRUNCATED)?;
        let order = match order {
            0 => Order::C,
            1 => Order::Fortran,
            _ => return Err(InvalidArray("the order is unknown")),
        };
        let (sizes, rest) = rest
            .split_at_checked(4 * usize::from(dimensions))
            .ok_or(TRUNCATED)?;
        let sizes = sizes.as_chunks().0.iter();
        let shape: Vec<u32> = sizes.map(|size| u32::from_le_bytes(*size)).collect();
        let length = usize::from(u16::from_le_bytes([low, high]));
        let (dtype, rest) = rest.split_at_checked(length).ok_or(TRUNCATED)?;
        let dtype = str::from_utf8(dtype).map_err(|_| NOT_PLAIN)?;
        let written = payload.len() - rest.len();
        let size = padded(written);
        let (padding, data) = rest.split_at_checked(size - written).ok_or(TRUNCATED)?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(InvalidArray("the header is not followed by zeros"));
        }
        check_size(dtype, &shape, data.len())?;
        Ok(Header {
            dtype,
            shape,
            order,
            size,
        })
    }
}

const NOT_PLAIN: InvalidArray = InvalidArray("the dtype is not plain");
const TOO_LARGE: InvalidArray = InvalidArray("it is too large");

/// Checks that an array has `length` bytes.
fn check_size(dtype: &str, shape: &[u32], length: usize) -> Result<(), InvalidArray> {
    if shape.len() > MOST_DIMENSIONS {
        return Err(InvalidArray("it has more than 64 dimensions"));
    }
    if dtype.len() > usize::from(u16::MAX) {
        return Err(NOT_PLAIN);
    }
    let mut parser = Parser { rest: dtype };
    let item = parser.dtype(0)?;
    if !parser.rest.is_empty() {
        return Err(NOT_PLAIN);
    }
    // Like numpy, this refuses large sizes even if another one is zero.
    let mut bytes = item.max(1);
    for size in shape.iter().filter(|size| **size != 0) {
        bytes = bytes.saturating_mul((*size).into());
    }
    if bytes > MOST_BYTES {
        return Err(TOO_LARGE);
    }
    let expected = if shape.contains(&0) || item == 0 {
        0
    } else {
        bytes
    };
    match u64::try_from(length) == Ok(expected) {
        true => Ok(()),
        false => Err(InvalidArray(
            "the size of the data does not fit the shape and the dtype",
        )),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dtypes_have_the_sizes_that_numpy_gives_them() {
        for (dtype, size) in [
            ("<f8", 8),
            ("|b1", 1),
            (">i2", 2),
            ("<c16", 16),
            ("<U5", 20),
            ("|S3", 3),
            ("<M8[ns]", 8),
            ("<m8[25us]", 8),
            ("|V0", 0),
            ("[('x', '<f8'), ('y', '>i4', (2,))]", 16),
            ("[('a', '|V0'), ('b', '<i4', (2, 3))]", 24),
            ("[('in', [('p', '|u1'), ('', '|V3'), ('q', '<i4')])]", 8),
        ] {
            let made = Array::new(dtype, vec![3], Order::C, vec![0; 3 * size]);
            assert!(made.is_ok(), "{dtype}: {made:?}");
            let array = made.unwrap();
            let again = Array::from_payload(array.to_payload());
            assert_eq!(again, Ok(array));
        }
    }

    #[test]
    fn invalid_arrays_are_refused() {
        let size = "the size of the data does not fit the shape and the dtype";
        let plain = "the dtype is not plain";
        let none: &[u32] = &[];
        for (dtype, shape, length, reason) in [
            ("|O", none, 8, plain),
            ("f8", none, 8, plain),
            ("<f3", none, 3, plain),
            ("<f8[ns]", none, 8, plain),
            ("<M8[n's]", none, 8, plain),
            ("<f+8", none, 8, plain),
            ("", none, 0, plain),
            ("[('x', '|O')]", none, 8, plain),
            ("[('x', '<f8')", none, 8, plain),
            ("[('x', '<f8')] ", none, 8, plain),
            ("[('\\x00', '<f8')]", none, 8, plain),
            ("[('x', '<f8', (-1,))]", none, 8, plain),
            ("<f8", none, 0, size),
            ("<f8", &[2], 8, size),
            ("<f8", &[2, 0], 16, size),
            ("<f8", &[0, u32::MAX], 0, "it is too large"),
            ("|V2147483648", &[0], 0, plain),
            ("[('x', '<f8', (2147483647,))]", &[0], 0, "it is too large"),
            ("<f8", &[1; 65], 8, "it has more than 64 dimensions"),
        ] {
            let made = Array::new(dtype, shape.to_vec(), Order::C, vec![0; length]);
            assert_eq!(made, Err(InvalidArray(reason)), "{dtype} {shape:?}");
        }
        let nested = format!("{}'<f8'{}", "[('x', ".repeat(5000), ")]".repeat(5000));
        let made = Array::new(&nested, Vec::new(), Order::C, vec![0; 8]);
        assert_eq!(made, Err(NOT_PLAIN));
    }
}
