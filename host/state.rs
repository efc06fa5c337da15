//! What belongs to one instance: the data of its store.

use crate::broker::PartyId;
use crate::engine::MOST_MEMORY;
use crate::error::{Error, LimitKind, Result};
use crate::imports::{Answer, Untold};
use crate::interrupt::{Alarm, Interrupt};
use crate::island::{Instance, Island};
use crate::ledger::{Account, Exceeded, Reservation};
use crate::limits::HANDLES;
use crate::meter;
use crate::runtime::Context;
use crate::standing::Standing;
use crate::trust::SharedTrust;
use crate::wasi::{self, Granted, Meters, Net};
use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;
use wasmtime::component::{ResourceTable, WasmList};
use wasmtime::{ResourceLimiterAsync, Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// A guest that runs for less than this has only begun, and is not interrupted yet.
const BEGINS: Duration = Duration::from_millis(1);

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
    /// How many handles the guest can have.
    pub(crate) handles: u64,
    pub(crate) untold: Untold,
    /// What it asked `wasi:io/poll` about last: the numbers of pollables, some of which may not be there any more.
    pub(crate) polled: Vec<u32>,
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
        table.set_max_capacity(usize::try_from(handles).unwrap_or(usize::MAX));
        let Granted {
            wasi,
            net,
            meters,
            standing,
        } = wasi::granted(island)?;
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
            untold: Untold::default(),
            polled: Vec::new(),
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
    /// The limit that was in the way last.
    refused: Option<Exceeded>,
}

impl Limiter {
    fn new(island: &Arc<Island>) -> Result<Self> {
        Ok(Limiter {
            island: Arc::downgrade(island),
            memory: island.account.reserve(LimitKind::Memory, 0)?,
            refused: None,
        })
    }
}

impl State {
    /// The limit that kept the memory from growing the last time, if one did.
    pub(crate) fn take_refused(&mut self) -> Option<Exceeded> {
        self.limiter.refused.take()
    }
}

#[wasmtime_wasi::async_trait]
impl ResourceLimiterAsync for Limiter {
    async fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > MOST_MEMORY {
            return Ok(false);
        }
        // Only what there is counts: growth that fails after this is counted for the next one.
        let more = (desired as u64).saturating_sub(self.memory.amount());
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
