//! The imports for channels.

use super::{MOST_BYTES, MOST_CHANNELS, MOST_QUEUED, MOST_QUEUED_IN_ALL};
use super::{ReceiverEnd, SenderEnd, duration};
use crate::bindings::archipel::island::channels::{
    self, Capacity, EndRef, Error, Host, HostReceiver, HostSender, Luggage, LuggageRefs,
};
use crate::broker::{self, Case, Outcome, PartyId, Side};
use crate::encoding::{self, MAX_DEPTH, Refusal};
use crate::exchange::{End, Form, Message};
use crate::state::State;
use std::num::NonZeroUsize;
use wasmtime::Result;
use wasmtime::component::Resource;

/// A message as a guest gives it: its body, whether its bytes are known to be exact, and the rest.
pub(crate) type Outgoing = (Vec<u8>, bool, Option<LuggageRefs>);

impl Host for State {
    fn create(
        &mut self,
        capacity: Capacity,
    ) -> Result<Result<(Resource<SenderEnd>, Resource<ReceiverEnd>), Error>> {
        let capacity = match capacity {
            Capacity::Rendezvous => broker::Capacity::Rendezvous,
            Capacity::Unbounded => broker::Capacity::Unbounded,
            Capacity::Bounded(n) => match NonZeroUsize::new(n as usize) {
                Some(n) => broker::Capacity::Bounded(n),
                None => broker::Capacity::Rendezvous,
            },
        };
        let exchange = &self.context.exchange;
        if exchange.with(|broker, _| broker.counts()).channels >= MOST_CHANNELS {
            return Ok(Err(Error::TooLarge(MOST_CHANNELS as u64)));
        }
        let (sender, receiver) = create(exchange, capacity, self.party)?;
        let sender = self.table.push(SenderEnd(sender))?;
        let receiver = self.table.push(ReceiverEnd(receiver))?;
        Ok(Ok((sender, receiver)))
    }
}

/// Creates a channel of which `party` holds both ends.
pub(crate) fn create(
    exchange: &std::sync::Arc<crate::exchange::Exchange>,
    capacity: broker::Capacity,
    party: PartyId,
) -> Result<(End, End)> {
    let channel = exchange
        .with(|broker, _| broker.create(capacity, MOST_QUEUED, party))
        .ok_or_else(|| wasmtime::format_err!("there are too many channels"))?;
    let end = |side| End::held(exchange, channel, side, party);
    Ok((end(Side::Sender), end(Side::Receiver)))
}

impl HostSender for State {
    fn id(&mut self, end: Resource<SenderEnd>) -> Result<u64> {
        let channel = self.table.get(&end)?.0.channel;
        Ok(self.number(channel))
    }

    async fn send(
        &mut self,
        end: Resource<SenderEnd>,
        body: Vec<u8>,
        exact: bool,
        luggage: Option<LuggageRefs>,
        timeout: Option<u64>,
    ) -> Result<Result<(), Error>> {
        let message = match outgoing(self, (body, exact, luggage))? {
            Ok(message) => message,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        let channel = self.table.get(&end)?.0.channel;
        let cases = vec![Case::Send(channel, message)];
        let exchange = self.context.exchange.clone();
        let done = exchange.wait(self.party, cases, duration(timeout)).await;
        Ok(match done.map(|done| done.outcome) {
            Some(Outcome::Sent) => Ok(()),
            other => Err(failure(other)),
        })
    }

    fn duplicate(&mut self, end: Resource<SenderEnd>) -> Result<Resource<SenderEnd>> {
        let copy = copy(&self.table.get(&end)?.0, self.party)?;
        Ok(self.table.push(SenderEnd(copy))?)
    }

    fn close(&mut self, end: Resource<SenderEnd>) -> Result<()> {
        close(&self.table.get(&end)?.0);
        Ok(())
    }

    fn drop(&mut self, end: Resource<SenderEnd>) -> Result<()> {
        self.table.delete(end)?;
        Ok(())
    }
}

impl HostReceiver for State {
    fn id(&mut self, end: Resource<ReceiverEnd>) -> Result<u64> {
        let channel = self.table.get(&end)?.0.channel;
        Ok(self.number(channel))
    }

    async fn receive(
        &mut self,
        end: Resource<ReceiverEnd>,
        timeout: Option<u64>,
    ) -> Result<Result<channels::Message, Error>> {
        let channel = self.table.get(&end)?.0.channel;
        let cases = vec![Case::Receive(channel)];
        let exchange = self.context.exchange.clone();
        let done = exchange.wait(self.party, cases, duration(timeout)).await;
        Ok(match done.map(|done| done.outcome) {
            Some(Outcome::Received(message)) => Ok(deliver(self, message)?),
            other => Err(failure(other)),
        })
    }

    fn length(&mut self, end: Resource<ReceiverEnd>) -> Result<u32> {
        let channel = self.table.get(&end)?.0.channel;
        let length = self.context.exchange.with(|broker, _| broker.len(channel));
        Ok(u32::try_from(length.unwrap_or(0)).unwrap_or(u32::MAX))
    }

    fn capacity(&mut self, end: Resource<ReceiverEnd>) -> Result<Capacity> {
        let channel = self.table.get(&end)?.0.channel;
        let capacity = self
            .context
            .exchange
            .with(|broker, _| broker.capacity(channel));
        Ok(match capacity {
            Some(broker::Capacity::Bounded(n)) => {
                Capacity::Bounded(u32::try_from(n.get()).unwrap_or(u32::MAX))
            }
            Some(broker::Capacity::Rendezvous) => Capacity::Rendezvous,
            Some(broker::Capacity::Unbounded) | None => Capacity::Unbounded,
        })
    }

    fn duplicate(&mut self, end: Resource<ReceiverEnd>) -> Result<Resource<ReceiverEnd>> {
        let copy = copy(&self.table.get(&end)?.0, self.party)?;
        Ok(self.table.push(ReceiverEnd(copy))?)
    }

    fn close(&mut self, end: Resource<ReceiverEnd>) -> Result<()> {
        close(&self.table.get(&end)?.0);
        Ok(())
    }

    fn drop(&mut self, end: Resource<ReceiverEnd>) -> Result<()> {
        self.table.delete(end)?;
        Ok(())
    }
}

impl State {
    /// The number that the guest's family has for a channel.
    fn number(&self, channel: broker::ChannelId) -> u64 {
        let number = match self.island.upgrade() {
            Some(island) => island.family.channel(&self.context.exchange, channel),
            None => 0,
        };
        self.context
            .exchange
            .with(|broker, _| broker.set_label(channel, number));
        number
    }
}

/// Another such end, for `party`.
pub(super) fn copy(end: &End, party: PartyId) -> Result<End> {
    end.duplicate(party)
        .ok_or_else(|| wasmtime::format_err!("the caller is no more"))
}

fn close(end: &End) {
    end.exchange().with(|broker, effects| {
        broker.close(end.channel, effects);
    });
}

/// Checks every byte of what a guest wants to send.
///
/// The outer error is a crash of the guest, such as a handle that it does not have.
pub(crate) fn outgoing(
    state: &State,
    (body, exact, luggage): Outgoing,
) -> Result<Result<Message, NotSent>> {
    if body.len() > MOST_BYTES {
        return Ok(Err(NotSent::TooLarge(MOST_BYTES)));
    }
    let counts = state.context.exchange.with(|broker, _| broker.counts());
    if counts.queued_bytes.saturating_add(body.len()) > MOST_QUEUED_IN_ALL {
        return Ok(Err(NotSent::TooLarge(MOST_QUEUED_IN_ALL)));
    }
    let (form, ends) = match luggage {
        None => (channels::Form::Plain, Vec::new()),
        Some(luggage) => (luggage.form, luggage.ends),
    };
    let form = match form {
        channels::Form::Buffer if ends.is_empty() => Form::Buffer,
        channels::Form::Buffer => {
            return Ok(Err(NotSent::NotShareable(
                "a buffer with channel ends in it is not shareable".to_owned(),
            )));
        }
        channels::Form::Plain | channels::Form::Escaped => {
            match encoding::check(&body, ends.len(), MAX_DEPTH) {
                Ok(summary) if summary.plain_bytes && !exact => return Ok(Err(NotSent::Inexact)),
                // Whether there are escapes is seen here, whatever the guest says.
                Ok(summary) if summary.escaped => Form::Escaped,
                Ok(_) => Form::Plain,
                Err(refusal) => return Ok(Err(refusal.into())),
            }
        }
    };
    let mut flying = Vec::with_capacity(ends.len());
    for end in &ends {
        let end = match end {
            EndRef::Sender(end) => &state.table.get(end)?.0,
            EndRef::Receiver(end) => &state.table.get(end)?.0,
        };
        match end.duplicate(PartyId::FLIGHT) {
            Some(end) => flying.push(end),
            None => return Ok(Err(NotSent::Closed)),
        }
    }
    Ok(Ok(Message {
        body,
        form,
        ends: flying,
    }))
}

/// Why a message was not accepted from a guest.
pub(crate) enum NotSent {
    Inexact,
    NotShareable(String),
    /// Larger than this many bytes, alone or with all that is queued.
    TooLarge(usize),
    Closed,
}

impl From<Refusal> for NotSent {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::TooLarge { limit } => NotSent::TooLarge(limit),
            refusal => NotSent::NotShareable(refusal.to_string()),
        }
    }
}

impl From<NotSent> for Error {
    fn from(reason: NotSent) -> Self {
        match reason {
            NotSent::Inexact => Error::Inexact,
            NotSent::NotShareable(text) => Error::NotShareable(text),
            NotSent::TooLarge(limit) => Error::TooLarge(limit as u64),
            NotSent::Closed => Error::Closed,
        }
    }
}

/// What a guest is told of an operation that did not succeed.
pub(super) fn failure(outcome: Option<Outcome<Message>>) -> Error {
    match outcome {
        None => Error::Timeout,
        Some(Outcome::Deadlock(text)) => Error::Deadlock(text),
        Some(Outcome::TooLarge { limit, .. }) => Error::TooLarge(limit as u64),
        Some(_) => Error::Closed,
    }
}

/// Puts the ends of a message into the receiver's table.
pub(crate) fn deliver(state: &mut State, message: Message) -> Result<channels::Message> {
    let Message { body, form, ends } = message;
    let mut arrived = Vec::with_capacity(ends.len());
    for end in ends {
        let held = copy(&end, state.party)?;
        arrived.push(match end.side {
            Side::Sender => channels::End::Sender(state.table.push(SenderEnd(held))?),
            Side::Receiver => channels::End::Receiver(state.table.push(ReceiverEnd(held))?),
        });
    }
    let form = match form {
        Form::Plain if arrived.is_empty() => return Ok((body, None)),
        Form::Plain => channels::Form::Plain,
        Form::Escaped => channels::Form::Escaped,
        Form::Buffer => channels::Form::Buffer,
    };
    let luggage = Luggage {
        form,
        ends: arrived,
    };
    Ok((body, Some(luggage)))
}

/// Checks a message that a guest returned, in which no ends can travel.
pub(crate) fn returned((body, luggage): channels::Message) -> crate::Result<Message> {
    let form = match luggage.map(|luggage| luggage.form) {
        Some(channels::Form::Buffer) => Form::Buffer,
        Some(channels::Form::Plain | channels::Form::Escaped) | None => {
            match encoding::check(&body, 0, MAX_DEPTH) {
                Ok(summary) if summary.escaped => Form::Escaped,
                Ok(_) => Form::Plain,
                Err(refusal) => return Err(crate::Error::NotShareable(refusal.to_string())),
            }
        }
    };
    Ok(Message {
        body,
        form,
        ends: Vec::new(),
    })
}
