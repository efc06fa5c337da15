//! Aliases of an island: their targets, and the calls that arrive for it.

use super::Island;
use super::job::Job;
use crate::exchange::channel_meta::{ChannelMeta, Unbound};
use crate::exchange::end::End;
use crate::exchange::message::Message;
use crate::exchange::promise::Promise;
use crate::lock::lock;
use crate::telemetry;
use archipel_core::alias::{Equipment, HostFn};
use archipel_core::broker::{self, Begin, Blocking, Case, Outcome};
use archipel_core::error::{ConfigKind, Error, Result};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};

/// The target of an alias.
#[derive(Clone)]
pub(crate) enum Target {
    Host(HostFn),
    Guest(Function),
}

/// An object in another interpreter that can be called, by its number there.
#[derive(Clone)]
pub(crate) struct Function {
    island: Weak<Island>,
    number: u32,
    /// The caller's sender of the inbox, which shows the broker who can wake whom.
    _end: Arc<End>,
}

/// The answer to a call: a message, or an error text for the caller.
pub(crate) type Answer = std::result::Result<Message, String>;

/// The aliases and hidden names of an island, and a mark for changes that its guest does not have.
#[derive(Default)]
pub(crate) struct AliasTable {
    equipment: Mutex<Equipment<Target>>,
    changed: AtomicBool,
}

impl AliasTable {
    fn equipment(&self) -> MutexGuard<'_, Equipment<Target>> {
        lock(&self.equipment)
    }

    /// Reads the aliases and hidden names.
    pub(crate) fn with<R>(&self, look: impl FnOnce(&Equipment<Target>) -> R) -> R {
        look(&self.equipment())
    }

    /// Changes the aliases and hidden names. The guest gets them with its next job.
    pub(crate) fn change<R>(&self, act: impl FnOnce(&mut Equipment<Target>) -> R) -> R {
        let result = act(&mut self.equipment());
        self.renew();
        result
    }

    /// Marks everything as changed.
    pub(crate) fn renew(&self) {
        self.changed.store(true, Ordering::Release);
    }

    /// Returns whether there are changes for the guest, and marks them as delivered.
    pub(crate) fn take_changed(&self) -> bool {
        self.changed.load(Ordering::Acquire) && self.changed.swap(false, Ordering::AcqRel)
    }
}

/// The channel on which calls arrive for an island, and the calls that wait for an answer.
pub(crate) struct Inbox {
    sender: End,
    receiver: End,
    calls: Mutex<Calls>,
}

#[derive(Default)]
struct Calls {
    next: u32,
    pending: HashMap<u32, Arc<Promise<Answer>>>,
}

/// The largest number of a call or a function: marshal's integers are signed.
pub(crate) const MOST_NUMBER: u32 = i32::MAX as u32;

/// The maximum number of calls that wait for one interpreter.
const MOST_PENDING: usize = 1 << 16;

impl Inbox {
    fn calls(&self) -> MutexGuard<'_, Calls> {
        lock(&self.calls)
    }

    /// Answers a call. A second answer, or one to an unknown call, is dropped.
    pub(crate) fn answer(&self, call: u32, answer: Answer) {
        let promise = self.calls().pending.remove(&call);
        if let Some(promise) = promise {
            promise.keep(answer);
        }
    }

    /// Forgets a call whose caller no longer waits.
    fn forget(&self, call: u32) {
        let promise = self.calls().pending.remove(&call);
        // Dropped outside of the lock, since this ends waits.
        drop(promise);
    }

    /// Returns whether a call with that number waits for an answer.
    pub(crate) fn awaits(&self, call: u32) -> bool {
        self.calls().pending.contains_key(&call)
    }

    /// Returns a receiver for the island's guest.
    pub(crate) fn receiver(&self) -> Option<End> {
        self.receiver.duplicate(self.receiver.party())
    }

    /// Returns the number of calls that arrived and were not taken.
    fn arrived(&self) -> usize {
        let channel = self.receiver.channel;
        let exchange = self.receiver.exchange();
        exchange.with(|broker, _| broker.len(channel)).unwrap_or(0)
    }
}

/// The inbox of an island, made when it is first needed.
#[derive(Default)]
pub(crate) struct LazyInbox(OnceLock<Inbox>);

impl Island {
    /// Returns the inbox of this island.
    pub(crate) fn inbox(&self) -> Result<&Inbox> {
        if let Some(inbox) = self.inbox.0.get() {
            return Ok(inbox);
        }
        // Both ends belong to the island, so that the broker sees that only holders of an alias can
        // send.
        let meta = ChannelMeta::new(None, Unbound::Keep);
        let exchange = &self.context.exchange;
        let (sender, receiver) = exchange
            .create_channel(broker::Capacity::Unbounded, meta, self.party)
            .ok_or_else(|| Error::Internal("out of channel numbers".into()))?;
        Ok(self.inbox.0.get_or_init(|| Inbox {
            sender,
            receiver,
            calls: Mutex::default(),
        }))
    }

    /// Returns the object with that `number` in this island, for `caller` to call.
    pub(crate) fn function(self: &Arc<Self>, number: u32, caller: &Island) -> Result<Function> {
        let end = self.inbox()?.sender.duplicate(caller.party);
        Ok(Function {
            island: Arc::downgrade(self),
            number,
            _end: Arc::new(end.ok_or(Error::Closed)?),
        })
    }

    /// Adds the aliases that the policy grants to this island, which the host has just created.
    pub(super) fn equip_as_granted(&self) -> Result<()> {
        let policy = &self.settings.policy;
        if let Some(missing) = policy.missing_alias() {
            return Err(Error::config(
                ConfigKind::Name,
                format!("the policy needs an alias called {missing} (add it with Policy::alias)"),
            ));
        }
        let mut functions = policy.parts().functions.iter().peekable();
        if functions.peek().is_none() {
            return Ok(());
        }
        self.aliases.change(|equipment| {
            functions.try_for_each(|(name, function)| {
                equipment.alias(name, Target::Host(function.clone()))
            })
        })
    }

    /// Gives this island, a new child of `parent`, the parent's hidden names and, if trusted, its
    /// aliases.
    pub(super) fn inherit_equipment(self: &Arc<Self>, parent: &Island, trusted: bool) {
        if trusted {
            return self.take_equipment_of(parent);
        }
        let equipment = parent.aliases.with(Equipment::without_aliases);
        if !equipment.is_empty() {
            self.aliases.change(|own| *own = equipment);
        }
    }

    /// Gives this island, which is new, the aliases and hidden names of another.
    pub(super) fn take_equipment_of(self: &Arc<Self>, other: &Island) {
        let equipment = other.aliases.with(|equipment| {
            equipment.for_another(|target| match target {
                Target::Host(function) => Some(Target::Host(function.clone())),
                Target::Guest(function) => function.for_caller(self).map(Target::Guest),
            })
        });
        if !equipment.is_empty() {
            self.aliases.change(|own| *own = equipment);
        }
    }

    /// Fails all calls that wait for an answer.
    pub(super) fn abandon_calls(&self) {
        if let Some(inbox) = self.inbox.0.get() {
            let pending = std::mem::take(&mut inbox.calls().pending);
            for promise in pending.into_values() {
                promise.keep(Err(GONE.to_owned()));
            }
        }
    }

    /// Starts a job that answers the calls that arrived, if there are any.
    pub(super) fn serve(self: &Arc<Self>) {
        let inbox = self.inbox.0.get();
        let has_calls = inbox.is_some_and(|inbox| inbox.arrived() > 0);
        if has_calls && let Ok(run) = self.start(Job::Serve) {
            self.context
                .workers
                .spawn(async move {
                    if let Err(error) = run.await {
                        telemetry::event!(debug, "cannot answer calls: {error}");
                    }
                })
                .detach();
        }
    }
}

/// The error of a call whose target no longer exists.
pub(crate) const GONE: &str = "the target of the alias is gone";

/// A call whose caller waits for the answer; dropping it withdraws the call.
pub(crate) struct PendingCall {
    island: Weak<Island>,
    call: u32,
    pub(crate) promise: Arc<Promise<Answer>>,
}

impl Drop for PendingCall {
    fn drop(&mut self) {
        if let Some(island) = self.island.upgrade()
            && let Some(inbox) = island.inbox.0.get()
        {
            inbox.forget(self.call);
        }
    }
}

impl Function {
    /// Returns the same function for another caller.
    pub(super) fn for_caller(&self, caller: &Island) -> Option<Function> {
        self.island.upgrade()?.function(self.number, caller).ok()
    }

    /// Makes the call. It returns `None` if the island is gone or too many calls wait for it. If
    /// the caller ends before the call is taken, the call is dropped.
    pub(crate) fn call(&self, caller: &Island, arguments: Message) -> Option<PendingCall> {
        let island = self.island.upgrade().filter(|island| !island.is_gone())?;
        let inbox = island.inbox().ok()?;
        let exchange = &island.context.exchange;
        let promise = Promise::new(exchange, island.party).ok()?;
        // Calls whose callers were interrupted are not pending, but still wait to be taken.
        let arrived = inbox.arrived();
        let call = {
            let mut calls = inbox.calls();
            if calls.pending.len().max(arrived) >= MOST_PENDING {
                return None;
            }
            // The call that had this number two billion calls ago was answered long since.
            calls.next = calls.next.wrapping_add(1) & MOST_NUMBER;
            let call = calls.next;
            calls.pending.insert(call, promise.clone());
            call
        };
        let message = Message {
            body: framed(call, self.number, &arguments.body),
            unbound: Unbound::Remove,
            ..arguments
        };
        let channel = inbox.receiver.channel;
        let sent = exchange.with(|broker, effects| {
            let case = Case::Send(channel, message);
            match broker.begin_one(caller.party, case, Blocking::Try, effects) {
                Begin::Done(done) => matches!(done.outcome, Outcome::Sent),
                Begin::WouldBlock(case) | Begin::Refused(case) => {
                    effects.discarded.extend(case.into_message());
                    false
                }
                Begin::Waiting(_) => false,
            }
        });
        if !sent {
            inbox.answer(call, Err(GONE.to_owned()));
        } else if !island.is_running() {
            island.serve();
        }
        Some(PendingCall {
            island: self.island.clone(),
            call,
            promise,
        })
    }
}

/// Returns a marshalled tuple of the two numbers and the object in `arguments`, which was checked
/// before.
///
/// The tuple and the numbers have no reference flag, so the reference indexes in `arguments` stay
/// valid.
fn framed(call: u32, number: u32, arguments: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(arguments.len() + 12);
    body.extend([b')', 3]);
    for number in [call, number] {
        body.push(b'i');
        body.extend(number.to_le_bytes());
    }
    body.extend_from_slice(arguments);
    body
}
