//! The `archipel` command: arguments in, library calls, exit status out.

mod cache;
mod doctor;
mod guest;
mod image;
mod line;
mod map;
mod options;
mod package;
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
    /// Run a script in a sandbox that has only its standard streams.
    Run(Box<run::Run>),
    /// Run a script once for each input, in parallel, each in its own sandbox.
    ///
    /// The inputs follow `:::`, or are the lines of standard input. Each input is the script's last
    /// argument, or replaces `{}` in the arguments.
    Map(Box<map::MapCommand>),
    /// Start an interactive session in a sandbox.
    Repl(Box<repl::Repl>),
    /// Check this machine for required and optional tools.
    Doctor,
    /// Show the cache or clear it.
    Cache {
        #[command(subcommand)]
        action: Option<CacheAction>,
    },
    /// Build images with packages, and list them.
    Image {
        #[command(subcommand)]
        action: image::ImageCommand,
    },
    /// Work with the guest component.
    Guest {
        #[command(subcommand)]
        action: GuestAction,
    },
    /// Work with packages that contain extension modules.
    Package {
        #[command(subcommand)]
        action: PackageAction,
    },
}

#[derive(Subcommand)]
enum PackageAction {
    /// List the packages that can be built.
    List,
    /// Build a package into a wheel for the guest, unless the wheelhouse has it.
    Build {
        /// The package: NAME or NAME==VERSION.
        package: String,
    },
    /// Test recipes: build the wheel of each and an image with it, and run the recipe's script there.
    Test {
        /// The packages. Default: all that have a recipe.
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
}

#[derive(Subcommand)]
enum CacheAction {
    /// Delete the built and the compiled guests, and the images.
    Clear,
}

#[derive(Subcommand)]
enum GuestAction {
    /// Build the guest, if necessary, and compile it for this machine.
    Build,
    /// Write the guest component to a file.
    Export {
        /// Write the command variant, for `wasmtime run` and other WASI hosts.
        #[arg(long)]
        command: bool,

        /// The file to write.
        path: std::path::PathBuf,
    },
}

/// The exit status if Archipel itself failed.
const FAILED: u8 = 125;

/// The exit status for wrong usage.
const USAGE: u8 = 2;

/// The exit status if a limit or a timeout was exceeded.
const LIMIT: u8 = 124;

/// The exit status if the guest died.
const DIED: u8 = 134;

/// A message for the user, and the exit status.
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

/// Returns the exit status of a command that failed with `error`.
fn status(error: &archipel::Error) -> u8 {
    use archipel::Error;
    match error {
        Error::LimitExceeded { .. } => LIMIT,
        Error::Died(_) => DIED,
        Error::Config(_) => USAGE,
        _ => FAILED,
    }
}

/// Returns the message of an error for the user.
fn describe(error: &archipel::Error) -> String {
    use archipel::Error;
    match error {
        Error::Guest(cause) => {
            // Not in one line: the cause can quote the output of a tool.
            let first: &dyn std::error::Error = &**cause;
            let causes = std::iter::successors(Some(first), |error| error.source());
            let texts: Vec<_> = causes.map(ToString::to_string).collect();
            texts.join(": ")
        }
        Error::Internal(_) => format!("{error} (this is a bug; please report it)"),
        _ => error.to_string(),
    }
}

/// Raises the soft limit on file descriptors to the hard limit. The usual soft limit protects
/// programs that use `select`, which this one does not.
fn raise_limit_on_descriptors() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        // If the system refuses, the limit stays.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}

/// The maximum time that the exit waits for the removal of private folders.
const CLEANING: Duration = Duration::from_secs(5);

/// Ends the process without dropping interpreters; private folders are removed.
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
            None => cache::show(),
            Some(CacheAction::Clear) => cache::clear(),
        },
        Command::Image { action } => action.execute(),
        Command::Guest { action } => match action {
            GuestAction::Build => guest::build(),
            GuestAction::Export { command, path } => {
                let variant = match command {
                    true => Variant::Command,
                    false => Variant::Island,
                };
                guest::export(variant, &path)
            }
        },
        Command::Package { action } => match action {
            PackageAction::List => package::list(),
            PackageAction::Build { package } => package::build(&package),
            PackageAction::Test { names } => package::test(&names),
        },
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

/// Prints help if it was requested, and otherwise one line about the wrong arguments.
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
    eprintln!("archipel: {first}{detail} (see `archipel --help`)");
    ExitCode::from(USAGE)
}
