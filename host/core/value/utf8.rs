//! Generalised UTF-8, the encoding that `marshal` uses for strings.
//!
//! It is UTF-8 in which surrogates are encoded like other three-byte code points. Python's name for it is the
//! error handler `surrogatepass`.

/// The length of an encoded surrogate, in bytes.
pub(crate) const SURROGATE: usize = 3;

/// Splits off the longest prefix that is valid UTF-8.
pub(crate) fn split_plain(bytes: &[u8]) -> (&str, &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(plain) => (plain, &[]),
        Err(error) => {
            let (plain, rest) = bytes.split_at(error.valid_up_to());
            (std::str::from_utf8(plain).unwrap_or_default(), rest)
        }
    }
}

/// Returns the surrogate at the start of `bytes`, if there is one.
pub(crate) fn surrogate(bytes: &[u8]) -> Option<u32> {
    match *bytes {
        [0xed, second @ 0xa0..=0xbf, third @ 0x80..=0xbf, ..] => {
            Some(0xd000 | (u32::from(second & 0x3f) << 6) | u32::from(third & 0x3f))
        }
        _ => None,
    }
}

/// Returns whether Python's decoder accepts `bytes`. It refuses overlong forms, code points above U+10FFFF and
/// truncated characters. It accepts surrogates, alone or in pairs.
pub(crate) fn is_generalised(bytes: &[u8]) -> bool {
    generalised_part(bytes, false).is_some()
}

/// Returns the length of the prefix of `bytes` that Python's decoder certainly accepts, or `None` if it
/// refuses any part. Unless `more` bytes follow, which can complete a character at the end, this is all of
/// `bytes` or `None`.
pub(crate) fn generalised_part(bytes: &[u8], more: bool) -> Option<usize> {
    let mut at = 0;
    // Linear, because the standard library reads each stretch between surrogates once.
    loop {
        let rest = bytes.get(at..)?;
        let Err(error) = std::str::from_utf8(rest) else {
            return Some(bytes.len());
        };
        at += error.valid_up_to();
        let rest = bytes.get(at..)?;
        if surrogate(rest).is_some() {
            at += SURROGATE;
        } else if more && (rest.len() < SURROGATE || error.error_len().is_none()) {
            return Some(at);
        } else {
            return None;
        }
    }
}
