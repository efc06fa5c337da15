//! Errors, in three kinds that are never mixed: the script raised, the host refused, or Archipel itself
//! failed.

use std::fmt;
use std::time::Duration;

/// Displays a text in one line: control characters, including line breaks, are escaped. Scripts and their data
/// control parts of such texts.
pub struct OneLine<'a>(pub &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.split_inclusive(char::is_control) {
            let mut chars = part.chars();
            match chars.next_back() {
                Some(last) if last.is_control() => {
                    write!(f, "{}{}", chars.as_str(), last.escape_debug())?;
                }
                _ => f.write_str(part)?,
            }
        }
        Ok(())
    }
}

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
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// The kinds of limits; [`Limits`](crate::Limits) documents each.
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::LimitKind;
///
/// assert_eq!(LimitKind::named("cpu"), Some(LimitKind::Cpu));
/// assert_eq!(LimitKind::Memory.show(64 << 20), "64 MiB");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LimitKind {
    /// Linear memory, in bytes.
    Memory,
    /// CPU time, in nanoseconds.
    Cpu,
    /// Wall time, including waits, in nanoseconds.
    Wall,
    /// WebAssembly instructions.
    Fuel,
    /// Bytes written to standard output and standard error.
    Output,
    /// The size of one message, in bytes.
    Message,
    /// Messages that were sent and not yet received, in bytes.
    Queued,
    /// The contents of the private `/tmp`, in bytes.
    Tmp,
    /// Handles: channel ends, references to interpreters, tasks and open files.
    Handles,
    /// Descendants that exist at one time.
    Children,
    /// Generations of descendants.
    Depth,
    /// The nesting of Python calls.
    Recursion,
}

impl LimitKind {
    /// All kinds, in the order of tables.
    pub const ALL: [LimitKind; 12] = [
        LimitKind::Memory,
        LimitKind::Cpu,
        LimitKind::Wall,
        LimitKind::Fuel,
        LimitKind::Output,
        LimitKind::Message,
        LimitKind::Queued,
        LimitKind::Tmp,
        LimitKind::Handles,
        LimitKind::Children,
        LimitKind::Depth,
        LimitKind::Recursion,
    ];

    /// Returns the name of the limit in Python, in policy files and in reports.
    pub fn name(self) -> &'static str {
        match self {
            LimitKind::Memory => "memory",
            LimitKind::Cpu => "cpu",
            LimitKind::Wall => "wall",
            LimitKind::Fuel => "fuel",
            LimitKind::Output => "output",
            LimitKind::Message => "message",
            LimitKind::Queued => "queued",
            LimitKind::Tmp => "tmp",
            LimitKind::Handles => "handles",
            LimitKind::Children => "children",
            LimitKind::Depth => "depth",
            LimitKind::Recursion => "recursion",
        }
    }

    /// Returns the kind with that name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        LimitKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Returns the name of the limit in error texts.
    fn phrase(self) -> &'static str {
        match self {
            LimitKind::Cpu => "CPU time",
            LimitKind::Wall => "wall time",
            LimitKind::Message => "message size",
            LimitKind::Queued => "queued messages",
            LimitKind::Tmp => "private /tmp",
            other => other.name(),
        }
    }

    /// Formats an amount of this kind for people: `64 MiB`, `1.5s`, `3`.
    pub fn show(self, amount: u64) -> String {
        match self {
            LimitKind::Cpu | LimitKind::Wall => {
                // Nanoseconds are more precision than people need.
                format!("{:?}", Duration::from_micros(amount / 1000))
            }
            LimitKind::Memory
            | LimitKind::Output
            | LimitKind::Message
            | LimitKind::Queued
            | LimitKind::Tmp => {
                const UNITS: [(u64, &str); 3] =
                    [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
                let unit = UNITS
                    .iter()
                    .find(|(unit, _)| amount >= *unit && amount.is_multiple_of(*unit));
                match unit {
                    Some((unit, name)) => format!("{} {name}", amount / unit),
                    None => format!("{amount} bytes"),
                }
            }
            _ => amount.to_string(),
        }
    }
}

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The error of an operation on a runtime or an interpreter.
///
/// Each variant says whether the interpreter can be used afterwards, see also
/// [`is_recoverable`](Self::is_recoverable). All texts are one line.
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
    /// The interpreter was cancelled with `unwind`, with this message. It is gone.
    #[error("the interpreter was cancelled: {}", OneLine(.0))]
    Cancelled(String),
    /// The request exceeds the policy of its sender. The text names the denied grant.
    #[error("denied: {}", OneLine(.0))]
    Denied(String),
    /// The interpreter was killed. It is gone.
    #[error("the interpreter was killed")]
    Killed,
    /// The interpreter was closed before this operation.
    #[error("the interpreter is closed")]
    Closed,
    /// The interpreter is running, and can do one thing at a time. It can be used again when it is done.
    #[error("the interpreter is already running")]
    Running,
    /// The interpreter died: its code crashed inside the sandbox. It is gone; other interpreters are not
    /// affected.
    #[error("the interpreter died: {}", OneLine(.0))]
    Died(String),
    /// The value contains an object that cannot be sent.
    #[error("{0} is not shareable")]
    NotShareable(String),
    /// The interpreter cannot be copied in its present state; the text says why. It can be used again.
    #[error("the interpreter cannot be copied: {0}")]
    NotCopyable(String),
    /// The runtime has no slot for another interpreter.
    #[error("limit exceeded: {limit} interpreters (raise it with `RuntimeBuilder::interpreters`)")]
    Capacity {
        /// The maximum number of interpreters.
        limit: u32,
    },
    /// The system refused memory.
    #[error("out of memory (check `ulimit -v`): {0}")]
    NoMemory(String),
    /// The system refused a thread or a file descriptor.
    #[error("out of threads or file descriptors (check `ulimit -u` and `ulimit -n`): {0}")]
    Exhausted(String),
    /// The request is invalid; the text says why and how to fix it.
    #[error("{0}")]
    Config(String),
    /// The guest is missing, cannot be built, read or compiled, or belongs to another version of Archipel.
    #[error("the guest cannot be prepared: {0:#}")]
    Guest(anyhow::Error),
    /// An internal error, which is a bug in Archipel.
    #[error("internal error: {0:#}")]
    Internal(anyhow::Error),
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
/// assert_eq!(Error::Config("no such option".to_owned()).kind(), ErrorKind::Refused);
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
    /// Converts a refusal by the system.
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
            | Error::NotCopyable(_)
            | Error::Capacity { .. }
            | Error::Config(_) => ErrorKind::Refused,
            Error::NoMemory(_) | Error::Exhausted(_) | Error::Guest(_) | Error::Internal(_) => {
                ErrorKind::Broken
            }
        }
    }

    /// Returns whether the interpreter that the error is about can be used again.
    ///
    /// It returns `false` for errors of creating an interpreter, including [`Capacity`](Self::Capacity) and
    /// [`NoMemory`](Self::NoMemory). If `Interpreter::copy` returns one of these
    /// two, its original can still be used.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::Error;
    ///
    /// assert!(Error::Running.is_recoverable());
    /// assert!(!Error::Killed.is_recoverable());
    /// ```
    pub fn is_recoverable(&self) -> bool {
        matches!(
            self,
            Error::Raised(_)
                | Error::Running
                | Error::NotShareable(_)
                | Error::NotCopyable(_)
                | Error::Config(_)
        )
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

    #[test]
    fn error_texts_are_one_line() {
        let raised = Raised {
            name: "E".to_owned(),
            qualified_name: "C.E".to_owned(),
            module: "m".to_owned(),
            message: "a\n\tb 'c' \u{1b}[0m\u{e9}".to_owned(),
            traceback: String::new(),
        };
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
                Error::Internal(anyhow::anyhow!("why").context("what")),
                "internal error: what: why",
                ErrorKind::Broken,
            ),
        ];
        for (error, text, kind) in rows {
            assert_eq!((error.to_string().as_str(), error.kind()), (text, kind));
        }
    }
}
