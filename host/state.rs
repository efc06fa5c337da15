//! What belongs to one instance: the data of its store.

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

/// A guest that runs for less than this has only begun, and is not interrupted yet.
const BEGINS: Duration = Duration::from_millis(1);

/// How many handles there can be besides those that a guest holds: what it waits with, and streams.
const PASSING: usize = 64;

/// The data of an instance's store.
pub(crate) struct State {
    pub(crate) context: Arc<Context>,
    pub(crate) island: Weak<Island>,
    pub(crate) party: PartyId,
    pub(crate) account: Arc<Account>,
    pub(crate) trust: SharedTrust,
    pub(crate) table: ResourceTable,
    /// The request to interrupt what it runs, and the means.
    pub(crate) interrupt: Arc<Interrupt>,
    pub(crate) alarm: Option<Alarm>,
    /// The guest's memory, once something has run in it.
    pub(crate) memory: Option<WasmList<u8>>,
    /// The processor time that went into what was copied to it, in nanoseconds.
    pub(crate) copied: u64,
    /// What the guest holds, when it is asked.
    pub(crate) holdings: Answer,
    /// The interpreters that it was given in messages.
    given: HashMap<u64, Given>,
    /// How many handles the guest can have, and how many it has of what it made or was given.
    pub(crate) handles: u64,
    held: u64,
    pub(crate) untold: Untold,
    /// What it asked `wasi:io/poll` about last: the numbers of pollables, some of which may not be there any more.
    pub(crate) polled: Vec<u32>,
    pub(crate) stranded: Stranded,
    wasi: WasiCtx,
    pub(crate) net: Arc<Net>,
    pub(crate) meters: Meters,
    pub(crate) standing: Option<Arc<Standing>>,
    limiter: Limiter,
}

impl State {
    /// What an instance of `island` begins with.
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

    /// Gives `island` an instance in which nothing has run; `None` where a limit is in the way.
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

    /// A store for `island`.
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
            // A guest that has waited for longer than a tick comes here as soon as it goes on.  Were it taken
            // for one that computes, it would stand behind all of those.
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
            // What is not part of a job is not counted.
            let filled = store.set_fuel(u64::MAX);
            filled.map_err(|error| Error::Internal(error.into()))?;
        }
        store.set_hostcall_fuel(crate::imports::MOST_PER_CALL);
        Ok(store)
    }
}

impl State {
    /// Gives the guest a handle, unless it has as many as it may have.
    ///
    /// The outer error is a crash of the guest.
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
            // Files have taken the rest.
            Err(ResourceTableError::Full) => Ok(Err(exceeded)),
            Err(error) => Err(error.into()),
        }
    }

    /// As `hold`, where a guest cannot be told of a limit: it is stopped by it.
    pub(crate) fn must_hold<T: Send + 'static>(
        &mut self,
        entry: T,
    ) -> wasmtime::Result<Resource<T>> {
        self.hold(entry)?.map_err(wasmtime::Error::new)
    }

    /// Takes a handle away from the guest.
    pub(crate) fn let_go<T: Send + 'static>(&mut self, handle: Resource<T>) -> wasmtime::Result<T> {
        let entry = self.table.delete(handle)?;
        self.held = self.held.saturating_sub(1);
        Ok(entry)
    }
}

/// An interpreter that was given in a message.
#[derive(Clone)]
pub(crate) struct Given {
    island: Weak<Island>,
    /// What keeps it alive until the guest has made a reference of its own.
    kept: Option<Arc<Island>>,
}

impl State {
    /// Lets the guest name an interpreter that arrived in a message, and returns its number.
    pub(crate) fn give(&mut self, carried: Arc<dyn Any + Send + Sync>) -> u64 {
        let (Ok(island), Some(own)) = (carried.downcast::<Island>(), self.island.upgrade()) else {
            return u64::MAX;
        };
        if !Arc::ptr_eq(&own.family, &island.family) {
            // Its number would name another one here.
            return u64::MAX;
        }
        let id = island.id;
        // No interpreter can name its ancestor; its descendants it can name already.
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

    /// The interpreters that the guest was given, for its copy.
    pub(crate) fn given(&self) -> HashMap<u64, Given> {
        self.given.clone()
    }

    /// Gives the guest what its original was given.
    pub(crate) fn set_given(&mut self, given: HashMap<u64, Given>) {
        self.given = given;
    }

    /// Whether the guest was given that interpreter.
    pub(crate) fn was_given(&self, island: &Arc<Island>) -> bool {
        let given = self.given.get(&island.id);
        given.is_some_and(|given| std::ptr::eq(given.island.as_ptr(), Arc::as_ptr(island)))
    }

    /// The guest holds a reference of its own now.
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

/// Takes memory from the account of an interpreter as it grows.
struct Limiter {
    island: Weak<Island>,
    memory: Reservation,
    /// What the host keeps of its policy.
    _policy: Reservation,
    /// The limit that was in the way last.
    refused: Option<Exceeded>,
    /// Whether the guest knows that its memory runs out.
    warned: bool,
}

/// How near to its limit a guest is warned: the first growth that comes nearer is refused once.  The guest's linker
/// has it ask again (`guest/src/room.rs`).
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
    /// The limit that kept the memory from growing the last time, if one did.
    pub(crate) fn take_refused(&mut self) -> Option<Exceeded> {
        self.limiter.refused.take()
    }

    /// Whether the memory can grow by so many bytes, and is not near its limit then.
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
        // Only what there is counts: growth that fails after this is counted for the next one.
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
        // The linked guest has one table, of a fixed size, which exists from the start.
        Ok(true)
    }
}
