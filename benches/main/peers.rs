//! What others offer for the same purpose, in the same run: `peers.py`, Tcl's safe interpreters, and threads.

use crate::plots::Series;
use crate::{Result, median, micros, row, timed};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Barrier, LazyLock};
use std::time::Duration;

const PYERYX: &str = "0.11.0";

/// Microseconds for the lives of Tcl's safe interpreters, a line each.
const TCL: &str = "for {set n 0} {$n < 200} {incr n} {
    set start [clock clicks]
    set child [interp create -safe]
    interp eval $child {set done 1}
    interp delete $child
    puts [expr {[clock clicks] - $start}]
}
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

/// The Python that measures, and the folder in which pyeryx is installed if it can be.
static PYTHON: LazyLock<Option<(String, PathBuf)>> = LazyLock::new(|| {
    let python = newest()?;
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("pyeryx-{PYERYX}"));
    if !folder.exists() {
        // Where that fails, because this Python is too old for instance, there is nothing for it.
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

/// What the script measures for `group`: a name, and for each place how long it took.
fn ask(group: &str, arguments: &[String]) -> Result<Vec<Series>> {
    let Some((python, folder)) = &*PYTHON else {
        return Ok(Vec::new());
    };
    // From a file, which multiprocessing needs.
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
            "the others of Python ended early: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(found)
}

/// The lives of what others have, with a row for each beside one of ours.
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
                "a safe interpreter of Tcl",
                times.collect::<Result<_>>()?,
            ));
        }
        _ => println!("no tclsh on this machine (apt-get install tcl)"),
    }
    std::fs::remove_file(&script)?;
    found.extend(ask("life", &[samples.to_string()])?);
    let ours = median(ours.to_vec());
    for theirs in &found {
        let time = median(theirs.times());
        row(
            &format!("a life of ours | {}", theirs.name),
            micros(ours),
            micros(time),
            ours.as_secs_f64() / time.as_secs_f64(),
        );
    }
    Ok(found)
}

/// How long it takes to create one more of what others have, with threads that wait.
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
                // Until the other end is dropped.
                let _ = ended.recv();
            })?;
            started.wait();
            Ok::<_, std::io::Error>(thread)
        });
        // The system allows no more.
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

/// Bytes to others and back, by their size.
pub fn sizes(samples: usize, exponents: impl Iterator<Item = u32>) -> Result<Vec<Series>> {
    let arguments: Vec<_> = std::iter::once(samples.to_string())
        .chain(exponents.map(|exponent| exponent.to_string()))
        .collect();
    ask("sizes", &arguments)
}

/// Prints a row for some sizes with each of the others.
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

/// The same programs elsewhere.
pub fn programs(script: &Path, folder: &Path, names: &[&str]) -> Result<Vec<Series>> {
    let mut arguments = vec![script.display().to_string(), folder.display().to_string()];
    arguments.extend(names.iter().map(|name| (*name).to_owned()));
    ask("programs", &arguments)
}
