//! Tasks: jobs that one interpreter started in another, and their results.

use super::job::Reply;
use super::watchers::Watcher;
use crate::exchange::Exchange;
use crate::exchange::kept::{KeptAccounts, KeptCharge};
use crate::exchange::promise::Promise;
use archipel_core::broker::{EventId, Parcel, PartyId};
use archipel_core::error::{Error, Result};
use std::sync::Arc;

/// A running job, or its result.
pub struct Task(pub(crate) Arc<Running>);

pub(crate) type Running = Promise<Ended>;

/// The result of a job, until it is taken.
pub(crate) struct Ended {
    pub(crate) result: Result<Reply>,
    _kept: Option<KeptCharge>,
}

impl Ended {
    /// A result without a significant size.
    pub(crate) fn small(result: Result<Reply>) -> Self {
        Ended {
            result,
            _kept: None,
        }
    }

    /// A result of any size. If it would exceed a limit of `accounts`, it is replaced by an
    /// error.
    pub(crate) fn large(result: Result<Reply>, accounts: &KeptAccounts) -> Self {
        let size = match &result {
            Ok(Reply::Value(message)) => message.size(),
            Err(Error::Raised(raised)) => raised.size(),
            _ => return Ended::small(result),
        };
        match accounts.charge(size) {
            Ok(kept) => Ended {
                result,
                _kept: Some(kept),
            },
            Err(exceeded) => Ended::small(Err(Error::not_shareable(format!(
                "too many results have not been taken: {exceeded}"
            )))),
        }
    }
}

impl Watcher for Running {
    fn idles(&self) {
        self.keep(Ended::small(Ok(Reply::Done)));
    }
}

impl Task {
    /// Returns the event that fires when the job has ended.
    pub(crate) fn event(&self) -> EventId {
        self.0.event()
    }

    /// Returns a task that failed: a copy's counterpart of a task of the original.
    pub(crate) fn lost(exchange: &Arc<Exchange>, party: PartyId) -> wasmtime::Result<Task> {
        let running = Running::new(exchange, party)?;
        running.keep(Ended::small(Err(Error::NotCopyable(
            "the result goes to the original".to_owned(),
        ))));
        Ok(Task(running))
    }
}
