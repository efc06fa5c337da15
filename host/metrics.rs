//! What there is in a runtime, and what has happened in it.

use crate::runtime::Runtime;
use crate::telemetry::count;
use archipel_core::error::LimitKind;

/// What there is in a runtime now, and what has happened since it began.
///
/// Each number is right by itself; they are not read in one moment.
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
    /// Interpreters, idle and running.
    pub interpreters: usize,
    /// Instances that are ready for interpreters which the host will create.
    pub ready: usize,
    /// Interpreters in which something runs or waits.
    pub running: u64,
    /// Channels of which somebody holds an end.
    pub channels: usize,
    /// Waits for channels and for other interpreters, by interpreters and by the host.
    pub waits: usize,
    /// Messages in channels, those of waiting senders not counted.
    pub queued_messages: usize,
    /// The bytes of those messages, each counted as 256 at least.
    pub queued_bytes: usize,
    /// Interpreters that were created so far, by the host, as copies and by interpreters.
    pub created: u64,
    /// Interpreters that died so far: whose code crashed, not those that somebody stopped.
    pub died: u64,
    /// Messages that were sent on channels so far.
    pub messages: u64,
    /// Calls of aliases so far, those that failed included.
    pub alias_calls: u64,
    /// By the kind of limit.
    stopped: [u64; LimitKind::ALL.len()],
}

impl Metrics {
    /// How many interpreters a limit of this kind has stopped so far.  A limit of which code is told by an
    /// exception, such as that on the size of messages, stops none.
    #[must_use]
    pub fn stopped_by(&self, kind: LimitKind) -> u64 {
        self.stopped.get(kind as usize).copied().unwrap_or(0)
    }
}

impl Runtime {
    /// How much of everything there is in the runtime now, and how much has happened in it.
    pub fn metrics(&self) -> Metrics {
        let (counts, messages) = (
            self.0.exchange.with(|broker, _| broker.counts()),
            self.0.exchange.messages(),
        );
        let counters = &self.0.counters;
        let ready = self.1.as_ref();
        Metrics {
            // Those that are ready belong to one that is nobody's.
            interpreters: counts.parties - usize::from(ready.is_some()),
            ready: ready.map_or(0, |ready| ready.count()),
            running: count(&counters.running),
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
