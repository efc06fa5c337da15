//! Islands: the host's records of interpreters, and how their jobs start and end.

mod aliases;
mod copying;
mod owner;
mod run;
mod stop;
mod strike;
mod watchers;

use crate::bindings;
use crate::discard;
use crate::family::Family;
use crate::interrupt::{Interrupt, Interruption};
use crate::job::{self, Job, Reply};
use crate::output::Output;
use crate::pages;
use crate::runtime::Context;
use crate::state::State;
use crate::telemetry::{self, Busy};
use archipel_core::broker::PartyId;
use archipel_core::error::{ConfigKind, Error, LimitKind, Result};
use archipel_core::ledger::{Account, Reservation};
use archipel_core::limits::Limits;
use archipel_core::policy::{Children, Modules, Policy, Random};
use archipel_core::trust::{SharedTrust, Trust};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Instant;
use tracing::Instrument;
use wasmtime::{Store, component};

pub(crate) use aliases::{Function, GONE, MOST_NUMBER, Powers, Target};
pub(crate) use owner::Handler;
pub use owner::LimitReached;
pub(crate) use run::Run;
use run::Stoppable;
pub(crate) use stop::{Reason, Stop};
pub(crate) use watchers::Watcher;
use watchers::Watchers;

/// An instance of the guest.
pub(crate) struct Instance {
    pub(crate) store: Store<State>,
    pub(crate) exports: bindings::Island,
    pub(crate) raw: component::Instance,
}

/// The state of an island.
enum Slot {
    Idle(Box<Instance>),
    Running,
    /// The instance is gone, with the reason unless it was closed.
    Gone(Option<Arc<str>>),
}

/// The settings with which an interpreter is created.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) policy: Policy,
    pub(crate) limits: Limits,
    pub(crate) stdout: Output,
    pub(crate) stderr: Output,
    /// Its name in logs and reports.
    pub(crate) name: Option<Arc<str>>,
    /// True if it is in the trust domain of its parent.
    pub(crate) trusted: bool,
}

impl Settings {
    /// Narrows the policy to the generations of descendants that the limits allow.
    fn settled(mut self) -> Settings {
        if let Some(depth) = self.limits.get(LimitKind::Depth) {
            let depth = u32::try_from(depth).unwrap_or(u32::MAX);
            let granted = self.policy.parts().children;
            let granted = granted.map(|own| Children::new(own.count, own.depth.min(depth)));
            self.policy
                .set_children(granted.filter(|children| children.depth > 0));
        }
        self
    }

    /// Returns the limits for its account: those that were set, and the number of children that the
    /// policy grants.
    fn accounted(&self) -> Limits {
        let granted = self
            .policy
            .parts()
            .children
            .map_or(0, |children| children.count);
        self.limits.with_children_at_most(u64::from(granted))
    }
}

/// The host's record of an interpreter.
pub(crate) struct Island {
    /// Its number, unique in its family.
    pub(crate) id: u64,
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
    slot: Mutex<Slot>,
    under_way: Mutex<Option<Weak<dyn Stoppable>>>,
    /// Notified when no job runs.
    watchers: Watchers,
    stop: Stop,
    began: strike::Began,
    /// Its aliases and the hidden names.
    pub(crate) powers: Powers,
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
            island.powers.renew();
        }
        let adopted = match ready {
            Some(ready) => State::adopt(ready, &island)?,
            None => None,
        };
        let instance = match adopted {
            Some(instance) => instance,
            None => {
                let span = telemetry::span!("create", island);
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

    /// Changes the limits that are set in `limits`, up to what the policy grants.
    pub(crate) fn set_limits(&self, limits: &Limits) -> Result<()> {
        for fixed in [LimitKind::Handles, LimitKind::Depth] {
            if limits.get(fixed).is_some() {
                return Err(Error::config(
                    ConfigKind::Limit(fixed),
                    format!("the {fixed} limit is fixed when an interpreter is created"),
                ));
            }
        }
        let granted = self.settings.policy.parts().children;
        let granted = granted.map_or(0, |children| u64::from(children.count));
        for &kind in LimitKind::ALL {
            if let Some(limit) = limits.get(kind) {
                let limit = match kind {
                    LimitKind::Children => limit.min(granted),
                    _ => limit,
                };
                self.account.set_limit(kind, Some(limit));
            }
        }
        if limits.get(LimitKind::Recursion).is_some() {
            self.powers.renew();
        }
        Ok(())
    }

    /// Cancels the jobs that run in the interpreter and in its descendants.
    pub(crate) fn cancel(&self, message: &str, unwind: bool) {
        telemetry::event!(
            debug,
            family = self.family.number(),
            interpreter = self.id,
            name = self.settings.name.as_deref(),
            message,
            unwind,
            "cancelled"
        );
        if unwind {
            self.stop(Reason::Cancelled(message.to_owned()));
            return;
        }
        let message: Arc<str> = message.into();
        for member in self.family.living() {
            if self.may_name(&member) {
                member.interrupt(Interruption::Cancelled(message.clone()));
            }
        }
    }

    /// Makes an enrolled island ready for jobs, or closes it if a stop was requested since.
    fn begin(&self, instance: Box<Instance>) {
        telemetry::one_more(&self.context.counters.created);
        self.set(Slot::Idle(instance));
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
        let settings = settings.settled();
        let island = Arc::new(Island {
            id,
            party,
            family: family.clone(),
            context: context.clone(),
            trust: SharedTrust::new(trust),
            account: Account::open(above, &settings.accounted()),
            settings,
            script_folder: OnceLock::new(),
            started,
            parent: parent.map(Arc::downgrade),
            slot: Mutex::new(Slot::Running),
            under_way: Mutex::default(),
            watchers: Watchers::default(),
            stop: Stop::default(),
            began: strike::Began::default(),
            powers: Powers::default(),
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
        let mut store = State::store(context, self)?;
        let made = async {
            let raw = context
                .guest
                .instance_pre()
                .instantiate_async(&mut store)
                .await?;
            let exports = context.indices.load(&mut store, &raw)?;
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
        }))
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves the running state.
    fn set(&self, slot: Slot) {
        // Assigned to a local so that the lock is released first: dropping an instance takes time.
        let _old = std::mem::replace(&mut *self.slot(), slot);
        self.watchers.tell();
    }

    /// Notifies `watcher` once no job runs, at once if none runs now.
    pub(crate) fn when_idle(&self, watcher: Weak<dyn Watcher>) {
        self.watchers.add(watcher);
        if !self.is_running() {
            self.watchers.tell();
        }
    }

    /// Returns the settings of a child that asks for none of its own.
    pub(crate) fn settings_of_child(&self, trusted: bool) -> Settings {
        Settings {
            policy: self.policy_of_child(trusted),
            name: None,
            trusted,
            ..self.settings.clone()
        }
    }

    fn policy_of_child(&self, trusted: bool) -> Policy {
        let mut policy = self.settings.policy.of_child(trusted);
        if let (true, Some(folder)) = (trusted, self.script_folder.get()) {
            policy.look_first_in(folder.clone());
        }
        policy
    }

    /// Returns whether a job runs.
    pub(crate) fn is_running(&self) -> bool {
        matches!(*self.slot(), Slot::Running)
    }

    /// Returns whether a stop was requested.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.is_requested()
    }

    /// Returns whether the instance is gone.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(*self.slot(), Slot::Gone(_))
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

    /// Takes the instance for a job.
    fn enter(self: &Arc<Self>) -> Result<Entered> {
        let mut slot = self.slot();
        match std::mem::replace(&mut *slot, Slot::Running) {
            Slot::Idle(instance) => {
                // Discards a request for an earlier job that came too late.
                let _ = self.interrupt.take();
                drop(slot);
                let context = &self.context;
                context.exchange.with(|broker, effects| {
                    broker.set_running(self.party, true, effects);
                });
                Ok(Entered {
                    _busy: Busy::begin(self),
                    island: self.clone(),
                    instance: Some(instance),
                })
            }
            Slot::Running => Err(Error::Running),
            Slot::Gone(why) => {
                *slot = Slot::Gone(why.clone());
                Err(why.map_or(Error::Closed, |why| Error::died(why.to_string())))
            }
        }
    }

    /// Starts `job` and returns its future. Dropping the future stops the job and destroys the
    /// interpreter.
    pub(crate) fn start(self: &Arc<Self>, job: Job) -> Result<Run<Reply>> {
        let mut entered = self.enter()?;
        let span = telemetry::span!("exec", self);
        let work = async move {
            let result = entered.run(job).await;
            entered.leave(&result);
            result
        };
        Ok(Run::begin(self, work.instrument(span)))
    }

    fn under_way(&self) -> MutexGuard<'_, Option<Weak<dyn Stoppable>>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Destroys the interpreter and its descendants, unless a job runs in it.
    pub(crate) fn close(&self) -> Result<()> {
        let mut slot = self.slot();
        match std::mem::replace(&mut *slot, Slot::Gone(None)) {
            Slot::Idle(instance) => {
                drop(slot);
                self.end(Some(instance));
                Ok(())
            }
            Slot::Running => {
                *slot = Slot::Running;
                Err(Error::Running)
            }
            Slot::Gone(why) => {
                *slot = Slot::Gone(why);
                Err(Error::Closed)
            }
        }
    }

    /// Requests an interruption of the running job, if one runs.
    pub(crate) fn interrupt(&self, what: Interruption) {
        // The lock keeps the next job from starting before the request is made.
        let slot = self.slot();
        if matches!(*slot, Slot::Running) {
            self.interrupt.request(what);
        }
    }

    /// Stops the running job, and destroys the interpreter and its descendants.
    pub(crate) fn kill(&self) {
        self.stop(Reason::Killed);
    }

    /// Stops as `kill` does, for the given reason.
    pub(crate) fn stop(&self, reason: Reason) {
        // Ends the waits of others for this island.
        self.context
            .exchange
            .with(|broker, _| broker.set_stopping(self.party));
        self.stop.request(reason);
        let under_way = self.under_way().as_ref().and_then(Weak::upgrade);
        if let Some(under_way) = under_way {
            under_way.stop();
        }
        // If the job is being polled right now, the polling thread sees the request and destroys
        // the instance.
        let _ = self.close();
    }

    /// Releases everything that the interpreter held, and stops its descendants.
    fn end(&self, instance: Option<Box<Instance>>) {
        self.abandon_calls();
        self.family.remove(self.id);
        self.context.exchange.with(|broker, effects| {
            broker.remove_party(self.party, effects);
        });
        if let Some(instance) = &instance {
            self.give_back(&instance.store);
        }
        if let Some(instance) = instance {
            discard::instance(instance);
        }
        self.kill_children();
    }

    /// Returns the slot's written pages to the system, if the next instance in the slot is then
    /// faster. The instance of `store` must not run again.
    #[expect(unsafe_code, reason = "see `pages::give_back`")]
    fn give_back(&self, store: &Store<State>) {
        let Some(memory) = &store.data().memory else {
            return;
        };
        let memory = memory.as_le_slice(store).as_ptr_range();
        let (time, _) = self.account.used(LimitKind::Cpu);
        let time = time.saturating_add(store.data().copied);
        if self.context.slots.ends(memory.start.addr(), time) {
            // SAFETY: the range is the memory of the guest in `store`, which the caller destroys
            // without entering it again, and the slice from which the range was made is gone.
            unsafe { pages::give_back(memory) };
        }
    }

    fn kill_children(&self) {
        for child in self.family.children_of(self.id) {
            child.kill();
        }
    }

    /// Returns the number of its parent, if the parent exists.
    pub(crate) fn parent_id(&self) -> Option<u64> {
        let parent = self.parent.as_ref().and_then(Weak::upgrade);
        parent.map(|parent| parent.id)
    }
}

impl Drop for Island {
    fn drop(&mut self) {
        let slot = self.slot.get_mut().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(slot, Slot::Gone(None)) {
            Slot::Idle(instance) => self.end(Some(instance)),
            // The job was never finished, or its future was dropped.
            Slot::Running => self.end(None),
            Slot::Gone(_) => {}
        }
    }
}

/// An island that is running a job.
struct Entered {
    _busy: Busy,
    island: Arc<Island>,
    instance: Option<Box<Instance>>,
}

impl Entered {
    async fn run(&mut self, job: Job) -> Result<Reply> {
        let Some(instance) = &mut self.instance else {
            return Err(Error::Closed);
        };
        job::run(&self.island, instance, job).await
    }

    /// Puts the instance back, or destroys it if it is no longer usable.
    fn leave(&mut self, result: &Result<Reply>) {
        // After `Job::Serve`, calls that were left would be left again.
        let serves = !matches!(result, Ok(Reply::Served));
        let usable = match result {
            Ok(Reply::Exit(_)) => false,
            Ok(_) => true,
            Err(error) => error.is_recoverable(),
        };
        let instance = self.instance.take();
        let island = &self.island;
        if let Err(error) = result {
            telemetry::ended(island, error);
        }
        match instance {
            Some(instance) if usable => {
                island.context.exchange.with(|broker, effects| {
                    broker.set_running(island.party, false, effects);
                });
                island.set(Slot::Idle(instance));
                if serves {
                    island.serve();
                }
            }
            instance => {
                let why = match result {
                    Err(error) => Some(error.to_string().into()),
                    Ok(_) => None,
                };
                island.set(Slot::Gone(why));
                island.end(instance);
            }
        }
        if usable && island.stop.is_requested() {
            // The request came too late to stop this job.
            let _ = island.close();
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        if self.instance.is_some() {
            // The future of the job was dropped, so the state of the instance is unknown.
            self.leave(&Err(self.island.stop.error()));
        }
    }
}
