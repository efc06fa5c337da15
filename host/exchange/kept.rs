//! Charges for memory that the host keeps for guests outside of queued messages.

use archipel_core::error::LimitKind;
use archipel_core::ledger::{Account, Exceeded, Reservation};
use std::sync::Arc;

/// Charges one guest and the runtime.
pub(crate) struct Keeper {
    /// The guest's account, if it has a limit on queued bytes.
    own: Option<Arc<Account>>,
    all: Arc<Account>,
}

/// A charge, released when dropped.
#[derive(Debug)]
pub(crate) struct Kept {
    _own: Option<Reservation>,
    _all: Reservation,
}

impl Keeper {
    /// Charges `bytes`, or returns the limit that does not allow it.
    pub(crate) fn keep(&self, bytes: usize) -> Result<Kept, Exceeded> {
        let reserve = |account: &Arc<Account>| account.reserve(LimitKind::Queued, bytes as u64);
        Ok(Kept {
            _own: self.own.as_ref().map(reserve).transpose()?,
            _all: reserve(&self.all)?,
        })
    }
}

impl Keeper {
    /// Returns a keeper that charges `all`, the account of the runtime, and `own` if it has a limit on queued bytes.
    pub(crate) fn of(own: &Arc<Account>, all: &Arc<Account>) -> Self {
        let limited = own.tightest(LimitKind::Queued).is_some();
        Keeper {
            own: limited.then(|| own.clone()),
            ..Keeper::of_all(all)
        }
    }

    /// Returns a keeper that charges the runtime only, for results that the guest waits for: they
    /// are kept for a moment, and do not count as queued.
    pub(crate) fn of_all(all: &Arc<Account>) -> Self {
        Keeper {
            own: None,
            all: all.clone(),
        }
    }
}
