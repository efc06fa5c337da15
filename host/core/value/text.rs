//! Python strings, which can contain surrogates.

use std::{borrow::Cow, fmt};

use super::utf8;

/// The text of a Python `str`.
///
/// Python strings are sequences of code points and can contain lone surrogates, for instance in file names
/// that are not UTF-8. A `Text` stores generalised UTF-8, which encodes surrogates like other code points.
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::value::Text;
///
/// let text = Text::from_generalised_utf8(b"a\xed\xa0\x80".to_vec()).unwrap();
/// assert_eq!(text.as_str(), None);
/// assert_eq!(text.to_string_lossy(), "a\u{fffd}");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Text(Form);

/// The two forms make borrowing a plain string free. Valid UTF-8 always has the first form; comparing relies
/// on this.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Form {
    Plain(String),
    Surrogates(Vec<u8>),
}

impl Text {
    /// Creates a text from generalised UTF-8. Returns `None` if the bytes are invalid.
    #[must_use]
    pub fn from_generalised_utf8(bytes: Vec<u8>) -> Option<Self> {
        match String::from_utf8(bytes) {
            Ok(plain) => Some(Self(Form::Plain(plain))),
            Err(error) => {
                let bytes = error.into_bytes();
                utf8::is_generalised(&bytes).then_some(Self(Form::Surrogates(bytes)))
            }
        }
    }

    /// Returns the text in generalised UTF-8.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Form::Plain(plain) => plain.as_bytes(),
            Form::Surrogates(bytes) => bytes,
        }
    }

    /// Returns the text as a string, or `None` if it contains surrogates.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Form::Plain(plain) = &self.0 {
            Some(plain)
        } else {
            None
        }
    }

    /// Returns the text as a string, with each surrogate replaced by U+FFFD.
    #[must_use]
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        let mut rest = match &self.0 {
            Form::Plain(plain) => return Cow::Borrowed(plain),
            Form::Surrogates(bytes) => bytes.as_slice(),
        };
        let mut lossy = String::with_capacity(rest.len());
        while !rest.is_empty() {
            let (plain, surrogate) = utf8::split_plain(rest);
            lossy.push_str(plain);
            if !surrogate.is_empty() {
                lossy.push(char::REPLACEMENT_CHARACTER);
            }
            rest = surrogate.get(utf8::SURROGATE..).unwrap_or_default();
        }
        Cow::Owned(lossy)
    }

    /// Returns the text as a string, or unchanged if it contains surrogates.
    pub(super) fn into_string(self) -> Result<String, Self> {
        match self.0 {
            Form::Plain(plain) => Ok(plain),
            form @ Form::Surrogates(_) => Err(Self(form)),
        }
    }
}

impl From<&str> for Text {
    fn from(plain: &str) -> Self {
        plain.to_owned().into()
    }
}

impl From<String> for Text {
    fn from(plain: String) -> Self {
        Self(Form::Plain(plain))
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == Some(other)
    }
}

/// Displays the text, with each surrogate replaced by U+FFFD.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.to_string_lossy())
    }
}
