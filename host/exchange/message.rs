//! Messages in transit: a body with the ends that travel beside it.

use super::channel_meta::Unbound;
use super::end::End;
use crate::account::Charge;
use archipel_core::broker::{ChannelId, Orphaned, Parcel};
use archipel_core::encoding::Encoded;
use archipel_core::ledger::Reservation;
use archipel_core::trust::Trust;
use std::any::Any;
use std::sync::Arc;

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
    pub(crate) share: Option<Charge>,
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
