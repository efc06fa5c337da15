//! Generalised UTF-8, the form in which `marshal` writes strings.
//!
//! It is UTF-8 in which surrogates are encoded like any other code point of three bytes. Python
//! calls reading and writing it `surrogatepass`.

/// Length in bytes of an encoded surrogate.
pub(crate) const SURROGATE: usize = 3;

/// Splits off the longest prefix that is plain UTF-8.
pub(crate) fn split_plain(bytes: &[u8]) -> (&str, &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(plain) => (plain, &[]),
        Err(error) => {
            let (plain, rest) = bytes.split_at(error.valid_up_to());
            (std::str::from_utf8(plain).unwrap_or_default(), rest)
        }
    }
}

/// The surrogate with which `bytes` begins.
pub(crate) fn surrogate(bytes: &[u8]) -> Option<u32> {
    match *bytes {
        [0xed, second @ 0xa0..=0xbf, third @ 0x80..=0xbf, ..] => {
            Some(0xd000 | (u32::from(second & 0x3f) << 6) | u32::from(third & 0x3f))
        }
        _ => None,
    }
}

/// Whether Python's decoder accepts `bytes`: no overlong forms, nothing above U+10FFFF, nothing cut
/// short, but surrogates, alone or in pairs.
pub(crate) fn is_generalised(bytes: &[u8]) -> bool {
    generalised_part(bytes, false).is_some()
}

/// How much of `bytes` Python's decoder is certain to accept; `None` if it refuses some of it. All of it must be
/// accepted unless `more` bytes follow, which a character at its end may need.
pub(crate) fn generalised_part(bytes: &[u8], more: bool) -> Option<usize> {
    let mut at = 0;
    // The standard library reads each stretch between surrogates once, so that this is linear.
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
