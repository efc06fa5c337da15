//! Compares a script over many inputs in `archipel map` with GNU parallel and native Python.

use crate::{Result, python, row, timed};
use std::process::{Command, Output};
use std::time::Duration;

const SCRIPT: &str = "import sys\nprint(sys.argv[1], sum(range(1000)))\n";

/// Prints a row for `count` runs of a small script, or the reason why there is none.
pub fn map(count: usize) -> Result<()> {
    let what = format!("archipel map of {count} small scripts | GNU parallel, python3 -I");
    let version = Command::new("parallel").arg("--version").output();
    let is_gnu = version.is_ok_and(|output| output.stdout.starts_with(b"GNU parallel"));
    if !is_gnu {
        println!("{what:<58} GNU parallel is not installed (apt-get install parallel)");
        return Ok(());
    }
    let script = std::env::temp_dir().join(format!("archipel-map-{}.py", std::process::id()));
    std::fs::write(&script, SCRIPT)?;
    let inputs: Vec<String> = (0..count).map(|n| n.to_string()).collect();

    let mut ours = Command::new(env!("CARGO_BIN_EXE_archipel"));
    ours.arg("map").arg(&script).arg(":::").args(&inputs);
    let mut theirs = Command::new("parallel");
    theirs.args(["--keep-order", "--will-cite", &python()?, "-I"]);
    theirs.arg(&script).arg(":::").args(&inputs);
    // Our first run fills the caches. In the reference, caches do not matter.
    ours.output()?;
    let mut best = Duration::MAX;
    let mut output = Vec::new();
    for _ in 0..3 {
        let (time, result) = timed(|| ours.output());
        output = stdout(result?)?;
        best = best.min(time);
    }
    let (reference, result) = timed(|| theirs.output());
    assert!(stdout(result?)? == output, "the outputs differ");
    std::fs::remove_file(&script)?;
    row(
        &what,
        format!("{:.0} ms", best.as_secs_f64() * 1e3),
        format!("{:.0} ms", reference.as_secs_f64() * 1e3),
        best.as_secs_f64() / reference.as_secs_f64(),
    );
    Ok(())
}

fn stdout(output: Output) -> Result<Vec<u8>> {
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(String::from_utf8_lossy(&output.stderr).into()),
    }
}
