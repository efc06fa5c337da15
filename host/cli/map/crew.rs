//! The threads of `archipel map`: one reads inputs, the others run scripts.

use super::inputs::{Input, Inputs};
use super::lane::{End, Lane};
use super::screen::{Screen, Stream};
use crate::Failure;
use crate::report::{Outcome, Report};
use crate::running::{Cause, Running};
use crate::script::Script;
use archipel::{ConfigKind, Error, Limits, Output, Policy, Runtime};
use crossbeam_channel::{Receiver, Sender};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The maximum number of scripts ahead of the one that is shown. Each can keep a file open.
const AHEAD: usize = 256;

/// The settings that all scripts share.
pub struct Crew {
    pub runtime: Runtime,
    pub policy: Policy,
    pub limits: Limits,
    pub script: Script,
    pub running: Running,
    pub screen: Arc<Screen>,
    /// True if the first failure stops everything.
    pub halt: bool,
}

/// A script that was taken on, for the thread that shows output in order.
pub struct Item {
    pub index: usize,
    pub input: String,
    pub lane: Arc<Lane>,
    pub report: Receiver<Report>,
}

/// A script that was taken on, for the thread that runs it.
struct Assignment {
    input: Input,
    lane: Arc<Lane>,
    /// Marks the end of the output, however the job ends.
    end: End,
    report: Sender<Report>,
}

impl Crew {
    /// Starts `jobs` threads. The returned channel has the scripts in the order of the inputs.
    pub fn start(self, jobs: usize, inputs: Inputs) -> Result<Receiver<Item>, Failure> {
        let (items_in, items) = crossbeam_channel::bounded(AHEAD);
        let (jobs_in, work) = crossbeam_channel::unbounded();
        let crew = Arc::new(self);
        let cannot = |error| Failure::failed(format!("cannot start a thread: {error}"));
        for number in 0..jobs {
            let (crew, work) = (crew.clone(), work.clone());
            std::thread::Builder::new()
                .name(format!("archipel-map-{number}"))
                .spawn(move || work.iter().for_each(|job| crew.do_job(job)))
                .map_err(cannot)?;
        }
        std::thread::Builder::new()
            .name("archipel-inputs".to_owned())
            .spawn(move || crew.feed(inputs, &items_in, &jobs_in))
            .map_err(cannot)?;
        Ok(items)
    }

    fn feed(&self, mut inputs: Inputs, items: &Sender<Item>, jobs: &Sender<Assignment>) {
        for index in 0.. {
            let input = match inputs.next_input() {
                Ok(Some(input)) => input,
                Ok(None) => return,
                Err(error) => {
                    let what = format!("cannot read the inputs: {error}");
                    let (item, job) = pair(index, Ok("standard input".to_owned()));
                    let outcome = Outcome::Failed(Error::config(ConfigKind::Input, what));
                    let _ = job.report.send(Report::new(outcome, Duration::ZERO, None));
                    let _ = items.send(item);
                    return;
                }
            };
            let (item, job) = pair(index, input);
            if self.running.cause().is_some()
                || items.send(item).is_err()
                || jobs.send(job).is_err()
            {
                return;
            }
        }
    }

    fn do_job(&self, job: Assignment) {
        let report = match job.input {
            _ if self.running.cause().is_some() => {
                Report::new(Outcome::Stopped, Duration::ZERO, None)
            }
            Err(unusable) => {
                let outcome = Outcome::Failed(Error::config(ConfigKind::Input, unusable.why));
                Report::new(outcome, Duration::ZERO, None)
            }
            Ok(input) => self.run(&input, &job.lane),
        };
        if self.halt && !matches!(report.outcome, Outcome::Stopped | Outcome::Ended(0)) {
            self.running.stop(Cause::Halt);
        }
        if !matches!(report.outcome, Outcome::Ended(_)) {
            job.lane.stop();
        }
        drop(job.end);
        // After a stop, the receiver may be gone.
        let _ = job.report.send(report);
        self.screen.count();
    }

    fn run(&self, input: &str, lane: &Arc<Lane>) -> Report {
        let start = Instant::now();
        let output = |stream| Output::prompt_writer(lane.writer(stream, &self.running));
        let interpreter = self
            .runtime
            .interpreter()
            .policy(self.policy.clone())
            .limits(self.limits)
            .stdout(output(Stream::Out))
            .stderr(output(Stream::Err))
            .build();
        let interpreter = match interpreter {
            Ok(interpreter) => interpreter,
            Err(error) => return Report::new(Outcome::Failed(error), start.elapsed(), None),
        };
        let entry = self.running.enter(&interpreter);
        let result = interpreter.run(
            self.script.source.clone(),
            self.script.name.clone(),
            arguments(&self.script.arguments, input),
        );
        drop(entry);
        let outcome = match result {
            Err(Error::Killed) if self.running.cause().is_some() => Outcome::Stopped,
            result => Outcome::from(result),
        };
        Report::new(outcome, start.elapsed(), Some(&interpreter))
    }
}

fn pair(index: usize, input: Input) -> (Item, Assignment) {
    let (sender, report) = crossbeam_channel::bounded(1);
    let lane = Arc::new(Lane::new());
    let shown = match &input {
        Ok(input) => input.clone(),
        Err(unusable) => unusable.shown.clone(),
    };
    let item = Item {
        index,
        input: shown,
        lane: lane.clone(),
        report,
    };
    let job = Assignment {
        input,
        end: End(lane.clone()),
        lane,
        report: sender,
    };
    (item, job)
}

/// Returns the arguments of a script: the input replaces `{}`, or follows all others.
fn arguments(given: &[String], input: &str) -> Vec<String> {
    let mut arguments: Vec<String> = given
        .iter()
        .map(|argument| argument.replace("{}", input))
        .collect();
    if !given.iter().any(|argument| argument.contains("{}")) {
        arguments.push(input.to_owned());
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::arguments;

    #[test]
    fn an_input_replaces_braces_or_comes_last() {
        let rows: [(&[&str], &[&str]); 4] = [
            (&[], &["x {}"]),
            (&["-v"], &["-v", "x {}"]),
            (&["{}", "-v"], &["x {}", "-v"]),
            (&["in={},out={}.txt"], &["in=x {},out=x {}.txt"]),
        ];
        for (given, expected) in rows {
            let given: Vec<String> = given.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(arguments(&given, "x {}"), expected);
        }
    }
}
