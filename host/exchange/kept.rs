//! Charges for memory that the host keeps for guests outside of queued messages.

use archipel_core::error::LimitKind;
use archipel_core::ledger::{Account, Exceeded, Reservation};
use std::sync::Arc;

/// The accounts to charge: a guest's and the runtime's.
pub(crate) struct KeptAccounts {
    /// The guest's account, if it has a limit on queued bytes.
    own: Option<Arc<Account>>,
    all: Arc<Account>,
}

/// A charge, released when dropped.
#[derive(Debug)]
pub(crate) struct KeptCharge {
    _own: Option<Reservation>,
    _all: Reservation,
}

impl KeptAccounts {
    /// Returns `all`, the account of the runtime, and `own` if it has a limit on queued bytes.
    pub(crate) fn of(own: &Arc<Account>, all: &Arc<Account>) -> Self {
        let limited = own.tightest(LimitKind::Queued).is_some();
        KeptAccounts {
            own: limited.then(|| own.clone()),
            ..KeptAccounts::of_all(all)
        }
    }

    /// Returns the account of the runtime only, for results that the guest waits for: they are kept
    /// for a moment, and do not count as queued.
    pub(crate) fn of_all(all: &Arc<Account>) -> Self {
        KeptAccounts {
            own: None,
            all: all.clone(),
        }
    }

    /// Charges `bytes`, or returns the limit that does not allow it.
    pub(crate) fn charge(&self, bytes: usize) -> Result<KeptCharge, Exceeded> {
        let reserve = |account: &Arc<Account>| account.reserve(LimitKind::Queued, bytes as u64);
        Ok(KeptCharge {
            _own: self.own.as_ref().map(reserve).transpose()?,
            _all: reserve(&self.all)?,
        })
    }
}
