//! The host: which plugins there are, and how events reach them.

use super::plugin::Plugin;
use super::services::Services;
use archipel::{LimitKind, Runtime};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// What plugins are told: in Python a dict with `kind` and `text`.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    kind: String,
    text: String,
}

impl Event {
    pub fn new(kind: impl Into<String>, text: impl Into<String>) -> Self {
        Event {
            kind: kind.into(),
            text: text.into(),
        }
    }
}

/// What came of an event in one plugin.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It answered.
    Answered(String),
    /// It has nothing to say.
    Ignored,
    /// It raised an exception, and goes on.
    Raised(String),
    /// It passed a limit, and starts afresh with the next event.
    Stopped(LimitKind, String),
    /// It crashed, and starts afresh with the next event.
    Died(String),
    /// It cannot be loaded as it is.
    Refused(String),
    /// It failed too often, and is left alone until its files change.
    Suspended,
}

/// What came of an event in one plugin, and what it printed.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub plugin: String,
    pub outcome: Outcome,
    pub output: String,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.plugin)?;
        match &self.outcome {
            Outcome::Answered(answer) => write!(f, "{answer:?}"),
            Outcome::Ignored => f.write_str("-"),
            Outcome::Raised(what) => write!(f, "raised {what}"),
            Outcome::Stopped(_, why) => write!(f, "stopped: {why}"),
            Outcome::Died(why) => write!(f, "died: {why}"),
            Outcome::Refused(why) => write!(f, "cannot be loaded: {why}"),
            Outcome::Suspended => f.write_str("suspended until its files change"),
        }?;
        match self.output.len() {
            0 => Ok(()),
            length => write!(f, " (printed {length} bytes)"),
        }
    }
}

/// The host.
pub struct Host {
    runtime: Runtime,
    services: Services,
    folder: PathBuf,
    plugins: BTreeMap<String, Plugin>,
}

impl Host {
    /// A host for the plugins in `folder`, which [`refresh`](Self::refresh) looks for.
    pub fn new(runtime: Runtime, services: Services, folder: impl Into<PathBuf>) -> Self {
        Host {
            runtime,
            services,
            folder: folder.into(),
            plugins: BTreeMap::new(),
        }
    }

    /// Looks for plugins that came, went or changed, and says which.
    pub fn refresh(&mut self) -> std::io::Result<Vec<String>> {
        let mut found = BTreeMap::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().join("plugin.py").is_file() {
                found.insert(name, entry.path());
            }
        }
        let mut changes = Vec::new();
        self.plugins.retain(|name, _| {
            let stays = found.contains_key(name);
            if !stays {
                changes.push(format!("{name} is gone"));
            }
            stays
        });
        for (name, folder) in found {
            let known = self.plugins.contains_key(&name);
            let plugin = self.plugins.entry(name.clone());
            let plugin = plugin.or_insert_with(|| Plugin::new(name.clone(), folder));
            match plugin.has_changed() {
                Ok(true) if known => changes.push(format!("{name} has changed")),
                Ok(true) => changes.push(format!("{name} is new")),
                Ok(false) => {}
                Err(error) => changes.push(format!("{name} cannot be read: {error}")),
            }
        }
        Ok(changes)
    }

    /// Sends an event to all plugins at the same time, and waits for what comes of it.
    ///
    /// How long that takes at most is in the plugins' limits.
    pub fn send(&mut self, event: &Event) -> Vec<Report> {
        let (runtime, services) = (&self.runtime, &self.services);
        std::thread::scope(|scope| {
            let handle = |plugin: &mut Plugin| {
                let (outcome, output) = plugin.handle(runtime, services, event);
                Report {
                    plugin: plugin.name.clone(),
                    outcome,
                    output,
                }
            };
            let threads: Vec<_> = self
                .plugins
                .values_mut()
                .map(|plugin| scope.spawn(move || handle(plugin)))
                .collect();
            // Nothing in there panics; if it did, the host would be wrong, and not a plugin.
            let reports = threads.into_iter().map(|thread| thread.join());
            reports
                .map(|report| report.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        })
    }

    /// A line on what has happened.
    pub fn summary(&self) -> String {
        let metrics = self.runtime.metrics();
        let stopped: u64 = LimitKind::ALL
            .iter()
            .map(|kind| metrics.stopped_by(*kind))
            .sum();
        format!(
            "{} plugins, {} interpreters created, {stopped} stopped by limits, {} died, {} calls of the host",
            self.plugins.len(),
            metrics.created,
            metrics.died,
            metrics.alias_calls
        )
    }
}
