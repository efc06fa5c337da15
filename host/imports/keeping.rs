//! Charges for memory that the host keeps for guests outside of queued messages.

use super::MOST_QUEUED_IN_ALL;
use crate::state::State;
use archipel_core::error::LimitKind;
use archipel_core::ledger::{Account, Exceeded, Reservation};
use archipel_core::limits::Limits;
use std::sync::Arc;

/// Charges one guest and the runtime.
pub(super) struct Keeper {
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
    pub(super) fn keep(&self, bytes: usize) -> Result<Kept, Exceeded> {
        let reserve = |account: &Arc<Account>| account.reserve(LimitKind::Queued, bytes as u64);
        Ok(Kept {
            _own: self.own.as_ref().map(reserve).transpose()?,
            _all: reserve(&self.all)?,
        })
    }
}

impl State {
    /// Returns the keeper for this guest.
    pub(super) fn keeper(&self) -> Keeper {
        let limited = self.account.tightest(LimitKind::Queued).is_some();
        Keeper {
            own: limited.then(|| self.account.clone()),
            ..self.keeper_of_all()
        }
    }

    /// Returns a keeper that charges the runtime only, for results that the guest waits for: they
    /// are kept for a moment, and do not count as queued.
    pub(super) fn keeper_of_all(&self) -> Keeper {
        Keeper {
            own: None,
            all: self.context.kept.clone(),
        }
    }
}

/// Returns the account for what a runtime keeps for its guests. It bounds the host's memory, as the
/// limit on queued messages does.
pub(crate) fn account_of_all() -> Arc<Account> {
    let most = Limits::new().queued(MOST_QUEUED_IN_ALL as u64);
    Account::open(None, &most)
}
