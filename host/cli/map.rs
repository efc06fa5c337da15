//! `archipel map`: one script over many inputs, each in a sandbox of its own.

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

/// The most scripts that run at a time.
const MOST_JOBS: usize = 512;

#[derive(Args)]
pub struct MapCommand {
    #[command(flatten)]
    options: Options,

    /// How many scripts run at a time; as many as there are processors unless said otherwise.
    #[arg(short, long, value_name = "N")]
    jobs: Option<usize>,

    /// Go on when a script fails, and report all failures at the end; this is the default.
    #[arg(long, conflicts_with = "halt")]
    keep_going: bool,

    /// Stop everything when one script fails.
    #[arg(long)]
    halt: bool,

    /// Inputs on standard input end in NUL instead of a line's end, as `find -print0` writes them.
    #[arg(short = '0', long)]
    null: bool,

    #[command(flatten)]
    target: Target,
}

impl MapCommand {
    /// Runs the script over all inputs and returns the exit status.
    pub fn execute(self) -> Result<u8, Failure> {
        let jobs = match self.jobs {
            None => std::thread::available_parallelism().map_or(1, usize::from),
            Some(jobs @ 1..=MOST_JOBS) => jobs,
            Some(jobs) => {
                return Err(Failure::usage(format!(
                    "--jobs {jobs}: give a number from 1 to {MOST_JOBS}, or leave it out for as \
                     many as there are processors"
                )));
            }
        };
        let (policy, limits) = self.options.profile()?;
        let mut script = self.target.load()?;
        let given = split(&mut script.arguments)?;
        let inputs = match given {
            Some(given) if self.null => {
                return Err(Failure::usage(format!(
                    "-0 is about inputs on standard input, and {} were given after `:::`: leave \
                     one out",
                    given.len()
                )));
            }
            Some(given) => Inputs::given(given),
            None if script.took_stdin => {
                return Err(Failure::usage(
                    "the script was read from standard input, so the inputs must be given after \
                     `:::`",
                ));
            }
            None => Inputs::from_stdin(self.null),
        };
        let policy = beside(policy, &script)?;
        let running = Running::watched(0)?;
        let room = self.options.room(&policy, jobs);
        let runtime = prepare::runtime(&limits).interpreters(room).build()?;
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
            // After a stop, what was taken on is still told of, and nothing is waited for.
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
        tally.tell(total, cause, status, self.options.stats);
        end(status)
    }
}

/// The process ends now anyway, and somebody may still be reading inputs.
fn end(status: u8) -> ! {
    crate::exit(status)
}

/// Lets the next script's output through, until it ends.
///
/// A reader that takes nothing keeps the rest waiting, unless everything was stopped, or the script was, by a limit for
/// example: then the rest of its output is dropped.
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

/// Takes what follows `:::` away from the script's arguments.
fn split(arguments: &mut Vec<String>) -> Result<Option<Vec<String>>, Failure> {
    let Some(at) = arguments.iter().position(|word| word == ":::") else {
        return Ok(None);
    };
    let mut given = arguments.split_off(at);
    given.remove(0);
    if given.iter().any(|word| word == ":::") {
        return Err(Failure::usage(
            "`:::` was given twice: there is one list of inputs, behind one `:::`",
        ));
    }
    Ok(Some(given))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_follow_three_colons() {
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
