//! What others offer for the same purpose, in the same run: `peers.py`, and Tcl's safe interpreters.

use crate::{Result, micros, row};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

const PYERYX: &str = "0.11.0";

/// Microseconds for the life of one of Tcl's safe interpreters.
const TCL: &str = "proc life {} {
    set child [interp create -safe]
    interp eval $child {set done 1}
    interp delete $child
}
life
puts [lindex [time life 500] 0]
";

/// The newest Python there is, or the one that the variable `PYTHON` names.
fn newest() -> Option<String> {
    let named = std::env::var("PYTHON").ok();
    let others = ["python3.14", "python3.13", "python3.12", "python3"].map(str::to_owned);
    named.into_iter().chain(others).find(|python| {
        let output = Command::new(python).arg("--version").output();
        output.is_ok_and(|output| output.status.success())
    })
}

/// Prints a row for each, beside the life of one of ours.
pub fn peers(ours: Duration) -> Result<()> {
    if ours.is_zero() {
        println!("what others take is shown beside the group `life`");
        return Ok(());
    }
    let print = |name: &str, theirs: Duration| {
        let what = format!("a life of ours | {name}");
        let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
        row(&what, micros(ours), micros(theirs), ratio);
    };
    let script = std::env::temp_dir().join(format!("archipel-tcl-{}.tcl", std::process::id()));
    std::fs::write(&script, TCL)?;
    match Command::new("tclsh").arg(&script).output() {
        Ok(output) if output.status.success() => {
            let micros: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
            let time = Duration::from_secs_f64(micros / 1e6);
            print("a safe interpreter of Tcl", time);
        }
        _ => println!("no tclsh on this machine (apt-get install tcl)"),
    }
    std::fs::remove_file(&script)?;
    let Some(python) = newest() else {
        println!("no Python on this machine");
        return Ok(());
    };
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("pyeryx-{PYERYX}"));
    if !folder.exists() {
        // Where it cannot be installed, because this Python is too old for instance, there is no row for it.
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--no-deps"])
            .args(["--disable-pip-version-check", "--only-binary=:all:"])
            .arg("--target")
            .arg(&folder)
            .arg(format!("pyeryx=={PYERYX}"))
            .output()?;
    }
    // From a file, which multiprocessing needs.
    let script = std::env::temp_dir().join(format!("archipel-peers-{}.py", std::process::id()));
    std::fs::write(&script, include_str!("peers.py"))?;
    let output = Command::new(&python).arg(&script).arg(&folder).output()?;
    std::fs::remove_file(&script)?;
    for line in String::from_utf8(output.stdout)?.lines() {
        if let Some((name, nanos)) = line.split_once('\t') {
            print(name, Duration::from_nanos(nanos.parse()?));
        }
    }
    if !output.status.success() {
        println!(
            "the others of Python ended early: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}
