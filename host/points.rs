//! Where tests step in: the moments at which a message is on its way to a guest, or from one.
//!
//! It exists in tests of the library alone.

mod tests;

use archipel_core::broker::PartyId;
use archipel_core::encoding::{self, MAX_DEPTH};
use archipel_core::value::Value;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Point {
    /// A wait has begun.
    Waits,
    /// A wait has a result, which whoever waits has not taken yet.
    Woken,
    /// A message is about to be written to a guest's memory, or has just been, and the guest does not run yet.
    Lowers,
}

/// What is to happen at a moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    GoOn,
    /// The wait is left as it is once more, as if nobody had looked.
    Stay,
    /// The message cannot be written.
    Fail,
}

type Hook = Arc<dyn Fn(PartyId, Point) -> Verdict + Send + Sync>;

/// What a test wants to be asked, and what it wants to know.
#[derive(Default)]
pub(crate) struct Points(Mutex<Known>);

#[derive(Default)]
struct Known {
    hook: Option<Hook>,
    arrived: Vec<i64>,
}

impl std::fmt::Debug for Points {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Points").finish_non_exhaustive()
    }
}

impl Points {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has `hook` asked at each moment from now on.
    fn ask(&self, hook: impl Fn(PartyId, Point) -> Verdict + Send + Sync + 'static) {
        self.known().hook = Some(Arc::new(hook));
    }

    /// What is to happen at this moment.
    pub(crate) fn pass(&self, party: PartyId, point: Point) -> Verdict {
        // Not under the lock, since what the hook does comes to other moments.
        let hook = self.known().hook.clone();
        hook.map_or(Verdict::GoOn, |hook| hook(party, point))
    }

    /// Notes that a message is in the guest's memory.
    pub(crate) fn arrived(&self, body: &[u8]) {
        if let Ok(value) = encoding::decode(body, 1, MAX_DEPTH) {
            self.known().arrived.extend(number(&value));
        }
    }

    /// The numbers of the messages that arrived.
    fn take_arrived(&self) -> Vec<i64> {
        std::mem::take(&mut self.known().arrived)
    }
}

/// The number of a message, which is a number or a tuple that begins with one.
fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Tuple(parts) => parts.first()?.as_i64(),
        value => value.as_i64(),
    }
}
