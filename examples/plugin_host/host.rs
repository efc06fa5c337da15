//! The host: it finds plugins and sends them events.

use super::plugin::Plugin;
use super::services::Services;
use archipel::{LimitKind, Runtime};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// An event for plugins: in Python a dict with `kind` and `text`.
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

/// The outcome of an event in one plugin.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The plugin answered.
    Answered(String),
    /// The plugin returned None.
    Ignored,
    /// The plugin raised an exception, and stays loaded.
    Raised(String),
    /// The plugin exceeded a limit, and is loaded again for the next event.
    Stopped(LimitKind, String),
    /// The plugin crashed, and is loaded again for the next event.
    Died(String),
    /// The plugin cannot be loaded.
    Refused(String),
    /// The plugin failed too often, and gets no events until its files change.
    Suspended,
}

/// The outcome of an event in one plugin, and the plugin's output.
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

/// A host and its plugins.
pub struct Host {
    runtime: Runtime,
    services: Services,
    folder: PathBuf,
    plugins: BTreeMap<String, Plugin>,
}

impl Host {
    /// Creates a host for the plugins in `folder`; [`refresh`](Self::refresh) finds them.
    pub fn new(runtime: Runtime, services: Services, folder: impl Into<PathBuf>) -> Self {
        Host {
            runtime,
            services,
            folder: folder.into(),
            plugins: BTreeMap::new(),
        }
    }

    /// Looks for new, removed and changed plugins, and describes the changes.
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
                changes.push(format!("{name} was removed"));
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

    /// Sends an event to all plugins in parallel, and waits for the outcomes.
    ///
    /// The plugins' limits bound the time that this takes.
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
            // A panic here is an error of the host, not of a plugin.
            let reports = threads.into_iter().map(|thread| thread.join());
            reports
                .map(|report| report.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        })
    }

    /// Returns a one-line summary.
    pub fn summary(&self) -> String {
        let metrics = self.runtime.metrics();
        let stopped: u64 = LimitKind::ALL
            .iter()
            .map(|kind| metrics.stopped_by(*kind))
            .sum();
        format!(
            "{} plugins, {} interpreters created, {stopped} stopped by limits, {} died, {} alias calls",
            self.plugins.len(),
            metrics.created,
            metrics.died,
            metrics.alias_calls
        )
    }
}
