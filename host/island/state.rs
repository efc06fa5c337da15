//! The store data of an instance.

use super::caller::{Caller, Ports};
use super::holdings::Report;
use super::limiter::Limiter;
use super::{Instance, Island};
use crate::account::LimitOwner;
use crate::engine::alarm::Alarm;
use crate::engine::large_pages::Slot;
use crate::exec::meter;
use crate::wasi::{Grants, HasWasi, Wasi};
use archipel_core::error::{Error, Result};
use archipel_core::ledger::Exceeded;
use archipel_core::limits::MOST_MESSAGE;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::{ResourceTable, WasmList};
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtxView, WasiView};

/// The running time for which a guest is not preempted.
const BEGINS: Duration = Duration::from_millis(1);

/// The maximum number of bytes that the host copies for one call. The guest's own library refuses
/// larger messages earlier; exceeding this traps the guest.
const MOST_PER_CALL: usize = MOST_MESSAGE as usize + (64 << 10);

/// The number of table entries beyond the guest's handles, for pollables and streams.
const PASSING: usize = 64;

/// The store data of an instance.
pub(crate) struct State {
    pub(crate) ports: Ports,
    /// The addresses of the guest's signal words.
    pub(crate) alarm: Option<Alarm>,
    /// The guest's memory; `None` until something has run in it.
    pub(crate) memory: Option<WasmList<u8>>,
    /// The CPU time of the originals that this instance was copied from, in nanoseconds.
    pub(crate) copied: u64,
    /// The handles that the guest reported for a copy.
    pub(crate) holdings: Report,
    pub(crate) wasi: Wasi,
    limiter: Limiter,
}

impl State {
    /// Returns the initial state of an instance of `island`.
    fn new(island: &Arc<Island>) -> Result<State> {
        let mut ports = Ports::new(island);
        let handles = ports.handles;
        let mut table = ResourceTable::new();
        let room = usize::try_from(handles).unwrap_or(usize::MAX);
        table.set_max_capacity(room.saturating_add(PASSING));
        let owner: Arc<dyn LimitOwner> = Arc::new(Arc::downgrade(island));
        let settings = &island.settings;
        let grants = Grants {
            policy: &settings.policy,
            stdout: &settings.stdout,
            stderr: &settings.stderr,
            subject: &island.subject,
            account: &island.account,
            owner: &owner,
            descriptors: &island.family.descriptors,
            blocking: &island.family.blocking,
            started: island.started,
            handles,
        };
        let wasi = Wasi::new(&grants, table);
        if let Some(clock) = wasi.frozen_clock() {
            ports.is_frozen = true;
            ports.shared.exchange.add_frozen_clock(island.party, clock);
        }
        let weight = settings.policy.weight() as u64;
        Ok(State {
            ports,
            alarm: None,
            memory: None,
            copied: 0,
            holdings: Report::default(),
            wasi,
            limiter: Limiter::new(&island.account, &owner, weight)?,
        })
    }

    /// Gives `island` a prewarmed instance; returns `None` if a limit does not allow its memory.
    pub(crate) fn adopt(
        mut instance: Box<Instance>,
        island: &Arc<Island>,
    ) -> Result<Option<Box<Instance>>> {
        let mut state = State::new(island)?;
        let memory = instance.store.data().limiter.memory.amount();
        if state.limiter.memory.grow(memory).is_err() {
            return Ok(None);
        }
        *instance.store.data_mut() = state;
        Ok(Some(instance))
    }

    /// Creates a store for `island`.
    pub(crate) fn store(island: &Arc<Island>) -> Result<Store<State>> {
        let mut store = Store::new(&island.context.engine, State::new(island)?);
        store.limiter_async(|state| &mut state.limiter);
        store.epoch_deadline_callback(|store| {
            let state = store.data();
            if state.ports.interrupt.is_pending()
                && let Some(alarm) = &state.alarm
            {
                alarm.ring(&store);
            }
            // A guest that waited for longer than a tick gets here as soon as it continues. It must
            // not count as compute-bound, or it would queue behind those that are.
            let begins = meter::running_for().is_some_and(|time| time < BEGINS);
            let stops = || {
                state
                    .ports
                    .island
                    .upgrade()
                    .is_none_or(|island| island.is_stopping())
            };
            Ok(match begins && !stops() {
                true => UpdateDeadline::Continue(1),
                false => UpdateDeadline::Yield(1),
            })
        });
        store.set_epoch_deadline(1);
        if island.context.counts_fuel {
            // Fuel is counted in jobs only.
            let filled = store.set_fuel(u64::MAX);
            filled.map_err(|error| Error::Internal(error.into()))?;
        }
        store.set_hostcall_fuel(MOST_PER_CALL);
        Ok(store)
    }
}

impl State {
    /// Returns the part of the state that the imports may use.
    pub(crate) fn caller(&mut self) -> Caller<'_> {
        Caller {
            ports: &mut self.ports,
            table: &mut self.wasi.table,
        }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi.ctx()
    }
}

impl HasWasi for State {
    fn wasi(&self) -> &Wasi {
        &self.wasi
    }

    fn wasi_mut(&mut self) -> &mut Wasi {
        &mut self.wasi
    }
}

impl State {
    /// Returns and clears the limit that refused the last growth.
    pub(crate) fn take_refused(&mut self) -> Option<Exceeded> {
        self.limiter.refused.take()
    }

    /// Sets the place of the memory in the pool.
    pub(crate) fn set_slot(&mut self, slot: Slot) {
        self.limiter.slot = Some(slot);
    }

    /// Makes new pages of the memory small again, and returns whether it had large ones.
    pub(crate) fn end_large_pages(&mut self) -> bool {
        let slot = self.limiter.slot.as_mut();
        slot.is_some_and(|slot| {
            let was_large = slot.is_large();
            slot.ends();
            was_large
        })
    }

    /// Returns whether the memory can grow by `bytes` and still be at least `NEAR` from its limit.
    pub(crate) fn can_grow(&self, bytes: u64) -> bool {
        self.limiter.can_grow(bytes)
    }
}
