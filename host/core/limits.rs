//! How much an interpreter may use.

use crate::error::{Error, LimitKind, Result};
use std::time::Duration;

/// How much an interpreter may use, and its descendants with it.
///
/// What an interpreter's descendants use counts as used by it too, so that a limit is what the whole
/// family below it costs at most.  `message`, `wall`, `handles` and `recursion` are about one message,
/// one call and one interpreter; children have the same.  A child's limits are never looser than
/// those of its parent, however they are set.
///
/// What is used up is returned when it is given back (memory, queued messages, handles, children);
/// time, fuel and output are counted over the whole life of an interpreter, and go on counting for
/// its parent after its end.
///
/// Where what a descendant does reaches the `cpu`, `wall`, `fuel` or `output` limits of several interpreters at
/// once, the outermost of those that run is stopped, with all below it.
///
/// By default there is no limit but what the kinds themselves say.
///
/// # Examples
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::Limits;
/// use std::time::Duration;
///
/// let limits = Limits::new()
///     .memory(64 << 20)?
///     .cpu(Duration::from_secs(1))?
///     .wall(Duration::from_secs(2))?
///     .output(1 << 20)?;
/// assert!(Limits::new().wall(Duration::ZERO).is_err());
/// # Ok::<(), archipel::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use]
pub struct Limits {
    values: [Option<u64>; LimitKind::ALL.len()],
}

/// Below this an interpreter could not even start: it is what the guest's snapshot takes.
const LEAST_MEMORY: u64 = 1 << 20;

/// The most memory that one interpreter can ever have: what 32-bit addresses reach is twice this.
pub const MOST_MEMORY: usize = 2 << 30;

/// The largest message, which is also the default.
pub const MOST_MESSAGE: u64 = 64 << 20;

/// How much can lie in the private `/tmp` of an interpreter that a host creates and of its descendants, by default.
pub(crate) const TMP: u64 = 64 << 20;

/// How many handles an interpreter can be allowed, and how many it may have by default.
const MOST_HANDLES: u64 = 1_000_000;
/// The number of handles that an interpreter can have by default.
pub const HANDLES: u64 = 4096;

/// How many calls in each other the guest's stack has room for.
const MOST_RECURSION: u64 = 10_000;

impl Limits {
    /// The defaults: no limit but what the kinds themselves say.
    pub fn new() -> Self {
        Limits::default()
    }

    /// The bytes of linear memory that an interpreter and its descendants can have together.
    ///
    /// An interpreter has about 43 MiB from the start, which are shared with all others until it
    /// writes to them, and which count in full.  Memory never shrinks while an interpreter lives; at
    /// its end it is given back.  Checked when memory grows and when an interpreter is created.  The
    /// script sees `MemoryError` and can go on, also for a message or an answer that does not fit; a child that does not fit is refused; one that a host
    /// creates with less than it needs from the start is an error.  By default each interpreter can
    /// have 2 GiB, the most that a guest can address.
    ///
    /// # Errors
    ///
    /// When `bytes` is less than 1 MiB.
    pub fn memory(self, bytes: u64) -> Result<Self> {
        self.with(LimitKind::Memory, bytes)
    }

    /// The time on a processor that an interpreter and its descendants can take in all of their lives.
    ///
    /// Waiting takes none.  It is checked whenever a guest waits, and every few milliseconds while it
    /// computes, also within a single builtin; it is stopped one such interval late at most.  The
    /// script sees nothing: it is stopped where it is, and neither `except` nor `finally` runs.  The
    /// host sees [`Error::LimitExceeded`], and a parent `LimitExceeded` too.  By default there is no
    /// such limit.
    ///
    /// # Errors
    ///
    /// When `limit` is zero, or more than 584 years.
    pub fn cpu(self, limit: Duration) -> Result<Self> {
        self.with_time(LimitKind::Cpu, limit)
    }

    /// The time on the clock that one call into an interpreter can take, waits included.
    ///
    /// Counted per call, on the monotonic clock.  Checked while the guest waits, and every few
    /// milliseconds while it runs.  Each side sees what it sees of [`cpu`](Self::cpu).  By default
    /// there is no such limit.
    ///
    /// # Errors
    ///
    /// When `limit` is zero, or more than 584 years.
    pub fn wall(self, limit: Duration) -> Result<Self> {
        self.with_time(LimitKind::Wall, limit)
    }

    /// The WebAssembly instructions, roughly, that an interpreter and its descendants can execute in
    /// all of their lives.
    ///
    /// The same script with the same input uses the same fuel on every machine.  It needs a runtime
    /// that counts fuel ([`RuntimeBuilder::fuel`](crate::RuntimeBuilder::fuel)), which makes all
    /// guests slower.  Checked at every instruction within one interpreter, and every few
    /// milliseconds between the members of a family that run in parallel.  Each side sees what it
    /// sees of [`cpu`](Self::cpu), but no callback can raise the limit.  By default there is no such
    /// limit.
    ///
    /// # Errors
    ///
    /// When `limit` is zero.
    pub fn fuel(self, limit: u64) -> Result<Self> {
        self.with(LimitKind::Fuel, limit)
    }

    /// The bytes that an interpreter and its descendants can write to standard output and standard
    /// error in all of their lives.
    ///
    /// Checked before anything is written.  Each side sees what it sees of [`cpu`](Self::cpu).  By
    /// default there is no such limit; what [`Output::captured`](crate::Output::captured) keeps is
    /// another matter.
    ///
    /// # Errors
    ///
    /// When `bytes` is zero.
    pub fn output(self, bytes: u64) -> Result<Self> {
        self.with(LimitKind::Output, bytes)
    }

    /// The size of a message, in bytes as encoded: what is sent through a channel, or passed to or
    /// returned by a call or an alias.
    ///
    /// Counted for each message that an interpreter sends.  The script sees `ValueError`, and can go
    /// on.  The default, and the most, is 64 MiB.
    ///
    /// # Errors
    ///
    /// When `bytes` is zero or more than 64 MiB.
    pub fn message(self, bytes: u64) -> Result<Self> {
        self.with(LimitKind::Message, bytes)
    }

    /// The bytes of the messages that an interpreter and its descendants have sent and that nobody
    /// has received, each counted as 256 at least, and each channel end in one as 1,024 more.
    ///
    /// Messages of senders that wait for room count too, and so do the results of tasks that have ended
    /// and whose results were not taken, and the reasons for which channels are poisoned.  Checked
    /// before a message is sent or a channel poisoned; the script sees `LimitExceeded`, and can go on.
    /// A result that does not fit is lost, as the task then says.  By default there is no such limit, but for 256
    /// MiB in a channel and 1 GiB in a runtime, of the second half of which a family of interpreters can
    /// have as much as it leaves to others.
    ///
    /// # Errors
    ///
    /// When `bytes` is zero.
    pub fn queued(self, bytes: u64) -> Result<Self> {
        self.with(LimitKind::Queued, bytes)
    }

    /// The bytes that an interpreter and its descendants can have in their private `/tmp` together.
    ///
    /// What counts is the size of each file and of each link's text, and 1,024 for each name; what is deleted is
    /// given back, and so is all of it when the interpreter ends.  Checked before anything is written or created.
    /// The script sees `OSError` with `errno.ENOSPC`, or with `errno.EIO` where a write passes the limit after others
    /// through the same open file, and can go on.  Zero takes `/tmp` away.  The default is 64 MiB for an
    /// interpreter that a host creates, with all of its descendants.
    ///
    /// # Errors
    ///
    /// None: every number of bytes is valid.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::{LimitKind, Limits};
    ///
    /// let limits = Limits::new().tmp(1 << 20)?;
    /// assert_eq!(limits.get(LimitKind::Tmp), Some(1 << 20));
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn tmp(self, bytes: u64) -> Result<Self> {
        self.with(LimitKind::Tmp, bytes)
    }

    /// The handles that an interpreter can have: channel ends, references to interpreters, tasks,
    /// open files.
    ///
    /// Counted per interpreter.  Checked when one is made or arrives.  The script sees `LimitExceeded` and can go
    /// on: letting go of one makes room for another, and a message with ends for which there is no room stays in
    /// its channel.  The default is 4,096.
    ///
    /// # Errors
    ///
    /// When `count` is less than 16, which an interpreter needs itself, or more than a million.
    pub fn handles(self, count: u64) -> Result<Self> {
        self.with(LimitKind::Handles, count)
    }

    /// The descendants of an interpreter that can exist at a time.
    ///
    /// It can only narrow what the policy grants ([`Policy::children`](crate::Policy::children)).
    /// Checked when one is created.  The script sees `InterpreterError`, and can go on.  The default
    /// is what the policy grants.
    ///
    /// # Errors
    ///
    /// When `count` is more than a million.
    pub fn children(self, count: u64) -> Result<Self> {
        self.with(LimitKind::Children, count)
    }

    /// The generations of descendants that can exist.
    ///
    /// As for [`children`](Self::children).
    ///
    /// # Errors
    ///
    /// When `generations` is more than 64.
    pub fn depth(self, generations: u64) -> Result<Self> {
        self.with(LimitKind::Depth, generations)
    }

    /// The Python calls that can be in each other: what `sys.getrecursionlimit` returns from the start,
    /// and the most that `sys.setrecursionlimit` takes.
    ///
    /// Counted per interpreter, by Python itself.  The script sees `RecursionError`, and can go on.
    /// It is a service to the script and no safeguard: code that gets around it runs into the end of
    /// the stack, where its interpreter dies.  The default is 1,000, and a script can raise it.
    ///
    /// # Errors
    ///
    /// When `calls` is less than 50 or more than 10,000.
    pub fn recursion(self, calls: u64) -> Result<Self> {
        self.with(LimitKind::Recursion, calls)
    }

    /// The limit of a kind, in the unit that [`LimitKind`] says; `None` where there is none.
    #[must_use]
    pub fn get(&self, kind: LimitKind) -> Option<u64> {
        self.values[kind as usize]
    }

    /// Sets the limit of a kind, in the unit that [`LimitKind`] says.
    ///
    /// # Errors
    ///
    /// As for the method of that kind.
    pub fn with(mut self, kind: LimitKind, limit: u64) -> Result<Self> {
        let (least, most) = range(kind);
        if !(least..=most).contains(&limit) {
            return Err(Error::Config(match (kind, limit) {
                (LimitKind::Cpu | LimitKind::Wall, 0) => format!(
                    "a {kind} limit of zero would stop every script before its first line; give a \
                     time such as 2s"
                ),
                _ if most == u64::MAX => format!(
                    "a {kind} limit of {} makes no sense: it must be at least {}",
                    kind.show(limit),
                    kind.show(least)
                ),
                _ => format!(
                    "a {kind} limit of {} makes no sense: it must be from {} to {}",
                    kind.show(limit),
                    kind.show(least),
                    kind.show(most)
                ),
            }));
        }
        self.values[kind as usize] = Some(limit);
        Ok(self)
    }

    fn with_time(self, kind: LimitKind, limit: Duration) -> Result<Self> {
        let nanos = u64::try_from(limit.as_nanos()).map_err(|_| {
            Error::Config(format!(
                "a {kind} limit of {limit:?} makes no sense: leave it out for any amount of time"
            ))
        })?;
        self.with(kind, nanos)
    }

    /// These limits where they are set, and those of a `parent` where they are not or are looser.
    pub fn within(mut self, parent: &Limits) -> Self {
        for (own, parents) in self.values.iter_mut().zip(parent.values) {
            *own = match (*own, parents) {
                (Some(own), Some(parents)) => Some(own.min(parents)),
                (own, parents) => own.or(parents),
            };
        }
        self
    }

    /// The first kind that is set and allows more than what `most` says.
    pub fn beyond_where_set(&self, most: impl Fn(LimitKind) -> Option<u64>) -> Option<LimitKind> {
        LimitKind::ALL.into_iter().find(|kind| {
            let (own, most) = (self.get(*kind), most(*kind));
            matches!((own, most), (Some(own), Some(most)) if own > most)
        })
    }

    /// These limits, with room for no more descendants than `count`.
    pub fn with_children_at_most(mut self, count: u64) -> Self {
        let value = &mut self.values[LimitKind::Children as usize];
        *value = Some(value.unwrap_or(count).min(count));
        self
    }
}

/// The least and the most that a limit can be.
fn range(kind: LimitKind) -> (u64, u64) {
    match kind {
        LimitKind::Memory => (LEAST_MEMORY, u64::MAX),
        LimitKind::Cpu | LimitKind::Wall | LimitKind::Fuel => (1, u64::MAX),
        LimitKind::Output | LimitKind::Queued => (1, u64::MAX),
        LimitKind::Message => (1, MOST_MESSAGE),
        LimitKind::Tmp => (0, u64::MAX),
        LimitKind::Handles => (16, MOST_HANDLES),
        LimitKind::Children => (0, 1_000_000),
        LimitKind::Depth => (0, 64),
        LimitKind::Recursion => (50, MOST_RECURSION),
    }
}

const _: () = assert!(LEAST_MEMORY < MOST_MEMORY as u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_make_no_sense_are_refused() {
        for kind in LimitKind::ALL {
            let (least, most) = range(kind);
            for wrong in [least.checked_sub(1), most.checked_add(1)] {
                let Some(wrong) = wrong else { continue };
                let error = Limits::new().with(kind, wrong).unwrap_err().to_string();
                assert!(error.contains(kind.name()), "{error}");
            }
            for right in [least, most] {
                assert_eq!(
                    Limits::new().with(kind, right).unwrap().get(kind),
                    Some(right)
                );
            }
        }
        assert!(Limits::new().wall(Duration::ZERO).is_err());
        assert!(Limits::new().cpu(Duration::MAX).is_err());
    }

    #[test]
    fn a_child_has_the_tighter_of_two_limits() {
        let parent = Limits::new().memory(64 << 20).unwrap().output(10).unwrap();
        let asked = Limits::new().memory(1 << 30).unwrap().fuel(5).unwrap();
        let most = |kind| parent.get(kind);
        assert_eq!(asked.beyond_where_set(most), Some(LimitKind::Memory));
        let child = asked.within(&parent);
        assert_eq!(child.get(LimitKind::Memory), Some(64 << 20));
        assert_eq!(child.get(LimitKind::Output), Some(10));
        assert_eq!(child.get(LimitKind::Fuel), Some(5));
        assert_eq!(child.get(LimitKind::Cpu), None);
        assert_eq!(child.beyond_where_set(most), None);
    }
}
