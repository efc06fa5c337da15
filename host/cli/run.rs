//! `archipel run`: one script.

use crate::options::Options;
use crate::report::{Outcome, Report};
use crate::running::{Cause, Running};
use crate::say::say;
use crate::script::{Script, Target};
use crate::{Failure, prepare};
use archipel::{Error, Policy};
use clap::Args;
use std::time::Instant;

#[derive(Args)]
pub struct Run {
    #[command(flatten)]
    options: Options,

    #[command(flatten)]
    target: Target,
}

impl Run {
    /// Runs the script, and returns its exit status.
    pub fn execute(self) -> Result<u8, Failure> {
        let (policy, limits) = self.options.profile()?;
        let policy = policy.stdin();
        let script = self.target.load()?;
        let policy = beside(policy, &script)?;
        let running = Running::watched(1)?;
        let interpreter = prepare::interpreter(&self.options, policy, limits)?;
        let entry = running.enter(&interpreter);
        running.ready();
        let start = Instant::now();
        let result = interpreter.run(script.source, script.name, script.arguments);
        let report = Report::new(Outcome::from(result), start.elapsed(), Some(&interpreter));
        drop(entry);
        running.over();
        let status = conclude(&report, running.cause());
        self.options.report(&report, status);
        // The process ends anyway, so no cleanup is needed.
        crate::exit(status)
    }
}

/// Prints why the interpreter is gone, if it is, and returns the exit status.
pub fn conclude(report: &Report, cause: Option<Cause>) -> u8 {
    match (&report.outcome, cause.and_then(Cause::status)) {
        (Outcome::Failed(Error::Killed), Some(status)) => {
            say("archipel: stopped by a signal");
            status
        }
        (Outcome::Failed(error), _) => {
            say(&format!("archipel: {}", crate::describe(error)));
            report.status()
        }
        _ => report.status(),
    }
}

/// Adds the current folder to the module path of a module, if that folder was granted.
pub fn beside(policy: Policy, script: &Script) -> Result<Policy, Failure> {
    match policy.guest_path_of(".") {
        Some(folder) if script.is_module => Ok(policy.path(folder)?),
        _ => Ok(policy),
    }
}
