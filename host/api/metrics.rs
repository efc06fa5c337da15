//! Metrics of a runtime.

use crate::api::runtime::Runtime;
use crate::island::prewarm::Prewarmed;
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
    /// Prewarmed instances of all images, for interpreters that the host will create.
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

/// The use of an image in a runtime.
///
/// # Examples
///
/// ```no_run
/// # let runtime = archipel::Runtime::new()?;
/// let _interpreter = runtime.interpreter().build()?;
/// for image in runtime.images() {
///     println!("{}: {}", image.name.as_deref().unwrap_or("without a name"), image.interpreters);
/// }
/// # Ok::<(), archipel::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImageUse {
    /// The name of the image, if it has one. That of the standard image is `standard`.
    pub name: Option<String>,
    /// Interpreters of the image that exist, idle or running. One that is being destroyed counts until its memory is
    /// released.
    pub interpreters: usize,
    /// Prewarmed instances of the image.
    pub prewarmed: usize,
}

impl Runtime {
    /// Returns the images that the runtime has loaded, with their use, in the order of their names.
    pub fn images(&self) -> Vec<ImageUse> {
        let images = self.0.images.all();
        let mut uses: Vec<ImageUse> = images
            .iter()
            .map(|image| {
                let ready = Prewarmed::find(&self.1, image);
                let prewarmed = ready.map_or(0, |ready| ready.count());
                ImageUse {
                    name: image.name.as_deref().map(str::to_owned),
                    // The two numbers are not read at the same moment.
                    interpreters: image.instances().saturating_sub(prewarmed),
                    prewarmed,
                }
            })
            .collect();
        uses.sort_by(|a, b| a.name.cmp(&b.name));
        uses
    }

    /// Returns the runtime's metrics.
    ///
    /// It takes the lock of the runtime's channels for a short time, and never waits for guests.
    pub fn metrics(&self) -> Metrics {
        let (counts, messages) = (
            self.0.exchange.with(|broker, _| broker.counts()),
            self.0.exchange.messages(),
        );
        let counters = &self.0.counters;
        Metrics {
            // The prewarmed instances of an image belong to a placeholder interpreter, which is a party too.
            interpreters: counts.parties - self.1.len(),
            prewarmed: self.1.iter().map(|ready| ready.count()).sum(),
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
