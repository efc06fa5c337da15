//! What an interpreter has used.

use crate::error::LimitKind;
use crate::ledger::Account;

/// How much of something an interpreter has used, in the unit of the [`LimitKind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Used {
    /// What it has used itself.
    pub own: u64,
    /// What it and its descendants have used together, those that are gone included where that is
    /// not given back.
    pub subtree: u64,
    /// How much it may use; `None` where there is no limit.
    pub limit: Option<u64>,
}

/// What an interpreter has used of everything that can be limited.
///
/// `message`, `wall`, `handles`, `depth` and `recursion` are limits of single things, of which nothing
/// adds up; they show as zero.
///
/// # Examples
///
/// ```no_run
/// # let runtime = archipel::Runtime::new()?;
/// # use archipel_core as archipel;
/// use archipel::LimitKind;
///
/// let interpreter = runtime.interpreter().build()?;
/// interpreter.exec("print('hello')")?;
/// let usage = interpreter.usage();
/// assert_eq!(usage.of(LimitKind::Output).own, 6);
/// println!("{usage}");
/// # Ok::<(), archipel::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage([Used; LimitKind::ALL.len()]);

impl Usage {
    /// Reads the usage from an account.
    pub fn of_account(account: &Account) -> Self {
        Usage(LimitKind::ALL.map(|kind| {
            let (own, subtree) = account.used(kind);
            Used {
                own,
                subtree,
                limit: account.tightest(kind),
            }
        }))
    }

    /// How much was used of that kind.
    #[must_use]
    pub fn of(&self, kind: LimitKind) -> Used {
        self.0[kind as usize]
    }

    /// All of it, in the order of [`LimitKind::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (LimitKind, Used)> + '_ {
        LimitKind::ALL.into_iter().map(|kind| (kind, self.of(kind)))
    }
}

impl std::fmt::Display for Usage {
    /// A line for each kind of which something was used.
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
