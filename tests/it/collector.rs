//! A tracing subscriber that records events of the interpreters under test.

use std::collections::HashMap;
use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// The prefix of the names of recorded interpreters. Others are ignored.
const OURS: &str = "told-";

/// The prefix of the names of interpreters of which only denials are recorded, since they cause many events.
pub const HOSTILE: &str = "hostile-";

/// The name of an interpreter whose events make the subscriber panic after it records them.
pub const PANICS: &str = "told-panics";

/// The recorded lines of our interpreters.
static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());

thread_local! {
    /// The spans entered on this thread.
    static ENTERED: std::cell::RefCell<Vec<u64>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// Records a line for each span and event that concerns our interpreters.
#[derive(Default)]
struct Collector {
    next: AtomicU64,
    /// The names of our interpreters by span.
    spans: Mutex<HashMap<u64, String>>,
}

#[derive(Default)]
struct Line {
    text: String,
    name: Option<String>,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "name" {
            self.name = Some(format!("{value:?}").replace('"', ""));
        }
        let _ = write!(self.text, " {}={value:?}", field.name());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Collector {
    /// Returns the name of our interpreter that the line concerns, directly or by the enclosing span.
    fn whose(&self, line: &Line) -> Option<String> {
        let around = ENTERED.with_borrow(|entered| entered.last().copied());
        let around = around.and_then(|span| lock(&self.spans).get(&span).cloned());
        let name = line.name.clone().or(around)?;
        (name.starts_with(OURS) || name.starts_with(HOSTILE)).then_some(name)
    }

    fn keep(&self, what: &str, metadata: &Metadata<'_>, line: &Line) -> Option<String> {
        let name = self.whose(line)?;
        if name.starts_with(HOSTILE) && !metadata.target().ends_with("::audit") {
            return Some(name);
        }
        let (level, target) = (metadata.level(), metadata.target());
        let kept = format!("{name}: {level} {target} {what}{}", line.text);
        lock(&TOLD).push(kept);
        Some(name)
    }
}

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("archipel")
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let id = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let mut line = Line::default();
        attributes.record(&mut line);
        let metadata = attributes.metadata();
        if let Some(name) = self.keep(&format!("span {}", metadata.name()), metadata, &line) {
            lock(&self.spans).insert(id, name);
        }
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let whose = self.keep("event", event.metadata(), &line);
        assert_ne!(
            whose.as_deref(),
            Some(PANICS),
            "a panic of the host's subscriber"
        );
    }

    fn enter(&self, span: &Id) {
        ENTERED.with_borrow_mut(|entered| entered.push(span.into_u64()));
    }

    fn exit(&self, span: &Id) {
        ENTERED.with_borrow_mut(|entered| {
            let last = entered
                .iter()
                .rposition(|entered| *entered == span.into_u64());
            last.map(|last| entered.remove(last));
        });
    }

    fn try_close(&self, span: Id) -> bool {
        lock(&self.spans).remove(&span.into_u64());
        true
    }
}

/// Returns the recorded lines of the interpreter with this name.
pub fn told_of(name: &str) -> Vec<String> {
    let prefix = format!("{name}: ");
    let told = lock(&TOLD);
    let lines = told.iter().filter_map(|line| line.strip_prefix(&prefix));
    lines.map(str::to_owned).collect()
}

/// Installs the subscriber for the whole process.
pub fn collect() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Collector::default()).unwrap());
}
