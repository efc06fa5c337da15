//! One plugin: its files, and the interpreter that runs it.

use super::host::{Event, Outcome};
use super::services::Services;
use archipel::value::{from_value, to_value};
use archipel::{Error, Interpreter, Output, Profile, Runtime};
use std::path::{Path, PathBuf};

/// After so many failures in a row a plugin is left alone until its files change.
const MOST_FAILURES: u32 = 3;

/// How much of what a plugin prints is kept.
const KEPT_OUTPUT: usize = 64 << 10;

/// The texts of a plugin's files, by which it is seen that they have changed.
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
    /// None while it is not loaded.
    interpreter: Option<Interpreter>,
    output: Output,
    failures: u32,
}

impl Plugin {
    /// The plugin in `folder`, not loaded yet.
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

    /// Whether its files are other than when they were read last, in which case it is to be loaded again.
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

    /// Creates its interpreter, unless it has one, and runs its source there.
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

    /// Gives it an event, and says what came of it and what it printed.
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
        let event = to_value(event).map_err(|error| Error::Config(error.to_string()))?;
        let answer = interpreter.call("handle", [event])?;
        Ok(match from_value::<Option<String>>(answer) {
            Ok(None) => Outcome::Ignored,
            Ok(Some(answer)) => Outcome::Answered(answer),
            Err(error) => Outcome::Raised(format!("handle() is to return a str or None: {error}")),
        })
    }

    /// What an error means, and whether the interpreter can go on after it.
    fn failed(&mut self, error: Error) -> Outcome {
        if !error.is_recoverable() {
            // The next event finds a new one.
            self.interpreter = None;
        }
        match error {
            Error::Raised(raised) => Outcome::Raised(raised.to_string()),
            Error::LimitExceeded { kind, .. } => Outcome::Stopped(kind, error.to_string()),
            Error::Died(why) => Outcome::Died(why),
            other => Outcome::Refused(other.to_string()),
        }
    }
}
