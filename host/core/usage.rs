//! The resource usage of an interpreter.

use crate::error::LimitKind;
use crate::ledger::Account;

/// The usage of one resource by an interpreter, in the unit of the [`LimitKind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Used {
    /// The interpreter's own usage.
    pub own: u64,
    /// The usage of the interpreter and its descendants together. For resources that are never released, this
    /// includes descendants that have ended.
    pub subtree: u64,
    /// The lowest limit of the interpreter and its ancestors, or `None` if there is no limit.
    pub limit: Option<u64>,
}

/// The usage of all limited resources by an interpreter.
///
/// `message`, `wall`, `handles`, `depth` and `recursion` limit single messages, calls and interpreters. They
/// do not accumulate, and their usage is zero.
///
/// # Examples
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::{LimitKind, Usage};
///
/// /// Called with what `Interpreter::usage` returned.
/// fn report(usage: &Usage) -> String {
///     format!("wrote {} bytes\n{usage}", usage.of(LimitKind::Output).own)
/// }
/// assert!(report(&Usage::default()).starts_with("wrote 0 bytes"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage([Used; LimitKind::ALL.len()]);

impl Usage {
    /// Reads the usage from an account.
    #[doc(hidden)]
    pub fn of_account(account: &Account) -> Self {
        Usage(std::array::from_fn(|at| {
            let kind = LimitKind::ALL[at];
            let (own, subtree) = account.used(kind);
            Used {
                own,
                subtree,
                limit: account.tightest(kind),
            }
        }))
    }

    /// Returns the usage of that kind.
    #[must_use]
    pub fn of(&self, kind: LimitKind) -> Used {
        self.0[kind as usize]
    }

    /// Iterates over all kinds, in the order of [`LimitKind::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (LimitKind, Used)> + '_ {
        LimitKind::ALL.iter().map(|&kind| (kind, self.of(kind)))
    }
}

impl std::fmt::Display for Usage {
    /// Displays a line for each kind with usage.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (kind, used) in self.iter().filter(|(_, used)| used.subtree > 0) {
            write!(f, "{kind}: {}", kind.show(used.subtree))?;
            match used.limit {
                Some(limit) => writeln!(f, " of {}", kind.show(limit))?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}
