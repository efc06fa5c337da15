//! Aliases: names in an interpreter that call a function of the host or of another interpreter.
//!
//! They follow Tcl's `interp alias`: the creator of an interpreter gives untrusted code exactly the commands
//! that it needs. Arguments and results are data only.

mod equipment;

pub use equipment::Equipment;

use crate::value::Value;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

/// A call of an alias, as passed to the host function.
///
/// # Examples
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::{AliasError, Call, Value};
///
/// fn add(call: Call) -> Result<Value, AliasError> {
///     let (a, b): (i64, i64) = call.arguments()?;
///     a.checked_add(b).map(Value::from).ok_or_else(|| AliasError::new("the sum is too large"))
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Call {
    /// The name of the alias.
    pub alias: String,
    /// The name of the calling interpreter, if it has one.
    pub caller: Option<String>,
    /// The positional arguments. Scripts can pass any data.
    pub args: Vec<Value>,
    /// The keyword arguments, in the order in which they were passed.
    pub kwargs: Vec<(String, Value)>,
}

impl Call {
    #[doc(hidden)]
    pub fn new(
        alias: &str,
        caller: Option<&str>,
        args: Vec<Value>,
        kwargs: Vec<(String, Value)>,
    ) -> Self {
        Call {
            alias: alias.to_owned(),
            caller: caller.map(str::to_owned),
            args,
            kwargs,
        }
    }

    /// Converts the positional arguments into a tuple of Rust values.
    ///
    /// # Errors
    ///
    /// Returns an [`AliasError`] for the script if the number of arguments is wrong, if there are keyword
    /// arguments, or if an argument does not have the type.
    pub fn arguments<T: FromArgs>(self) -> Result<T, AliasError> {
        if let Some((name, _)) = self.kwargs.first() {
            return Err(AliasError::new(format!(
                "{}() takes no keyword argument {name:?}",
                self.alias
            )));
        }
        let (given, wanted) = (self.args.len(), T::COUNT);
        if given != wanted {
            let plural = if wanted == 1 { "" } else { "s" };
            return Err(AliasError::new(format!(
                "{}() takes {wanted} argument{plural}, not {given}",
                self.alias
            )));
        }
        let mut at = 0;
        let mut args = self.args.into_iter().map(|value| {
            at += 1;
            (at, value)
        });
        T::take(&self.alias, &mut args)
    }
}

/// Tuples of up to six Rust types into which arguments can be converted; see [`Call::arguments`].
pub trait FromArgs: Sized {
    /// The number of arguments.
    #[doc(hidden)]
    const COUNT: usize;

    #[doc(hidden)]
    fn take(
        alias: &str,
        args: &mut dyn Iterator<Item = (usize, Value)>,
    ) -> Result<Self, AliasError>;
}

macro_rules! arguments {
    ($($count:literal: ($($name:ident),*);)*) => {$(
        impl<$($name: TryFrom<Value, Error: fmt::Display>),*> FromArgs for ($($name,)*) {
            const COUNT: usize = $count;

            fn take(
                _alias: &str,
                _args: &mut dyn Iterator<Item = (usize, Value)>,
            ) -> Result<Self, AliasError> {
                Ok(($({
                    // The number was checked before.
                    let (at, value) = _args.next().unwrap_or((0, Value::None));
                    $name::try_from(value).map_err(|error| {
                        AliasError::new(format!("argument {at} of {_alias}(): {error}"))
                    })?
                },)*))
            }
        }
    )*};
}

arguments! {
    0: ();
    1: (A);
    2: (A, B);
    3: (A, B, C);
    4: (A, B, C, D);
    5: (A, B, C, D, E);
    6: (A, B, C, D, E, F);
}

/// The error of an alias: a reason for the script, and a detail for the host's log.
///
/// The operator `?` converts any Rust error into an `AliasError`. Since such texts can contain paths and other
/// secrets of the host, they become the detail, and the script sees only "the command failed". The reason
/// given to [`AliasError::new`] is visible to the script.
///
/// # Examples
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::AliasError;
///
/// let error = AliasError::new("no such key").with_detail("key 17 is missing in /srv/table");
/// assert_eq!(error.reason(), "no such key");
/// assert!(error.detail().is_some());
///
/// fn read() -> Result<String, AliasError> {
///     Ok(std::fs::read_to_string("/no/such/file")?)
/// }
/// assert_eq!(read().unwrap_err().reason(), "the command failed");
/// ```
#[derive(Debug)]
pub struct AliasError {
    plain: String,
    detail: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl AliasError {
    /// Creates an error with a reason for the script.
    pub fn new(reason: impl Into<String>) -> Self {
        AliasError {
            plain: reason.into(),
            detail: None,
        }
    }

    /// Adds a detail for the host's log.
    #[must_use]
    pub fn with_detail(
        mut self,
        detail: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Returns the reason, which the script sees.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.plain
    }

    /// Returns the detail, which only the host's log contains.
    #[must_use]
    pub fn detail(&self) -> Option<&(dyn std::error::Error + Send + Sync)> {
        self.detail.as_deref()
    }
}

/// The reason for errors whose text is not for scripts.
pub const FAILED: &str = "the command failed";

// Not an `Error` itself, so that the conversion from all errors does not overlap.
impl<E: std::error::Error + Send + Sync + 'static> From<E> for AliasError {
    fn from(error: E) -> Self {
        AliasError::new(FAILED).with_detail(error)
    }
}

type CallResult = std::result::Result<Value, AliasError>;

/// A future result of an alias.
type Later = Pin<Box<dyn Future<Output = CallResult> + Send>>;

/// A host function that scripts can call.
#[derive(Clone)]
pub enum HostFn {
    /// Called on the thread that runs the script.
    Direct(Arc<dyn Fn(Call) -> CallResult + Send + Sync>),
    /// Called on a thread that can block.
    Blocking(Arc<dyn Fn(Call) -> CallResult + Send + Sync>),
    /// It returns a future, which a worker polls.
    Async(Arc<dyn Fn(Call) -> Later + Send + Sync>),
}

impl fmt::Debug for HostFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HostFn::Direct(_) => "function",
            HostFn::Blocking(_) => "blocking function",
            HostFn::Async(_) => "async function",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_convert_or_report_the_mismatch() {
        let call = |args: Vec<Value>| Call {
            alias: "f".to_owned(),
            caller: None,
            args,
            kwargs: Vec::new(),
        };
        let two: (i64, String) = call(vec![1.into(), "x".into()]).arguments().unwrap();
        assert_eq!(two, (1, "x".to_owned()));
        let error = call(vec![1.into()]).arguments::<(i64, i64)>().unwrap_err();
        assert_eq!(error.reason(), "f() takes 2 arguments, not 1");
        let error = call(vec!["x".into()]).arguments::<(i64,)>().unwrap_err();
        assert!(
            error.reason().starts_with("argument 1 of f(): "),
            "{}",
            error.reason()
        );
        let mut named = call(vec![]);
        named.kwargs.push(("k".to_owned(), Value::None));
        let error = named.arguments::<()>().unwrap_err();
        assert_eq!(error.reason(), "f() takes no keyword argument \"k\"");
    }

    #[test]
    fn texts_of_rust_errors_are_for_the_host_only() {
        fn fails() -> Result<Value, AliasError> {
            Err(std::io::Error::other("/secret/path"))?
        }
        let error = fails().unwrap_err();
        assert_eq!(error.reason(), FAILED);
        assert_eq!(error.detail().unwrap().to_string(), "/secret/path");
    }
}
