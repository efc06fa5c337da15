//! The state that all interpreters of a runtime share.

use crate::engine;
use crate::engine::large_pages::LargePages;
use crate::engine::slot_history::SlotHistory;
use crate::exchange::Exchange;
use crate::exec::offload::Offload;
use crate::exec::workers::Workers;
use crate::telemetry::Counters;
use archipel_core::error::{ConfigKind, Error, LimitKind};
use archipel_core::ledger::Account;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use wasmtime::{Engine, PoolConcurrencyLimitError};

/// The state that all interpreters of a runtime share.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) workers: Workers,
    pub(crate) offload: Offload,
    pub(crate) families: AtomicU64,
    pub(crate) counters: Counters,
    /// The memory that the host keeps for guests outside of queued messages.
    pub(crate) kept: Arc<Account>,
    /// True if the engine counts fuel.
    pub(crate) counts_fuel: bool,
    pub(crate) slots: SlotHistory,
    pub(crate) large_pages: Arc<LargePages>,
    /// The capacity in interpreters, if the pooling allocator reserved slots.
    pub(crate) reserved: Option<u32>,
}

impl Shared {
    /// Translates the error of an instantiation that failed.
    pub(crate) fn not_created(&self, error: wasmtime::Error) -> Error {
        match self.reserved {
            Some(limit) if error.is::<PoolConcurrencyLimitError>() => Error::Capacity { limit },
            _ if error.to_string().contains("memory minimum size") => Error::config(
                ConfigKind::Limit(LimitKind::Memory),
                "the memory limit is smaller than what an interpreter starts with".to_owned(),
            ),
            _ => engine::failure(error),
        }
    }

    /// Returns the number of a new family.
    pub(crate) fn next_family(&self) -> u64 {
        self.families.fetch_add(1, Ordering::Relaxed)
    }
}
