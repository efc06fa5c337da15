//! Messages from a guest: every byte is checked before the host uses them.

use super::Island;
use super::bindings::archipel::island::channels::{self, AttachmentRefs, Attachments, EndRef};
use super::caller::{Caller, Ports};
use super::not_sent::{MOST_ENDS, NotSent};
use super::turns;
use crate::exchange::channel_meta::Unbound;
use crate::exchange::message::{Carried, Form, Message};
use crate::exchange::quota::{MOST_QUEUED_IN_ALL, size_of};
use crate::exec::offload::LONG_MESSAGE;
use archipel_core::broker::PartyId;
use archipel_core::encoding::{self, MAX_DEPTH, Summary, Travels};
use archipel_core::error::LimitKind;
use archipel_core::limits::MOST_MESSAGE;
use archipel_core::trust::Trust;
use wasmtime::Result;

/// A message from a guest: its body, whether all bytes objects in it are known to be exact, and its
/// attachments.
pub(crate) type Outgoing = (Vec<u8>, bool, Option<AttachmentRefs>);

/// A message from a guest after the check of long bodies.
pub(crate) type Checked = (CheckedBody, bool, Option<AttachmentRefs>);

/// The body of a message, and the result of its check if that was made in turns.
pub(crate) struct CheckedBody {
    bytes: Vec<u8>,
    found: Option<std::result::Result<Summary, NotSent>>,
}

/// Checks every byte of a message that a guest sends to a reader with the trust `reader`. Without
/// it, as for the host, only data is allowed.
///
/// `unbound` is the channel's default. The outer error traps the guest, for example because of an
/// invalid handle.
pub(crate) fn outgoing(
    state: &Caller<'_>,
    (body, exact, attachments): Checked,
    reader: Option<&Trust>,
    unbound: Unbound,
) -> Result<Result<Message, NotSent>> {
    let most = state.most_bytes();
    let CheckedBody { bytes, found } = body;
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
    let (form, ends) = match attachments {
        None => (channels::Form::Plain, Vec::new()),
        Some(attachments) => {
            if let Some(wanted) = attachments.unbound {
                message.unbound = wanted.into();
            }
            (attachments.form, attachments.ends)
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

impl From<&EndRef> for Travels {
    fn from(end: &EndRef) -> Self {
        match end {
            EndRef::Sender(_) => Travels::Sender,
            EndRef::Receiver(_) => Travels::Receiver,
            EndRef::Interpreter(_) => Travels::Interpreter,
        }
    }
}

impl From<&channels::End> for Travels {
    fn from(end: &channels::End) -> Self {
        match end {
            channels::End::Sender(_) => Travels::Sender,
            channels::End::Receiver(_) => Travels::Receiver,
            channels::End::Interpreter(_) => Travels::Interpreter,
        }
    }
}

/// Returns the kinds of the ends that a guest sends or returns.
fn kinds<'a, E>(ends: &'a [E]) -> Vec<Travels>
where
    Travels: From<&'a E>,
{
    ends.iter().map(Travels::from).collect()
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

/// Checks a message that a guest returned.
///
/// The outer error traps the guest.
pub(crate) fn returned(
    state: &mut Caller<'_>,
    (body, attachments): (CheckedBody, Option<Attachments>),
) -> Result<Result<Message, NotSent>> {
    let CheckedBody { bytes: body, found } = body;
    let (form, ends) = match attachments {
        None => (channels::Form::Plain, Vec::new()),
        Some(attachments) => (attachments.form, attachments.ends),
    };
    if ends.len() > MOST_ENDS {
        return Ok(Err(NotSent::too_many_ends()));
    }
    let kinds = kinds(&ends);
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

impl Island {
    /// Returns the message if the runtime's queues have room for it.
    pub(crate) fn with_room(&self, message: Message) -> Option<Message> {
        let exchange = &self.context.exchange;
        exchange.with_room(&self.family.queued, message)
    }
}

impl Ports {
    /// Checks the body of a message for [`outgoing`], if it is long.
    pub(crate) fn check(
        &self,
        (body, exact, attachments): Outgoing,
    ) -> impl Future<Output = Result<Checked>> + Send + use<> {
        let (form, ends) = match &attachments {
            Some(attachments) => (attachments.form, kinds(&attachments.ends)),
            None => (channels::Form::Plain, Vec::new()),
        };
        let body = self.check_body(body, form, ends);
        async move { Ok((body.await?, exact, attachments)) }
    }

    /// Checks the body of a returned message for [`returned`], if it is long.
    pub(crate) fn check_returned(
        &self,
        (body, attachments): channels::Message,
    ) -> impl Future<Output = Result<(CheckedBody, Option<Attachments>)>> + Send + use<> {
        let (form, ends) = match &attachments {
            Some(attachments) => (attachments.form, kinds(&attachments.ends)),
            None => (channels::Form::Plain, Vec::new()),
        };
        let body = self.check_body(body, form, ends);
        async move { Ok((body.await?, attachments)) }
    }

    /// Checks a long body in turns, between which the worker serves other guests.
    fn check_body(
        &self,
        bytes: Vec<u8>,
        form: channels::Form,
        ends: Vec<Travels>,
    ) -> impl Future<Output = Result<CheckedBody>> + Send + use<> {
        let is_data = matches!(form, channels::Form::Plain | channels::Form::Escaped);
        let is_long = (LONG_MESSAGE..=self.most_bytes()).contains(&bytes.len());
        let account = (is_data && is_long).then(|| self.account.clone());
        async move {
            let found = match account {
                Some(account) => Some(turns::check(&bytes, ends, &account).await),
                None => None,
            };
            Ok(CheckedBody { bytes, found })
        }
    }

    /// Returns the maximum size of a message from the guest, in bytes.
    pub(crate) fn most_bytes(&self) -> usize {
        let limit = self.account.tightest(LimitKind::Message);
        limit.unwrap_or(MOST_MESSAGE) as usize
    }

    /// Charges a message in a channel to the guest, until it is received.
    pub(crate) fn charge(&self, message: Message) -> Result<Message, NotSent> {
        let island = self.island.upgrade();
        let Some(mut message) = island.and_then(|island| island.with_room(message)) else {
            return Err(NotSent::TooLarge(MOST_QUEUED_IN_ALL));
        };
        // Accounting takes time, so only guests with a limit are charged.
        if self.account.tightest(LimitKind::Queued).is_some() {
            let size = size_of(&message);
            let charge = self.account.reserve(LimitKind::Queued, size as u64);
            message.charge = Some(charge.map_err(NotSent::Limit)?);
        }
        Ok(message)
    }
}
