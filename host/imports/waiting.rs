//! The host side of the `waiting` imports.

use super::arrival::{Arrival, Fits};
use super::duration;
use super::failure::{failure, not_received};
use crate::exchange::channel_meta::ChannelMeta;
use crate::exchange::message::Message;
use crate::exchange::waiting::Waited;
use crate::island::bindings::archipel::island::channels::Error;
use crate::island::bindings::archipel::island::waiting::Case;
use crate::island::caller::Ports;
use crate::island::from_guest::outgoing;
use crate::island::state::State;
use archipel_core::amount::nanos;
use archipel_core::broker::{self, Done};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::Result;
use wasmtime::component::{ComponentType, Linker, Lower, Resource};
use wasmtime_wasi::p2::DynPollable;

/// The maximum number of cases in one wait.
const MOST_CASES: usize = 1024;

/// An interruption of a wait, with the rest of its timeout.
pub(super) struct Interrupted(Option<Duration>);

impl From<Interrupted> for Error {
    fn from(Interrupted(left): Interrupted) -> Self {
        Error::Interrupted(left.map(nanos))
    }
}

impl Ports {
    /// Waits as [`Exchange::wait`](crate::exchange::Exchange::wait) does, until the guest is
    /// interrupted. An operation that can complete at once completes even if an interruption is
    /// pending.
    pub(super) fn wait_for(
        &self,
        cases: Vec<broker::Case<Message>>,
        limit: Option<Duration>,
    ) -> impl Future<Output = std::result::Result<Option<Done<Message>>, Interrupted>> + Send + use<>
    {
        let (exchange, party) = (self.shared.exchange.clone(), self.party);
        let interrupt = self.interrupt.clone();
        async move {
            // The clock is only read if there is a limit.
            let started = limit.map(|_| Instant::now());
            let waited = exchange.wait_unless(party, cases, limit, interrupt.requested());
            match waited.await {
                Waited::Done(done) => Ok(Some(done)),
                Waited::InVain => Ok(None),
                Waited::Interrupted => {
                    let elapsed = started.map(|started| started.elapsed());
                    let left = limit.zip(elapsed);
                    Err(Interrupted(
                        left.map(|(limit, passed)| limit.saturating_sub(passed)),
                    ))
                }
            }
        }
    }
}

/// The outcome of the first case that completed. The bindings have no type for an [`Arrival`].
#[derive(ComponentType, Lower)]
#[component(variant)]
enum FirstResult {
    #[component(name = "received")]
    Received(Arrival),
    #[component(name = "sent")]
    Sent,
    #[component(name = "ended")]
    Ended,
    #[component(name = "ready")]
    Ready,
    #[component(name = "failed")]
    Failed(Error),
}

/// Waits that the broker does not know: for pollables.
#[derive(Default)]
struct Outside {
    /// True if there are such cases, even if none of their pollables is left.
    exists: bool,
    /// True if the pollables of the guest's last `wasi:io/poll` call are included.
    has_polled: bool,
    pollables: Vec<Resource<DynPollable>>,
    /// The index of the case of each pollable.
    cases: Vec<usize>,
}

impl Outside {
    fn add(&mut self, case: usize, pollables: impl IntoIterator<Item = Resource<DynPollable>>) {
        self.exists = true;
        self.pollables.extend(pollables);
        self.cases.resize(self.pollables.len(), case);
    }
}

/// The cases of a wait.
#[derive(Default)]
struct Wanted {
    /// The cases that the broker knows.
    cases: Vec<broker::Case<Message>>,
    /// The indexes of the broker's cases among all cases.
    indices: Vec<usize>,
    /// The metadata of the channels to receive from, by index, for the reasons of failures.
    metas: Vec<(usize, Arc<ChannelMeta>)>,
    /// All other cases.
    outside: Outside,
}

/// Adds the interface to `linker`.
pub(super) fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    let mut waiting = linker.instance("archipel:island/waiting@0.1.0")?;
    waiting.func_wrap_async("wait", |mut store, (cases, timeout)| {
        Box::new(async move {
            let first = store.data_mut().wait(cases, timeout).await?;
            let index = first.as_ref().map_or(0, |(index, _)| *index);
            let instead = Ok((index, FirstResult::Failed(Error::NoMemory)));
            Ok((Fits::or(first, instead),))
        })
    })
}

impl State {
    async fn wait(
        &mut self,
        cases: Vec<Case>,
        timeout: Option<u64>,
    ) -> Result<Result<(u32, FirstResult), Error>> {
        if cases.len() > MOST_CASES {
            return Ok(Err(Error::TooLarge(MOST_CASES as u64)));
        }
        self.caller().take_stranded()?;
        let mut wanted = Wanted::default();
        for (index, case) in cases.into_iter().enumerate() {
            if let Some(result) = self.add_case(&mut wanted, index, case).await? {
                return Ok(Ok((index as u32, result)));
            }
        }
        let Wanted {
            cases,
            indices,
            metas,
            outside,
        } = wanted;
        let limit = duration(timeout);
        let mut done = match outside.exists {
            false => self.ports.wait_for(cases, limit).await,
            true => {
                let inside = self.ports.wait_for(cases, limit.or(Some(Duration::MAX)));
                tokio::select! {
                    biased;
                    ready = self.wasi.ready(outside.pollables) => {
                        let index = outside.cases.get(ready?).copied().unwrap_or_default();
                        return Ok(Ok((index as u32, FirstResult::Ready)));
                    }
                    done = inside => done,
                }
            }
        };
        if let (Err(Interrupted(left)), None) = (&mut done, limit) {
            *left = None;
        }
        let done = match done {
            Ok(Some(done)) => done,
            Ok(None) => return Ok(Err(Error::Timeout)),
            Err(interrupted) => return Ok(Err(interrupted.into())),
        };
        let index = indices.get(done.case).copied().unwrap_or_default();
        let meta = metas.iter().find(|(case, _)| *case == index);
        let result = self.result_of(done, meta.map(|(_, meta)| &**meta))?;
        Ok(result.map(|result| (index as u32, result)))
    }

    /// Adds a case to `wanted`. Returns the result of a case that completes without a wait.
    async fn add_case(
        &mut self,
        wanted: &mut Wanted,
        index: usize,
        case: Case,
    ) -> Result<Option<FirstResult>> {
        let case = match case {
            Case::Receive(end) => {
                let end = &mut self.wasi.table.get_mut(&end)?.0;
                end.note_use();
                wanted.metas.push((index, end.meta.clone()));
                broker::Case::Receive(end.channel)
            }
            Case::Ended(task) => broker::Case::Event(self.wasi.table.get(&task)?.event()),
            Case::Send((end, message)) => {
                let end = &mut self.wasi.table.get_mut(&end)?.0;
                end.note_use();
                let channel = end.channel;
                let meta = end.meta.clone();
                let message = self.ports.check(message).await?;
                let message = outgoing(&self.caller(), message, meta.owner.as_ref(), meta.unbound)?;
                match message.and_then(|message| self.ports.charge(message)) {
                    Ok(message) => broker::Case::Send(channel, message),
                    Err(reason) => return Ok(Some(FirstResult::Failed(reason.into()))),
                }
            }
            Case::Ready => {
                // A second case `ready` would wait for the same pollables.
                if !wanted.outside.has_polled {
                    wanted.outside.has_polled = true;
                    wanted.outside.add(index, self.wasi.polled());
                }
                return Ok(None);
            }
            Case::LookedUp(name) => {
                let Some(pollable) = self.wasi.look_up(&name, &wanted.outside.pollables)? else {
                    return Ok(Some(FirstResult::Ready));
                };
                wanted.outside.add(index, [pollable]);
                return Ok(None);
            }
        };
        wanted.cases.push(case);
        wanted.indices.push(index);
        Ok(None)
    }

    /// Converts the outcome of a case of the broker. `meta` belongs to the channel of a receive.
    fn result_of(
        &mut self,
        done: Done<Message>,
        meta: Option<&ChannelMeta>,
    ) -> Result<Result<FirstResult, Error>> {
        Ok(Ok(match done.outcome {
            // A deadlock concerns all cases.
            broker::Outcome::Deadlock(text) => return Ok(Err(Error::Deadlock(text))),
            broker::Outcome::Received(message) => {
                match Arrival::new(&mut self.caller(), message, done.origin)? {
                    Ok(arrival) => FirstResult::Received(arrival),
                    Err(reason) => FirstResult::Failed(reason.into()),
                }
            }
            broker::Outcome::Sent => FirstResult::Sent,
            broker::Outcome::Fired => FirstResult::Ended,
            other => FirstResult::Failed(match meta {
                Some(meta) => not_received(Some(other), meta),
                None => failure(Some(other)),
            }),
        }))
    }
}
