//! The names that a host binds in an interpreter.

use super::reply::mismatch;
use crate::api::channel::{Receiver, Sender};
use crate::exchange::Exchange;
use crate::exchange::message::{Carried, Message};
use archipel_core::broker::Side;
use archipel_core::encoding::{self, MAX_DEPTH, Travels};
use archipel_core::error::{ConfigKind, Error, Result};
use archipel_core::value::{HandleKind, Value};
use std::sync::Arc;

/// A value or a channel end that [`Interpreter::prepare_main`](crate::Interpreter::prepare_main) binds to a name.
#[derive(Debug)]
#[non_exhaustive]
pub enum Binding {
    /// A value, which is copied into the interpreter.
    Value(Value),
    /// A sender, of which the interpreter becomes a holder: an `interpreters.SendChannel`.
    Sender(Sender),
    /// A receiver, of which the interpreter becomes a holder: an `interpreters.RecvChannel`.
    Receiver(Receiver),
}

impl From<Sender> for Binding {
    fn from(end: Sender) -> Self {
        Binding::Sender(end)
    }
}

impl From<Receiver> for Binding {
    fn from(end: Receiver) -> Self {
        Binding::Receiver(end)
    }
}

impl<T: Into<Value>> From<T> for Binding {
    fn from(value: T) -> Self {
        Binding::Value(value.into())
    }
}

/// Makes the message that binds names.
pub(super) fn bind<N: Into<String>>(
    exchange: &Arc<Exchange>,
    bindings: impl IntoIterator<Item = (N, Binding)>,
) -> Result<Message> {
    let mut ends = Vec::new();
    let mut kinds = Vec::new();
    let mut items = Vec::new();
    for (name, binding) in bindings {
        let (kind, end) = match binding {
            Binding::Value(value) => {
                items.push((Value::from(name.into()), value));
                continue;
            }
            Binding::Sender(end) => (HandleKind::Sender, end.into_flight()),
            Binding::Receiver(end) => (HandleKind::Receiver, end.into_flight()),
        };
        let end = end.ok_or(Error::Closed)?;
        if !Arc::ptr_eq(end.exchange(), exchange) {
            let text = "the channel belongs to another runtime (create it with this one)";
            return Err(Error::config(ConfigKind::ForeignChannel, text));
        }
        debug_assert_eq!(end.side == Side::Sender, kind == HandleKind::Sender);
        let index = u32::try_from(ends.len()).map_err(|_| mismatch())?;
        ends.push(Carried::End(end));
        kinds.push(match kind {
            HandleKind::Sender => Travels::Sender,
            _ => Travels::Receiver,
        });
        items.push((Value::from(name.into()), Value::Handle { kind, index }));
    }
    let encoded = encoding::encode(&Value::Dict(items)).and_then(|encoded| {
        // A value can contain `Value::Handle`s of its own, which must refer to ends in this
        // message.
        if encoded.handles > 0 {
            encoding::check_ends(&encoded.body, &kinds, MAX_DEPTH)?;
        }
        Ok(encoded)
    })?;
    Ok(Message::new(encoded, ends))
}
