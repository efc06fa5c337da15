//! Display of values in the form of Python's `repr`.

use std::fmt::{self, Display, Formatter, Write};

use super::utf8;
use super::{BigInt, HandleKind, Text, Value};

/// The maximum size of an integer that is displayed in decimal, in bits.
///
/// Conversion takes time quadratic in the size. Python's own limit is 4,300 digits, too.
const MAX_DECIMAL_BITS: u64 = 14_284;

/// Displays the value as Python's `repr` does.
///
/// Memory views and handles are displayed as `memoryview(b'...')` and `<Sender 0>`, and integers of more than
/// 4,300 digits as `<int of 20000 bits>`.
impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Bool(true) => f.write_str("True"),
            Self::Bool(false) => f.write_str("False"),
            Self::Int(int) => write_int(f, int),
            Self::Float(float) => write_float(f, *float, ".0"),
            Self::Complex { re, im } => write_complex(f, *re, *im),
            Self::Str(text) => write_text(f, text),
            Self::Bytes(bytes) => write_bytes(f, bytes),
            Self::ByteArray(bytes) => {
                f.write_str("bytearray(")?;
                write_bytes(f, bytes)?;
                f.write_char(')')
            }
            Self::MemoryView(bytes) => {
                f.write_str("memoryview(")?;
                write_bytes(f, bytes)?;
                f.write_char(')')
            }
            Self::Array(array) if array.is_scalar() => {
                f.write_str("scalar(")?;
                if let Some(item) = array.item() {
                    write!(f, "{item}, ")?;
                }
                write_dtype(f, array.dtype())
            }
            Self::Array(array) => {
                let sizes: Vec<_> = array.shape().iter().map(u32::to_string).collect();
                let comma = if sizes.len() == 1 { "," } else { "" };
                write!(f, "array(shape=({}{comma}), ", sizes.join(", "))?;
                write_dtype(f, array.dtype())
            }
            Self::Tuple(items) => {
                f.write_char('(')?;
                write_items(f, items)?;
                f.write_str(if items.len() == 1 { ",)" } else { ")" })
            }
            Self::List(items) => {
                f.write_char('[')?;
                write_items(f, items)?;
                f.write_char(']')
            }
            Self::Dict(pairs) => write_dict(f, pairs),
            Self::Set(elements) if elements.is_empty() => f.write_str("set()"),
            Self::Set(elements) => {
                f.write_char('{')?;
                write_items(f, elements)?;
                f.write_char('}')
            }
            Self::FrozenSet(elements) if elements.is_empty() => f.write_str("frozenset()"),
            Self::FrozenSet(elements) => {
                f.write_str("frozenset({")?;
                write_items(f, elements)?;
                f.write_str("})")
            }
            Self::Handle { index, .. } => write!(f, "<{} {index}>", self.type_name()),
        }
    }
}

/// Displays the name of the kind in lower case, such as `sender`.
impl Display for HandleKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sender => "sender",
            Self::Receiver => "receiver",
            Self::Queue => "queue",
            Self::Interpreter => "interpreter",
        })
    }
}

fn write_items(f: &mut Formatter<'_>, items: &[Value]) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        f.write_str(if index == 0 { "" } else { ", " })?;
        write!(f, "{item}")?;
    }
    Ok(())
}

fn write_dict(f: &mut Formatter<'_>, pairs: &[(Value, Value)]) -> fmt::Result {
    f.write_char('{')?;
    for (index, (key, value)) in pairs.iter().enumerate() {
        f.write_str(if index == 0 { "" } else { ", " })?;
        write!(f, "{key}: {value}")?;
    }
    f.write_char('}')
}

fn write_int(f: &mut Formatter<'_>, int: &BigInt) -> fmt::Result {
    if int.bits() > MAX_DECIMAL_BITS {
        return write!(f, "<int of {} bits>", int.bits());
    }
    write!(f, "{int}")
}

/// Writes a float. Appends `integral` if it would look like an integer.
fn write_float(f: &mut Formatter<'_>, float: f64, integral: &str) -> fmt::Result {
    if float.is_nan() {
        return f.write_str("nan");
    }
    if float.is_infinite() {
        return f.write_str(if float < 0.0 { "-inf" } else { "inf" });
    }
    // Both languages write the shortest digits that identify the float, but in different layouts.
    let scientific = format!("{float:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent = exponent.parse::<i32>().unwrap_or_default();
    if !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return write!(f, "{digits}e{sign}{:02}", exponent.unsigned_abs());
    }
    let positional = float.to_string();
    f.write_str(&positional)?;
    f.write_str(if positional.contains('.') {
        ""
    } else {
        integral
    })
}

fn write_complex(f: &mut Formatter<'_>, re: f64, im: f64) -> fmt::Result {
    if re.to_bits() == 0 {
        write_float(f, im, "")?;
        return f.write_char('j');
    }
    f.write_char('(')?;
    write_float(f, re, "")?;
    f.write_str(if im.is_nan() || im.is_sign_positive() {
        "+"
    } else {
        ""
    })?;
    write_float(f, im, "")?;
    f.write_str("j)")
}

/// Returns the quote that Python chooses: a double quote only if it avoids escaping single ones.
fn quote(text: &[u8]) -> char {
    if text.contains(&b'\'') && !text.contains(&b'"') {
        '"'
    } else {
        '\''
    }
}

fn write_dtype(f: &mut Formatter<'_>, dtype: &str) -> fmt::Result {
    match dtype.starts_with('[') {
        true => write!(f, "dtype={dtype})"),
        false => write!(f, "dtype='{dtype}')"),
    }
}

fn write_bytes(f: &mut Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    let quote = quote(bytes);
    f.write_char('b')?;
    f.write_char(quote)?;
    for &byte in bytes {
        if byte.is_ascii() {
            write_ascii(f, char::from(byte), quote)?;
        } else {
            write!(f, "\\x{byte:02x}")?;
        }
    }
    f.write_char(quote)
}

fn write_text(f: &mut Formatter<'_>, text: &Text) -> fmt::Result {
    let quote = quote(text.as_bytes());
    f.write_char(quote)?;
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        let (plain, surrogates) = utf8::split_plain(rest);
        for char in plain.chars() {
            write_char(f, char, quote)?;
        }
        if let Some(surrogate) = utf8::surrogate(surrogates) {
            write!(f, "\\u{surrogate:04x}")?;
        }
        rest = surrogates.get(utf8::SURROGATE..).unwrap_or_default();
    }
    f.write_char(quote)
}

fn write_char(f: &mut Formatter<'_>, char: char, quote: char) -> fmt::Result {
    if char.is_ascii() {
        return write_ascii(f, char, quote);
    }
    match u32::from(char) {
        _ if is_printable(char) => f.write_char(char),
        code @ ..=0xff => write!(f, "\\x{code:02x}"),
        code @ ..=0xffff => write!(f, "\\u{code:04x}"),
        code => write!(f, "\\U{code:08x}"),
    }
}

fn write_ascii(f: &mut Formatter<'_>, char: char, quote: char) -> fmt::Result {
    match char {
        '\\' => f.write_str("\\\\"),
        '\t' => f.write_str("\\t"),
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        ' '..='~' if char == quote => write!(f, "\\{char}"),
        ' '..='~' => f.write_char(char),
        _ => write!(f, "\\x{:02x}", u32::from(char)),
    }
}

/// Returns whether Python considers a character printable.
///
/// The standard library uses the same Unicode categories, but exposes them only through its escaping of
/// strings. The character is not placed first, because there a printable combining character is escaped too.
fn is_printable(char: char) -> bool {
    let mut buffer = [b'a'; 5];
    let length = 1 + buffer
        .get_mut(1..)
        .map_or(0, |rest| char.encode_utf8(rest).len());
    let text = buffer
        .get(..length)
        .and_then(|bytes| std::str::from_utf8(bytes).ok());
    text.is_some_and(|text| text.escape_debug().nth(1) == Some(char))
}
