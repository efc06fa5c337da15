//! What can go wrong, with the three kinds of outcome kept apart: the script raised, the host
//! refused, or Archipel itself is broken.

use std::fmt;
use std::time::Duration;

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

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.qualified_name)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        Ok(())
    }
}

/// A limit that can be exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitKind {
    /// Time on the clock, in which the interpreter may also have waited.
    Wall(Duration),
}

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LimitKind::Wall(limit) => write!(f, "wall time of {limit:?}"),
        }
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
    #[error("limit exceeded: {0}")]
    LimitExceeded(LimitKind),
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
    #[error("the interpreter died: {0}")]
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

impl Error {
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
