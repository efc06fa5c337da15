//! The store data of an instance.

use crate::imports::{Answer, Stranded, Untold};
use crate::interrupt::{Alarm, Interrupt};
use crate::island::{Instance, Island};
use crate::meter;
use crate::runtime::Context;
use crate::standing::Standing;
use crate::wasi::{self, Granted, Meters, Net};
use archipel_core::broker::PartyId;
use archipel_core::error::{Error, LimitKind, Result};
use archipel_core::ledger::{Account, Exceeded, Reservation};
use archipel_core::limits::HANDLES;
use archipel_core::limits::MOST_MEMORY;
use archipel_core::trust::SharedTrust;
use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;
use wasmtime::component::{Resource, ResourceTable, ResourceTableError, WasmList};
use wasmtime::{ResourceLimiterAsync, Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// The running time for which a guest is not preempted.
const BEGINS: Duration = Duration::from_millis(1);

/// The number of table entries beyond the guest's handles, for pollables and streams.
const PASSING: usize = 64;

/// The store data of an instance.
pub(crate) struct State {
    pub(crate) context: Arc<Context>,
    pub(crate) island: Weak<Island>,
    pub(crate) party: PartyId,
    pub(crate) account: Arc<Account>,
    pub(crate) trust: SharedTrust,
    pub(crate) table: ResourceTable,
    /// The pending interruption, and the address of the guest's signal words.
    pub(crate) interrupt: Arc<Interrupt>,
    pub(crate) alarm: Option<Alarm>,
    /// The guest's memory; `None` until something has run in it.
    pub(crate) memory: Option<WasmList<u8>>,
    /// The CPU time of the originals that this instance was copied from, in nanoseconds.
    pub(crate) copied: u64,
    /// The handles that the guest reported for a copy.
    pub(crate) holdings: Answer,
    /// The interpreters that the guest received in messages.
    given: HashMap<u64, Given>,
    /// The guest's limit on handles, and the number of handles it holds.
    pub(crate) handles: u64,
    held: u64,
    pub(crate) untold: Untold,
    /// The pollables of its last `wasi:io/poll` call, by number; some may be gone.
    pub(crate) polled: Vec<u32>,
    pub(crate) stranded: Stranded,
    wasi: WasiCtx,
    pub(crate) net: Arc<Net>,
    pub(crate) meters: Meters,
    pub(crate) standing: Option<Arc<Standing>>,
    limiter: Limiter,
}

impl State {
    /// Returns the initial state of an instance of `island`.
    fn new(island: &Arc<Island>) -> Result<State> {
        let context = &island.context;
        let handles = island
            .account
            .tightest(LimitKind::Handles)
            .unwrap_or(HANDLES);
        let mut table = ResourceTable::new();
        let room = usize::try_from(handles).unwrap_or(usize::MAX);
        table.set_max_capacity(room.saturating_add(PASSING));
        let Granted {
            wasi,
            net,
            meters,
            standing,
        } = wasi::granted(island);
        if let Some(standing) = &standing {
            context.exchange.let_pass(island.party, standing);
        }
        Ok(State {
            context: context.clone(),
            island: Arc::downgrade(island),
            party: island.party,
            account: island.account.clone(),
            trust: island.trust.clone(),
            table,
            interrupt: island.interrupt.clone(),
            alarm: None,
            memory: None,
            copied: 0,
            holdings: Answer::default(),
            given: HashMap::new(),
            handles,
            held: 0,
            untold: Untold::default(),
            polled: Vec::new(),
            stranded: Stranded::default(),
            wasi,
            net,
            meters,
            standing,
            limiter: Limiter::new(island)?,
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
    pub(crate) fn store(context: &Arc<Context>, island: &Arc<Island>) -> Result<Store<State>> {
        let mut store = Store::new(&context.engine, State::new(island)?);
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
        if context.counts_fuel {
            // Fuel is counted in jobs only.
            let filled = store.set_fuel(u64::MAX);
            filled.map_err(|error| Error::Internal(error.into()))?;
        }
        store.set_hostcall_fuel(crate::imports::MOST_PER_CALL);
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
        match self.table.push(entry) {
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
        let entry = self.table.delete(handle)?;
        self.held = self.held.saturating_sub(1);
        Ok(entry)
    }
}

/// An interpreter that arrived in a message.
#[derive(Clone)]
pub(crate) struct Given {
    island: Weak<Island>,
    /// Keeps it alive until the guest holds a reference.
    kept: Option<Arc<Island>>,
}

impl State {
    /// Lets the guest name an interpreter that arrived in a message, and returns its number.
    pub(crate) fn give(&mut self, carried: Arc<dyn Any + Send + Sync>) -> u64 {
        let (Ok(island), Some(own)) = (carried.downcast::<Island>(), self.island.upgrade()) else {
            return u64::MAX;
        };
        if !Arc::ptr_eq(&own.family, &island.family) {
            // In another family its number means another interpreter.
            return u64::MAX;
        }
        let id = island.id;
        // Interpreters can name their descendants anyway, but never an ancestor.
        if !island.may_name(&own) {
            if self.given.len() as u64 >= self.handles {
                self.given.retain(|_, given| {
                    given.kept = None;
                    given.island.strong_count() > 0
                });
            }
            if (self.given.len() as u64) < self.handles {
                let given = Given {
                    island: Arc::downgrade(&island),
                    kept: Some(island),
                };
                self.given.insert(id, given);
            }
        }
        id
    }

    /// Returns the interpreters that arrived in messages, for a copy of the guest.
    pub(crate) fn given(&self) -> HashMap<u64, Given> {
        self.given.clone()
    }

    /// Sets the interpreters that arrived in messages, for a copy.
    pub(crate) fn set_given(&mut self, given: HashMap<u64, Given>) {
        self.given = given;
    }

    /// Returns whether that interpreter arrived in a message.
    pub(crate) fn was_given(&self, island: &Arc<Island>) -> bool {
        let given = self.given.get(&island.id);
        given.is_some_and(|given| std::ptr::eq(given.island.as_ptr(), Arc::as_ptr(island)))
    }

    /// Records that the guest holds a reference.
    pub(crate) fn taken(&mut self, id: u64) {
        if let Some(given) = self.given.get_mut(&id) {
            given.kept = None;
        }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// Charges memory to the account of an interpreter as it grows.
struct Limiter {
    island: Weak<Island>,
    memory: Reservation,
    /// The charge for the host's copy of its policy.
    _policy: Reservation,
    /// The limit that refused the last growth.
    refused: Option<Exceeded>,
    /// True if the guest was warned that its memory runs out.
    warned: bool,
}

/// The distance from the limit at which a guest is warned: the first growth that comes closer is
/// refused once. The guest's linker makes it ask again (`guest/src/wat/room.wat`).
const NEAR: u64 = 1 << 20;

impl Limiter {
    fn new(island: &Arc<Island>) -> Result<Self> {
        let weight = island.settings.policy.weight() as u64;
        Ok(Limiter {
            island: Arc::downgrade(island),
            memory: island.account.reserve(LimitKind::Memory, 0)?,
            _policy: island.account.reserve(LimitKind::Memory, weight)?,
            refused: None,
            warned: false,
        })
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

impl Limiter {
    fn can_grow(&self, bytes: u64) -> bool {
        let left = self
            .island
            .upgrade()
            .map_or(0, |island| island.account.left(LimitKind::Memory));
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
        while let Err(exceeded) = self.memory.grow(more) {
            let owner = self.island.upgrade();
            let raised = match &owner {
                Some(island) => island.may_go_on(&exceeded).await,
                None => false,
            };
            if !raised {
                self.refused = Some(exceeded);
                return Ok(false);
            }
        }
        Ok(true)
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
