//! The kinds of limits.

use std::fmt;
use std::time::Duration;

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
    pub const ALL: &'static [LimitKind] = &[
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
        LimitKind::ALL
            .iter()
            .copied()
            .find(|kind| kind.name() == name)
    }

    /// Returns the name of the limit in error texts.
    pub(crate) fn phrase(self) -> &'static str {
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
