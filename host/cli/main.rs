//! The `archipel` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(archipel_cli::main(std::env::args_os()))
}
