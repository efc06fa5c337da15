//! The broker under a lock, with futures for its waits and channel ends that release themselves.

pub(crate) mod promise;

use crate::exec::deferred_drop;
use crate::exec::frozen_clock::FrozenClock;
#[cfg(test)]
use crate::failpoints::{Failpoints, Point, Verdict};
use crate::imports::Kept;
use crate::island::family::Share;
use archipel_core::broker::{
    Begin, Blocking, Broker, Case, ChannelId, Counts, Done, Effects, Orphaned, Outcome, Parcel,
    PartyId, Side, WaitId,
};
use archipel_core::encoding::Encoded;
use archipel_core::ledger::Reservation;
use archipel_core::trust::Trust;
use std::any::Any;
use std::collections::HashMap;
use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tracing::Instrument;

/// The form of a message body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Marshalled data without escapes.
    Plain,
    /// Marshalled data with escapes.
    Escaped,
    /// Raw bytes.
    Buffer,
    /// Pickled objects or code, for receivers that trust the sender.
    Trusted,
    /// The marker that replaces a message whose sender was destroyed.
    Unbound,
}

/// The fate of a message whose sender is destroyed before it is received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unbound {
    Keep,
    Remove,
    Error,
    Replace,
}

/// The properties of a channel, shared by all of its ends.
#[derive(Debug)]
pub(crate) struct ChannelMeta {
    /// The trust of the interpreter that created the channel. `None` if the host did.
    pub(crate) owner: Option<Trust>,
    /// The default for messages that do not specify it.
    pub(crate) unbound: Unbound,
    /// The reason with which the channel was poisoned, if it was, and its charge.
    pub(crate) poison: OnceLock<(Vec<u8>, Kept)>,
}

impl ChannelMeta {
    pub(crate) fn new(owner: Option<Trust>, unbound: Unbound) -> Self {
        ChannelMeta {
            owner,
            unbound,
            poison: OnceLock::new(),
        }
    }
}

/// An attachment of a message.
#[derive(Debug)]
pub(crate) enum Carried {
    /// An end, held by [`PartyId::FLIGHT`].
    End(End),
    /// A reference to an interpreter. Only the imports look into it.
    Interpreter(Arc<dyn Any + Send + Sync>),
}

/// A message in transit.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) body: Vec<u8>,
    pub(crate) form: Form,
    pub(crate) ends: Vec<Carried>,
    /// The number of objects in the body, as far as known.
    pub(crate) objects: usize,
    pub(crate) unbound: Unbound,
    /// The trust of the author, for content that the host cannot check. Receivers must accept it.
    pub(crate) author: Option<Trust>,
    /// The charge to the sender, held for as long as the message exists.
    pub(crate) charge: Option<Reservation>,
    /// The share of the sender's family in the scarce half of the queue space.
    pub(crate) share: Option<Share>,
}

impl Message {
    /// Creates the message for a host value.
    pub(crate) fn new(encoded: Encoded, ends: Vec<Carried>) -> Self {
        let form = match encoded.escaped {
            true => Form::Escaped,
            false => Form::Plain,
        };
        Message {
            body: encoded.body,
            form,
            ends,
            objects: 0,
            unbound: Unbound::Keep,
            author: None,
            charge: None,
            share: None,
        }
    }
}

impl Message {
    /// Returns whether `reader` trusts the author.
    pub(crate) fn is_trusted_by(&self, reader: &Trust) -> bool {
        let author = self.author.as_ref();
        author.is_some_and(|author| reader.accepts(author))
    }
}

/// The charge of an end in a message, in bytes. It takes less memory, but the search for cycles and dropping
/// process each end, and this charge bounds the time they take.
const CHARGE_OF_END: usize = 1024;

impl Parcel for Message {
    fn size(&self) -> usize {
        self.body.len() + self.ends.len() * CHARGE_OF_END
    }

    fn outlives_sender(&self) -> bool {
        self.unbound == Unbound::Keep
    }

    fn each_end(&self, visit: &mut dyn FnMut(ChannelId)) {
        for carried in &self.ends {
            if let Carried::End(end) = carried {
                visit(end.channel);
            }
        }
    }

    fn orphaned(&self) -> Orphaned<Self> {
        // CPython's number for the operation, as the guest expects it.
        let mark = match self.unbound {
            Unbound::Keep => return Orphaned::Keep,
            Unbound::Remove => return Orphaned::Remove,
            Unbound::Error => 2,
            Unbound::Replace => 3,
        };
        Orphaned::Replace(Message {
            body: vec![mark],
            form: Form::Unbound,
            ends: Vec::new(),
            objects: 0,
            unbound: Unbound::Keep,
            author: None,
            charge: None,
            share: None,
        })
    }
}

/// The exchange: the only place through which the parties of a runtime exchange messages.
#[derive(Debug)]
pub(crate) struct Exchange {
    // Critical sections are short. Wakers are called and messages dropped after unlocking, since both can call
    // the exchange again.
    broker: Mutex<Broker<Message>>,
    /// The earliest time of the next search for unreachable channels.
    next_search: Mutex<Instant>,
    /// The number of messages sent.
    messages: AtomicU64,
    /// Frozen clocks, which advance only by the waits of their parties.
    frozen_clocks: Mutex<HashMap<PartyId, Weak<FrozenClock>>>,
    /// The failpoints of tests.
    #[cfg(test)]
    pub(crate) points: Failpoints,
}

impl Exchange {
    pub(crate) fn new(seed: u64) -> Arc<Self> {
        Arc::new(Exchange {
            broker: Mutex::new(Broker::new(seed)),
            next_search: Mutex::new(Instant::now()),
            messages: AtomicU64::new(0),
            frozen_clocks: Mutex::default(),
            #[cfg(test)]
            points: Failpoints::default(),
        })
    }

    /// Makes the frozen clock of a party advance by the timeouts of its waits.
    pub(crate) fn add_frozen_clock(&self, party: PartyId, clock: &Arc<FrozenClock>) {
        let mut clocks = self.frozen_clocks();
        if clocks.len() >= 64 && clocks.len().is_power_of_two() {
            clocks.retain(|_, clock| clock.strong_count() > 0);
        }
        clocks.insert(party, Arc::downgrade(clock));
    }

    fn frozen_clocks(&self) -> MutexGuard<'_, HashMap<PartyId, Weak<FrozenClock>>> {
        self.frozen_clocks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `act` with the broker, and carries out the effects after unlocking.
    pub(crate) fn with<R>(
        &self,
        act: impl FnOnce(&mut Broker<Message>, &mut Effects<Message>) -> R,
    ) -> R {
        let mut effects = Effects::new();
        let result = {
            // The broker's operations do not panic half-way, so a poisoned lock is still consistent.
            let mut broker = self.broker.lock().unwrap_or_else(PoisonError::into_inner);
            act(&mut broker, &mut effects)
        };
        deferred_drop::messages(effects.apply());
        result
    }

    /// Returns whether the counts exceed a limit even after unreachable channels are collected.
    pub(crate) fn is_beyond(&self, mut too_much: impl FnMut(&Counts) -> bool) -> bool {
        let counts = || self.with(|broker, _| broker.counts());
        too_much(&counts()) && {
            self.collect();
            too_much(&counts())
        }
    }

    /// Collects unreachable channels, unless that already took a tenth of the recent time: with full queues,
    /// parties could otherwise not do anything else.
    fn collect(&self) {
        let begun = Instant::now();
        if begun < *self.next_search() {
            return;
        }
        self.with(|broker, effects| broker.collect(effects));
        // Not locked during the search, because dropping what it finds takes time proportional to its size.
        *self.next_search() = Instant::now() + 9 * begun.elapsed();
    }

    fn next_search(&self) -> MutexGuard<'_, Instant> {
        self.next_search
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of messages sent so far.
    pub(crate) fn messages(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }

    /// Performs the first of `cases` that can complete, waiting for at most `limit`.
    ///
    /// Returns `None` if the time limit expires, or if the party cannot wait. Dropping the future cancels the
    /// wait: nothing is received, and unsent messages are dropped.
    pub(crate) async fn wait(
        self: &Arc<Self>,
        party: PartyId,
        cases: Vec<Case<Message>>,
        limit: Option<Duration>,
    ) -> Option<Done<Message>> {
        match self.wait_unless(party, cases, limit, pending()).await {
            Waited::Done(done) => Some(done),
            Waited::InVain | Waited::Interrupted => None,
        }
    }

    /// Does what [`wait`](Self::wait) does, until `interruption` completes. A case that completes without
    /// waiting, or that has completed when the wait is cancelled, counts all the same.
    pub(crate) async fn wait_unless(
        self: &Arc<Self>,
        party: PartyId,
        cases: Vec<Case<Message>>,
        limit: Option<Duration>,
        interruption: impl Future<Output = ()>,
    ) -> Waited {
        let waited = match self.begin(party, cases, limit) {
            Ok(done) => done.map_or(Waited::InVain, Waited::Done),
            Err(wait) => self.rest(party, wait, limit, interruption).await,
        };
        if let Waited::Done(done) = &waited
            && matches!(done.outcome, Outcome::Sent)
        {
            self.messages.fetch_add(1, Ordering::Relaxed);
        }
        waited
    }

    /// Performs a case at once, or begins a wait.
    fn begin(
        &self,
        party: PartyId,
        mut cases: Vec<Case<Message>>,
        limit: Option<Duration>,
    ) -> Result<Option<Done<Message>>, WaitId> {
        let blocking = match limit {
            Some(Duration::ZERO) => Blocking::Try,
            _ => Blocking::Wait {
                timed: limit.is_some(),
            },
        };
        self.with(|broker, effects| match cases.len() {
            1 => {
                let case = cases.swap_remove(0);
                match broker.begin_one(party, case, blocking, effects) {
                    Begin::Done(done) => Ok(Some(done)),
                    Begin::Waiting(wait) => Err(wait),
                    Begin::WouldBlock(case) | Begin::Refused(case) => {
                        effects.discarded.extend(case.into_message());
                        Ok(None)
                    }
                }
            }
            _ => match broker.begin(party, cases, blocking, effects) {
                Begin::Done(done) => Ok(Some(done)),
                Begin::Waiting(wait) => Err(wait),
                Begin::WouldBlock(cases) | Begin::Refused(cases) => {
                    let unsent = cases.into_iter().filter_map(Case::into_message);
                    effects.discarded.extend(unsent);
                    Ok(None)
                }
            },
        })
    }

    /// Waits for the result of a wait.
    async fn rest(
        &self,
        party: PartyId,
        wait: WaitId,
        limit: Option<Duration>,
        interruption: impl Future<Output = ()>,
    ) -> Waited {
        let mut waiting = Waiting {
            exchange: self,
            wait,
        };
        let span = tracing::trace_span!("wait", party = party.0);
        let late = async {
            match limit {
                Some(limit) => tokio::time::sleep(limit).await,
                None => pending().await,
            }
        };
        let given_up = tokio::select! {
            biased;
            done = (&mut waiting).instrument(span) => {
                return done.map_or(Waited::InVain, Waited::Done);
            }
            () = interruption => Waited::Interrupted,
            () = late => Waited::InVain,
        };
        if let Some(done) = waiting.give_up() {
            return Waited::Done(done);
        }
        if let (Waited::InVain, Some(limit)) = (&given_up, limit) {
            let clock = self.frozen_clocks().get(&party).and_then(Weak::upgrade);
            if let Some(clock) = clock {
                clock.advance(limit);
            }
        }
        given_up
    }
}

/// The result of a wait.
#[expect(
    clippy::large_enum_variant,
    reason = "matched where it is returned; boxing would cost an allocation for each message"
)]
pub(crate) enum Waited {
    Done(Done<Message>),
    /// The time limit expired, or the party cannot wait.
    InVain,
    Interrupted,
}

/// A wait in progress.
struct Waiting<'x> {
    exchange: &'x Exchange,
    wait: WaitId,
}

impl Waiting<'_> {
    /// Ends the wait. Returns its result if there is one: another party may have ended it since the last poll,
    /// and what it received must not be lost.
    fn give_up(&self) -> Option<Done<Message>> {
        self.exchange.with(|broker, effects| {
            if let Poll::Ready(done) = broker.poll(self.wait, Waker::noop()) {
                return done;
            }
            let unsent = broker.abandon(self.wait, effects);
            effects.discarded.extend(unsent.unwrap_or_default());
            None
        })
    }
}

impl Future for Waiting<'_> {
    type Output = Option<Done<Message>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        #[cfg(test)]
        if self.exchange.holds_up(self.wait) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.exchange
            .with(|broker, _| broker.poll(self.wait, context.waker()))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.exchange.with(|broker, effects| {
            if let Some(unsent) = broker.abandon(self.wait, effects) {
                effects.discarded.extend(unsent);
            }
        });
    }
}

#[cfg(test)]
impl Exchange {
    /// Returns whether a test holds up the wait at this failpoint.
    fn holds_up(&self, wait: WaitId) -> bool {
        let known = self.with(|broker, _| broker.progress(wait));
        known.is_some_and(|(party, is_done)| {
            let point = if is_done { Point::Woken } else { Point::Waits };
            self.points.pass(party, point) == Verdict::Stay
        })
    }
}

/// One end of a channel, held by a party until it is dropped.
#[derive(Debug)]
pub(crate) struct End {
    exchange: Arc<Exchange>,
    pub(crate) channel: ChannelId,
    pub(crate) side: Side,
    pub(crate) meta: Arc<ChannelMeta>,
    party: PartyId,
    /// True if the broker has the party as a user of the end.
    used: bool,
}

impl End {
    /// Takes over an end that `party` already holds.
    pub(crate) fn held(
        exchange: &Arc<Exchange>,
        channel: ChannelId,
        side: Side,
        meta: Arc<ChannelMeta>,
        party: PartyId,
    ) -> Self {
        End {
            exchange: exchange.clone(),
            channel,
            side,
            meta,
            party,
            used: false,
        }
    }

    /// Creates another such end, held by `party`. Returns `None` if the channel or the party is gone.
    pub(crate) fn duplicate(&self, party: PartyId) -> Option<Self> {
        let (channel, side) = (self.channel, self.side);
        let acquired = self
            .exchange
            .with(|broker, _| broker.acquire(channel, side, party));
        acquired.then(|| End::held(&self.exchange, channel, side, self.meta.clone(), party))
    }

    /// Records that the party uses the end.
    pub(crate) fn note_use(&mut self) {
        if !self.used {
            self.set_used(true);
        }
    }

    /// Records that the party no longer uses the end, though it still holds it.
    pub(crate) fn note_release(&mut self) {
        self.set_used(false);
    }

    fn set_used(&mut self, used: bool) {
        self.used = used;
        self.exchange
            .with(|broker, _| broker.set_user(self.channel, self.side, self.party, used));
    }

    /// Returns the holder.
    pub(crate) fn party(&self) -> PartyId {
        self.party
    }

    /// Returns the exchange of the channel.
    pub(crate) fn exchange(&self) -> &Arc<Exchange> {
        &self.exchange
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.exchange.with(|broker, effects| {
            broker.release(self.channel, self.side, self.party, effects);
        });
    }
}
