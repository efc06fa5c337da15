//! The error of conversions between values and Rust types.

use crate::one_line::OneLine;
use std::fmt;

/// The error of [`to_value`](super::to_value) and [`from_value`](super::from_value): a reason, and its place
/// in the value.
///
/// Its text is one line: `users[2].age: expected u8, found the str "x"`.
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::value::{Value, from_value};
///
/// let value = Value::from(vec![Value::from(1), Value::from("x")]);
/// let error = from_value::<Vec<u8>>(value).unwrap_err();
/// assert_eq!(error.path(), "[1]");
/// assert_eq!(error.reason(), r#"expected u8, found the str "x""#);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConvertError {
    /// The steps to the place of the error, innermost first.
    path: Vec<Step>,
    reason: String,
}

/// A step from a value to a part of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// A struct field, or a key in the form of a name.
    Field(String),
    /// Any other key, as by Python's `repr`.
    Key(String),
    /// The index of an item of a list or a tuple.
    Item(usize),
}

/// The maximum length of a displayed key or string, in characters.
const LONGEST_SHOWN: usize = 40;

/// The maximum number of displayed steps of a path.
const MOST_STEPS_SHOWN: usize = 32;

impl ConvertError {
    pub(super) fn new(reason: impl fmt::Display) -> Self {
        ConvertError {
            path: Vec::new(),
            reason: OneLine(&reason.to_string()).to_string(),
        }
    }

    /// Adds a step to the path: the error is in a part of something.
    pub(super) fn inside(mut self, step: Step) -> Self {
        self.path.push(step);
        self
    }

    /// Returns the place of the error, such as `users[2].age`. It is empty for the value itself.
    ///
    /// At most 32 steps are displayed.
    #[must_use]
    pub fn path(&self) -> String {
        let mut path = String::new();
        for step in self.path.iter().rev().take(MOST_STEPS_SHOWN) {
            match step {
                Step::Field(name) if path.is_empty() => path.push_str(name),
                Step::Field(name) => path.extend([".", name]),
                Step::Key(key) => path.extend(["[", key, "]"]),
                Step::Item(index) => path.push_str(&format!("[{index}]")),
            }
        }
        if self.path.len() > MOST_STEPS_SHOWN {
            path.push('\u{2026}');
        }
        path
    }

    /// Returns the reason, in one line.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl Step {
    /// Returns the step to the value of a key.
    pub(super) fn to_value_of(key: &super::Value) -> Self {
        match key.as_str() {
            Some(name) if is_name(name) => Step::Field(name.to_owned()),
            _ => Step::Key(OneLine(&shortened(&key.to_string())).to_string()),
        }
    }
}

fn is_name(text: &str) -> bool {
    let fits = text.len() <= LONGEST_SHOWN && !text.starts_with(|c: char| c.is_ascii_digit());
    fits && !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Returns the start of a text that may be long.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_SHOWN) {
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

/// Returns the description of a value in Python's terms.
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
