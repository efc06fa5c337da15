//! Jobs: what an interpreter can be asked to do, and how that ends.

use crate::bindings::archipel::island::channels;
use crate::bindings::exports::archipel::island::guest;
use crate::error::{Error, LimitKind, Raised, Result};
use crate::exchange::Message;
use crate::imports::message::{deliver, returned, text};
use crate::island::{Instance, Stop};
use crate::state::State;
use std::time::Duration;
use wasmtime_wasi::I32Exit;

/// What an interpreter can be asked to do.
pub(crate) enum Job {
    /// Run source text in `__main__`.
    Exec(String),
    /// Evaluate an expression in `__main__`.
    Eval(String),
    /// Bind the items of a dict as names of `__main__`.
    Bind(Message),
    /// Call what the message describes.
    Call(Message),
    /// Run a script to its end.
    Run {
        source: Vec<u8>,
        name: String,
        directory: Option<String>,
        arguments: Vec<String>,
    },
}

/// The result of a job.
#[derive(Debug)]
pub(crate) enum Reply {
    Done,
    Value(Message),
    /// The script ended with this status.
    Status(u8),
    /// The interpreter ended itself, with this status: it is gone.
    Exit(u8),
}

/// Runs `job` in `instance` until it ends, is stopped, or takes longer than `wall`.
///
/// After an error that is not recoverable the instance must not be used again.
pub(crate) async fn run(
    stop: &Stop,
    wall: Option<Duration>,
    instance: &mut Instance,
    job: Job,
) -> Result<Reply> {
    // The store's epoch deadline may lie far back; the first check would be a needless yield.
    instance.store.set_epoch_deadline(1);
    limited(stop, wall, call(instance, job)).await
}

/// Does `work` until it is stopped, or takes longer than `wall`.
pub(crate) async fn limited<T>(
    stop: &Stop,
    wall: Option<Duration>,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let late = async {
        match wall {
            Some(limit) => {
                tokio::time::sleep(limit).await;
                limit
            }
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = stop.requested() => Err(Error::Killed),
        result = work => result,
        limit = late => {
            let limit = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
            Err(Error::LimitExceeded { kind: LimitKind::Wall, limit, used: limit })
        }
    }
}

async fn call(instance: &mut Instance, job: Job) -> Result<Reply> {
    let Instance { store, exports, .. } = instance;
    let guest = exports.archipel_island_guest();
    let result = match job {
        Job::Exec(source) => guest
            .call_exec(&mut *store, &source)
            .await
            .map(|result| result.map(|()| Reply::Done)),
        Job::Eval(source) => match guest.call_eval(&mut *store, &source).await {
            Ok(Ok(message)) => return replied(store.data_mut(), message),
            Ok(Err(raised)) => Ok(Err(raised)),
            Err(error) => Err(error),
        },
        Job::Call(message) => {
            let message = arrived(store.data_mut(), message)?;
            match guest.call_call(&mut *store, &message).await {
                Ok(Ok(message)) => return replied(store.data_mut(), message),
                Ok(Err(guest::NotCalled::NotShareable(what))) => {
                    return Err(Error::NotShareable(what));
                }
                Ok(Err(guest::NotCalled::Raised(raised))) => Ok(Err(raised)),
                Err(error) => Err(error),
            }
        }
        Job::Bind(message) => {
            let message = arrived(store.data_mut(), message)?;
            let result = guest.call_bind(&mut *store, &message);
            result.await.map(|result| result.map(|()| Reply::Done))
        }
        Job::Run {
            source,
            name,
            directory,
            arguments,
        } => {
            let script = guest::Script {
                source,
                name,
                directory,
                arguments,
            };
            let status = guest.call_run(&mut *store, &script).await;
            status.map(|status| Ok(Reply::Status(status)))
        }
    };
    match result {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(raised)) => Err(Error::Raised(Box::new(Raised::from(raised)))),
        Err(error) => ended(&error),
    }
}

/// The message as the guest takes it.
fn arrived(state: &mut State, message: Message) -> Result<channels::Message> {
    match deliver(state, message).map_err(|error| Error::Internal(error.into()))? {
        Ok(message) => Ok(message),
        Err(reason) => Err(Error::NotShareable(text(reason))),
    }
}

/// The reply that the guest's result is.
fn replied(state: &mut State, message: channels::Message) -> Result<Reply> {
    match returned(state, message) {
        Ok(Ok(message)) => Ok(Reply::Value(message)),
        Ok(Err(reason)) => Err(Error::NotShareable(text(reason))),
        Err(error) => ended(&error),
    }
}

/// What is said of an interpreter that ended itself.
pub(crate) fn exited(status: u8) -> String {
    format!("it exited with status {status}")
}

/// The result of a call that the guest answers with nothing.
pub(crate) fn settled(
    result: wasmtime::Result<std::result::Result<(), guest::Exception>>,
) -> Result<()> {
    match result {
        Ok(Ok(())) => Ok(()),
        Ok(Err(raised)) => Err(Error::Raised(Box::new(Raised::from(raised)))),
        Err(error) => Err(died(&error)),
    }
}

/// The error of an interpreter in which a call failed that must not end it.
pub(crate) fn died(error: &wasmtime::Error) -> Error {
    match ended(error) {
        Err(error) => error,
        Ok(Reply::Exit(status)) => Error::Died(exited(status)),
        Ok(_) => Error::Died("it ended".to_owned()),
    }
}

/// What it means that a call into the guest failed.
fn ended(error: &wasmtime::Error) -> Result<Reply> {
    if let Some(I32Exit(status)) = error.downcast_ref() {
        return Ok(Reply::Exit((*status & 0xff) as u8));
    }
    tracing::debug!("an interpreter died: {error:?}");
    let text = match error.downcast_ref::<wasmtime::Trap>() {
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    };
    Err(Error::Died(text))
}

impl From<crate::bindings::archipel::island::interpreters::Exception> for Raised {
    fn from(raised: crate::bindings::archipel::island::interpreters::Exception) -> Self {
        Raised {
            name: raised.name,
            qualified_name: raised.qualified_name,
            module: raised.module,
            message: raised.message,
            traceback: raised.traceback,
        }
    }
}
