//! Waits for channels and events, as futures.

use super::Exchange;
use super::message::Message;
#[cfg(test)]
use crate::failpoints::{Point, Verdict};
use archipel_core::broker::{Begin, Blocking, Case, Done, Outcome, PartyId, WaitId};
use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tracing::Instrument;

impl Exchange {
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
