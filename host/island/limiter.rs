//! The memory limit of an instance.

use crate::account::{LimitOwner, while_raised};
use crate::engine::large_pages::Slot;
use archipel_core::error::{LimitKind, Result};
use archipel_core::ledger::{Account, Exceeded, Reservation};
use archipel_core::limits::MOST_MEMORY;
use std::sync::Arc;
use wasmtime::ResourceLimiterAsync;

/// Charges memory to the account of an interpreter as it grows.
pub(super) struct Limiter {
    account: Arc<Account>,
    owner: Arc<dyn LimitOwner>,
    pub(super) memory: Reservation,
    /// The charge for the host's copy of its policy.
    _policy: Reservation,
    /// The limit that refused the last growth.
    pub(super) refused: Option<Exceeded>,
    /// True if the guest was warned that its memory runs out.
    warned: bool,
    /// The memory's place in the pool, once something has run in it.
    pub(super) slot: Option<Slot>,
}

/// The distance from the limit at which a guest is warned: the first growth that comes closer is
/// refused once. The guest's linker makes it ask again (`guest/src/wat/room.wat`).
const NEAR: u64 = 1 << 20;

impl Limiter {
    /// Creates the limiter, and charges the host's copy of a policy of `weight` bytes.
    pub(super) fn new(
        account: &Arc<Account>,
        owner: &Arc<dyn LimitOwner>,
        weight: u64,
    ) -> Result<Self> {
        Ok(Limiter {
            account: account.clone(),
            owner: owner.clone(),
            memory: account.reserve(LimitKind::Memory, 0)?,
            _policy: account.reserve(LimitKind::Memory, weight)?,
            refused: None,
            warned: false,
            slot: None,
        })
    }

    /// Returns whether the memory can grow by `bytes` without coming [near](NEAR) the limit.
    pub(super) fn can_grow(&self, bytes: u64) -> bool {
        let left = self.account.left(LimitKind::Memory);
        let possible = (MOST_MEMORY as u64).saturating_sub(self.memory.amount());
        bytes.saturating_add(NEAR) <= left.min(possible)
    }
}

#[wasmtime_wasi::async_trait]
impl ResourceLimiterAsync for Limiter {
    async fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // Compares with what was charged: a growth that fails after this stays charged for the next
        // one.
        let more = (desired as u64).saturating_sub(self.memory.amount());
        if current > 0 && !self.warned && !self.can_grow(more) {
            self.warned = true;
            return Ok(false);
        }
        if desired > MOST_MEMORY {
            self.refused = Some(Exceeded {
                kind: LimitKind::Memory,
                limit: MOST_MEMORY as u64,
                used: desired as u64,
                generation: u64::MAX,
            });
            return Ok(false);
        }
        let Limiter { memory, owner, .. } = self;
        match while_raised(&**owner, || memory.grow(more)).await {
            Ok(()) => {
                if let Some(slot) = &mut self.slot {
                    slot.grows(current, desired);
                }
                Ok(true)
            }
            Err(exceeded) => {
                self.refused = Some(exceeded);
                Ok(false)
            }
        }
    }

    async fn table_growing(
        &mut self,
        _current: usize,
        _desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // The linked guest has one table, whose size is fixed.
        Ok(true)
    }
}
