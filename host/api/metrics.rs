//! Metrics of a runtime.

use crate::api::runtime::Runtime;
use crate::telemetry::count;
use archipel_core::error::LimitKind;

/// The current state of a runtime, and totals since it was created.
///
/// Each number is correct by itself, but they are not read atomically together.
///
/// # Examples
///
/// ```no_run
/// # let runtime = archipel::Runtime::new()?;
/// use archipel::LimitKind;
///
/// runtime.interpreter().build()?.exec("import os; os.abort()").unwrap_err();
/// let metrics = runtime.metrics();
/// assert_eq!((metrics.created, metrics.died, metrics.running), (1, 1, 0));
/// assert_eq!(metrics.stopped_by(LimitKind::Cpu), 0);
/// # Ok::<(), archipel::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Metrics {
    /// Interpreters that exist, idle or running.
    pub interpreters: usize,
    /// Prewarmed instances, for interpreters that the host will create.
    pub prewarmed: usize,
    /// Interpreters in which a job runs or waits.
    pub running: u64,
    /// Channels with at least one end.
    pub channels: usize,
    /// Pending waits for channels and for other interpreters, by interpreters and by the host.
    pub waits: usize,
    /// Messages queued in channels, excluding those of waiting senders.
    pub queued_messages: usize,
    /// The size of the queued messages in bytes, each counted as at least 256.
    pub queued_bytes: usize,
    /// The total of interpreters created by the host, as copies, and by interpreters.
    pub created: u64,
    /// The total of interpreters whose code crashed, excluding those that were stopped.
    pub died: u64,
    /// The total of messages sent on channels.
    pub messages: u64,
    /// The total of alias calls, including those that failed.
    pub alias_calls: u64,
    /// The total of stopped interpreters, by the kind of limit.
    stopped: [u64; LimitKind::ALL.len()],
}

impl Metrics {
    /// Returns the total of interpreters that a limit of this kind has stopped. Limits that raise an exception
    /// in the script instead, such as that on the size of messages, never stop an interpreter.
    #[must_use]
    pub fn stopped_by(&self, kind: LimitKind) -> u64 {
        self.stopped.get(kind as usize).copied().unwrap_or(0)
    }
}

impl Runtime {
    /// Returns the runtime's metrics.
    ///
    /// It takes the lock of the runtime's channels for a short time, and never waits for guests.
    pub fn metrics(&self) -> Metrics {
        let (counts, messages) = (
            self.0.exchange.with(|broker, _| broker.counts()),
            self.0.exchange.messages(),
        );
        let counters = &self.0.counters;
        let ready = self.1.as_ref();
        Metrics {
            // Prewarmed instances belong to a placeholder interpreter, which is a party too.
            interpreters: counts.parties - usize::from(ready.is_some()),
            prewarmed: ready.map_or(0, |ready| ready.count()),
            running: counters.running.amount() as u64,
            channels: counts.channels,
            waits: counts.waits,
            queued_messages: counts.queued_messages,
            queued_bytes: counts.queued_bytes,
            created: count(&counters.created),
            died: count(&counters.died),
            messages,
            alias_calls: count(&counters.alias_calls),
            stopped: counters.limits(),
        }
    }
}
