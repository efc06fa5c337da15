//! Messages between guests and the host.

use super::turns;
use super::{MOST_BYTES, MOST_QUEUED_IN_ALL, ReceiverEnd, SenderEnd};
use crate::aside::LONG;
use crate::bindings::archipel::island::channels::{
    self, AttachmentRefs, Attachments, EndRef, Error, LimitReached,
};
use crate::exchange::{Carried, Charter, Exchange, Form, Message, Unbound};
use crate::island::Island;
use crate::state::State;
use archipel_core::broker::{Broker, Outcome, Parcel, PartyId, Side};
use archipel_core::encoding::{self, MAX_DEPTH, Refusal, Summary, Travels};
use archipel_core::error::LimitKind;
use archipel_core::ledger::Exceeded;
use archipel_core::trust::Trust;
use std::sync::{Arc, Weak};
use wasmtime::Result;

/// A message from a guest: its body, whether all bytes objects in it are known to be exact, and its
/// attachments.
pub(crate) type Outgoing = (Vec<u8>, bool, Option<AttachmentRefs>);

/// A message from a guest after the check of long bodies.
pub(crate) type Seen = (Body, bool, Option<AttachmentRefs>);

/// The body of a message, and the result of its check if it was a long one.
pub(crate) struct Body {
    bytes: Vec<u8>,
    found: Option<std::result::Result<Summary, NotSent>>,
}

/// The reason for not accepting a message from a guest, or not delivering it to one.
pub(crate) enum NotSent {
    Inexact,
    NotShareable(String),
    /// The message is larger than this many bytes, alone or with everything that is queued.
    TooLarge(usize),
    /// A limit would be exceeded.
    Limit(Exceeded),
    Closed,
}

impl NotSent {
    fn not_trusted() -> Self {
        NotSent::NotShareable("the object is not data, and its sender is not trusted".to_owned())
    }

    fn too_many_ends() -> Self {
        NotSent::NotShareable(format!(
            "a message carries at most {MOST_ENDS} channel ends and interpreters"
        ))
    }
}

/// The maximum number of channel ends and interpreters in one message. Each takes some tenths of a
/// microsecond.
const MOST_ENDS: usize = 1 << 16;

/// Returns the text of an error that does not concern a channel.
pub(crate) fn text(reason: NotSent) -> String {
    match reason {
        NotSent::Inexact => "the object contains a buffer that would arrive as bytes".to_owned(),
        NotSent::NotShareable(text) => text,
        NotSent::TooLarge(limit) => format!("a message beyond the limit of {limit} bytes"),
        NotSent::Limit(exceeded) => exceeded.to_string(),
        NotSent::Closed => "a closed channel end or interpreter is not shareable".to_owned(),
    }
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
            NotSent::Limit(exceeded) => Error::Limit(LimitReached {
                kind: exceeded.kind.name().to_owned(),
                limit: exceeded.limit,
                used: exceeded.used,
            }),
            NotSent::Closed => Error::Closed,
        }
    }
}

/// Checks every byte of a message that a guest sends to a reader with the trust `reader`. Without
/// it, as for the host, only data is allowed.
///
/// `unbound` is the channel's default. The outer error traps the guest, for example because of an
/// invalid handle.
pub(crate) fn outgoing(
    state: &State,
    (body, exact, luggage): Seen,
    reader: Option<&Trust>,
    unbound: Unbound,
) -> Result<Result<Message, NotSent>> {
    let most = state.most_bytes();
    let Body { bytes, found } = body;
    if bytes.len() > most {
        return Ok(Err(NotSent::TooLarge(most)));
    }
    let mut message = Message {
        body: bytes,
        form: Form::Plain,
        ends: Vec::new(),
        objects: 0,
        unbound,
        author: None,
        charge: None,
        share: None,
    };
    let (form, ends) = match luggage {
        None => (channels::Form::Plain, Vec::new()),
        Some(luggage) => {
            if let Some(wanted) = luggage.unbound {
                message.unbound = wanted.into();
            }
            (luggage.form, luggage.ends)
        }
    };
    if ends.len() > MOST_ENDS {
        return Ok(Err(NotSent::too_many_ends()));
    }
    message.form = match form {
        channels::Form::Trusted => {
            if !reader.is_some_and(|reader| reader.accepts(&state.trust.get())) {
                return Ok(Err(NotSent::not_trusted()));
            }
            message.author = Some(state.trust.get());
            Form::Trusted
        }
        channels::Form::Unbound => {
            return Ok(Err(NotSent::NotShareable(
                "the placeholder of a lost message is not shareable".to_owned(),
            )));
        }
        form => match data_form(form, &message.body, found, &kinds(&ends)) {
            Ok((_, summary)) if summary.plain_bytes && !exact => {
                return Ok(Err(NotSent::Inexact));
            }
            Ok((form, summary)) => {
                message.objects = summary.objects;
                form
            }
            Err(reason) => return Ok(Err(reason)),
        },
    };
    message.ends.reserve_exact(ends.len());
    for end in &ends {
        let end = match end {
            EndRef::Sender(end) => &state.table.get(end)?.0,
            EndRef::Receiver(end) => &state.table.get(end)?.0,
            EndRef::Interpreter(id) => match state.named(*id) {
                Some(island) => {
                    message.ends.push(Carried::Interpreter(island));
                    continue;
                }
                None => return Ok(Err(NotSent::Closed)),
            },
        };
        match end.duplicate(PartyId::FLIGHT) {
            Some(end) => message.ends.push(Carried::End(end)),
            None => return Ok(Err(NotSent::Closed)),
        }
    }
    Ok(Ok(message))
}

/// Returns the kinds of the ends that a guest sends.
fn kinds(ends: &[EndRef]) -> Vec<Travels> {
    let kind = |end: &EndRef| match end {
        EndRef::Sender(_) => Travels::Sender,
        EndRef::Receiver(_) => Travels::Receiver,
        EndRef::Interpreter(_) => Travels::Interpreter,
    };
    ends.iter().map(kind).collect()
}

/// Returns the kinds of the ends that a guest returned.
fn kinds_returned(ends: &[channels::End]) -> Vec<Travels> {
    let kind = |end: &channels::End| match end {
        channels::End::Sender(_) => Travels::Sender,
        channels::End::Receiver(_) => Travels::Receiver,
        channels::End::Interpreter(_) => Travels::Interpreter,
    };
    ends.iter().map(kind).collect()
}

/// Returns the form of a body that must be data, and a summary of its contents.
fn data_form(
    form: channels::Form,
    body: &[u8],
    found: Option<std::result::Result<Summary, NotSent>>,
    ends: &[Travels],
) -> Result<(Form, Summary), NotSent> {
    if form == channels::Form::Buffer {
        return match ends.is_empty() {
            true => Ok((Form::Buffer, Summary::default())),
            false => Err(NotSent::NotShareable(
                "a buffer with channel ends in it is not shareable".to_owned(),
            )),
        };
    }
    let now = || encoding::check_ends(body, ends, MAX_DEPTH).map_err(NotSent::from);
    let summary = found.unwrap_or_else(now)?;
    // The host finds escapes itself and does not rely on the guest.
    let form = match summary.escaped {
        true => Form::Escaped,
        false => Form::Plain,
    };
    Ok((form, summary))
}

impl From<channels::Unbound> for Unbound {
    fn from(unbound: channels::Unbound) -> Self {
        match unbound {
            channels::Unbound::Keep => Unbound::Keep,
            channels::Unbound::Remove => Unbound::Remove,
            channels::Unbound::Error => Unbound::Error,
            channels::Unbound::Replace => Unbound::Replace,
        }
    }
}

impl From<Unbound> for channels::Unbound {
    fn from(unbound: Unbound) -> Self {
        match unbound {
            Unbound::Keep => channels::Unbound::Keep,
            Unbound::Remove => channels::Unbound::Remove,
            Unbound::Error => channels::Unbound::Error,
            Unbound::Replace => channels::Unbound::Replace,
        }
    }
}

/// Translates the outcome of an operation that failed.
pub(super) fn failure(outcome: Option<Outcome<Message>>) -> Error {
    match outcome {
        None => Error::Timeout,
        Some(Outcome::Deadlock(text)) => Error::Deadlock(text),
        Some(Outcome::TooLarge { limit, .. }) => Error::TooLarge(limit as u64),
        Some(_) => Error::Closed,
    }
}

/// Translates the outcome of a receive that failed on a channel with that metadata.
pub(super) fn not_received(outcome: Option<Outcome<Message>>, charter: &Charter) -> Error {
    match (failure(outcome), charter.poison.get()) {
        (Error::Closed, Some((reason, _))) => Error::Poisoned(reason.clone()),
        (error, _) => error,
    }
}

/// Converts a message for the guest as its only recipient, such as the argument of a job.
///
/// A message from a channel has other recipients too: see [`Arrival`](super::arrival::Arrival). The
/// errors are those of [`luggage`].
pub(crate) fn deliver(
    state: &mut State,
    message: Message,
) -> Result<Result<channels::Message, NotSent>> {
    Ok(luggage(state, &message)?.map(|luggage| (message.body, luggage)))
}

/// Adds the attachments of a message to the receiver's table.
///
/// The inner error means that the receiver does not trust the sender of a trusted message, or has
/// too many handles.
pub(super) fn luggage(
    state: &mut State,
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
                arrived.push(channels::End::Interpreter(state.give(island.clone())));
                continue;
            }
        };
        let held = super::channels::copy(end, state.party)?;
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
pub(super) fn take_back(state: &mut State, ends: Vec<channels::End>) -> Result<()> {
    for end in ends {
        match end {
            channels::End::Sender(end) => drop(state.let_go(end)?),
            channels::End::Receiver(end) => drop(state.let_go(end)?),
            channels::End::Interpreter(_) => {}
        }
    }
    Ok(())
}

/// Checks a message that a guest returned.
///
/// The outer error traps the guest.
pub(crate) fn returned(
    state: &mut State,
    (body, luggage): (Body, Option<Attachments>),
) -> Result<Result<Message, NotSent>> {
    let Body { bytes: body, found } = body;
    let (form, ends) = match luggage {
        None => (channels::Form::Plain, Vec::new()),
        Some(luggage) => (luggage.form, luggage.ends),
    };
    if ends.len() > MOST_ENDS {
        return Ok(Err(NotSent::too_many_ends()));
    }
    let kinds = kinds_returned(&ends);
    let mut carried = Vec::with_capacity(ends.len());
    let mut lost = false;
    for end in ends {
        let end = match end {
            channels::End::Sender(end) => state.let_go(end)?.0,
            channels::End::Receiver(end) => state.let_go(end)?.0,
            channels::End::Interpreter(id) => {
                match state.named(id) {
                    Some(island) => carried.push(Carried::Interpreter(island)),
                    None => lost = true,
                }
                continue;
            }
        };
        match end.duplicate(PartyId::FLIGHT) {
            Some(end) => carried.push(Carried::End(end)),
            None => lost = true,
        }
    }
    if lost {
        return Ok(Err(NotSent::Closed));
    }
    let most = state.most_bytes();
    if body.len() > most {
        return Ok(Err(NotSent::TooLarge(most)));
    }
    let (mut author, mut objects) = (None, 0);
    let form = match form {
        channels::Form::Trusted => {
            author = Some(state.trust.get());
            Form::Trusted
        }
        channels::Form::Unbound => return Ok(Err(NotSent::not_trusted())),
        form => match data_form(form, &body, found, &kinds) {
            Ok((form, summary)) => {
                objects = summary.objects;
                form
            }
            Err(reason) => return Ok(Err(reason)),
        },
    };
    Ok(Ok(Message {
        body,
        form,
        ends: carried,
        objects,
        unbound: Unbound::Keep,
        author,
        charge: None,
        share: None,
    }))
}

/// Returns the message if the runtime's queues have room for it.
///
/// Once half of that room is used, a family can queue at most as much as it leaves to others, so
/// that unread messages of one family do not block all.
pub(super) fn with_room(
    exchange: &Exchange,
    sender: &Weak<Island>,
    mut message: Message,
) -> Result<Message, NotSent> {
    let size = message.size().max(Broker::<Message>::MIN_CHARGE);
    let queued = exchange.with(|broker, _| broker.counts().queued_bytes);
    if queued.saturating_add(size) <= MOST_QUEUED_IN_ALL / 2 {
        return Ok(message);
    }
    let too_large = NotSent::TooLarge(MOST_QUEUED_IN_ALL);
    let Some(sender) = sender.upgrade() else {
        return Err(too_large);
    };
    let refused = exchange.is_beyond(|counts| {
        let left = MOST_QUEUED_IN_ALL.saturating_sub(counts.queued_bytes);
        message.share = sender.family.queued.share(size, left);
        message.share.is_none()
    });
    match refused {
        true => Err(too_large),
        false => Ok(message),
    }
}

impl State {
    /// Checks the body of a message for [`outgoing`], if it is long.
    pub(super) fn seen(
        &self,
        (body, exact, luggage): Outgoing,
    ) -> impl Future<Output = Result<Seen>> + Send + use<> {
        let luggage_of = luggage.as_ref();
        let (form, ends) = luggage_of.map_or((channels::Form::Plain, Vec::new()), |luggage| {
            (luggage.form, kinds(&luggage.ends))
        });
        let body = self.look_at(body, form, ends);
        async move { Ok((body.await?, exact, luggage)) }
    }

    /// Checks the body of a returned message for [`returned`], if it is long.
    pub(crate) fn seen_returned(
        &self,
        (body, luggage): channels::Message,
    ) -> impl Future<Output = Result<(Body, Option<Attachments>)>> + Send + use<> {
        let luggage_of = luggage.as_ref();
        let (form, ends) = luggage_of.map_or((channels::Form::Plain, Vec::new()), |luggage| {
            (luggage.form, kinds_returned(&luggage.ends))
        });
        let body = self.look_at(body, form, ends);
        async move { Ok((body.await?, luggage)) }
    }

    /// Checks a long body in turns, between which the worker serves other guests.
    fn look_at(
        &self,
        bytes: Vec<u8>,
        form: channels::Form,
        ends: Vec<Travels>,
    ) -> impl Future<Output = Result<Body>> + Send + use<> {
        let is_data = matches!(form, channels::Form::Plain | channels::Form::Escaped);
        let is_long = (LONG..=self.most_bytes()).contains(&bytes.len());
        let account = (is_data && is_long).then(|| self.account.clone());
        async move {
            let found = match account {
                Some(account) => Some(turns::check(&bytes, ends, &account).await),
                None => None,
            };
            Ok(Body { bytes, found })
        }
    }

    /// Returns the maximum size of a message from the guest, in bytes.
    fn most_bytes(&self) -> usize {
        let limit = self.account.tightest(LimitKind::Message);
        limit.map_or(MOST_BYTES, |limit| limit as usize)
    }

    /// Charges a message in a channel to the guest, until it is received.
    pub(super) fn charged(&self, message: Message) -> Result<Message, NotSent> {
        let mut message = with_room(&self.context.exchange, &self.island, message)?;
        // Accounting takes time, so only guests with a limit are charged.
        if self.account.tightest(LimitKind::Queued).is_some() {
            let size = message.size().max(Broker::<Message>::MIN_CHARGE);
            let charge = self.account.reserve(LimitKind::Queued, size as u64);
            message.charge = Some(charge.map_err(NotSent::Limit)?);
        }
        Ok(message)
    }

    /// Returns the interpreter with the number `id`, if this one may name it.
    pub(crate) fn named(&self, id: u64) -> Option<Arc<Island>> {
        let own = self.island.upgrade()?;
        match own.family.member(id) {
            Some(island) if own.may_name(&island) || self.was_given(&island) => Some(island),
            _ => None,
        }
    }
}
