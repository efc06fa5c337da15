//! The outcome of a script and what it used, for people and programs.

use archipel::{Error, Interpreter, LimitKind};
use serde_json::{Map, Value};
use std::time::Duration;

/// The outcome of a script.
#[derive(Debug)]
pub enum Outcome {
    /// The script ended, with this status.
    Ended(u8),
    /// The command stopped it; the script did not fail.
    Stopped,
    /// The interpreter failed before the script's end.
    Failed(Error),
}

impl From<Result<u8, Error>> for Outcome {
    fn from(result: Result<u8, Error>) -> Self {
        match result {
            Ok(status) => Outcome::Ended(status),
            Err(error) => Outcome::Failed(error),
        }
    }
}

impl Outcome {
    /// Returns the outcome in one word, for programs.
    fn word(&self) -> &'static str {
        match self {
            Outcome::Ended(_) => "ended",
            Outcome::Stopped | Outcome::Failed(Error::Killed) => "stopped",
            Outcome::Failed(Error::LimitExceeded { .. }) => "limit",
            Outcome::Failed(Error::Died(_)) => "died",
            Outcome::Failed(_) => "failed",
        }
    }

    /// Returns the complaint about an outcome other than success.
    pub fn complaint(&self) -> Option<String> {
        match self {
            Outcome::Ended(0) => None,
            Outcome::Ended(status) => Some(format!("exit status {status}")),
            Outcome::Stopped => Some("stopped".to_owned()),
            Outcome::Failed(error) => Some(crate::describe(error)),
        }
    }
}

/// The outcome of a script, and what it used.
#[derive(Debug)]
pub struct Report {
    pub outcome: Outcome,
    /// The amount used of each kind, in the unit of the kind.
    pub usage: Vec<(LimitKind, u64)>,
}

impl Report {
    /// Creates the report of a script that ran for `wall`; `interpreter` adds its other usage.
    pub fn new(outcome: Outcome, wall: Duration, interpreter: Option<&Interpreter>) -> Self {
        let wall = u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX);
        let mut usage = vec![(LimitKind::Wall, wall)];
        if let Some(interpreter) = interpreter {
            let all = interpreter.usage();
            // Memory and handles are released by now, so they are left out.
            let counted = [LimitKind::Cpu, LimitKind::Fuel, LimitKind::Output];
            let counted = counted.map(|kind| (kind, all.of(kind).subtree));
            usage.extend(counted.into_iter().filter(|(_, used)| *used > 0));
        }
        Report { outcome, usage }
    }

    /// Returns the amount used of a kind.
    pub fn used(&self, kind: LimitKind) -> u64 {
        let mut usage = self.usage.iter();
        let found = usage.find(|(other, _)| *other == kind);
        found.map_or(0, |(_, used)| *used)
    }

    /// Returns the exit status of a command that ran only this script.
    pub fn status(&self) -> u8 {
        match &self.outcome {
            Outcome::Ended(status) => *status,
            Outcome::Stopped => crate::FAILED,
            Outcome::Failed(error) => crate::status(error),
        }
    }

    /// Returns the report as an object, with the exit status `status`.
    pub fn to_json(&self, status: u8) -> Map<String, Value> {
        let mut object = Map::new();
        object.insert("outcome".to_owned(), self.outcome.word().into());
        object.insert("status".to_owned(), status.into());
        if let Outcome::Failed(error) = &self.outcome {
            object.insert("message".to_owned(), crate::describe(error).into());
            if let Error::LimitExceeded { kind, limit, used } = error {
                let limit = [
                    ("kind".to_owned(), kind.name().into()),
                    ("limit".to_owned(), (*limit).into()),
                    ("used".to_owned(), (*used).into()),
                ];
                object.insert("limit".to_owned(), Map::from_iter(limit).into());
            }
        }
        let usage = self.usage.iter();
        let usage = usage.map(|(kind, used)| (kind.name().to_owned(), (*used).into()));
        object.insert("usage".to_owned(), usage.collect::<Map<_, _>>().into());
        object
    }

    /// Returns what was used, in one line for people.
    pub fn usage_line(&self) -> String {
        let used = self.usage.iter();
        let used: Vec<String> = used
            .map(|(kind, used)| format!("{kind} {}", kind.show(*used)))
            .collect();
        used.join(", ")
    }
}
