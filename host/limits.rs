//! How much an interpreter may use.

use crate::engine::MOST_MEMORY;
use crate::error::{Error, Result};
use std::time::Duration;

/// How much an interpreter may use.
///
/// The defaults are 2 GiB of memory, the most that a guest can address, and any amount of time.
///
/// # Examples
///
/// ```
/// use archipel::Limits;
/// use std::time::Duration;
///
/// let limits = Limits::new().memory(64 << 20)?.wall(Duration::from_secs(2))?;
/// # Ok::<(), archipel::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Limits {
    pub(crate) memory: usize,
    pub(crate) wall: Option<Duration>,
}

/// Below this an interpreter could not even start: it is what the guest's snapshot takes.
const LEAST_MEMORY: usize = 1 << 20;

impl Limits {
    /// The defaults.
    pub fn new() -> Self {
        Limits {
            memory: MOST_MEMORY,
            wall: None,
        }
    }

    /// The bytes of linear memory that an interpreter can have, in all of its life, since a guest's
    /// memory never shrinks.
    ///
    /// Counted per interpreter; a child has the same limit for itself.  Checked whenever the memory
    /// grows.  The script sees `MemoryError`, and can go on; an interpreter whose limit is less
    /// than what the guest needs from the start (about 20 MiB, shared with all others) cannot be
    /// created.  The default is 2 GiB.
    ///
    /// # Errors
    ///
    /// When `bytes` is less than 1 MiB or more than 2 GiB.
    pub fn memory(mut self, bytes: usize) -> Result<Self> {
        if !(LEAST_MEMORY..=MOST_MEMORY).contains(&bytes) {
            return Err(Error::Config(format!(
                "a memory limit of {bytes} bytes makes no sense: it must be from 1 MiB to 2 GiB"
            )));
        }
        self.memory = bytes;
        Ok(self)
    }

    /// The time on the clock that one call into the interpreter can take, waits included.
    ///
    /// Counted per call, on the monotonic clock.  Checked while the guest waits, and every few
    /// milliseconds while it runs.  The script sees nothing: it is stopped where it is, and neither
    /// `except` nor `finally` runs.  The host sees [`Error::LimitExceeded`].  By default there is
    /// no such limit.
    ///
    /// # Errors
    ///
    /// When `limit` is zero.
    pub fn wall(mut self, limit: Duration) -> Result<Self> {
        if limit.is_zero() {
            return Err(Error::Config(
                "a time limit of zero would stop every script before its first line".to_owned(),
            ));
        }
        self.wall = Some(limit);
        Ok(self)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_make_no_sense_are_refused() {
        for bytes in [0, LEAST_MEMORY - 1, MOST_MEMORY + 1, usize::MAX] {
            assert!(Limits::new().memory(bytes).is_err(), "{bytes}");
        }
        assert!(Limits::new().memory(MOST_MEMORY).is_ok());
        assert!(Limits::new().wall(Duration::ZERO).is_err());
        assert!(Limits::new().wall(Duration::MAX).is_ok());
    }
}
