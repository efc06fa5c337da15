//! The arguments of a call into an interpreter.

use crate::value::Value;

/// The arguments of a call into an interpreter: positional ones, and then keyword arguments.
///
/// A tuple of up to six values converts into positional arguments, and so does a `Vec` of any length. The unit `()`
/// means no arguments.
///
/// # Examples
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::Args;
///
/// let args = Args::new((2, 3.5)).keyword("unit", "cm");
/// assert_eq!(args.to_string(), "(2, 3.5, unit='cm')");
/// assert_eq!(Args::from(vec![1, 2, 3]).to_string(), "(1, 2, 3)");
/// assert_eq!(Args::from(()).to_string(), "()");
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use]
pub struct Args {
    positional: Vec<Value>,
    keywords: Vec<(String, Value)>,
}

impl Args {
    /// Creates positional arguments.
    pub fn new(positional: impl Into<Args>) -> Self {
        positional.into()
    }

    /// Adds a keyword argument. A second one of the same name replaces the first.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::Args;
    ///
    /// let args = Args::new(()).keyword("scale", 3).keyword("scale", 4);
    /// assert_eq!(args.to_string(), "(scale=4)");
    /// ```
    pub fn keyword(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        let (name, value) = (name.into(), value.into());
        match self.keywords.iter_mut().find(|(given, _)| *given == name) {
            Some((_, given)) => *given = value,
            None => self.keywords.push((name, value)),
        }
        self
    }

    /// Returns the positional and the keyword arguments.
    #[doc(hidden)]
    pub fn into_parts(self) -> (Vec<Value>, Vec<(String, Value)>) {
        (self.positional, self.keywords)
    }
}

/// Displays the arguments as in Python source.
impl std::fmt::Display for Args {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(")?;
        let mut before = "";
        for value in &self.positional {
            write!(f, "{before}{value}")?;
            before = ", ";
        }
        for (name, value) in &self.keywords {
            write!(f, "{before}{name}={value}")?;
            before = ", ";
        }
        f.write_str(")")
    }
}

impl From<()> for Args {
    fn from((): ()) -> Self {
        Args::default()
    }
}

impl<T: Into<Value>> From<Vec<T>> for Args {
    fn from(items: Vec<T>) -> Self {
        Args {
            positional: items.into_iter().map(Into::into).collect(),
            keywords: Vec::new(),
        }
    }
}

macro_rules! from_tuple {
    ($(($($item:ident)+))*) => {$(
        impl<$($item: Into<Value>),+> From<($($item,)+)> for Args {
            #[expect(non_snake_case, reason = "items are named like their types")]
            fn from(($($item,)+): ($($item,)+)) -> Self {
                Args { positional: vec![$($item.into()),+], keywords: Vec::new() }
            }
        }
    )*};
}

from_tuple!((A)(A B)(A B C)(A B C D)(A B C D E)(A B C D E F));
