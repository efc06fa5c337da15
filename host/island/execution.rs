//! The execution of jobs in an instance, up to its limits.

use super::aliases::Target;
use super::bindings::archipel::island::channels;
use super::bindings::exports::archipel::island::guest;
use super::calls::{call_guest, call_host, failure_text};
use super::from_guest::returned;
use super::job::{Job, Reply};
use super::not_sent::text;
use super::state::State;
use super::to_guest::{SMALL_MESSAGE, deliver};
use super::{Instance, Island};
use crate::account::{Attempt, while_raised};
use crate::exchange::message::Message;
use crate::exec::meter::metered;
use crate::telemetry;
use crate::text::cut;
use archipel_core::error::{Error, LimitKind, Raised, Result};
use archipel_core::ledger::Exceeded;
use archipel_core::limits::HANDLES;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::Store;
use wasmtime::component::ResourceTableError;
use wasmtime_wasi::I32Exit;

/// Runs `job` in `instance` of `island` until it ends or exceeds a limit.
///
/// After an error that is not recoverable the instance must not be used again.
pub(crate) async fn run(island: &Arc<Island>, instance: &mut Instance, job: Job) -> Result<Reply> {
    // The epoch deadline of an idle store can lie far in the past; the first check would yield
    // needlessly.
    instance.store.set_epoch_deadline(1);
    if instance.store.data().alarm.is_none() {
        let image = Arc::clone(&instance.image);
        let found = image.memory.alarm(&mut instance.guest()).await;
        let (alarm, memory) = found.map_err(|error| died(&error))?;
        let start = memory.as_le_slice(&instance.store).as_ptr().addr();
        let state = instance.store.data_mut();
        state.alarm = Some(alarm);
        state.memory = Some(memory);
        if island.context.reserved.is_some() {
            state.set_slot(island.context.large_pages.slot(start));
        }
    }
    // The fuel used so far is not the script's.
    let fuel = Fuel::fill(island, &mut instance.store)?;
    // A refusal of memory in an earlier job does not concern this one.
    let _ = instance.store.data_mut().take_refused();
    let work = async {
        if island.aliases.take_changed() {
            equip(island, instance).await?;
        }
        if let Job::InvokeHidden(name, arguments) = job {
            return match island
                .aliases
                .with(|equipment| equipment.find_hidden(&name))
            {
                Some(target) => call_for(island, &name, target, arguments).await,
                None => call(instance, Job::InvokeHidden(name, arguments)).await,
            };
        }
        call(instance, job).await
    };
    let result = supervised(island, work).await;
    match fuel.spent(island, &mut instance.store) {
        Some(exceeded) => {
            island.strike(&exceeded);
            Err(exceeded.into())
        }
        None => result,
    }
}

/// Runs `work` and charges it to `island`, until it exceeds a time limit.
pub(crate) async fn supervised<T: Send>(
    island: &Arc<Island>,
    work: impl Future<Output = Result<T>> + Send,
) -> Result<T> {
    let started = Instant::now();
    let _under_way = island.under_way_since(started);
    let attempt = Timed {
        island,
        started,
        work: pin!(work),
        passed: island.account.passed(LimitKind::Cpu),
    };
    match while_raised(&Arc::downgrade(island), attempt).await {
        Ok(result) => result,
        Err(exceeded) => {
            island.strike(&exceeded);
            Err(exceeded.into())
        }
    }
}

/// Work with limits on its time.
struct Timed<'a, W> {
    island: &'a Arc<Island>,
    started: Instant,
    work: Pin<&'a mut W>,
    /// A limit that was exceeded before the work began.
    passed: Option<Exceeded>,
}

impl<T: Send, W: Future<Output = Result<T>> + Send> Attempt for Timed<'_, W> {
    type Output = Result<T>;

    async fn attempt(&mut self) -> Result<Result<T>, Exceeded> {
        if let Some(passed) = self.passed.take() {
            return Err(passed);
        }
        let account = &self.island.account;
        loop {
            let late = late(self.started, account.tightest(LimitKind::Wall));
            tokio::select! {
                biased;
                result = metered(account, self.work.as_mut()) => return result,
                () = late => if let Some(exceeded) = self.island.late_at(Instant::now()) {
                    return Err(exceeded);
                }
            }
        }
    }
}

/// Waits until `limit` nanoseconds have passed since `started`.
async fn late(started: Instant, limit: Option<u64>) {
    match limit {
        Some(limit) => {
            let left = Duration::from_nanos(limit).saturating_sub(started.elapsed());
            tokio::time::sleep(left).await;
        }
        None => std::future::pending().await,
    }
}

/// The fuel that a store got for a job; `None` if the runtime does not count fuel.
struct Fuel(Option<u64>);

impl Fuel {
    fn fill(island: &Island, store: &mut Store<State>) -> Result<Fuel> {
        if !island.context.counts_fuel {
            return Ok(Fuel(None));
        }
        let left = island.account.left(LimitKind::Fuel);
        let filled = store.set_fuel(left);
        filled.map_err(|error| Error::Internal(error.into()))?;
        Ok(Fuel(Some(left)))
    }

    /// Charges the fuel that was used.
    fn spent(self, island: &Island, store: &mut Store<State>) -> Option<Exceeded> {
        let before = self.0?;
        let spent = before.saturating_sub(store.get_fuel().ok()?);
        store.set_fuel(u64::MAX).ok()?;
        let exceeded = island.account.note(LimitKind::Fuel, spent);
        match spent == before {
            // The guest stopped because it had no fuel left.
            true => exceeded.or_else(|| island.account.used_up(LimitKind::Fuel)),
            false => exceeded,
        }
    }
}

/// Calls the target of a hidden alias of `island`, without running any code in its guest.
async fn call_for(
    island: &Arc<Island>,
    name: &str,
    target: Target,
    arguments: Message,
) -> Result<Reply> {
    let answer = match target {
        Target::Host(function) => call_host(island, name, function, arguments).await,
        Target::Guest(function) => call_guest(island, &function, arguments).await,
    };
    answer.map(Reply::Value).map_err(|failure| {
        let message = failure_text(failure);
        let traceback = format!("archipel.AliasError: {message}");
        let mut raised = Raised::new("archipel", "AliasError", message);
        raised.traceback = traceback;
        Error::Raised(Box::new(raised))
    })
}

/// Passes the aliases and hidden names to the guest.
async fn equip(island: &Island, instance: &mut Instance) -> Result<()> {
    let (aliases, hidden) = island
        .aliases
        .with(|equipment| (equipment.visible_names(), equipment.hidden_objects()));
    let modules = &island.settings.policy.parts().modules;
    let hidden = hidden.into_iter().chain(modules.hide.iter().cloned());
    let recursion = island.account.tightest(LimitKind::Recursion);
    let equipment = guest::Equipment {
        aliases,
        hidden: hidden.collect(),
        only: modules
            .only
            .as_ref()
            .map(|only| only.iter().cloned().collect()),
        recursion: recursion.and_then(|limit| u32::try_from(limit).ok()),
    };
    let guest = instance.exports.archipel_island_guest();
    without_result(guest.call_equip(&mut instance.store, &equipment).await)
}

/// Returns an error unless the guest has memory for the arguments of `job` and the objects made of
/// them.
async fn has_room(instance: &mut Instance, job: &Job) -> Result<()> {
    let size = match job {
        Job::Exec(text) | Job::Eval(text) => text.len(),
        Job::Bind(message) | Job::Call(message) => message.body.len(),
        Job::Apply(name, message) | Job::InvokeHidden(name, message) => {
            name.len().saturating_add(message.body.len())
        }
        Job::Serve | Job::Run { .. } => 0,
    };
    let wanted = size.saturating_mul(2).saturating_add(4 * SMALL_MESSAGE);
    let state = instance.store.data();
    if size <= SMALL_MESSAGE || state.can_grow(wanted as u64) {
        return Ok(());
    }
    let image = Arc::clone(&instance.image);
    let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
    let there = image.memory.has_room(&mut instance.guest(), wanted).await;
    match there.map_err(|error| died(&error))? {
        true => Ok(()),
        false => {
            let raised = Raised::new("builtins", "MemoryError", "");
            Err(Error::Raised(Box::new(raised)))
        }
    }
}

async fn call(instance: &mut Instance, job: Job) -> Result<Reply> {
    has_room(instance, &job).await?;
    let Instance { store, exports, .. } = instance;
    let guest = exports.archipel_island_guest();
    let result = match job {
        Job::Exec(source) => guest
            .call_exec(&mut *store, &source)
            .await
            .map(|result| result.map(|()| Reply::Done)),
        Job::Eval(source) => match guest.call_eval(&mut *store, &source).await {
            Ok(Ok(message)) => return lift_reply(store, message).await,
            Ok(Err(raised)) => Ok(Err(raised)),
            Err(error) => Err(error),
        },
        Job::Call(message) => {
            let message = lower(store.data_mut(), message)?;
            match guest.call_call(&mut *store, &message).await {
                Ok(Ok(message)) => return lift_reply(store, message).await,
                Ok(Err(guest::NotCalled::NotShareable(what))) => {
                    return Err(Error::not_shareable(what));
                }
                Ok(Err(guest::NotCalled::Raised(raised))) => Ok(Err(raised)),
                Err(error) => Err(error),
            }
        }
        Job::Apply(name, message) => {
            let message = lower(store.data_mut(), message)?;
            match guest.call_apply(&mut *store, &name, &message).await {
                Ok(Ok(message)) => return lift_reply(store, message).await,
                Ok(Err(raised)) => Ok(Err(raised)),
                Err(error) => Err(error),
            }
        }
        Job::InvokeHidden(name, message) => {
            let message = lower(store.data_mut(), message)?;
            match guest.call_invoke_hidden(&mut *store, &name, &message).await {
                Ok(Ok(message)) => return lift_reply(store, message).await,
                Ok(Err(raised)) => Ok(Err(raised)),
                Err(error) => Err(error),
            }
        }
        Job::Serve => {
            let result = guest.call_serve(&mut *store).await;
            result.map(|result| result.map(|()| Reply::Served))
        }
        Job::Bind(message) => {
            let message = lower(store.data_mut(), message)?;
            let result = guest.call_bind(&mut *store, &message);
            result.await.map(|result| result.map(|()| Reply::Done))
        }
        Job::Run {
            source,
            name,
            directory,
            arguments,
        } => {
            let script = guest::Script {
                source,
                name,
                directory,
                arguments,
            };
            let status = guest.call_run(&mut *store, &script).await;
            status.map(|status| Ok(Reply::Status(status)))
        }
    };
    match result {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(raised)) => Err(Error::Raised(Box::new(Raised::from(raised)))),
        Err(error) => ended_with(store, &error),
    }
}

/// Translates the error of a call into the guest of `store`.
fn ended_with(store: &mut Store<State>, error: &wasmtime::Error) -> Result<Reply> {
    let state = store.data_mut();
    if let (Some(exceeded), Some(island)) = (error.downcast_ref(), state.ports.island.upgrade()) {
        island.strike(exceeded);
    }
    let refused = state.take_refused();
    match (translate(error, state.ports.handles), refused) {
        // The guest had no memory left, not even to report that.
        (Err(Error::Died(_)), Some(refused)) => Err(refused.into()),
        (ended, _) => ended,
    }
}

/// Lowers the message for the guest.
fn lower(state: &mut State, message: Message) -> Result<channels::Message> {
    match deliver(&mut state.caller(), message).map_err(|error| Error::Internal(error.into()))? {
        Ok(message) => Ok(message),
        Err(reason) => Err(Error::not_shareable(text(reason))),
    }
}

/// Lifts the guest's result to a reply.
async fn lift_reply(store: &mut Store<State>, message: channels::Message) -> Result<Reply> {
    let seen = store.data().ports.check_returned(message).await;
    match seen.and_then(|message| returned(&mut store.data_mut().caller(), message)) {
        Ok(Ok(message)) => Ok(Reply::Value(message)),
        Ok(Err(reason)) => Err(Error::not_shareable(text(reason))),
        Err(error) => ended_with(store, &error),
    }
}

/// Translates the outcome of a guest call without a result.
pub(crate) fn without_result(
    result: wasmtime::Result<std::result::Result<(), guest::Exception>>,
) -> Result<()> {
    match result {
        Ok(Ok(())) => Ok(()),
        Ok(Err(raised)) => Err(Error::Raised(Box::new(Raised::from(raised)))),
        Err(error) => Err(died(&error)),
    }
}

/// Translates the error of a guest call that must not end the interpreter.
pub(crate) fn died(error: &wasmtime::Error) -> Error {
    match translate(error, HANDLES) {
        Err(error) => error,
        Ok(Reply::Exit(status)) => Error::exited(status),
        Ok(_) => Error::died("it ended unexpectedly"),
    }
}

/// Translates the error of a call into the guest.
///
/// `handles` is its limit on handles.
fn translate(error: &wasmtime::Error, handles: u64) -> Result<Reply> {
    if let Some(I32Exit(status)) = error.downcast_ref() {
        return Ok(Reply::Exit((*status & 0xff) as u8));
    }
    if let Some(exceeded) = error.downcast_ref::<Exceeded>() {
        return Err(exceeded.clone().into());
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        return Err(Error::LimitExceeded {
            kind: LimitKind::Handles,
            limit: handles,
            used: handles + 1,
        });
    }
    // Not `{error:?}`: with RUST_BACKTRACE it would read 70 MB of debug information for each crash of a guest.
    telemetry::event!(trace, "cause of death: {error:#}");
    let text = match error.downcast_ref::<wasmtime::Trap>() {
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    };
    Err(Error::died(text))
}

/// The maximum length of an exception's text, in bytes. The guest's own library makes shorter ones.
const LONGEST_TEXT: usize = 128 << 10;

impl From<super::bindings::archipel::island::interpreters::Exception> for Raised {
    fn from(raised: super::bindings::archipel::island::interpreters::Exception) -> Self {
        let cut = |text| cut(text, LONGEST_TEXT);
        let mut found = Raised::new(cut(raised.module), cut(raised.name), cut(raised.message));
        found.qualified_name = cut(raised.qualified_name);
        found.traceback = cut(raised.traceback);
        found
    }
}
