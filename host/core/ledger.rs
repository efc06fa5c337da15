//! The ledger: what each interpreter has used of each limit.
//!
//! Accounts form the same tree as interpreters. An amount is charged to the interpreter's account and to those
//! of all its ancestors, or, if it would exceed any of their limits, to none. If it exceeds several limits at
//! once, the outermost one is reported. The ledger is plain arithmetic: callers charge before they act, and
//! release what is no longer used.

use crate::error::{Error, LimitKind};
use crate::limits::{Limits, TMP};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const KINDS: usize = LimitKind::ALL.len();

/// The value for "no limit".
const NONE: u64 = u64::MAX;

/// The account of one interpreter.
#[derive(Debug)]
pub struct Account {
    parent: Option<Arc<Account>>,
    /// The number of ancestors.
    generation: u64,
    limits: [AtomicU64; KINDS],
    /// The interpreter's own usage.
    own: [AtomicU64; KINDS],
    /// The usage of the interpreter and its descendants.
    subtree: [AtomicU64; KINDS],
}

/// A limit that would be exceeded, or is exceeded.
#[derive(Debug, Clone)]
pub struct Exceeded {
    /// The kind of the limit.
    pub kind: LimitKind,
    /// The limit, in the unit of its kind.
    pub limit: u64,
    /// The amount in use, in the same unit.
    pub used: u64,
    /// The number of ancestors of the account with this limit.
    pub generation: u64,
}

impl From<Exceeded> for Error {
    fn from(exceeded: Exceeded) -> Self {
        Error::LimitExceeded {
            kind: exceeded.kind,
            limit: exceeded.limit,
            used: exceeded.used,
        }
    }
}

impl std::fmt::Display for Exceeded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Error::from(self.clone()).fmt(f)
    }
}

impl std::error::Error for Exceeded {}

impl Account {
    /// Opens the account of a child, or of an interpreter without a parent.
    pub fn open(parent: Option<&Arc<Account>>, limits: &Limits) -> Arc<Account> {
        let default = |kind| match (kind, parent) {
            (LimitKind::Tmp, None) => TMP,
            _ => NONE,
        };
        Arc::new(Account {
            parent: parent.cloned(),
            generation: parent.map_or(0, |parent| parent.generation + 1),
            limits: std::array::from_fn(|at| {
                let kind = LimitKind::ALL[at];
                limits.get(kind).unwrap_or_else(|| default(kind)).into()
            }),
            own: Default::default(),
            subtree: Default::default(),
        })
    }

    /// Returns the number of ancestors of the account.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    fn line(&self) -> impl Iterator<Item = &Account> {
        std::iter::successors(Some(self), |account| account.parent.as_deref())
    }

    /// Charges `amount`. Returns the exceeded limit if there is one.
    pub fn take(&self, kind: LimitKind, amount: u64) -> Result<(), Exceeded> {
        let at = kind as usize;
        for (index, account) in self.line().enumerate() {
            let limit = account.limits[at].load(Ordering::Relaxed);
            // A refused amount is never added, not even for a moment, since it could make other charges fail.
            let more = |used: u64| used.checked_add(amount).filter(|used| *used <= limit);
            let taken =
                account.subtree[at].fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
            if let Err(used) = taken {
                for account in self.line().take(index) {
                    account.subtree[at].fetch_sub(amount, Ordering::Relaxed);
                }
                let exceeded = account.exceeded(kind, limit, used.saturating_add(amount));
                return Err(account.outermost(exceeded, amount));
            }
        }
        self.own[at].fetch_add(amount, Ordering::Relaxed);
        Ok(())
    }

    /// Returns the outermost limit above this account that `amount` would exceed too, or else `exceeded`.
    fn outermost(&self, exceeded: Exceeded, amount: u64) -> Exceeded {
        let kind = exceeded.kind;
        let at = kind as usize;
        self.line().skip(1).fold(exceeded, |exceeded, account| {
            let limit = account.limits[at].load(Ordering::Relaxed);
            let used = account.subtree[at].load(Ordering::Relaxed);
            match used.saturating_add(amount) {
                used if used > limit => account.exceeded(kind, limit, used),
                _ => exceeded,
            }
        })
    }

    /// Charges `amount` until the result is dropped.
    pub fn reserve(
        self: &Arc<Self>,
        kind: LimitKind,
        amount: u64,
    ) -> Result<Reservation, Exceeded> {
        self.take(kind, amount)?;
        Ok(Reservation {
            account: self.clone(),
            kind,
            amount,
        })
    }

    /// Releases an amount.
    fn give(&self, kind: LimitKind, amount: u64) {
        let at = kind as usize;
        for account in self.line() {
            account.subtree[at].fetch_sub(amount, Ordering::Relaxed);
        }
        self.own[at].fetch_sub(amount, Ordering::Relaxed);
    }

    /// Charges an amount that has already been used. Returns the outermost limit that it exceeds, if there is
    /// one.
    pub fn note(&self, kind: LimitKind, amount: u64) -> Option<Exceeded> {
        let at = kind as usize;
        self.own[at].fetch_add(amount, Ordering::Relaxed);
        let mut passed = None;
        for account in self.line() {
            let used = account.subtree[at].fetch_add(amount, Ordering::Relaxed) + amount;
            let limit = account.limits[at].load(Ordering::Relaxed);
            if used > limit {
                passed = Some(account.exceeded(kind, limit, used));
            }
        }
        passed
    }

    /// Returns the outermost limit that is already exceeded, if there is one.
    pub fn passed(&self, kind: LimitKind) -> Option<Exceeded> {
        let at = kind as usize;
        let passed = self.line().filter_map(|account| {
            let used = account.subtree[at].load(Ordering::Relaxed);
            let limit = account.limits[at].load(Ordering::Relaxed);
            (used > limit).then(|| account.exceeded(kind, limit, used))
        });
        passed.last()
    }

    /// Returns the outermost limit that is used up, if there is one.
    pub fn used_up(&self, kind: LimitKind) -> Option<Exceeded> {
        let at = kind as usize;
        let reached = self.line().filter_map(|account| {
            let used = account.subtree[at].load(Ordering::Relaxed);
            let limit = account.limits[at].load(Ordering::Relaxed);
            (limit != NONE && used >= limit).then(|| account.exceeded(kind, limit, used))
        });
        reached.last()
    }

    fn exceeded(&self, kind: LimitKind, limit: u64, used: u64) -> Exceeded {
        Exceeded {
            kind,
            limit,
            used,
            generation: self.generation,
        }
    }

    /// Returns the amount that can still be charged.
    pub fn left(&self, kind: LimitKind) -> u64 {
        let at = kind as usize;
        let left = self.line().map(|account| {
            let limit = account.limits[at].load(Ordering::Relaxed);
            match limit {
                NONE => NONE,
                limit => limit.saturating_sub(account.subtree[at].load(Ordering::Relaxed)),
            }
        });
        left.min().unwrap_or(NONE)
    }

    /// Returns the lowest limit of the interpreter and its ancestors.
    pub fn tightest(&self, kind: LimitKind) -> Option<u64> {
        let limits = self
            .line()
            .map(|account| account.limits[kind as usize].load(Ordering::Relaxed));
        limits.min().filter(|limit| *limit != NONE)
    }

    /// Sets the interpreter's own limit.
    pub fn set_limit(&self, kind: LimitKind, limit: Option<u64>) {
        self.limits[kind as usize].store(limit.unwrap_or(NONE), Ordering::Relaxed);
    }

    /// Returns the interpreter's own limit.
    pub fn limit(&self, kind: LimitKind) -> Option<u64> {
        let limit = self.limits[kind as usize].load(Ordering::Relaxed);
        (limit != NONE).then_some(limit)
    }

    /// Returns what the interpreter has used, by itself and together with its descendants.
    pub fn used(&self, kind: LimitKind) -> (u64, u64) {
        let at = kind as usize;
        let own = self.own[at].load(Ordering::Relaxed);
        (own, self.subtree[at].load(Ordering::Relaxed))
    }
}

/// An amount that is charged until it is dropped.
#[derive(Debug)]
pub struct Reservation {
    account: Arc<Account>,
    kind: LimitKind,
    amount: u64,
}

impl Reservation {
    /// Charges more. Returns the exceeded limit if there is one.
    pub fn grow(&mut self, amount: u64) -> Result<(), Exceeded> {
        self.account.take(self.kind, amount)?;
        self.amount += amount;
        Ok(())
    }

    /// Releases a part.
    pub fn shrink(&mut self, amount: u64) {
        let amount = amount.min(self.amount);
        self.account.give(self.kind, amount);
        self.amount -= amount;
    }

    /// Returns the reserved amount.
    pub fn amount(&self) -> u64 {
        self.amount
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.account.give(self.kind, self.amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use LimitKind::{Cpu, Queued};

    fn limits(kind: LimitKind, limit: u64) -> Limits {
        Limits::new().with(kind, limit)
    }

    #[test]
    fn a_charge_applies_to_all_ancestors_or_to_none() {
        let first = Account::open(None, &limits(Queued, 10));
        let child = Account::open(Some(&first), &limits(Queued, 100));
        let other = Account::open(Some(&first), &Limits::new());
        let taken = child.reserve(Queued, 6).unwrap();
        let refused = other.reserve(Queued, 5).unwrap_err();
        assert_eq!(
            (refused.limit, refused.used, refused.generation),
            (10, 11, 0)
        );
        assert_eq!((other.used(Queued), first.used(Queued)), ((0, 0), (0, 6)));
        assert_eq!((other.left(Queued), child.left(Queued)), (4, 4));
        drop(taken);
        assert!(other.reserve(Queued, 10).is_ok());
        assert_eq!(first.used(Queued), (0, 0));
    }

    #[test]
    fn noted_amounts_are_counted_beyond_the_limit() {
        let first = Account::open(None, &Limits::new());
        let child = Account::open(Some(&first), &limits(Cpu, 5));
        assert!(child.note(Cpu, 5).is_none() && child.passed(Cpu).is_none());
        assert_eq!(child.note(Cpu, 1).map(|e| (e.limit, e.used)), Some((5, 6)));
        assert_eq!(child.passed(Cpu).map(|e| e.generation), Some(1));
        assert!(first.passed(Cpu).is_none());
        assert_eq!((child.used(Cpu), first.used(Cpu)), ((6, 6), (0, 6)));
        child.set_limit(Cpu, Some(7));
        assert!(child.passed(Cpu).is_none());
    }

    #[test]
    fn the_outermost_of_equal_limits_is_reported_for_every_kind() {
        for &kind in LimitKind::ALL {
            let limits = Limits::new().with(kind, 1 << 20);
            if limits.check().is_err() {
                continue;
            }
            let first = Account::open(None, &limits);
            let child = Account::open(Some(&first), &limits);
            let grandchild = Account::open(Some(&child), &limits);
            let refused = grandchild.take(kind, (1 << 20) + 1).unwrap_err();
            assert_eq!((refused.generation, refused.kind), (0, kind));
            assert_eq!(first.used(kind), (0, 0));
            let noted = grandchild.note(kind, (1 << 20) + 1).unwrap();
            assert_eq!((noted.generation, noted.kind), (0, kind));
            assert_eq!(grandchild.passed(kind).map(|e| e.generation), Some(0));
            // If the outer limits are wider, the inner one is reported.
            first.set_limit(kind, None);
            assert_eq!(grandchild.passed(kind).map(|e| e.generation), Some(1));
            child.set_limit(kind, Some(1 << 21));
            assert_eq!(grandchild.passed(kind).map(|e| e.generation), Some(2));
        }
    }

    #[test]
    fn tightest_returns_the_lowest_limit_of_all_ancestors() {
        let first = Account::open(None, &limits(Cpu, 5));
        let child = Account::open(Some(&first), &limits(Cpu, 7));
        assert_eq!(child.tightest(Cpu), Some(5));
        assert_eq!((child.limit(Cpu), child.tightest(Queued)), (Some(7), None));
        assert_eq!(child.left(Queued), u64::MAX);
    }

    #[test]
    fn overflowing_amounts_are_refused() {
        let account = Account::open(None, &limits(Queued, 10));
        let _some = account.reserve(Queued, 3).unwrap();
        assert!(account.take(Queued, u64::MAX - 1).is_err());
        assert_eq!(account.used(Queued), (3, 3));
    }
}
