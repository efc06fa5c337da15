//! The broker under a lock, with futures for its waits and ends that release themselves.

use crate::discard;
use crate::family::Share;
use crate::imports::Kept;
#[cfg(test)]
use crate::points::{Point, Points, Verdict};
use crate::standing::Standing;
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

/// How the body of a message is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Marshalled, to be taken as it is.
    Plain,
    /// Marshalled, with escapes in it.
    Escaped,
    /// Raw bytes.
    Buffer,
    /// Pickled objects or code, for who trusts the sender.
    Trusted,
    /// What is left of a message whose sender was destroyed.
    Unbound,
}

/// What becomes of a message when its sender is destroyed before anybody received it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unbound {
    Keep,
    Remove,
    Error,
    Replace,
}

/// What a channel was created with, which each of its ends knows.
#[derive(Debug)]
pub(crate) struct Charter {
    /// The trust of the interpreter that created it, if not the host did.
    pub(crate) owner: Option<Trust>,
    /// What holds for messages that do not say otherwise.
    pub(crate) unbound: Unbound,
    /// Why it was closed, if somebody said so.
    pub(crate) poison: OnceLock<(Vec<u8>, Kept)>,
}

impl Charter {
    pub(crate) fn new(owner: Option<Trust>, unbound: Unbound) -> Self {
        Charter {
            owner,
            unbound,
            poison: OnceLock::new(),
        }
    }
}

/// What travels beside a message.
#[derive(Debug)]
pub(crate) enum Carried {
    /// An end, held by [`PartyId::FLIGHT`].
    End(End),
    /// A reference to an interpreter, which only the imports look into.
    Interpreter(Arc<dyn Any + Send + Sync>),
}

/// A message on its way.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) body: Vec<u8>,
    pub(crate) form: Form,
    pub(crate) ends: Vec<Carried>,
    /// How many objects the body is known to have.
    pub(crate) objects: usize,
    pub(crate) unbound: Unbound,
    /// Who must be trusted to read it, where the host cannot vouch for it.
    pub(crate) author: Option<Trust>,
    /// What its sender is charged for it, for as long as it exists.
    pub(crate) charge: Option<Reservation>,
    /// What it is of its sender's family's share, where little room is left for messages.
    pub(crate) share: Option<Share>,
}

impl Message {
    /// The message for a value of the host's.
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
    /// Whether `reader` trusts who wrote it.
    pub(crate) fn is_trusted_by(&self, reader: &Trust) -> bool {
        let author = self.author.as_ref();
        author.is_some_and(|author| reader.accepts(author))
    }
}

/// What an end in a message is charged for, in bytes.  It takes less, but what is queued is searched for
/// cycles, and dropped, end by end: the limit on bytes is what bounds the time for that.
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
        // What a guest reads it as is CPython's number for the operation.
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

/// The one place where everybody in a runtime exchanges messages.
#[derive(Debug)]
pub(crate) struct Exchange {
    // Sections under this lock are short, and nobody is woken and nothing is dropped in them: both
    // may come back here.
    broker: Mutex<Broker<Message>>,
    /// When it may be looked again for what nobody can come to any more.
    next_search: Mutex<Instant>,
    /// How many messages were sent.
    messages: AtomicU64,
    /// The clocks that go on only by what their parties wait.
    standing: Mutex<HashMap<PartyId, Weak<Standing>>>,
    /// Where tests step in.
    #[cfg(test)]
    pub(crate) points: Points,
}

impl Exchange {
    pub(crate) fn new(seed: u64) -> Arc<Self> {
        Arc::new(Exchange {
            broker: Mutex::new(Broker::new(seed)),
            next_search: Mutex::new(Instant::now()),
            messages: AtomicU64::new(0),
            standing: Mutex::default(),
            #[cfg(test)]
            points: Points::default(),
        })
    }

    /// Lets the clock of a party go on by the timeouts of its waits.
    pub(crate) fn let_pass(&self, party: PartyId, standing: &Arc<Standing>) {
        let mut clocks = self.standing();
        if clocks.len() >= 64 && clocks.len().is_power_of_two() {
            clocks.retain(|_, clock| clock.strong_count() > 0);
        }
        clocks.insert(party, Arc::downgrade(standing));
    }

    fn standing(&self) -> MutexGuard<'_, HashMap<PartyId, Weak<Standing>>> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `act` with the broker, and afterwards does what that entails.
    pub(crate) fn with<R>(
        &self,
        act: impl FnOnce(&mut Broker<Message>, &mut Effects<Message>) -> R,
    ) -> R {
        let mut effects = Effects::new();
        let result = {
            // The broker's own operations do not panic half-way, so a poisoned lock only says that
            // somebody else's task ended badly.
            let mut broker = self.broker.lock().unwrap_or_else(PoisonError::into_inner);
            act(&mut broker, &mut effects)
        };
        discard::messages(effects.apply());
        result
    }

    /// Whether there is more than there may be, even without what nobody can come to any more.
    pub(crate) fn is_beyond(&self, mut too_much: impl FnMut(&Counts) -> bool) -> bool {
        let counts = || self.with(|broker, _| broker.counts());
        too_much(&counts()) && {
            self.collect();
            too_much(&counts())
        }
    }

    /// Looks for what nobody can come to any more, unless a tenth of the time was spent on that already: where
    /// as much is queued as there may be, nobody can do anything else for so long.
    fn collect(&self) {
        let begun = Instant::now();
        if begun < *self.next_search() {
            return;
        }
        self.with(|broker, effects| broker.collect(effects));
        // Not held meanwhile: what is found is dropped, which takes as long as there is much.
        *self.next_search() = Instant::now() + 9 * begun.elapsed();
    }

    fn next_search(&self) -> MutexGuard<'_, Instant> {
        self.next_search
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// How many messages were sent so far.
    pub(crate) fn messages(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }

    /// Does the first of `cases` that can be done, waiting for at most `limit`.
    ///
    /// Returns `None` when time ran out, and when the party may not wait any more.  Dropping the
    /// future gives up: nothing is received then, and what was not sent is dropped.
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

    /// Does what [`wait`](Self::wait) does, until `interruption` comes.  What is done without waiting is done
    /// all the same, and so is what was done when the wait was given up.
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

    /// Does what can be done at once, or begins to wait.
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

    /// Waits on.
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
            let clock = self.standing().get(&party).and_then(Weak::upgrade);
            if let Some(clock) = clock {
                clock.pass(limit);
            }
        }
        given_up
    }
}

/// How a wait ended.
#[expect(
    clippy::large_enum_variant,
    reason = "it is matched where it is returned, and boxing would cost each message"
)]
pub(crate) enum Waited {
    Done(Done<Message>),
    /// Time ran out, or the party may not wait any more.
    InVain,
    Interrupted,
}

/// A wait that has begun.
struct Waiting<'x> {
    exchange: &'x Exchange,
    wait: WaitId,
}

impl Waiting<'_> {
    /// Ends the wait.  Its result counts where there is one: others may have ended it since it was polled, and
    /// what they received is not to be sent again.
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
    /// Whether a test has stepped in at this moment of a wait, which does not go on then.
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
    pub(crate) charter: Arc<Charter>,
    party: PartyId,
    /// Whether the broker knows that the party uses it.
    used: bool,
}

impl End {
    /// Takes charge of an end that `party` holds already.
    pub(crate) fn held(
        exchange: &Arc<Exchange>,
        channel: ChannelId,
        side: Side,
        charter: Arc<Charter>,
        party: PartyId,
    ) -> Self {
        End {
            exchange: exchange.clone(),
            channel,
            side,
            charter,
            party,
            used: false,
        }
    }

    /// Another such end, held by `party`; `None` when the channel or the party is gone.
    pub(crate) fn duplicate(&self, party: PartyId) -> Option<Self> {
        let (channel, side) = (self.channel, self.side);
        let acquired = self
            .exchange
            .with(|broker, _| broker.acquire(channel, side, party));
        acquired.then(|| End::held(&self.exchange, channel, side, self.charter.clone(), party))
    }

    /// Notes that the party uses the end.
    pub(crate) fn note_use(&mut self) {
        if !self.used {
            self.set_used(true);
        }
    }

    /// Notes that the party does not use the end any more, though it holds it.
    pub(crate) fn note_release(&mut self) {
        self.set_used(false);
    }

    fn set_used(&mut self, used: bool) {
        self.used = used;
        self.exchange
            .with(|broker, _| broker.set_user(self.channel, self.side, self.party, used));
    }

    /// Who holds it.
    pub(crate) fn party(&self) -> PartyId {
        self.party
    }

    /// The exchange that the channel belongs to.
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
