//! The `archipel` command: arguments in, library calls, exit status out.

mod amounts;
mod doctor;
mod map;
mod options;
mod prepare;
mod repl;
mod report;
mod run;
mod running;
mod say;
mod script;

use archipel_guest::Variant;
use clap::{Parser, Subcommand};
use std::process::ExitCode;
use std::time::Duration;

/// Run Python scripts and their subinterpreters in hard isolation.
#[derive(Parser)]
#[command(version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a script in a sandbox that has nothing but its standard streams.
    Run(Box<run::Run>),
    /// Run a script once for each input, in parallel, each in a sandbox of its own.
    ///
    /// The inputs follow `:::`, or are lines of standard input.  Each is the script's last argument,
    /// or takes the place of `{}` in the arguments.
    Map(Box<map::MapCommand>),
    /// Type statements, which run in a sandbox.
    Repl(Box<repl::Repl>),
    /// Say what this machine lacks.
    Doctor,
    /// Show what is cached, or clear it.
    Cache {
        #[command(subcommand)]
        action: Option<CacheAction>,
    },
    /// Work with the guest component.
    Guest {
        #[command(subcommand)]
        action: GuestAction,
    },
}

#[derive(Subcommand)]
enum CacheAction {
    /// Delete the built and the compiled guests.
    Clear,
}

#[derive(Subcommand)]
enum GuestAction {
    /// Write the guest component to a file.
    Export {
        /// Write a command, which `wasmtime run` and other hosts of WASI can run.
        #[arg(long)]
        command: bool,

        /// The file to be written.
        path: std::path::PathBuf,
    },
}

/// Archipel itself failed.
const FAILED: u8 = 125;

/// The command line makes no sense.
const USAGE: u8 = 2;

/// A limit or a timeout was reached.
const LIMIT: u8 = 124;

/// The guest died.
const DIED: u8 = 134;

/// A message for the user, and the status with which to end.
struct Failure {
    status: u8,
    message: String,
}

impl Failure {
    fn usage(message: impl Into<String>) -> Self {
        Failure {
            status: USAGE,
            message: message.into(),
        }
    }

    fn failed(message: impl Into<String>) -> Self {
        Failure {
            status: FAILED,
            message: message.into(),
        }
    }
}

impl From<archipel::Error> for Failure {
    fn from(error: archipel::Error) -> Self {
        Failure {
            status: status(&error),
            message: describe(&error),
        }
    }
}

/// The exit status of a command that failed so.
fn status(error: &archipel::Error) -> u8 {
    use archipel::Error;
    match error {
        Error::LimitExceeded { .. } => LIMIT,
        Error::Died(_) => DIED,
        Error::Config(_) => USAGE,
        _ => FAILED,
    }
}

/// What the user is told of an error.
fn describe(error: &archipel::Error) -> String {
    use archipel::Error;
    match error {
        Error::Guest(cause) => format!("{cause:#}"),
        Error::Internal(_) => format!("{error} (this is a bug; please report it)"),
        _ => error.to_string(),
    }
}

/// Lets the process have as many files and sockets as the system allows: what a user has is meant for programs that
/// wait with `select`, which this is not.
fn raise_limit_on_descriptors() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        // Where that is refused, it stays what it was.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}

/// How long the end of the process waits for private folders to be removed.
const CLEANING: Duration = Duration::from_secs(5);

/// Ends the process.  Interpreters are not dropped for it, but leave nothing behind.
fn exit(status: u8) -> ! {
    archipel::remove_private_folders(CLEANING);
    std::process::exit(i32::from(status))
}

fn main() -> ExitCode {
    raise_limit_on_descriptors();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let outcome = match arguments.command {
        Command::Run(run) => run.execute(),
        Command::Map(map) => map.execute(),
        Command::Repl(repl) => repl.execute(),
        Command::Doctor => doctor::report(),
        Command::Cache { action } => match action {
            None => prepare::show_cache(),
            Some(CacheAction::Clear) => prepare::clear_cache(),
        },
        Command::Guest {
            action: GuestAction::Export { command, path },
        } => prepare::export(
            match command {
                true => Variant::Command,
                false => Variant::Island,
            },
            &path,
        ),
    };
    archipel::remove_private_folders(CLEANING);
    match outcome {
        Ok(status) => ExitCode::from(status),
        Err(failure) => {
            say::say(&format!("archipel: {}", failure.message));
            ExitCode::from(failure.status)
        }
    }
}

/// Prints help where it was asked for, and one line where the arguments are wrong.
fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
        return ExitCode::from(USAGE);
    }
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    let first = first.strip_prefix("error: ").unwrap_or(first);
    let detail: Vec<&str> = text
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with("  <"))
        .map(str::trim)
        .collect();
    let detail = match detail.is_empty() {
        true => String::new(),
        false => format!(" {}", detail.join(" ")),
    };
    eprintln!("archipel: {first}{detail}; see `archipel --help`");
    ExitCode::from(USAGE)
}
