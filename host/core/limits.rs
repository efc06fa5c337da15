//! The limits of an interpreter.

mod range;

use self::range::check_range;
#[cfg(doc)]
use crate::error::Error;
use crate::error::{LimitKind, Result};
use std::time::Duration;

pub(crate) use range::TMP;
pub use range::{HANDLES, MOST_MEMORY, MOST_MESSAGE};

/// The limits of an interpreter and its descendants.
///
/// Usage of descendants counts for an interpreter as well, so a limit bounds everything that its subtree uses.
/// `message`, `wall`, `handles` and `recursion` apply to each message, each call and each interpreter;
/// children inherit them. A child's limits are never looser than its parent's, however they are set.
///
/// Memory, queued messages, `/tmp` and children are released when they are no longer used. CPU time, fuel and
/// output accumulate over an interpreter's life, and still count for its parent after its end.
///
/// If a descendant exceeds the `cpu`, `wall`, `fuel` or `output` limits of several interpreters at once, the
/// outermost running one of these is stopped, with all its descendants.
///
/// A limit callback (`InterpreterBuilder::on_limit`) can raise a limit
/// before the interpreter is stopped.
///
/// The default sets no limits; each method documents what holds without one.
///
/// Setting a limit never fails, so limits can be constants. [`check`](Self::check) refuses limits out of range;
/// creating an interpreter and changing its limits do so too.
///
/// # Examples
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::Limits;
/// use std::time::Duration;
///
/// const PLUGIN: Limits = Limits::new()
///     .memory(64 << 20)
///     .cpu(Duration::from_secs(1))
///     .wall(Duration::from_secs(2))
///     .output(1 << 20);
/// assert!(PLUGIN.check().is_ok());
/// assert!(PLUGIN.wall(Duration::ZERO).check().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use]
pub struct Limits {
    values: [Option<u64>; LimitKind::ALL.len()],
}

impl Limits {
    /// Creates limits with no limit set.
    pub const fn new() -> Self {
        Limits {
            values: [None; LimitKind::ALL.len()],
        }
    }

    /// Limits the linear memory that an interpreter and its descendants have together.
    ///
    /// - **Unit**: bytes.
    /// - **Counted**: the whole memory of each interpreter. It starts with about 43 MiB, which are shared with
    ///   other interpreters until it writes to them, but count in full. Memory does not shrink while an
    ///   interpreter lives, and is released when it ends.
    /// - **Checked**: when memory grows, and when an interpreter is created.
    /// - **In the script**: `MemoryError`, also for a message or a result that does not fit. The script can
    ///   continue. A child that does not fit is refused with `InterpreterError`.
    /// - **In the host**: nothing, if the script continues. An interpreter that dies after its memory was
    ///   refused ends with [`Error::LimitExceeded`]. Creating an interpreter with less memory than it starts
    ///   with returns [`Error::Config`].
    /// - **Default**: 2 GiB for each interpreter, the maximum that a guest can address.
    /// - **Range**: at least 1 MiB.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::{LimitKind, Limits};
    ///
    /// let limits = Limits::new().memory(64 << 20);
    /// assert_eq!(limits.get(LimitKind::Memory), Some(64 << 20));
    /// assert!(limits.memory(1000).check().is_err());
    /// ```
    pub const fn memory(self, bytes: u64) -> Self {
        self.with(LimitKind::Memory, bytes)
    }

    /// Limits the CPU time of an interpreter and its descendants, over all of their lives.
    ///
    /// - **Unit**: time, counted in nanoseconds.
    /// - **Counted**: time in which guest code runs, and CPU time of the host's threads that work for it.
    ///   Waiting is not counted.
    /// - **Checked**: whenever a guest waits, and every few milliseconds while it computes, also inside a
    ///   single builtin. A guest stops at most one such interval late.
    /// - **In the script**: nothing. It is stopped where it is; neither `except` nor `finally` runs. A parent
    ///   sees `LimitExceeded`.
    /// - **In the host**: [`Error::LimitExceeded`]. The interpreter is gone.
    /// - **Default**: no limit.
    /// - **Range**: more than zero. More than 584 years count as 584 years.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::{LimitKind, Limits};
    /// use std::time::Duration;
    ///
    /// let limits = Limits::new().cpu(Duration::from_secs(2));
    /// assert_eq!(limits.get(LimitKind::Cpu), Some(2_000_000_000));
    /// ```
    pub const fn cpu(self, limit: Duration) -> Self {
        self.with_time(LimitKind::Cpu, limit)
    }

    /// Limits the wall time of one call into an interpreter, including waits.
    ///
    /// - **Unit**: time on the monotonic clock, counted in nanoseconds.
    /// - **Counted**: for each call, from its start.
    /// - **Checked**: while the guest waits, and every few milliseconds while it runs.
    /// - **In the script** and **in the host**: as for [`cpu`](Self::cpu).
    /// - **Default**: no limit.
    /// - **Range**: more than zero. More than 584 years count as 584 years.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::{LimitKind, Limits};
    /// use std::time::Duration;
    ///
    /// let limits = Limits::new().wall(Duration::from_millis(500));
    /// assert_eq!(limits.get(LimitKind::Wall), Some(500_000_000));
    /// ```
    pub const fn wall(self, limit: Duration) -> Self {
        self.with_time(LimitKind::Wall, limit)
    }

    /// Limits the fuel of an interpreter and its descendants, over all of their lives.
    ///
    /// The same script with the same input uses the same fuel on every machine. Fuel requires a runtime that
    /// counts it (`RuntimeBuilder::fuel`), which makes all guests slower.
    ///
    /// - **Unit**: approximately WebAssembly instructions.
    /// - **Counted**: instructions that guests execute.
    /// - **Checked**: at every instruction within one interpreter, and every few milliseconds between members
    ///   of a family that run in parallel.
    /// - **In the script** and **in the host**: as for [`cpu`](Self::cpu), but a callback cannot raise the
    ///   limit.
    /// - **Default**: no limit.
    /// - **Range**: at least 1.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::{LimitKind, Limits};
    ///
    /// let limits = Limits::new().fuel(1_000_000_000);
    /// assert_eq!(limits.get(LimitKind::Fuel), Some(1_000_000_000));
    /// ```
    pub const fn fuel(self, limit: u64) -> Self {
        self.with(LimitKind::Fuel, limit)
    }

    /// Limits the output of an interpreter and its descendants, over all of their lives.
    ///
    /// - **Unit**: bytes.
    /// - **Counted**: bytes written to standard output and standard error, together.
    /// - **Checked**: before anything is written.
    /// - **In the script** and **in the host**: as for [`cpu`](Self::cpu).
    /// - **Default**: no limit. The bound of `Output::captured` is separate.
    /// - **Range**: at least 1.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::{LimitKind, Limits};
    ///
    /// let limits = Limits::new().output(1 << 20);
    /// assert_eq!(limits.get(LimitKind::Output), Some(1 << 20));
    /// ```
    pub const fn output(self, bytes: u64) -> Self {
        self.with(LimitKind::Output, bytes)
    }

    /// Limits the size of one message that an interpreter sends.
    ///
    /// - **Unit**: bytes, as encoded.
    /// - **Counted**: each object sent through a channel, and each argument list and result of a call or an
    ///   alias.
    /// - **Checked**: before the message is sent.
    /// - **In the script**: `ValueError`. The script can continue.
    /// - **In the host**: nothing.
    /// - **Default**: 64 MiB, which is also the maximum.
    /// - **Range**: from 1 byte to 64 MiB.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::{LimitKind, Limits};
    ///
    /// let limits = Limits::new().message(1 << 20);
    /// assert_eq!(limits.get(LimitKind::Message), Some(1 << 20));
    /// assert!(limits.message(65 << 20).check().is_err());
    /// ```
    pub const fn message(self, bytes: u64) -> Self {
        self.with(LimitKind::Message, bytes)
    }

    /// Limits the unreceived messages of an interpreter and its descendants together.
    ///
    /// - **Unit**: bytes. A message counts as at least 256, and each channel end in it as 1,024 more.
    /// - **Counted**: messages that were sent and not yet received, messages of senders that wait for room,
    ///   results of ended tasks that were not taken, and the reasons with which channels are poisoned.
    /// - **Checked**: before a message is sent or a channel is poisoned, and when a task ends.
    /// - **In the script**: `LimitExceeded`. The script can continue. A task's result that does not fit is
    ///   lost, and the task reports this.
    /// - **In the host**: nothing.
    /// - **Default**: no limit, but a channel holds at most 256 MiB and a runtime 1 GiB. When half of
    ///   the runtime's 1 GiB is used, a family can queue at most as much more as it leaves to others.
    /// - **Range**: at least 1.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::{LimitKind, Limits};
    ///
    /// let limits = Limits::new().queued(8 << 20);
    /// assert_eq!(limits.get(LimitKind::Queued), Some(8 << 20));
    /// ```
    pub const fn queued(self, bytes: u64) -> Self {
        self.with(LimitKind::Queued, bytes)
    }

    /// Limits what an interpreter and its descendants store in their private `/tmp`.
    ///
    /// - **Unit**: bytes.
    /// - **Counted**: the size of each file and of each symbolic link's text, and 1,024 for each name.
    ///   Deleting releases it, as does the end of the interpreter.
    /// - **Checked**: before anything is written or created.
    /// - **In the script**: `OSError` with `errno.ENOSPC`. If earlier writes through the same open file
    ///   succeeded, the number is `errno.EIO`. The script can continue.
    /// - **In the host**: nothing.
    /// - **Default**: 64 MiB for an interpreter that a host creates, with all of its descendants. Zero removes
    ///   `/tmp`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::{LimitKind, Limits};
    ///
    /// let limits = Limits::new().tmp(1 << 20);
    /// assert_eq!(limits.get(LimitKind::Tmp), Some(1 << 20));
    /// ```
    pub const fn tmp(self, bytes: u64) -> Self {
        self.with(LimitKind::Tmp, bytes)
    }

    /// Limits the handles of an interpreter.
    ///
    /// - **Unit**: handles.
    /// - **Counted**: channel ends, references to interpreters, tasks and open files, separately for each
    ///   interpreter. Closing one releases it.
    /// - **Checked**: when a handle is created or received.
    /// - **In the script**: `LimitExceeded`, or `OSError` for a file, a listing or a socket, which can need six
    ///   handles. The script can continue. A message with more ends than there is room for stays in its channel.
    /// - **In the host**: nothing, unless the system interface requires the handle; then the interpreter ends
    ///   with [`Error::LimitExceeded`].
    /// - **Default**: 4,096. The limit is fixed when an interpreter is created.
    /// - **Range**: from 16, which an interpreter itself needs, to a million.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::{LimitKind, Limits};
    ///
    /// let limits = Limits::new().handles(100);
    /// assert_eq!(limits.get(LimitKind::Handles), Some(100));
    /// assert!(limits.handles(15).check().is_err());
    /// ```
    pub const fn handles(self, count: u64) -> Self {
        self.with(LimitKind::Handles, count)
    }

    /// Limits the descendants of an interpreter that exist at one time.
    ///
    /// - **Unit**: interpreters.
    /// - **Counted**: living descendants of all generations.
    /// - **Checked**: when an interpreter is created.
    /// - **In the script**: `InterpreterError`. The script can continue.
    /// - **In the host**: nothing.
    /// - **Default**: what the policy grants ([`Policy::children`](crate::Policy::children)). The limit can
    ///   only lower this.
    /// - **Range**: at most a million.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::{LimitKind, Limits};
    ///
    /// let limits = Limits::new().children(8);
    /// assert_eq!(limits.get(LimitKind::Children), Some(8));
    /// ```
    pub const fn children(self, count: u64) -> Self {
        self.with(LimitKind::Children, count)
    }

    /// Limits the generations of an interpreter's descendants.
    ///
    /// - **Unit**: generations.
    /// - **Counted**, **checked**, **in the script** and **in the host**: as for [`children`](Self::children).
    /// - **Default**: what the policy grants. The limit can only lower this, and is fixed when an interpreter
    ///   is created.
    /// - **Range**: at most 64.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::{LimitKind, Limits};
    ///
    /// let limits = Limits::new().depth(2);
    /// assert_eq!(limits.get(LimitKind::Depth), Some(2));
    /// ```
    pub const fn depth(self, generations: u64) -> Self {
        self.with(LimitKind::Depth, generations)
    }

    /// Limits the nesting of Python calls: the initial value of `sys.getrecursionlimit`, and the maximum for
    /// `sys.setrecursionlimit`.
    ///
    /// - **Unit**: calls.
    /// - **Counted**: by Python itself, for each interpreter.
    /// - **Checked**: at each call.
    /// - **In the script**: `RecursionError`. The script can continue.
    /// - **In the host**: nothing. This limit is not a security boundary: code that bypasses it overflows the
    ///   guest's stack, and its interpreter dies.
    /// - **Default**: 1,000, which a script can raise.
    /// - **Range**: from 50 to 10,000.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::{LimitKind, Limits};
    ///
    /// let limits = Limits::new().recursion(500);
    /// assert_eq!(limits.get(LimitKind::Recursion), Some(500));
    /// assert!(limits.recursion(10).check().is_err());
    /// ```
    pub const fn recursion(self, calls: u64) -> Self {
        self.with(LimitKind::Recursion, calls)
    }

    /// Returns the limit of a kind, in the unit of the [`LimitKind`], or `None` if it is not set.
    #[must_use]
    pub fn get(&self, kind: LimitKind) -> Option<u64> {
        self.values[kind as usize]
    }

    /// Sets the limit of a kind, in the unit of the [`LimitKind`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::{LimitKind, Limits};
    ///
    /// let limits = Limits::new().with(LimitKind::Fuel, 1_000_000);
    /// assert_eq!(limits, Limits::new().fuel(1_000_000));
    /// ```
    pub const fn with(mut self, kind: LimitKind, limit: u64) -> Self {
        self.values[kind as usize] = Some(limit);
        self
    }

    const fn with_time(self, kind: LimitKind, limit: Duration) -> Self {
        let nanos = limit.as_nanos();
        let most = u64::MAX as u128;
        self.with(kind, if nanos < most { nanos as u64 } else { u64::MAX })
    }

    /// Checks that each limit is in the range that its method documents.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Config`] for the first limit out of range.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::Limits;
    ///
    /// assert!(Limits::new().recursion(500).check().is_ok());
    /// let error = Limits::new().recursion(10).check().unwrap_err();
    /// assert_eq!(error.to_string(), "invalid recursion limit 10: it must be from 50 to 10000");
    /// ```
    pub fn check(&self) -> Result<()> {
        for &kind in LimitKind::ALL {
            if let Some(limit) = self.get(kind) {
                check_range(kind, limit)?;
            }
        }
        Ok(())
    }

    /// Returns these limits, with those of `parent` where they are unset or looser.
    pub fn within(mut self, parent: &Limits) -> Self {
        for (own, parents) in self.values.iter_mut().zip(parent.values) {
            *own = match (*own, parents) {
                (Some(own), Some(parents)) => Some(own.min(parents)),
                (own, parents) => own.or(parents),
            };
        }
        self
    }

    /// Returns the first kind that is set and exceeds the limit that `most` returns.
    #[doc(hidden)]
    pub fn beyond_where_set(&self, most: impl Fn(LimitKind) -> Option<u64>) -> Option<LimitKind> {
        LimitKind::ALL.iter().copied().find(|&kind| {
            let (own, most) = (self.get(kind), most(kind));
            matches!((own, most), (Some(own), Some(most)) if own > most)
        })
    }

    /// Returns these limits, with at most `count` children.
    #[doc(hidden)]
    pub fn with_children_at_most(mut self, count: u64) -> Self {
        let value = &mut self.values[LimitKind::Children as usize];
        *value = Some(value.unwrap_or(count).min(count));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::range::range;
    use super::*;

    #[test]
    fn limits_out_of_range_are_refused() {
        for &kind in LimitKind::ALL {
            let (least, most) = range(kind);
            for wrong in [least.checked_sub(1), most.checked_add(1)] {
                let Some(wrong) = wrong else { continue };
                let limits = Limits::new().with(kind, wrong);
                let error = limits.check().unwrap_err().to_string();
                assert!(error.contains(kind.name()), "{error}");
            }
            for right in [least, most] {
                let limits = Limits::new().with(kind, right);
                assert_eq!(limits.get(kind), Some(right));
                limits.check().unwrap();
            }
        }
        assert!(Limits::new().wall(Duration::ZERO).check().is_err());
    }

    #[test]
    fn a_time_beyond_the_range_counts_as_the_longest() {
        let limits = Limits::new().cpu(Duration::MAX);
        assert_eq!(limits.get(LimitKind::Cpu), Some(u64::MAX));
    }

    #[test]
    fn a_child_gets_the_lower_of_two_limits() {
        let parent = Limits::new().memory(64 << 20).output(10);
        let asked = Limits::new().memory(1 << 30).fuel(5);
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
