//! A plugin: its files, and the interpreter that runs it.

use super::host::{Event, Outcome};
use super::services::Services;
use archipel::policy::Profile;
use archipel::value::{from_value, to_value};
use archipel::{Error, Interpreter, Output, Runtime};
use std::path::{Path, PathBuf};

/// The number of consecutive failures after which a plugin is suspended until its files change.
const MOST_FAILURES: u32 = 3;

/// The maximum amount of a plugin's output that is kept, in bytes.
const KEPT_OUTPUT: usize = 64 << 10;

/// The contents of a plugin's files, for detecting changes.
#[derive(PartialEq, Default)]
struct Files {
    source: String,
    policy: String,
}

impl Files {
    fn read(folder: &Path) -> std::io::Result<Files> {
        Ok(Files {
            source: std::fs::read_to_string(folder.join("plugin.py"))?,
            policy: std::fs::read_to_string(folder.join("policy.toml"))?,
        })
    }
}

/// A plugin.
pub struct Plugin {
    pub name: String,
    folder: PathBuf,
    files: Files,
    /// None while the plugin is not loaded.
    interpreter: Option<Interpreter>,
    output: Output,
    failures: u32,
}

impl Plugin {
    /// Creates the plugin in `folder`, without loading it.
    pub fn new(name: String, folder: PathBuf) -> Self {
        Plugin {
            name,
            folder,
            files: Files::default(),
            interpreter: None,
            output: Output::captured(KEPT_OUTPUT),
            failures: 0,
        }
    }

    /// Returns whether the plugin's files have changed since they were last read; if so, unloads it.
    pub fn has_changed(&mut self) -> std::io::Result<bool> {
        let files = Files::read(&self.folder)?;
        let changed = files != self.files;
        if changed {
            self.files = files;
            self.interpreter = None;
            self.failures = 0;
        }
        Ok(changed)
    }

    /// Returns the plugin's interpreter, which is created and runs the source if necessary.
    fn load(&mut self, runtime: &Runtime, services: &Services) -> archipel::Result<Interpreter> {
        if let Some(interpreter) = &self.interpreter {
            return Ok(interpreter.clone());
        }
        let profile = Profile::read(self.folder.join("policy.toml"))?;
        let interpreter = runtime
            .interpreter()
            .name(&self.name)
            .policy(services.lend(&self.name, profile.policy)?)
            .limits(profile.limits)
            .stdout(self.output.clone())
            .stderr(self.output.clone())
            .build()?;
        interpreter.exec(&self.files.source)?;
        self.interpreter = Some(interpreter.clone());
        Ok(interpreter)
    }

    /// Sends the plugin an event, and returns the outcome and the output.
    pub fn handle(
        &mut self,
        runtime: &Runtime,
        services: &Services,
        event: &Event,
    ) -> (Outcome, String) {
        if self.failures >= MOST_FAILURES {
            return (Outcome::Suspended, String::new());
        }
        let outcome = match self.ask(runtime, services, event) {
            Ok(answer) => {
                self.failures = 0;
                answer
            }
            Err(error) => {
                self.failures += 1;
                self.failed(error)
            }
        };
        (outcome, self.output.take().text())
    }

    fn ask(
        &mut self,
        runtime: &Runtime,
        services: &Services,
        event: &Event,
    ) -> archipel::Result<Outcome> {
        let interpreter = self.load(runtime, services)?;
        let event = to_value(event).map_err(|error| Error::not_shareable(error.to_string()))?;
        let answer = interpreter.call("handle", (event,))?;
        Ok(match from_value::<Option<String>>(answer) {
            Ok(None) => Outcome::Ignored,
            Ok(Some(answer)) => Outcome::Answered(answer),
            Err(error) => Outcome::Raised(format!("handle() must return a str or None: {error}")),
        })
    }

    /// Converts an error to an outcome, and drops the interpreter if it cannot continue.
    fn failed(&mut self, error: Error) -> Outcome {
        if !error.is_recoverable() {
            // The next event creates a new one.
            self.interpreter = None;
        }
        match error {
            Error::Raised(raised) => Outcome::Raised(raised.to_string()),
            Error::LimitExceeded { kind, .. } => Outcome::Stopped(kind, error.to_string()),
            Error::Died(death) => Outcome::Died(death.reason),
            other => Outcome::Refused(other.to_string()),
        }
    }
}
