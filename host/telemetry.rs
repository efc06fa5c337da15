//! Telemetry: counters, and events in the host's log.

use crate::island::Island;
use crate::job::cut;
use archipel_core::error::{Error, LimitKind};
use archipel_core::one_line::OneLine;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

/// The target of audit events, one for each denial.
const AUDIT: &str = "archipel::audit";

/// Totals of a runtime.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) created: AtomicU64,
    pub(crate) running: AtomicU64,
    pub(crate) died: AtomicU64,
    pub(crate) alias_calls: AtomicU64,
    /// Stopped interpreters, by the limit that stopped them.
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

/// Returns the value of a counter.
pub(crate) fn count(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// Increments a counter.
pub(crate) fn one_more(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Counts an interpreter as running until it is dropped.
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

/// Creates a span for an operation of `$island`.
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

/// Emits an event about an interpreter at a level.
macro_rules! event {
    ($level:ident, $($event:tt)+) => {
        $crate::telemetry::guarded(|| tracing::$level!($($event)+))
    };
}
pub(crate) use event;

/// Emits a tracing event and ignores a panic of the subscriber. Events are also emitted during unwinding,
/// where a second panic would abort the process.
pub(crate) fn guarded(tell: impl FnOnce()) {
    // The panic hook has already reported the panic.
    let _ = catch_unwind(AssertUnwindSafe(tell));
}

/// The maximum length of a refused request in the audit log, in bytes.
const SHOWN: usize = 4096;

/// Logs that an interpreter was denied something. Guests control parts of the text.
pub(crate) fn denied(island: &Island, what: impl Display) {
    // The text is built only if a subscriber is interested.
    event!(info,
        target: AUDIT,
        family = island.family.number(),
        interpreter = island.id,
        name = island.settings.name.as_deref(),
        "denied: {}",
        OneLine(&cut(what.to_string(), SHOWN))
    );
}

/// Logs that an interpreter was refused a file or socket because file descriptors are scarce.
pub(crate) fn few_descriptors(island: &Island) {
    event!(
        info,
        family = island.family.number(),
        interpreter = island.id,
        name = island.settings.name.as_deref(),
        "file descriptor budget exhausted: no more files or sockets for this interpreter (raise `ulimit -n`)"
    );
}

/// Counts and logs the end of an interpreter, if the error is one.
pub(crate) fn ended(island: &Island, error: &Error) {
    let counters = &island.context.counters;
    let (family, interpreter) = (island.family.number(), island.id);
    let name = island.settings.name.as_deref();
    match error {
        Error::Died(why) => {
            one_more(&counters.died);
            event!(debug, family, interpreter, name, "died: {why}");
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
