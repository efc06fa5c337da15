//! Islands: interpreters as the host keeps them, with their families, stores and jobs. They use everything but the
//! imports, which call them, and the public API.

pub(crate) mod aliases;
pub(crate) mod bindings;
pub(crate) mod caller;
pub(crate) mod calls;
pub(crate) mod context;
mod copying;
pub(crate) mod deferred_error;
mod ending;
mod entered;
mod execution;
pub(crate) mod family;
pub(crate) mod from_guest;
pub(crate) mod handles;
pub(crate) mod holdings;
pub(crate) mod images;
mod instance;
pub(crate) mod introduced;
pub(crate) mod job;
mod limiter;
pub(crate) mod not_sent;
pub(crate) mod owner;
pub(crate) mod prewarm;
mod settings;
pub(crate) mod shared;
pub(crate) mod state;
mod strike;
pub(crate) mod tasks;
pub(crate) mod ticker;
pub(crate) mod to_guest;
pub(crate) mod turns;
pub(crate) mod watchers;

use crate::exec::interrupt::Interrupt;
use crate::exec::stop::Stop;
use crate::lock::lock;
use crate::telemetry::{self, Subject};
use aliases::AliasTable;
use archipel_core::broker::PartyId;
use archipel_core::error::{Error, LimitKind, Result};
use archipel_core::ledger::{Account, Reservation};
use archipel_core::policy::{Modules, Random};
use archipel_core::trust::{SharedTrust, Trust};
use context::Context;
use family::Family;
use images::InUse;
use state::State;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};
use std::time::Instant;
use tracing::Instrument;
use watchers::{Watcher, Watchers};

pub(crate) use instance::Instance;
pub(crate) use settings::Settings;

/// The phase of an island's life.
///
/// ```text
///  create ──► Running ──leave──► Idle ──close, stop──► Gone
///                │ ▲               │                    ▲
///                │ └─────enter─────┘                    │
///                └──leave after a death or a stop───────┘
/// ```
///
/// Dropping the island ends it in any phase. Nothing leads out of `Gone`.
enum Phase {
    Idle(Box<Instance>),
    /// The instance is being created, or runs a job, whose future owns it.
    Running,
    /// The instance is gone, with the reason unless it was closed.
    Gone(Option<Arc<str>>),
}

/// The host's record of an interpreter.
pub(crate) struct Island {
    /// Its number, unique in its family.
    pub(crate) id: u64,
    /// Its family, number and name, for logs.
    pub(crate) subject: Subject,
    pub(crate) party: PartyId,
    pub(crate) family: Arc<Family>,
    pub(crate) context: Arc<Context>,
    pub(crate) trust: SharedTrust,
    pub(crate) settings: Settings,
    /// The folder of the first script that it ran, which its trusted children search for modules
    /// too.
    pub(crate) script_folder: OnceLock<String>,
    /// The start of its clock.
    pub(crate) started: Instant,
    pub(crate) account: Arc<Account>,
    parent: Option<Weak<Island>>,
    phase: Mutex<Phase>,
    /// Notified when no job runs.
    watchers: Watchers,
    stop: Arc<Stop>,
    began: strike::Began,
    /// Its aliases and the hidden names.
    pub(crate) aliases: AliasTable,
    inbox: aliases::LazyInbox,
    /// The pending request to interrupt its job.
    pub(crate) interrupt: Arc<Interrupt>,
    /// The handler that is called when it exceeds a limit.
    pub(crate) owner: owner::Owner,
    /// Its charge against the `children` limit of its ancestors.
    _counted: Option<Reservation>,
}

impl Island {
    /// Creates the first interpreter of `family` or a child of `parent`, from the prewarmed
    /// instance `ready` if there is one.
    pub(crate) async fn create(
        context: &Arc<Context>,
        family: &Arc<Family>,
        parent: Option<&Arc<Island>>,
        settings: Settings,
        ready: Option<Box<Instance>>,
    ) -> Result<Arc<Island>> {
        let trust = |number| match parent {
            None => Trust::of_first(number),
            Some(parent) => parent.trust.get().of_child(number, settings.trusted),
        };
        let now = Instant::now();
        let island = Island::enrol(context, family, parent, trust, settings.clone(), now)?;
        match parent {
            Some(parent) => island.inherit_equipment(parent, island.settings.trusted),
            None => island.equip_as_granted()?,
        }
        let recursion = island.account.tightest(LimitKind::Recursion);
        if recursion.is_some() || *island.settings.policy.parts().modules != Modules::default() {
            island.aliases.renew();
        }
        let adopted = match ready {
            Some(ready) => State::adopt(ready, &island)?,
            None => None,
        };
        let instance = match adopted {
            Some(instance) => instance,
            None => {
                let span = telemetry::span!("create", island.subject);
                island.instantiate().instrument(span).await?
            }
        };
        island.begin(instance);
        Ok(island)
    }

    /// Creates an interpreter that never runs anything.
    pub(crate) fn without_instance(
        context: &Arc<Context>,
        family: &Arc<Family>,
        settings: Settings,
    ) -> Result<Arc<Island>> {
        Island::enrol(
            context,
            family,
            None,
            Trust::of_first,
            settings,
            Instant::now(),
        )
    }

    /// Makes an enrolled island ready for jobs, or closes it if a stop was requested since.
    fn begin(&self, instance: Box<Instance>) {
        telemetry::one_more(&self.context.counters.created);
        self.set(Phase::Idle(instance));
        if self.stop.is_requested() {
            let _ = self.close();
        }
    }

    /// Adds an island without an instance to `family`. `trust` computes its trust from its party
    /// number.
    fn enrol(
        context: &Arc<Context>,
        family: &Arc<Family>,
        parent: Option<&Arc<Island>>,
        trust: impl FnOnce(u64) -> Trust,
        settings: Settings,
        started: Instant,
    ) -> Result<Arc<Island>> {
        let above = parent.map(|parent| &parent.account);
        let counted = match above {
            Some(account) => Some(account.reserve(LimitKind::Children, 1)?),
            None => None,
        };
        let id = family.next_id();
        let party = family.party(id).ok_or(Error::LimitExceeded {
            kind: LimitKind::Children,
            limit: u32::MAX.into(),
            used: id,
        })?;
        let trust = trust(party.0);
        let settings = settings.narrowed();
        let subject = Subject {
            family: family.number(),
            interpreter: id,
            name: settings.name.clone(),
        };
        let island = Arc::new(Island {
            id,
            subject,
            party,
            family: family.clone(),
            context: context.clone(),
            trust: SharedTrust::new(trust),
            account: Account::open(above, &settings.account_limits()),
            settings,
            script_folder: OnceLock::new(),
            started,
            parent: parent.map(Arc::downgrade),
            phase: Mutex::new(Phase::Running),
            watchers: Watchers::default(),
            stop: Arc::default(),
            began: strike::Began::default(),
            aliases: AliasTable::default(),
            inbox: aliases::LazyInbox::default(),
            interrupt: Arc::default(),
            owner: owner::Owner::default(),
            _counted: counted,
        });
        let host_owned = parent.is_none();
        context.exchange.with(|broker, _| {
            broker.add_party(island.party, host_owned, parent.map(|p| p.party));
            if let Random::Seeded(seed) = island.settings.policy.parts().random {
                broker.seed_party(island.party, seed ^ id);
            }
        });
        family.add(&island);
        Ok(island)
    }

    /// Creates an instance of the guest for this island.
    pub(crate) async fn instantiate(self: &Arc<Self>) -> Result<Box<Instance>> {
        let context = &self.context;
        let mut store = State::store(self)?;
        let made = async {
            let raw = context
                .image
                .guest
                .instance_pre()
                .instantiate_async(&mut store)
                .await?;
            let exports = context.image.indices.load(&mut store, &raw)?;
            Ok((raw, exports))
        };
        let (raw, exports) = match made.await {
            Ok(made) => made,
            Err(error) => {
                return Err(match store.data_mut().take_refused() {
                    Some(exceeded) => exceeded.into(),
                    None => context.not_created(error),
                });
            }
        };
        Ok(Box::new(Instance {
            store,
            exports,
            raw,
            image: InUse::by_one_more(&context.image),
        }))
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        lock(&self.phase)
    }

    /// Leaves the running state.
    fn set(&self, phase: Phase) {
        // Assigned to a local so that the lock is released first: dropping an instance takes time.
        let _old = std::mem::replace(&mut *self.phase(), phase);
        self.watchers.notify();
    }

    /// Notifies `watcher` once no job runs, at once if none runs now.
    pub(crate) fn when_idle(&self, watcher: Weak<dyn Watcher>) {
        self.watchers.add(watcher);
        if !self.is_running() {
            self.watchers.notify();
        }
    }

    /// Returns whether a job runs.
    pub(crate) fn is_running(&self) -> bool {
        matches!(*self.phase(), Phase::Running)
    }

    /// Returns whether a stop was requested.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.is_requested()
    }

    /// Returns whether the instance is gone.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(*self.phase(), Phase::Gone(_))
    }

    /// Returns whether `other` is this island or a descendant of it.
    pub(crate) fn may_name(&self, other: &Arc<Island>) -> bool {
        if !std::ptr::eq(Arc::as_ptr(&self.family), Arc::as_ptr(&other.family)) {
            return false;
        }
        let mut at = Some(other.clone());
        while let Some(island) = at {
            if island.id == self.id {
                return true;
            }
            at = island.parent.as_ref().and_then(Weak::upgrade);
        }
        false
    }

    /// Returns the number of its parent, if the parent exists.
    pub(crate) fn parent_id(&self) -> Option<u64> {
        let parent = self.parent.as_ref().and_then(Weak::upgrade);
        parent.map(|parent| parent.id)
    }
}
