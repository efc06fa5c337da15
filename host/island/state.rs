//! The store data of an instance.

use super::bindings::archipel::island::channels;
use super::deferred_error::DeferredError;
use super::holdings::Report;
use super::introduced::Introduced;
use super::limiter::Limiter;
use super::shared::Shared;
use super::{Instance, Island};
use crate::account::LimitOwner;
use crate::engine::alarm::Alarm;
use crate::exec::interrupt::Interrupt;
use crate::exec::meter;
use crate::wasi::{Grants, HasWasi, Wasi};
use archipel_core::broker::PartyId;
use archipel_core::error::{Error, LimitKind, Result};
use archipel_core::ledger::{Account, Exceeded};
use archipel_core::limits::{HANDLES, MOST_MESSAGE};
use archipel_core::trust::SharedTrust;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use wasmtime::component::{Resource, ResourceTable, ResourceTableError, WasmList};
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtxView, WasiView};

/// The running time for which a guest is not preempted.
const BEGINS: Duration = Duration::from_millis(1);

/// The maximum number of bytes that the host copies for one call. The guest's own library refuses
/// larger messages earlier; exceeding this traps the guest.
const MOST_PER_CALL: usize = MOST_MESSAGE as usize + (64 << 10);

/// The number of table entries beyond the guest's handles, for pollables and streams.
const PASSING: usize = 64;

/// Ends of messages for which the guest had no room, until they are taken back from its table.
pub(crate) type Stranded = Arc<Mutex<Vec<channels::End>>>;

/// The store data of an instance.
pub(crate) struct State {
    pub(crate) shared: Arc<Shared>,
    pub(crate) island: Weak<Island>,
    pub(crate) party: PartyId,
    pub(crate) account: Arc<Account>,
    pub(crate) trust: SharedTrust,
    /// The pending interruption, and the address of the guest's signal words.
    pub(crate) interrupt: Arc<Interrupt>,
    pub(crate) alarm: Option<Alarm>,
    /// The guest's memory; `None` until something has run in it.
    pub(crate) memory: Option<WasmList<u8>>,
    /// The CPU time of the originals that this instance was copied from, in nanoseconds.
    pub(crate) copied: u64,
    /// The handles that the guest reported for a copy.
    pub(crate) holdings: Report,
    /// The interpreters that the guest received in messages.
    pub(crate) introduced: Introduced,
    /// The guest's limit on handles, and the number of handles it holds.
    pub(crate) handles: u64,
    held: u64,
    pub(crate) deferred_error: DeferredError,
    pub(crate) stranded: Stranded,
    pub(crate) wasi: Wasi,
    limiter: Limiter,
}

impl State {
    /// Returns the initial state of an instance of `island`.
    fn new(island: &Arc<Island>) -> Result<State> {
        let shared = &island.context.shared;
        let handles = island
            .account
            .tightest(LimitKind::Handles)
            .unwrap_or(HANDLES);
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
            shared.exchange.add_frozen_clock(island.party, clock);
        }
        let weight = settings.policy.weight() as u64;
        Ok(State {
            shared: shared.clone(),
            island: Arc::downgrade(island),
            party: island.party,
            account: island.account.clone(),
            trust: island.trust.clone(),
            interrupt: island.interrupt.clone(),
            alarm: None,
            memory: None,
            copied: 0,
            holdings: Report::default(),
            introduced: Introduced::default(),
            handles,
            held: 0,
            deferred_error: DeferredError::default(),
            stranded: Stranded::default(),
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
            if state.interrupt.is_pending()
                && let Some(alarm) = &state.alarm
            {
                alarm.ring(&store);
            }
            // A guest that waited for longer than a tick gets here as soon as it continues. It must
            // not count as compute-bound, or it would queue behind those that are.
            let begins = meter::running_for().is_some_and(|time| time < BEGINS);
            let stops = || {
                state
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
    /// Adds a handle for the guest, unless it has reached its limit on handles.
    ///
    /// The outer error traps the guest.
    pub(crate) fn hold<T: Send + 'static>(
        &mut self,
        entry: T,
    ) -> wasmtime::Result<std::result::Result<Resource<T>, Exceeded>> {
        let exceeded = Exceeded {
            kind: LimitKind::Handles,
            limit: self.handles,
            used: self.held.saturating_add(1),
            generation: self.account.generation(),
        };
        if self.held >= self.handles {
            return Ok(Err(exceeded));
        }
        match self.wasi.table.push(entry) {
            Ok(handle) => {
                self.held += 1;
                Ok(Ok(handle))
            }
            // Open files have taken the other entries.
            Err(ResourceTableError::Full) => Ok(Err(exceeded)),
            Err(error) => Err(error.into()),
        }
    }

    /// Adds a handle as `hold` does, for calls that cannot report a limit: exceeding it stops the
    /// guest.
    pub(crate) fn must_hold<T: Send + 'static>(
        &mut self,
        entry: T,
    ) -> wasmtime::Result<Resource<T>> {
        self.hold(entry)?.map_err(wasmtime::Error::new)
    }

    /// Removes a handle from the guest.
    pub(crate) fn let_go<T: Send + 'static>(&mut self, handle: Resource<T>) -> wasmtime::Result<T> {
        let entry = self.wasi.table.delete(handle)?;
        self.held = self.held.saturating_sub(1);
        Ok(entry)
    }
}

impl State {
    /// Returns the interpreter with the number `id`, if this one may name it.
    pub(crate) fn named(&self, id: u64) -> Option<Arc<Island>> {
        let own = self.island.upgrade()?;
        match own.family.member(id) {
            Some(island) if own.may_name(&island) || self.introduced.has(&island) => Some(island),
            _ => None,
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

    /// Returns whether the memory can grow by `bytes` and still be at least `NEAR` from its limit.
    pub(crate) fn can_grow(&self, bytes: u64) -> bool {
        self.limiter.can_grow(bytes)
    }
}
