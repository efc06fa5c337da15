//! Tests the guest without the steps that only make it faster (`ARCHIPEL_TUNE=0`).

use std::path::Path;
use std::process::Command;

/// Scripts that use most of what the steps change: new and old objects, C functions, and the memory of copies.
const SCRIPTS: [&str; 4] = [
    "channels/ends_travel.py",
    "copying/a_copy_of_a_copy.py",
    "copying/reset.py",
    "values/round_trips.py",
];

#[test]
fn scripts_run_in_an_untuned_guest() {
    for script in SCRIPTS {
        check(&crate::root().join("tests/scripts").join(script));
    }
}

/// Runs the script at `path` with the command.
fn check(path: &Path) {
    let expected = crate::script::expected(&std::fs::read_to_string(path).unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_archipel"));
    command
        .args(["run", "--max-children", "64"])
        .arg(path)
        .env("ARCHIPEL_TUNE", "0")
        .env("ARCHIPEL_OPTIMISE", "0");
    let output = crate::cli::output(&mut command, "");
    let outcome = match output.status.code() {
        Some(status) => format!("exit {status}"),
        None => output.status.to_string(),
    };
    let err = crate::cli::text(&output.stderr);
    if let Err(difference) = expected.compare(&outcome, &output.stdout, &err) {
        panic!("{}: {difference}", path.display());
    }
}
