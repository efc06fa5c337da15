//! Arrays and scalars of numpy.

mod dtype;
#[cfg(test)]
mod tests;

use super::Value;
use dtype::{NOT_PLAIN, TOO_LARGE, item_size};
use std::{error, fmt};

/// A `numpy.ndarray`: its type of elements, its shape and its bytes. A scalar of numpy, such as `numpy.float64(1.5)`, is
/// an array without dimensions that is marked as a scalar.
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
    is_scalar: bool,
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

/// The length of a header without its shape and dtype: the order, the number of dimensions and the dtype's length.
const HEADER: usize = 4;

/// The order in the header of a scalar.
const SCALAR: u8 = 2;

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
            is_scalar: false,
            data,
        })
    }

    /// Creates a scalar, such as `numpy.float64(1.5)`.
    ///
    /// # Errors
    ///
    /// As for [`Array::new`].
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::value::{Array, Value};
    ///
    /// let scalar = Array::scalar("<i8", 3i64.to_le_bytes().to_vec()).unwrap();
    /// assert_eq!(scalar.item(), Some(Value::from(3)));
    /// ```
    pub fn scalar(dtype: &str, data: Vec<u8>) -> Result<Self, InvalidArray> {
        let array = Array::new(dtype, Vec::new(), Order::C, data)?;
        Ok(Array {
            is_scalar: true,
            ..array
        })
    }

    /// Returns whether it is a scalar of numpy and not an array.
    #[must_use]
    pub fn is_scalar(&self) -> bool {
        self.is_scalar
    }

    /// Returns the number or boolean in a scalar, or in an array without dimensions, as numpy's method `item` does.
    /// Returns `None` for other arrays and dtypes, and for floats that are not of 32 or 64 bits.
    #[must_use]
    pub fn item(&self) -> Option<Value> {
        if !self.shape.is_empty() {
            return None;
        }
        let mut bytes = self.data.clone();
        if self.dtype.starts_with('>') {
            bytes.reverse();
        }
        let unsigned = || {
            let filled = bytes.iter().copied().chain(std::iter::repeat(0));
            let mut word = [0; 8];
            word.iter_mut()
                .zip(filled)
                .for_each(|(to, byte)| *to = byte);
            u64::from_le_bytes(word)
        };
        let signed = || {
            let unused = 64 - 8 * u32::try_from(bytes.len()).unwrap_or(8);
            unsigned().wrapping_shl(unused).cast_signed() >> unused
        };
        Some(match self.dtype.get(1..)? {
            "b1" => Value::from(bytes != [0]),
            "i1" | "i2" | "i4" | "i8" => Value::from(signed()),
            "u1" | "u2" | "u4" | "u8" => Value::from(unsigned()),
            "f4" => Value::from(f64::from(f32::from_le_bytes(*bytes.first_chunk()?))),
            "f8" => Value::from(f64::from_le_bytes(*bytes.first_chunk()?)),
            _ => return None,
        })
    }

    /// Returns whether Python can hash it: scalars except those of structured and void dtypes.
    pub(crate) fn is_hashable(&self) -> bool {
        is_hashable(self.is_scalar, &self.dtype)
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
        payload.push(match self.order {
            _ if self.is_scalar => SCALAR,
            Order::C => 0,
            Order::Fortran => 1,
        });
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
        let is_scalar = header.is_scalar;
        payload.drain(..header.size);
        Ok(Array {
            dtype,
            shape,
            order,
            is_scalar,
            data: payload,
        })
    }
}

/// Checks the payload of an array in a message, and returns whether Python can hash it.
pub(crate) fn check_payload(payload: &[u8]) -> Result<bool, InvalidArray> {
    let header = Header::read(payload)?;
    Ok(is_hashable(header.is_scalar, header.dtype))
}

fn is_hashable(is_scalar: bool, dtype: &str) -> bool {
    is_scalar && !dtype.starts_with("[") && !dtype.starts_with("|V")
}

/// The checked start of a payload.
struct Header<'a> {
    dtype: &'a str,
    shape: Vec<u32>,
    order: Order,
    is_scalar: bool,
    size: usize,
}

impl<'a> Header<'a> {
    fn read(payload: &'a [u8]) -> Result<Self, InvalidArray> {
        const TRUNCATED: InvalidArray = InvalidArray("the header is truncated");
        let (&[order, dimensions, low, high], rest) =
            payload.split_first_chunk().ok_or(TRUNCATED)?;
        let (order, is_scalar) = match order {
            0 => (Order::C, false),
            1 => (Order::Fortran, false),
            SCALAR if dimensions == 0 => (Order::C, true),
            SCALAR => return Err(InvalidArray("it is a scalar with dimensions")),
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
            is_scalar,
            size,
        })
    }
}

/// Checks that an array has `length` bytes.
fn check_size(dtype: &str, shape: &[u32], length: usize) -> Result<(), InvalidArray> {
    if shape.len() > MOST_DIMENSIONS {
        return Err(InvalidArray("it has more than 64 dimensions"));
    }
    if dtype.len() > usize::from(u16::MAX) {
        return Err(NOT_PLAIN);
    }
    let item = item_size(dtype)?;
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
