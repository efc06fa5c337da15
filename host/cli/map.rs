//! `archipel map`: one script over many inputs, each in its own sandbox.

mod crew;
mod inputs;
mod lane;
mod screen;
mod tally;

use crate::options::Options;
use crate::run::beside;
use crate::running::{Cause, Running};
use crate::say::PATIENCE;
use crate::script::Target;
use crate::{Failure, prepare};
use clap::Args;
use crew::{Crew, Item};
use inputs::Inputs;
use screen::Screen;
use std::sync::Arc;
use tally::Tally;

/// The maximum number of scripts that run at a time.
const MOST_JOBS: usize = 512;

#[derive(Args)]
pub struct MapCommand {
    #[command(flatten)]
    options: Options,

    /// The number of scripts that run at a time, by default one for each processor.
    #[arg(short, long, value_name = "N")]
    jobs: Option<usize>,

    /// Continue when a script fails, and report all failures at the end (the default).
    #[arg(long, conflicts_with = "halt")]
    keep_going: bool,

    /// Stop all scripts when one fails.
    #[arg(long)]
    halt: bool,

    /// Read inputs from standard input that end in NUL instead of a newline, as `find -print0`
    /// writes them.
    #[arg(short = '0', long)]
    null: bool,

    #[command(flatten)]
    target: Target,
}

impl MapCommand {
    /// Runs the script over all inputs, and returns the exit status.
    pub fn execute(self) -> Result<u8, Failure> {
        let jobs = match self.jobs {
            None => std::thread::available_parallelism().map_or(1, usize::from),
            Some(jobs @ 1..=MOST_JOBS) => jobs,
            Some(jobs) => {
                return Err(Failure::usage(format!(
                    "--jobs {jobs}: out of range (use 1 to {MOST_JOBS}, or omit it for one for \
                     each processor)"
                )));
            }
        };
        let (policy, limits) = self.options.profile()?;
        let mut script = self.target.load()?;
        let given = split(&mut script.arguments)?;
        let inputs = match given {
            Some(given) if self.null => {
                return Err(Failure::usage(format!(
                    "-0 applies to inputs on standard input, but {} inputs follow `:::` (remove \
                     one of the two)",
                    given.len()
                )));
            }
            Some(given) => Inputs::given(given),
            None if script.took_stdin => {
                return Err(Failure::usage(
                    "the script was read from standard input (give the inputs after `:::`)",
                ));
            }
            None => Inputs::from_stdin(self.null),
        };
        let policy = beside(policy, &script)?;
        let running = Running::watched(0)?;
        let room = self.options.room(&policy, jobs);
        let runtime = prepare::runtime(&limits, self.options.image()?, |builder| {
            builder.max_interpreters(room)
        })?;
        running.ready();

        let screen = Arc::new(Screen::new(inputs.count()));
        let crew = Crew {
            runtime,
            policy,
            limits,
            script,
            running: running.clone(),
            screen: screen.clone(),
            halt: self.halt,
        };
        let total = inputs.count();
        let items = crew.start(jobs, inputs)?;
        let stopping = running.clone();
        let mut tally = Tally::new(self.options.json, move || stopping.cause().is_some());
        loop {
            // After a stop, scripts that were taken on are still reported, without waiting.
            let next = crossbeam_channel::select_biased! {
                recv(items) -> item => item.ok(),
                recv(running.stopped()) -> _ => items.try_recv().ok(),
            };
            let Some(item) = next else { break };
            show(item, &screen, &running, &mut tally);
        }
        screen.finish(&|stalled| stalled > PATIENCE);
        let cause = running.cause();
        if cause == Some(Cause::Unread) {
            end(cause.and_then(Cause::status).unwrap_or(crate::FAILED));
        }
        let status = cause
            .and_then(Cause::status)
            .unwrap_or_else(|| tally.status());
        tally.report(total, cause, status, self.options.stats);
        end(status)
    }
}

/// Ends the process, without waiting for the thread that reads inputs.
fn end(status: u8) -> ! {
    crate::exit(status)
}

/// Shows the next script's output until the script ends.
///
/// A blocked reader delays all further output. If everything was stopped, or this script was, for
/// example by a limit, the rest of its output is dropped.
fn show(item: Item, screen: &Screen, running: &Running, tally: &mut Tally) {
    let stops = || running.cause().is_some();
    let shown = item.lane.show(stops, |stream, bytes| {
        screen.write(stream, bytes, &|stalled| {
            stops() || item.lane.was_stopped() && stalled > PATIENCE
        })
    });
    if let Err(error) = shown
        && error.kind() != std::io::ErrorKind::TimedOut
    {
        running.stop(Cause::Unread);
    }
    let report = item.report.recv();
    screen.end_line(&|_| stops());
    tally.add(item.index, &item.input, report.ok());
}

/// Splits off what follows `:::` in the script's arguments.
fn split(arguments: &mut Vec<String>) -> Result<Option<Vec<String>>, Failure> {
    let Some(at) = arguments.iter().position(|word| word == ":::") else {
        return Ok(None);
    };
    let mut given = arguments.split_off(at);
    given.remove(0);
    if given.iter().any(|word| word == ":::") {
        return Err(Failure::usage(
            "`:::` is given twice (give all inputs after one `:::`)",
        ));
    }
    Ok(Some(given))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_follow_one_triple_colon() {
        let rows = [
            ("a b", "a b", Some(None)),
            ("a ::: b c", "a", Some(Some("b c"))),
            (":::", "", Some(Some(""))),
            ("::: a ::: b", "", None),
        ];
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        for (all, left, expected) in rows {
            let mut arguments: Vec<String> = words(all);
            let given = split(&mut arguments).ok();
            assert_eq!(given, expected.map(|given| given.map(words)), "{all}");
            assert_eq!(arguments, words(left) as Vec<String>, "{all}");
        }
    }
}
