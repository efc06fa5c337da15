//! Failpoints: the moments of a message's transit at which tests can intervene.
//!
//! This module exists in tests of the library only.

mod tests;

use archipel_core::broker::PartyId;
use archipel_core::encoding::{self, MAX_DEPTH};
use archipel_core::value::Value;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A failpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Point {
    /// A wait has begun.
    Waits,
    /// A wait has a result that was not taken yet.
    Woken,
    /// A message is about to be written to a guest's memory, or was just written, before the guest runs.
    Lowers,
}

/// The action at a failpoint.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    GoOn,
    /// Leave the wait as it is, as if it had not been polled.
    Stay,
    /// Fail to write the message.
    Fail,
}

type Hook = Arc<dyn Fn(PartyId, Point) -> Verdict + Send + Sync>;

/// The hook of a test, and the messages that arrived.
#[derive(Default)]
pub(crate) struct Failpoints(Mutex<Known>);

#[derive(Default)]
struct Known {
    hook: Option<Hook>,
    arrived: Vec<i64>,
}

impl std::fmt::Debug for Failpoints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Failpoints").finish_non_exhaustive()
    }
}

impl Failpoints {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `hook` at each failpoint from now on.
    fn ask(&self, hook: impl Fn(PartyId, Point) -> Verdict + Send + Sync + 'static) {
        self.known().hook = Some(Arc::new(hook));
    }

    /// Returns the action at a failpoint.
    pub(crate) fn pass(&self, party: PartyId, point: Point) -> Verdict {
        // Not under the lock, since the hook can reach other failpoints.
        let hook = self.known().hook.clone();
        hook.map_or(Verdict::GoOn, |hook| hook(party, point))
    }

    /// Records that a message was written to a guest's memory.
    pub(crate) fn arrived(&self, body: &[u8]) {
        if let Ok(value) = encoding::decode(body, 1, MAX_DEPTH) {
            self.known().arrived.extend(number(&value));
        }
    }

    /// Returns and clears the numbers of the messages that arrived.
    fn take_arrived(&self) -> Vec<i64> {
        std::mem::take(&mut self.known().arrived)
    }
}

/// Returns the number of a message: the message itself, or the first item of a tuple.
fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Tuple(parts) => parts.first()?.as_i64(),
        value => value.as_i64(),
    }
}
