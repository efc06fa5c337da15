//! `archipel repl`: an interactive session.

mod editor;
mod session;

use crate::options::Options;
use crate::report::{Outcome, Report};
use crate::run::conclude;
use crate::running::Running;
use crate::{Failure, prepare};
use archipel::Error;
use clap::Args;
use editor::{Editor, Entry};
use session::{Response, Session};
use std::io::{BufRead, IsTerminal};
use std::time::Instant;

/// The number of times that Ctrl-C interrupts a statement before it ends the session.
const MOST_INTERRUPTS: u32 = 2;

#[derive(Args)]
pub struct Repl {
    #[command(flatten)]
    options: Options,

    /// Neither read nor write the history file.
    #[arg(long)]
    no_history: bool,
}

/// The first line for the user, after Python's version.
const WELCOME: &str = concat!(
    "Archipel ",
    env!("CARGO_PKG_VERSION"),
    ". Type \"help\", \"copyright\", \"credits\" or \"license\" for more information."
);

impl Repl {
    /// Runs the session, and returns its exit status.
    pub fn execute(self) -> Result<u8, Failure> {
        let interactive = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        let (policy, limits) = self.options.profile()?;
        // Statements from a pipe use up standard input.
        let policy = if interactive { policy.stdin() } else { policy };
        let running = Running::watched(MOST_INTERRUPTS)?;
        let interpreter = prepare::interpreter(&self.options, policy, limits)?;
        let _entry = running.enter(&interpreter);
        running.ready();
        let start = Instant::now();
        let session = Session::new(interpreter.clone(), running.clone());
        let result = match interactive {
            true => at_terminal(&session, !self.no_history),
            false => from_pipe(&session, std::io::stdin().lock()),
        };
        let result = match result {
            Err(Stop::Failed(failure)) => return Err(failure),
            Err(Stop::Ended(error)) => Err(error),
            Ok(status) => session.finish(status),
        };
        let report = Report::new(Outcome::from(result), start.elapsed(), Some(&interpreter));
        let status = conclude(&report, running.cause());
        self.options.report(&report, status);
        crate::exit(status)
    }
}

/// The reason for an early end of a session.
enum Stop {
    /// The interpreter is gone.
    Ended(Error),
    /// The command failed.
    Failed(Failure),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Ended(error)
    }
}

/// Reads statements from the terminal to the end, and returns the exit status.
fn at_terminal(session: &Session, history: bool) -> Result<u8, Stop> {
    eprintln!("{}", session.begin()?);
    eprintln!("{WELCOME}");
    let mut editor = Editor::new(session, history).map_err(Stop::Failed)?;
    let mut source = String::new();
    loop {
        let [first, rest] = session.prompts()?;
        let prompt = if source.is_empty() { first } else { rest };
        match editor.ask(&prompt).map_err(Stop::Failed)? {
            Entry::Line(line) => {
                let begun = !source.is_empty();
                if !begun && line.trim().is_empty() {
                    continue;
                }
                if begun {
                    source.push('\n');
                }
                source.push_str(&line);
            }
            Entry::Interrupt => {
                eprintln!("KeyboardInterrupt");
                source.clear();
                continue;
            }
            Entry::End if source.is_empty() => {
                println!();
                return Ok(0);
            }
            Entry::End => {
                println!();
                let answer = session.enter(&source, true)?;
                source.clear();
                if let Response::End(status) = answer {
                    return Ok(status);
                }
                continue;
            }
        }
        match session.enter(&source, false)? {
            Response::More => continue,
            Response::Done => editor.remember(source.trim_end()),
            Response::End(status) => {
                editor.remember(source.trim_end());
                return Ok(status);
            }
        }
        source.clear();
    }
}

/// Reads statements from a pipe or a file, as if they were typed, without prompts.
fn from_pipe(session: &Session, mut lines: impl BufRead) -> Result<u8, Stop> {
    session.begin()?;
    let mut source = String::new();
    loop {
        let mut line = String::new();
        let read = lines.read_line(&mut line).map_err(|error| {
            Stop::Failed(Failure::usage(format!(
                "cannot read statements from standard input: {error}"
            )))
        })?;
        let last = read == 0;
        let line = line.strip_suffix('\n').unwrap_or(&line);
        let line = line.strip_suffix('\r').unwrap_or(line);
        match source.is_empty() {
            true if last => return Ok(0),
            true if line.trim().is_empty() => continue,
            true => {}
            false if last => {}
            false => source.push('\n'),
        }
        source.push_str(line);
        match session.enter(&source, last)? {
            Response::More => continue,
            Response::Done => source.clear(),
            Response::End(status) => return Ok(status),
        }
    }
}
