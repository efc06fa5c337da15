//! What can go wrong, with the three kinds of outcome kept apart: the script raised, the host
//! refused, or Archipel itself is broken.

use std::fmt;
use std::time::Duration;

/// A text in one line: line breaks and other control characters are escaped, since scripts and their data
/// have a say in it.
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

/// What is left of an exception that the script did not catch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    /// The name of the exception's class, such as `ValueError`.
    pub name: String,
    /// The qualified name of the class, which differs from the name for a nested class.
    pub qualified_name: String,
    /// The module of the class, such as `builtins`.
    pub module: String,
    /// The text of the exception.
    pub message: String,
    /// The traceback as Python prints it.
    pub traceback: String,
}

impl Raised {
    /// The bytes of its texts.
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

/// One line, whatever the text of the exception is.
impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.qualified_name)?;
        if !self.message.is_empty() {
            write!(f, ": {}", OneLine(&self.message))?;
        }
        Ok(())
    }
}

/// What is counted towards a limit; [`Limits`](crate::Limits) tells how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LimitKind {
    /// Linear memory, in bytes.
    Memory,
    /// Time on a processor, in nanoseconds.
    Cpu,
    /// Time on the clock, waits included, in nanoseconds.
    Wall,
    /// WebAssembly instructions.
    Fuel,
    /// What is written to the standard outputs, in bytes.
    Output,
    /// The size of one message, in bytes.
    Message,
    /// Messages that were sent and not received, in bytes.
    Queued,
    /// What lies in the private `/tmp`, in bytes.
    Tmp,
    /// Handles: channel ends, references to interpreters, tasks, open files.
    Handles,
    /// Descendants that exist at a time.
    Children,
    /// Generations of descendants.
    Depth,
    /// Python calls in each other.
    Recursion,
}

impl LimitKind {
    /// All kinds, in the order in which tables show them.
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

    /// The name of the limit in Python, in policy files and in reports.
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

    /// The kind with that name.
    pub fn named(name: &str) -> Option<Self> {
        LimitKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What messages call it.
    fn phrase(self) -> &'static str {
        match self {
            LimitKind::Cpu => "CPU time",
            LimitKind::Wall => "wall time",
            LimitKind::Message => "the size of a message",
            LimitKind::Queued => "queued messages",
            LimitKind::Tmp => "the private /tmp",
            other => other.name(),
        }
    }

    /// An amount of this kind for people to read: `64 MiB`, `1.5s`, `3`.
    pub fn show(self, amount: u64) -> String {
        match self {
            LimitKind::Cpu | LimitKind::Wall => {
                // What was used is measured to the nanosecond, which nobody wants to read.
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

/// Why an operation on a runtime or an interpreter did not have a result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The script raised an exception that it did not catch.  The interpreter can go on.
    #[error("{0}")]
    Raised(Box<Raised>),
    /// The interpreter was stopped since it reached a limit.  It is gone.
    #[error("limit exceeded: {} of {}", kind.phrase(), kind.show(*limit))]
    LimitExceeded {
        /// What there was too much of.
        kind: LimitKind,
        /// How much there may be, in the unit of the kind.
        limit: u64,
        /// How much there was.
        used: u64,
    },
    /// The interpreter was cancelled with `unwind`, with this message.  It is gone.
    #[error("the interpreter was cancelled: {}", OneLine(.0))]
    Cancelled(String),
    /// What was asked for is more than whoever asked may have; the text names it.
    #[error("denied: {}", OneLine(.0))]
    Denied(String),
    /// The interpreter was killed.  It is gone.
    #[error("the interpreter was killed")]
    Killed,
    /// The interpreter was closed before.
    #[error("the interpreter is closed")]
    Closed,
    /// The interpreter is running: it does one thing at a time.
    #[error("the interpreter is running already")]
    Running,
    /// The interpreter died: its code crashed inside the sandbox.  Nobody else is affected.
    #[error("the interpreter died: {}", OneLine(.0))]
    Died(String),
    /// A value has something in it that cannot be sent.
    #[error("{0} is not shareable")]
    NotShareable(String),
    /// The interpreter cannot be copied as it is; the text says why.  It can go on.
    #[error("the interpreter cannot be copied: {0}")]
    NotCopyable(String),
    /// As many interpreters as there may be exist already.
    #[error("no room for another interpreter: {limit} exist, which is the limit")]
    Capacity {
        /// How many there may be.
        limit: u32,
    },
    /// The system refuses memory.
    #[error("the system refuses memory (`ulimit -v` may limit it): {0}")]
    NoMemory(String),
    /// The system refuses threads or files.
    #[error(
        "the system refuses threads or files (`ulimit -u` and `ulimit -n` may limit them): {0}"
    )]
    Exhausted(String),
    /// Something that was asked for makes no sense; the text names it and the way out.
    #[error("{0}")]
    Config(String),
    /// The guest cannot be built, read or compiled on this machine.
    #[error("the guest cannot be prepared: {0:#}")]
    Guest(anyhow::Error),
    /// Archipel is broken: this is a bug of ours.
    #[error("internal error: {0:#}")]
    Internal(anyhow::Error),
}

/// Whose doing an error is.
///
/// # Examples
///
/// ```no_run
/// # let runtime = archipel::Runtime::new()?;
/// # use archipel_core as archipel;
/// use archipel::ErrorKind;
///
/// let interpreter = runtime.interpreter().build()?;
/// assert_eq!(interpreter.exec("1 / 0").unwrap_err().kind(), ErrorKind::Raised);
/// assert_eq!(interpreter.get("no name").unwrap_err().kind(), ErrorKind::Refused);
/// # Ok::<(), archipel::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The script's: it raised an exception, or crashed.
    Raised,
    /// The host refused or stopped something: by a policy, a limit or a request, or since what was asked for
    /// makes no sense at the time.
    Refused,
    /// Archipel's, or the machine's that it runs on.
    Broken,
}

impl Error {
    /// What it means that the system refused something that every runtime needs.
    pub fn of_system(error: std::io::Error) -> Self {
        use rustix::io::Errno;
        match Errno::from_io_error(&error) {
            Some(Errno::NOMEM) => Error::NoMemory(error.to_string()),
            Some(Errno::MFILE | Errno::NFILE | Errno::AGAIN) => Error::Exhausted(error.to_string()),
            _ => Error::Internal(error.into()),
        }
    }

    /// Whose doing it is, of which there are three that never mix.
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

    /// Whether the interpreter that the error is about can still be used.
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

/// The result of most operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

const _: fn() = || {
    fn is_portable<T: Send + Sync + 'static>() {}
    is_portable::<Error>();
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_one_line() {
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
                "limit exceeded: memory of 1 MiB",
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
