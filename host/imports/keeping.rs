//! What the host keeps for guests, besides the messages in channels.

use super::MOST_QUEUED_IN_ALL;
use crate::state::State;
use archipel_core::error::LimitKind;
use archipel_core::ledger::{Account, Exceeded, Reservation};
use archipel_core::limits::Limits;
use std::sync::Arc;

/// Keeps account of what there is for one guest, and for all.
pub(super) struct Keeper {
    /// The guest's account, if it has a limit.
    own: Option<Arc<Account>>,
    all: Arc<Account>,
}

/// That something is kept, as long as this is.
#[derive(Debug)]
pub(crate) struct Kept {
    _own: Option<Reservation>,
    _all: Reservation,
}

impl Keeper {
    /// Counts so many bytes more, or says which limit is in the way.
    pub(super) fn keep(&self, bytes: usize) -> Result<Kept, Exceeded> {
        let reserve = |account: &Arc<Account>| account.reserve(LimitKind::Queued, bytes as u64);
        Ok(Kept {
            _own: self.own.as_ref().map(reserve).transpose()?,
            _all: reserve(&self.all)?,
        })
    }
}

impl State {
    /// Who keeps account of what is kept for this guest.
    pub(super) fn keeper(&self) -> Keeper {
        let limited = self.account.tightest(LimitKind::Queued).is_some();
        Keeper {
            own: limited.then(|| self.account.clone()),
            ..self.keeper_of_all()
        }
    }

    /// As `keeper`, for what the guest waits for: that is kept for a moment, and does not count as queued.
    pub(super) fn keeper_of_all(&self) -> Keeper {
        Keeper {
            own: None,
            all: self.context.kept.clone(),
        }
    }
}

/// The account of all that is kept in a runtime, which bounds the host's memory as the limit for messages in
/// channels does.
pub(crate) fn account_of_all() -> Arc<Account> {
    let most = Limits::new().queued(MOST_QUEUED_IN_ALL as u64);
    Account::open(None, &most.unwrap_or_default())
}
