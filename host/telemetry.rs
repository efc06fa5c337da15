//! Telemetry: counters, and events in the host's log.

use crate::account::Gauge;
use crate::text::cut;
use archipel_core::error::{Error, LimitKind};
use archipel_core::one_line::OneLine;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The target of audit events, one for each denial.
const AUDIT: &str = "archipel::audit";

/// Totals of a runtime.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) created: AtomicU64,
    pub(crate) running: Gauge,
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

/// The interpreter that an event is about.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    /// The number of its family.
    pub(crate) family: u64,
    /// Its number in the family.
    pub(crate) interpreter: u64,
    pub(crate) name: Option<Arc<str>>,
}

/// Creates a span for an operation of `$subject`.
macro_rules! span {
    ($what:literal, $subject:expr) => {
        tracing::debug_span!(
            $what,
            family = $subject.family,
            interpreter = $subject.interpreter,
            name = $subject.name.as_deref()
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
const LONGEST_LOGGED: usize = 4096;

/// Logs that an interpreter was denied something. Guests control parts of the text.
pub(crate) fn denied(subject: &Subject, what: impl Display) {
    // The text is built only if a subscriber is interested.
    event!(info,
        target: AUDIT,
        family = subject.family,
        interpreter = subject.interpreter,
        name = subject.name.as_deref(),
        "denied: {}",
        OneLine(&cut(what.to_string(), LONGEST_LOGGED))
    );
}

/// Logs that an interpreter was refused a file or socket because file descriptors are scarce.
pub(crate) fn few_descriptors(subject: &Subject) {
    event!(
        info,
        family = subject.family,
        interpreter = subject.interpreter,
        name = subject.name.as_deref(),
        "file descriptor budget exhausted: no more files or sockets for this interpreter (raise `ulimit -n`)"
    );
}

/// Counts and logs the end of an interpreter, if the error is one.
pub(crate) fn ended(counters: &Counters, subject: &Subject, error: &Error) {
    let (family, interpreter) = (subject.family, subject.interpreter);
    let name = subject.name.as_deref();
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
