//! Errors, in three kinds that are never mixed: the script raised, the host refused, or Archipel itself
//! failed.

use crate::encoding::Refusal;
use crate::one_line::OneLine;
use crate::value::Mismatch;
use std::fmt;

mod reason;

pub use crate::limit_kind::LimitKind;
pub use reason::{Capability, ConfigKind, Death, Denial, Invalid, Unshareable};

/// An exception that the script did not catch.
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::Error;
///
/// fn is_division_by_zero(error: &Error) -> bool {
///     matches!(error, Error::Raised(raised) if raised.name == "ZeroDivisionError")
/// }
/// assert!(!is_division_by_zero(&Error::Killed));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Raised {
    /// The name of the exception's class, such as `ValueError`.
    pub name: String,
    /// The qualified name of the class. It differs from the name for a nested class.
    pub qualified_name: String,
    /// The module of the class, such as `builtins`.
    pub module: String,
    /// The exception's text, `str(exception)`.
    pub message: String,
    /// The traceback, as Python prints it.
    pub traceback: String,
}

impl Raised {
    /// Creates the description of an exception of the class `name` in the module `module`, as for tests of the code
    /// that handles errors. The traceback is the text in one line.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::Raised;
    ///
    /// let raised = Raised::new("builtins", "ValueError", "negative");
    /// assert_eq!(raised.to_string(), "ValueError: negative");
    /// ```
    pub fn new(
        module: impl Into<String>,
        name: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        let name = name.into();
        let mut raised = Raised {
            qualified_name: name.clone(),
            name,
            module: module.into(),
            message: message.into(),
            traceback: String::new(),
        };
        raised.traceback = raised.to_string();
        raised
    }

    /// Returns the size of all texts, in bytes.
    #[doc(hidden)]
    pub fn size(&self) -> usize {
        let texts = [
            &self.name,
            &self.qualified_name,
            &self.module,
            &self.message,
            &self.traceback,
        ];
        texts.into_iter().map(String::len).sum()
    }
}

/// Displays the class and the text in one line.
impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.qualified_name)?;
        if !self.message.is_empty() {
            write!(f, ": {}", OneLine(&self.message))?;
        }
        Ok(())
    }
}

/// The error of an operation on a runtime or an interpreter.
///
/// Each variant says whether the interpreter can be used afterwards, see also
/// [`is_recoverable`](Self::is_recoverable). All texts are one line and include the texts of all causes, which
/// [`source`](std::error::Error::source) returns too. Texts are for people: a program that must tell errors of one
/// variant apart uses the fields.
///
/// # Examples
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::{ConfigKind, Error, LimitKind, Limits};
///
/// let Err(Error::Config(invalid)) = Limits::new().recursion(10).check() else {
///     unreachable!()
/// };
/// assert_eq!(invalid.kind, ConfigKind::Limit(LimitKind::Recursion));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The script raised an exception and did not catch it. The interpreter can be used again.
    #[error("{0}")]
    Raised(Box<Raised>),
    /// The interpreter exceeded a limit and was stopped. It is gone.
    #[error("limit exceeded: {} {}", kind.phrase(), kind.show(*limit))]
    LimitExceeded {
        /// The kind of the limit.
        kind: LimitKind,
        /// The limit, in the unit of the kind.
        limit: u64,
        /// The amount that was used, or would have been, in the unit of the kind.
        used: u64,
    },
    /// The interpreter was cancelled and unwound, with this message. It is gone.
    #[error("the interpreter was cancelled: {}", OneLine(.0))]
    Cancelled(String),
    /// The request exceeds the policy of its sender.
    #[error("denied: {0}")]
    Denied(Denial),
    /// The interpreter was killed. It is gone.
    #[error("the interpreter was killed")]
    Killed,
    /// The interpreter was closed before this operation.
    #[error("the interpreter is closed")]
    Closed,
    /// The interpreter is running, and can do one thing at a time. It can be used again when it is done.
    #[error("the interpreter is already running")]
    Running,
    /// The interpreter died: its code crashed inside the sandbox, or ended its process. It is gone; other
    /// interpreters are not affected.
    #[error("the interpreter died: {0}")]
    Died(Death),
    /// The value contains an object that cannot be sent. The interpreter can be used again.
    #[error("{0}")]
    NotShareable(#[source] Unshareable),
    /// The result is not of the requested type. The call has ended normally, and the interpreter can be used again.
    #[error("the result has the wrong type: {0}")]
    WrongType(#[source] Mismatch),
    /// The interpreter cannot be copied in its present state; the text says why. It can be used again.
    #[error("the interpreter cannot be copied: {0}")]
    NotCopyable(String),
    /// The runtime has no slot for another interpreter. Existing interpreters can be used again.
    #[error(
        "limit exceeded: {limit} interpreters (raise it with `RuntimeBuilder::max_interpreters`)"
    )]
    Capacity {
        /// The maximum number of interpreters.
        limit: u32,
    },
    /// The system refused memory. Existing interpreters can be used again.
    #[error("out of memory (check `ulimit -v`): {0}")]
    NoMemory(String),
    /// The system refused a thread or a file descriptor. Existing interpreters can be used again.
    #[error("out of threads or file descriptors (check `ulimit -u` and `ulimit -n`): {0}")]
    Exhausted(String),
    /// The request is invalid; the text says why and how to fix it. The interpreter can be used again.
    #[error("{0}")]
    Config(Invalid),
    /// The guest is missing, cannot be built, read or compiled, or belongs to another version of Archipel.
    #[error("the guest cannot be prepared: {}", Chain(&**.0))]
    Guest(#[source] Cause),
    /// An internal error, which is a bug in Archipel. The interpreter is gone.
    #[error("internal error: {}", Chain(&**.0))]
    Internal(#[source] Cause),
}

/// The cause of an error outside of Archipel's control, or of a bug.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Displays an error with its causes, in one line.
#[doc(hidden)]
pub struct Chain<'a>(pub &'a (dyn std::error::Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", OneLine(&self.0.to_string()))?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {}", OneLine(&error.to_string()))?;
            cause = error.source();
        }
        Ok(())
    }
}

/// The party that caused an error.
///
/// # Examples
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::{Error, ErrorKind};
///
/// assert_eq!(Error::Killed.kind(), ErrorKind::Refused);
/// assert_eq!(Error::Closed.kind(), ErrorKind::Refused);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The script: it raised an exception, or crashed.
    Raised,
    /// The host: it refused or stopped something because of a policy, a limit, a request to stop, or an
    /// invalid or ill-timed request.
    Refused,
    /// Archipel, or the machine that it runs on.
    Broken,
}

impl Error {
    /// Creates the error of an invalid request.
    pub fn config(kind: ConfigKind, text: impl Into<String>) -> Self {
        Error::Config(Invalid {
            kind,
            text: text.into(),
        })
    }

    /// Creates the error of a request that exceeds a policy.
    pub fn denied(capability: Capability, text: impl Into<String>) -> Self {
        Error::Denied(Denial {
            capability,
            text: text.into(),
        })
    }

    /// Creates the error of an interpreter that crashed.
    pub fn died(reason: impl Into<String>) -> Self {
        Error::Died(Death {
            status: None,
            reason: reason.into(),
        })
    }

    /// Creates the error of an interpreter that exited.
    pub fn exited(status: u8) -> Self {
        Error::Died(Death {
            status: Some(status),
            reason: format!("it exited with status {status}"),
        })
    }

    /// Creates the error of an object that cannot be sent.
    pub fn not_shareable(text: impl Into<String>) -> Self {
        Error::NotShareable(Unshareable {
            text: text.into(),
            refusal: None,
        })
    }

    /// Converts a refusal by the system.
    #[doc(hidden)]
    pub fn of_system(error: std::io::Error) -> Self {
        use rustix::io::Errno;
        match Errno::from_io_error(&error) {
            Some(Errno::NOMEM) => Error::NoMemory(error.to_string()),
            Some(Errno::MFILE | Errno::NFILE | Errno::AGAIN) => Error::Exhausted(error.to_string()),
            _ => Error::Internal(error.into()),
        }
    }

    /// Returns the party that caused the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::Raised(_) | Error::Died(_) => ErrorKind::Raised,
            Error::LimitExceeded { .. }
            | Error::Cancelled(_)
            | Error::Denied(_)
            | Error::Killed
            | Error::Closed
            | Error::Running
            | Error::NotShareable(_)
            | Error::WrongType(_)
            | Error::NotCopyable(_)
            | Error::Capacity { .. }
            | Error::Config(_) => ErrorKind::Refused,
            Error::NoMemory(_) | Error::Exhausted(_) | Error::Guest(_) | Error::Internal(_) => {
                ErrorKind::Broken
            }
        }
    }

    /// Returns whether the interpreter on which the operation was called can still be used.
    ///
    /// It is `false` if the interpreter is gone, and for errors of creating a runtime. For an error of creating,
    /// forking or resetting an interpreter that leaves existing interpreters as they were, such as
    /// [`Capacity`](Self::Capacity) and [`NoMemory`](Self::NoMemory), it is `true`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::Error;
    ///
    /// assert!(Error::Running.is_recoverable());
    /// assert!(Error::Capacity { limit: 1000 }.is_recoverable());
    /// assert!(!Error::Killed.is_recoverable());
    /// ```
    #[must_use]
    pub fn is_recoverable(&self) -> bool {
        match self {
            Error::Raised(_)
            | Error::Running
            | Error::Denied(_)
            | Error::NotShareable(_)
            | Error::WrongType(_)
            | Error::NotCopyable(_)
            | Error::Capacity { .. }
            | Error::NoMemory(_)
            | Error::Exhausted(_)
            | Error::Config(_) => true,
            Error::LimitExceeded { .. }
            | Error::Cancelled(_)
            | Error::Killed
            | Error::Closed
            | Error::Died(_)
            | Error::Guest(_)
            | Error::Internal(_) => false,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Error::NotShareable(refusal.into())
    }
}

impl From<Mismatch> for Error {
    fn from(mismatch: Mismatch) -> Self {
        Error::WrongType(mismatch)
    }
}

/// The result type of most operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

const _: fn() = || {
    fn is_portable<T: Send + Sync + 'static>() {}
    is_portable::<Error>();
};

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    /// An error with a cause.
    #[derive(Debug, thiserror::Error)]
    #[error("what")]
    struct Twofold(#[source] std::io::Error);

    #[test]
    fn sources_of_errors_are_kept() {
        let error = Error::Internal(Box::new(Twofold(std::io::Error::other("why"))));
        let cause = error
            .source()
            .and_then(|cause| cause.downcast_ref::<Twofold>());
        assert!(cause.is_some_and(|cause| cause.source().is_some()));
        let error = Error::from(Refusal::Cyclic);
        assert_eq!(
            error.to_string(),
            "cannot send: the message contains a reference cycle"
        );
        let found = error.source().and_then(|cause| cause.source());
        assert_eq!(
            found.and_then(|cause| cause.downcast_ref()),
            Some(&Refusal::Cyclic)
        );
    }

    #[test]
    fn error_texts_are_one_line() {
        let mut raised = Raised::new("m", "E", "a\n\tb 'c' \u{1b}[0m\u{e9}");
        raised.qualified_name = "C.E".to_owned();
        let rows = [
            (
                Error::Raised(Box::new(raised)),
                "C.E: a\\n\\tb 'c' \\u{1b}[0m\u{e9}",
                ErrorKind::Raised,
            ),
            (
                Error::Cancelled("x\r\ny".to_owned()),
                "the interpreter was cancelled: x\\r\\ny",
                ErrorKind::Refused,
            ),
            (
                Error::LimitExceeded {
                    kind: LimitKind::Memory,
                    limit: 1 << 20,
                    used: 2,
                },
                "limit exceeded: memory 1 MiB",
                ErrorKind::Refused,
            ),
            (
                Error::Internal(Box::new(Twofold(std::io::Error::other("why\n")))),
                "internal error: what: why\\n",
                ErrorKind::Broken,
            ),
        ];
        for (error, text, kind) in rows {
            assert_eq!((error.to_string().as_str(), error.kind()), (text, kind));
        }
    }
}
