//! Messages for a guest.

use super::bindings::archipel::island::channels::{self, Attachments};
use super::caller::Caller;
use super::handles::{ReceiverEnd, SenderEnd, copy};
use super::not_sent::NotSent;
use crate::exchange::message::{Carried, Form, Message};
use archipel_core::broker::Side;
use wasmtime::Result;

/// The size of a message for which the memory that a guest keeps free is enough.
pub(crate) const SMALL_MESSAGE: usize = 64 << 10;

/// Converts a message for the guest as its only recipient, such as the argument of a job.
///
/// A message from a channel has other recipients too: see [`Arrival`](super::arrival::Arrival). The
/// errors are those of [`attach`].
pub(crate) fn deliver(
    state: &mut Caller<'_>,
    message: Message,
) -> Result<Result<channels::Message, NotSent>> {
    Ok(attach(state, &message)?.map(|attachments| (message.body, attachments)))
}

/// Adds the attachments of a message to the receiver's table.
///
/// The inner error means that the receiver does not trust the sender of a trusted message, or has
/// too many handles.
pub(crate) fn attach(
    state: &mut Caller<'_>,
    message: &Message,
) -> Result<Result<Option<Attachments>, NotSent>> {
    let form = match message.form {
        Form::Plain if message.ends.is_empty() => return Ok(Ok(None)),
        Form::Plain => channels::Form::Plain,
        Form::Escaped => channels::Form::Escaped,
        Form::Buffer => channels::Form::Buffer,
        Form::Trusted if message.is_trusted_by(&state.trust.get()) => channels::Form::Trusted,
        Form::Trusted => return Ok(Err(NotSent::not_trusted())),
        Form::Unbound => channels::Form::Unbound,
    };
    let mut arrived = Vec::with_capacity(message.ends.len());
    for end in &message.ends {
        let end = match end {
            Carried::End(end) => end,
            Carried::Interpreter(island) => {
                let id = match state.island.upgrade() {
                    Some(own) => {
                        let most = state.handles;
                        state.introduced.add(island.clone(), &own, most)
                    }
                    None => u64::MAX,
                };
                arrived.push(channels::End::Interpreter(id));
                continue;
            }
        };
        let held = copy(end, state.party)?;
        let held = match end.side {
            Side::Sender => state.hold(SenderEnd(held))?.map(channels::End::Sender),
            Side::Receiver => state.hold(ReceiverEnd(held))?.map(channels::End::Receiver),
        };
        match held {
            Ok(end) => arrived.push(end),
            Err(exceeded) => {
                take_back(state, arrived)?;
                return Ok(Err(NotSent::Limit(exceeded)));
            }
        }
    }
    Ok(Ok(Some(Attachments {
        form,
        ends: arrived,
    })))
}

/// Removes ends from a guest's table that the guest has not seen.
pub(crate) fn take_back(state: &mut Caller<'_>, ends: Vec<channels::End>) -> Result<()> {
    for end in ends {
        match end {
            channels::End::Sender(end) => drop(state.let_go(end)?),
            channels::End::Receiver(end) => drop(state.let_go(end)?),
            channels::End::Interpreter(_) => {}
        }
    }
    Ok(())
}
