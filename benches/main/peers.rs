//! Measures alternatives in the same run: `peers.py`, Tcl's safe interpreters, and threads.

use crate::plots::Series;
use crate::{Result, median, micros, row, timed};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Barrier, LazyLock};
use std::time::Duration;

const PYERYX: &str = "0.11.0";

/// Prints the microseconds of lives of Tcl's safe interpreters, one per line.
const TCL: &str = "for {set n 0} {$n < 200} {incr n} {
    set start [clock clicks]
    set child [interp create -safe]
    interp eval $child {set done 1}
    interp delete $child
    puts [expr {[clock clicks] - $start}]
}
";

/// Returns the newest Python on this machine, or the one that the variable `PYTHON` names.
fn newest() -> Option<String> {
    let named = std::env::var("PYTHON").ok();
    let others = ["python3.14", "python3.13", "python3.12", "python3"].map(str::to_owned);
    named.into_iter().chain(others).find(|python| {
        let output = Command::new(python).arg("--version").output();
        output.is_ok_and(|output| output.status.success())
    })
}

/// The Python that measures, and a folder with pyeryx if it can be installed.
static PYTHON: LazyLock<Option<(String, PathBuf)>> = LazyLock::new(|| {
    let python = newest()?;
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("pyeryx-{PYERYX}"));
    if !folder.exists() {
        // This can fail, for instance if this Python is too old. Then pyeryx is not measured.
        let _ = Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--no-deps"])
            .args(["--disable-pip-version-check", "--only-binary=:all:"])
            .arg("--target")
            .arg(&folder)
            .arg(format!("pyeryx=={PYERYX}"))
            .output();
    }
    Some((python, folder))
});

/// Returns the measurements of the script for `group`: a name, and times by place.
fn ask(group: &str, arguments: &[String]) -> Result<Vec<Series>> {
    let Some((python, folder)) = &*PYTHON else {
        return Ok(Vec::new());
    };
    // multiprocessing needs a script in a file.
    let script = std::env::temp_dir().join(format!("archipel-peers-{}.py", std::process::id()));
    std::fs::write(&script, include_str!("peers.py"))?;
    let output = Command::new(python)
        .arg(&script)
        .arg(folder)
        .arg(group)
        .args(arguments)
        .output()?;
    std::fs::remove_file(&script)?;
    let mut found: Vec<Series> = Vec::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let mut parts = line.split('\t');
        let (Some(name), Some(place), Some(nanos)) = (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let point = (place.to_owned(), Duration::from_nanos(nanos.parse()?));
        match found.last_mut().filter(|series| series.name == name) {
            Some(series) => series.points.push(point),
            None => found.push(Series {
                name: name.to_owned(),
                points: vec![point],
            }),
        }
    }
    if !output.status.success() {
        println!(
            "peers.py ended early: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(found)
}

/// Measures the lives of alternatives, and prints a row for each beside ours.
pub fn lives(ours: &[Duration], samples: usize) -> Result<Vec<Series>> {
    let mut found = Vec::new();
    let script = std::env::temp_dir().join(format!("archipel-tcl-{}.tcl", std::process::id()));
    std::fs::write(&script, TCL)?;
    match Command::new("tclsh").arg(&script).output() {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8(output.stdout)?;
            let times = text
                .lines()
                .map(|line| Ok(Duration::from_micros(line.parse()?)));
            found.push(Series::of(
                "a safe Tcl interpreter",
                times.collect::<Result<_>>()?,
            ));
        }
        _ => println!("tclsh is not installed (apt-get install tcl)"),
    }
    std::fs::remove_file(&script)?;
    found.extend(ask("life", &[samples.to_string()])?);
    let ours = median(ours.to_vec());
    for theirs in &found {
        let time = median(theirs.times());
        row(
            &format!("a life in Archipel | {}", theirs.name),
            micros(ours),
            micros(time),
            ours.as_secs_f64() / time.as_secs_f64(),
        );
    }
    Ok(found)
}

/// Measures creating one more of each alternative, and of waiting threads.
pub fn crowds(threads: usize, others: usize) -> Result<Vec<Series>> {
    let started = Arc::new(Barrier::new(2));
    let mut times = Vec::new();
    let mut all = Vec::new();
    let (end, ended) = crossbeam_channel::bounded::<()>(0);
    for _ in 0..threads {
        let (own, ended) = (started.clone(), ended.clone());
        let (time, thread) = timed(|| {
            let thread = std::thread::Builder::new().spawn(move || {
                own.wait();
                // Returns when the other end is dropped.
                let _ = ended.recv();
            })?;
            started.wait();
            Ok::<_, std::io::Error>(thread)
        });
        // The system's limit is reached.
        let Ok(thread) = thread else { break };
        times.push(time);
        all.push(thread);
    }
    drop(end);
    for thread in all {
        thread.join().map_err(|_| "a thread panicked")?;
    }
    let mut found = vec![Series::of("a thread", times)];
    found.extend(ask("crowd", &[others.to_string()])?);
    Ok(found)
}

/// Measures round trips of bytes by size.
pub fn sizes(samples: usize, exponents: impl Iterator<Item = u32>) -> Result<Vec<Series>> {
    let arguments: Vec<_> = std::iter::once(samples.to_string())
        .chain(exponents.map(|exponent| exponent.to_string()))
        .collect();
    ask("sizes", &arguments)
}

/// Prints a row for some sizes and each alternative.
pub fn compare(all: &[Series], sizes: &[&str]) {
    let [ours, others @ ..] = all else { return };
    for theirs in others {
        for size in sizes {
            let (Some(ours), Some(time)) = (ours.at(size), theirs.at(size)) else {
                continue;
            };
            row(
                &format!("round trip of {size} bytes | {}", theirs.name),
                micros(ours),
                micros(time),
                ours.as_secs_f64() / time.as_secs_f64(),
            );
        }
    }
}

/// Measures the same programs in alternatives.
pub fn programs(script: &Path, folder: &Path, names: &[&str]) -> Result<Vec<Series>> {
    let mut arguments = vec![script.display().to_string(), folder.display().to_string()];
    arguments.extend(names.iter().map(|name| (*name).to_owned()));
    ask("programs", &arguments)
}
