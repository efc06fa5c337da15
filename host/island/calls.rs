//! Calls of aliases: of host functions, and of functions in other interpreters.

use super::Island;
use super::aliases::{Function, GONE};
use super::bindings::archipel::island::aliases::Failure;
use super::not_sent::{NotSent, text};
use crate::exchange::message::Message;
use crate::exec::offload::LONG_MESSAGE;
use crate::telemetry;
use archipel_core::alias::{AliasError, Call, FAILED, HostFn};
use archipel_core::broker::{Case, Outcome};
use archipel_core::encoding::{self, MAX_DEPTH};
use archipel_core::error::Error;
use archipel_core::limits::MOST_MESSAGE;
use archipel_core::value::Value;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;

/// Calls a function of another interpreter for `caller`.
pub(crate) async fn call_guest(
    caller: &Island,
    function: &Function,
    arguments: Message,
) -> std::result::Result<Message, Failure> {
    telemetry::one_more(&caller.context.counters.alias_calls);
    let asked = function.call(caller, arguments).ok_or(Failure::Absent)?;
    let cases = vec![Case::Event(asked.promise.event())];
    let exchange = &caller.context.exchange;
    let done = exchange.wait(caller.party, cases, None).await;
    match done.map(|done| done.outcome) {
        Some(Outcome::Deadlock(text)) => Err(Failure::Deadlock(text)),
        _ => match asked.promise.take() {
            Some(Ok(message)) => Ok(message),
            Some(Err(reason)) => Err(Failure::Failed(reason)),
            None => Err(Failure::Failed(GONE.to_owned())),
        },
    }
}

/// Returns the text of a failure, for callers outside of a guest.
pub(crate) fn failure_text(failure: Failure) -> String {
    match failure {
        Failure::Absent => GONE.to_owned(),
        Failure::Failed(text) | Failure::NotShareable(text) | Failure::Deadlock(text) => text,
        Failure::Inexact => text(NotSent::Inexact),
        Failure::TooLarge(limit) => format!("too large: the limit is {limit}"),
        Failure::Interrupted => "the call was interrupted".to_owned(),
        Failure::NoMemory => "out of memory for the result".to_owned(),
    }
}

impl From<NotSent> for Failure {
    fn from(reason: NotSent) -> Self {
        match reason {
            NotSent::Inexact => Failure::Inexact,
            NotSent::TooLarge(limit) => Failure::TooLarge(limit as u64),
            reason => Failure::NotShareable(text(reason)),
        }
    }
}

impl From<AliasError> for Failure {
    fn from(error: AliasError) -> Self {
        Failure::Failed(error.reason().to_owned())
    }
}

/// Calls a host function for `caller`.
pub(crate) async fn call_host(
    caller: &Island,
    alias: &str,
    function: HostFn,
    arguments: Message,
) -> std::result::Result<Message, Failure> {
    telemetry::one_more(&caller.context.counters.alias_calls);
    let parts = match arguments.body.len() < LONG_MESSAGE {
        true => decode_arguments(&arguments),
        false => {
            let bytes = arguments.body.len();
            let parts = move || decode_arguments(&arguments);
            let parts = caller
                .context
                .offload
                .run(&caller.account, bytes, parts)
                .await;
            parts.unwrap_or_else(|_| Err(FAILED.to_owned()))
        }
    };
    let (args, kwargs) = match parts {
        Ok(arguments) => arguments,
        Err(reason) => return Err(Failure::NotShareable(reason)),
    };
    let call = Call::new(alias, caller.settings.name.as_deref(), args, kwargs);
    let outcome = match function {
        HostFn::Direct(function) => caught(move || function(call)),
        HostFn::Blocking(function) => {
            let work = tokio::task::spawn_blocking(move || caught(move || function(call)));
            work.await.unwrap_or_else(|error| Err(error.into()))
        }
        HostFn::Async(function) => match caught(move || Ok(function(call))) {
            Ok(future) => caught_async(future).await,
            Err(error) => Err(error),
        },
    };
    let value = outcome.map_err(|error| {
        if let Some(detail) = error.detail() {
            telemetry::event!(
                warn,
                interpreter = caller.id,
                alias,
                "an alias failed: {detail}"
            );
        }
        Failure::from(error)
    })?;
    let not_data = |what: String| {
        telemetry::event!(
            warn,
            interpreter = caller.id,
            alias,
            "an alias returned a value that cannot be sent: {what}"
        );
        Failure::NotShareable(format!("the result of {alias}() cannot be sent: {what}"))
    };
    let encoded = encoding::encode(&value).map_err(|refusal| not_data(refusal.to_string()))?;
    if encoded.handles > 0 {
        return Err(not_data("it contains a handle of a channel end".to_owned()));
    }
    if encoded.body.len() as u64 > MOST_MESSAGE {
        return Err(Failure::TooLarge(MOST_MESSAGE));
    }
    Ok(Message::new(encoded, Vec::new()))
}

fn caught<T>(
    act: impl FnOnce() -> std::result::Result<T, AliasError>,
) -> std::result::Result<T, AliasError> {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|_| Err(panicked()))
}

/// The error of an alias that panicked.
fn panicked() -> AliasError {
    AliasError::new(FAILED).with_detail("it panicked")
}

type Boxed = Pin<Box<dyn Future<Output = std::result::Result<Value, AliasError>> + Send>>;

async fn caught_async(mut future: Boxed) -> std::result::Result<Value, AliasError> {
    std::future::poll_fn(move |context| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        polled.unwrap_or_else(|_| std::task::Poll::Ready(Err(panicked())))
    })
    .await
}

/// The maximum size of decoded call arguments in the host, in bytes. It bounds the decoding time,
/// during which the guest cannot be stopped.
const MOST_DECODED: usize = 256 << 20;

type Decoded = (Vec<Value>, Vec<(String, Value)>);

/// Decodes the arguments in a message.
fn decode_arguments(message: &Message) -> std::result::Result<Decoded, String> {
    let value = encoding::decode_within(&message.body, message.ends.len(), MAX_DEPTH, MOST_DECODED)
        .map_err(|refusal| refusal.to_string())?;
    let wrong = || "the arguments of a call are a tuple of a tuple and a dict".to_owned();
    let Value::Tuple(parts) = value else {
        return Err(wrong());
    };
    let Ok([Value::Tuple(args), Value::Dict(items)]) = <[Value; 2]>::try_from(parts) else {
        return Err(wrong());
    };
    let mut kwargs = Vec::with_capacity(items.len());
    for (key, value) in items {
        let name = String::try_from(key).map_err(|_| wrong())?;
        kwargs.push((name, value));
    }
    Ok((args, kwargs))
}

/// Encodes the arguments of a call that the host makes.
pub(crate) fn arguments(
    args: Vec<Value>,
    kwargs: Vec<(String, Value)>,
) -> std::result::Result<Message, Error> {
    let kwargs = kwargs
        .into_iter()
        .map(|(name, value)| (Value::from(name), value))
        .collect();
    let call = Value::Tuple(vec![Value::Tuple(args), Value::Dict(kwargs)]);
    let encoded = encoding::encode(&call)?;
    if encoded.handles > 0 {
        return Err(Error::not_shareable(
            "a handle of a channel end is not shareable",
        ));
    }
    Ok(Message::new(encoded, Vec::new()))
}
