//! Why a conversion between values and Rust's types failed, and where.

use crate::error::OneLine;
use std::fmt;

/// Why a [`Value`](super::Value) could not be made of a Rust value, or the other way round: what was wrong,
/// and where in the value.
///
/// Its text is one line: `users[2].age: expected u8, found the str "x"`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConvertError {
    /// From the innermost part to the outermost.
    path: Vec<Step>,
    reason: String,
}

/// A step on the way from a value to a part of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// A field, or a key that looks like one.
    Field(String),
    /// Any other key, as Python shows it.
    Key(String),
    /// An item of a list or of a tuple.
    Item(usize),
}

/// How much of a key or of a text is shown.
const SHOWN: usize = 40;

/// How many steps of a path are shown.
const STEPS: usize = 32;

impl ConvertError {
    pub(super) fn new(reason: impl fmt::Display) -> Self {
        ConvertError {
            path: Vec::new(),
            reason: OneLine(&reason.to_string()).to_string(),
        }
    }

    /// The same, of a part of something.
    pub(super) fn inside(mut self, step: Step) -> Self {
        self.path.push(step);
        self
    }

    /// Where it is: empty for the value itself, otherwise like `users[2].age`.
    #[must_use]
    pub fn path(&self) -> String {
        let mut path = String::new();
        for step in self.path.iter().rev().take(STEPS) {
            match step {
                Step::Field(name) if path.is_empty() => path.push_str(name),
                Step::Field(name) => path.extend([".", name]),
                Step::Key(key) => path.extend(["[", key, "]"]),
                Step::Item(index) => path.push_str(&format!("[{index}]")),
            }
        }
        if self.path.len() > STEPS {
            path.push('\u{2026}');
        }
        path
    }

    /// What is wrong.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl Step {
    /// The step to the value of a key.
    pub(super) fn to_value_of(key: &super::Value) -> Self {
        match key.as_str() {
            Some(name) if is_name(name) => Step::Field(name.to_owned()),
            _ => Step::Key(OneLine(&shortened(&key.to_string())).to_string()),
        }
    }
}

fn is_name(text: &str) -> bool {
    let fits = text.len() <= SHOWN && !text.starts_with(|c: char| c.is_ascii_digit());
    fits && !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The beginning of a text that may be long.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}\u{2026}", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

impl fmt::Display for ConvertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path())?;
        }
        f.write_str(&self.reason)
    }
}

impl std::error::Error for ConvertError {}

impl serde::ser::Error for ConvertError {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        ConvertError::new(reason)
    }
}

impl serde::de::Error for ConvertError {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        ConvertError::new(reason)
    }

    fn invalid_type(found: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        ConvertError::new(format_args!("expected {expected}, found {}", named(found)))
    }

    fn invalid_value(found: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        ConvertError::new(format_args!("expected {expected}, found {}", named(found)))
    }

    fn invalid_length(length: usize, expected: &dyn serde::de::Expected) -> Self {
        ConvertError::new(format_args!("expected {expected}, found {length}"))
    }
}

/// What was found, in Python's words.
fn named(found: serde::de::Unexpected<'_>) -> String {
    use serde::de::Unexpected;
    match found {
        Unexpected::Bool(true) => "True".to_owned(),
        Unexpected::Bool(false) => "False".to_owned(),
        Unexpected::Signed(int) => format!("the int {int}"),
        Unexpected::Unsigned(int) => format!("the int {int}"),
        Unexpected::Float(float) => format!("the float {float:?}"),
        Unexpected::Str(text) => format!("the str {:?}", shortened(text)),
        Unexpected::Bytes(_) => "bytes".to_owned(),
        Unexpected::Unit | Unexpected::Option => "None".to_owned(),
        Unexpected::Seq => "a list or tuple".to_owned(),
        Unexpected::Map => "a dict".to_owned(),
        other => other.to_string(),
    }
}
