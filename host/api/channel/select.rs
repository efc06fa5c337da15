//! Waits for the first of several channel operations.

use super::sender::message_of;
use super::{HostEnd, Receiver, Sender};
use crate::api::interpreter::to_value;
use crate::exchange::message::Message;
use archipel_core::broker::{Case, Outcome, PartyId};
use archipel_core::encoding::Refusal;
use archipel_core::error::{ConfigKind, Error, Result};
use archipel_core::value::Value;
use std::sync::Arc;
use std::time::Duration;

/// Channel operations of which the first that becomes ready is carried out, as in Go's `select`.
///
/// If several are ready, one is chosen at random. Only that one is carried out. Cases are numbered from 0, in the order
/// in which they were added.
///
/// # Examples
///
/// ```no_run
/// # let runtime = archipel::Runtime::new()?;
/// use archipel::{Capacity, Select, Selected};
///
/// let (sender, receiver) = runtime.channel(Capacity::Bounded(1))?;
/// let (_, other) = runtime.channel(Capacity::Bounded(1))?;
/// sender.send("hello")?;
/// let select = Select::new().recv(&other).recv(&receiver);
/// assert!(matches!(select.wait(None)?, Some((0, Selected::Closed) | (1, Selected::Received(_)))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
#[must_use]
pub struct Select {
    cases: Vec<(HostEnd, Option<Message>)>,
}

/// The result of the operation that a [`Select`] carried out.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Selected {
    /// A value was received.
    Received(Value),
    /// The value was received or queued.
    Sent,
    /// The channel is closed.
    Closed,
    /// The message that was received is not a value that a host can have, or the value is too large to be sent.
    Refused(Refusal),
}

impl Select {
    /// Creates a select without cases.
    pub fn new() -> Self {
        Select::default()
    }

    /// Adds a receive.
    pub fn recv(mut self, end: &Receiver) -> Self {
        self.cases.push((end.host_end().clone(), None));
        self
    }

    /// Adds a send of `value`.
    ///
    /// # Errors
    ///
    /// Returns the reason if the value cannot be sent.
    pub fn send(
        mut self,
        end: &Sender,
        value: impl Into<Value>,
    ) -> std::result::Result<Self, Refusal> {
        let message = message_of(&value.into())?;
        self.cases.push((end.host_end().clone(), Some(message)));
        Ok(self)
    }

    /// Blocks until a case is ready, for at most `limit`. Returns the number of the case that was carried out, and its
    /// result; or `None` if none was ready in time, or if there are no cases.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] if the channels belong to several runtimes.
    pub fn wait(self, limit: Option<Duration>) -> Result<Option<(usize, Selected)>> {
        let Some((first, _)) = self.cases.first() else {
            return Ok(None);
        };
        let (context, exchange) = (first.context.clone(), first.exchange().clone());
        // The ends live until the wait has ended.
        let mut ends = Vec::with_capacity(self.cases.len());
        let mut cases = Vec::with_capacity(self.cases.len());
        for (end, message) in self.cases {
            if !Arc::ptr_eq(end.exchange(), &exchange) {
                let text = "the channels belong to several runtimes (create them with one)";
                return Err(Error::config(ConfigKind::ForeignChannel, text));
            }
            cases.push(match message {
                None => Case::Receive(end.end.channel),
                Some(message) => Case::Send(end.end.channel, message),
            });
            ends.push(end);
        }
        let wait = exchange.wait(PartyId::HOST, cases, limit);
        let done = context.workers.wait(wait);
        drop(ends);
        Ok(done.map(|done| {
            let selected = match done.outcome {
                Outcome::Received(message) => match to_value(message) {
                    Ok(value) => Selected::Received(value),
                    Err(refusal) => Selected::Refused(refusal),
                },
                Outcome::Sent => Selected::Sent,
                Outcome::TooLarge { limit, .. } => Selected::Refused(Refusal::TooLarge { limit }),
                Outcome::Closed(_) | Outcome::Fired | Outcome::Deadlock(_) => Selected::Closed,
            };
            (done.case, selected)
        }))
    }
}
