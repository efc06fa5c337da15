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
pub(crate) fn is_generalised(mut bytes: &[u8]) -> bool {
    // The standard library reads each stretch between surrogates once, so that this is linear.
    while let Err(error) = std::str::from_utf8(bytes) {
        let Some(rest) = bytes.get(error.valid_up_to()..) else {
            return false;
        };
        if surrogate(rest).is_none() {
            return false;
        }
        bytes = rest.get(SURROGATE..).unwrap_or_default();
    }
    true
}
