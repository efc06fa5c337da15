//! `archipel run`.

use crate::options::Options;
use crate::report::{Outcome, Report};
use crate::running::{Cause, Running};
use crate::script::{Script, Target};
use crate::{Failure, prepare};
use archipel::{Error, Output, Policy};
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
    /// Runs the script and returns its exit status.
    pub fn execute(self) -> Result<u8, Failure> {
        let policy = self.options.policy()?.stdin();
        let limits = self.options.limits()?;
        let script = self.target.load()?;
        let policy = beside(policy, &script)?;
        let running = Running::watched()?;
        let runtime = prepare::runtime().build()?;
        running.ready();
        let interpreter = runtime
            .interpreter()
            .policy(policy)
            .limits(limits)
            .stdout(Output::host_stdout())
            .stderr(Output::host_stderr())
            .build()?;
        let entry = running.enter(&interpreter);
        let start = Instant::now();
        let result = interpreter.run(script.source, script.name, script.arguments);
        let report = Report::new(Outcome::from(result), start.elapsed());
        drop(entry);
        let cause = running.cause();
        let status = match (&report.outcome, cause.and_then(Cause::status)) {
            (Outcome::Failed(Error::Killed), Some(status)) => {
                eprintln!("archipel: the script was stopped by a signal");
                status
            }
            (Outcome::Failed(error), _) => {
                eprintln!("archipel: {}", crate::describe(error));
                report.status()
            }
            _ => report.status(),
        };
        if self.options.stats {
            eprintln!("archipel: used: {}", report.usage_line());
        }
        if self.options.json {
            eprintln!("{}", serde_json::Value::from(report.to_json(status)));
        }
        // The process ends now anyway, so nothing is gained by cleaning up.
        std::process::exit(i32::from(status))
    }
}

/// A module may lie in the current folder, where that was granted.
pub fn beside(policy: Policy, script: &Script) -> Result<Policy, Failure> {
    match policy.guest_path_of(".") {
        Some(folder) if script.is_module => Ok(policy.path(folder)?),
        _ => Ok(policy),
    }
}
