//! What the host is told of its interpreters: counts, and events in its log.

use crate::island::Island;
use crate::job::cut;
use archipel_core::error::{Error, LimitKind, OneLine};
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

/// The target of the events that say what was denied, one for each denial.
const AUDIT: &str = "archipel::audit";

/// What has happened in a runtime so far.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) created: AtomicU64,
    pub(crate) running: AtomicU64,
    pub(crate) died: AtomicU64,
    pub(crate) alias_calls: AtomicU64,
    /// Interpreters that were stopped, by the limit that stopped them.
    limits: [AtomicU64; LimitKind::ALL.len()],
}

impl Counters {
    pub(crate) fn limits(&self) -> [u64; LimitKind::ALL.len()] {
        self.limits.each_ref().map(count)
    }

    fn of(&self, kind: LimitKind) -> Option<&AtomicU64> {
        self.limits.get(kind as usize)
    }
}

/// What a counter shows now.
pub(crate) fn count(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// Adds one to a counter.
pub(crate) fn one_more(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// That something runs in an interpreter, for as long as this lives.
pub(crate) struct Busy(std::sync::Arc<crate::runtime::Context>);

impl Busy {
    pub(crate) fn begin(island: &Island) -> Self {
        one_more(&island.context.counters.running);
        Busy(island.context.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.counters.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The span of something that `$island` does.
macro_rules! span {
    ($what:literal, $island:expr) => {
        tracing::debug_span!(
            $what,
            family = $island.family.number(),
            interpreter = $island.id,
            name = $island.settings.name.as_deref()
        )
    };
}
pub(crate) use span;

/// An event of a level, about an interpreter.
macro_rules! event {
    ($level:ident, $($event:tt)+) => {
        $crate::telemetry::guarded(|| tracing::$level!($($event)+))
    };
}
pub(crate) use event;

/// Lets the host's subscriber know of something.  What that panics at is no fault of the interpreter that it is about,
/// which is told of while it is left, where a second panic would be the end of the process.
pub(crate) fn guarded(tell: impl FnOnce()) {
    // Who installed the subscriber has the panic's own message.
    let _ = catch_unwind(AssertUnwindSafe(tell));
}

/// How much of what was refused the audit log shows, in bytes.
const SHOWN: usize = 4096;

/// Says that an interpreter was refused something, and what.  The text may be the guest's in part.
pub(crate) fn denied(island: &Island, what: impl Display) {
    // It is put together only where somebody reads it.
    event!(info,
        target: AUDIT,
        family = island.family.number(),
        interpreter = island.id,
        name = island.settings.name.as_deref(),
        "denied: {}",
        OneLine(&cut(what.to_string(), SHOWN))
    );
}

/// Says that an interpreter was refused a file or socket, since others need what descriptors are left.
pub(crate) fn few_descriptors(island: &Island) {
    event!(
        info,
        family = island.family.number(),
        interpreter = island.id,
        name = island.settings.name.as_deref(),
        "it may open no more files and sockets, as the process has few descriptors left (`ulimit -n`)"
    );
}

/// Counts and tells what came of a job, where it was the end of the interpreter.
pub(crate) fn ended(island: &Island, error: &Error) {
    let counters = &island.context.counters;
    let (family, interpreter) = (island.family.number(), island.id);
    let name = island.settings.name.as_deref();
    match error {
        Error::Died(why) => {
            one_more(&counters.died);
            event!(debug, family, interpreter, name, "died: {}", OneLine(why));
        }
        Error::LimitExceeded { kind, limit, used } => {
            if let Some(counter) = counters.of(*kind) {
                one_more(counter);
            }
            event!(info, family, interpreter, name, %kind, limit, used, "stopped by a limit");
        }
        Error::Killed | Error::Cancelled(_) => {
            event!(debug, family, interpreter, name, "stopped: {error}");
        }
        _ => {}
    }
}
