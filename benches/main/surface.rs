//! The costs of the Python API beside native Python, measured with `surface.py` in both.

use crate::{Result, micros, python, row};
use archipel::{Output, Policy, Runtime};
use std::collections::HashMap;
use std::process::Command;
use std::time::Duration;

const SCRIPT: &str = include_str!("surface.py");

/// The figures: names, descriptions, and references.
const ROWS: [(&str, &str); 6] = [
    (
        "round-trip",
        "Queue round trip of a small dict | native, if 3.14",
    ),
    ("call", "call(f, 1, 2) in an idle child | native, if 3.14"),
    (
        "pool",
        "a task of InterpreterPoolExecutor.map | ProcessPoolExecutor",
    ),
    ("large", "Queue put + get of 1 MB | copying it, native"),
    ("buffer", "send_buffer + recv of 1 MB | copying it, native"),
    ("imports", "import of 20 common modules | native"),
];

/// Prints a row for each figure.
pub fn surface(runtime: &Runtime) -> Result<()> {
    let policy = Policy::new().children(64, 2)?;
    beside(runtime, policy, SCRIPT, &[], &ROWS)
}

/// Runs a script in an interpreter and in native Python, and prints a row for each figure that it prints.
pub fn beside(
    runtime: &Runtime,
    policy: Policy,
    source: &str,
    arguments: &[String],
    rows: &[(&str, &str)],
) -> Result<()> {
    let (output, errors) = (Output::captured(1 << 16), Output::captured(1 << 16));
    let interpreter = runtime
        .interpreter()
        .policy(policy)
        .stdout(output.clone())
        .stderr(errors.clone())
        .build()?;
    let status = interpreter.run(source, "<string>", arguments.to_vec())?;
    assert!(status == 0, "{}", errors.take().text());
    let ours = figures(&output.take().text())?;
    let script = std::env::temp_dir().join(format!("archipel-beside-{}.py", std::process::id()));
    std::fs::write(&script, source)?;
    let native = Command::new(python()?)
        .arg("-I")
        .arg(&script)
        .args(arguments)
        .output()?;
    std::fs::remove_file(&script)?;
    let native = figures(&String::from_utf8(native.stdout)?)?;
    for (name, what) in rows {
        let ours = *ours.get(*name).ok_or("a figure is missing")?;
        let reference = native.get(*name).copied();
        row(
            what,
            micros(ours),
            reference.map_or_else(String::new, micros),
            reference.map_or(f64::NAN, |time| ours.as_secs_f64() / time.as_secs_f64()),
        );
    }
    Ok(())
}

/// Returns the last figure of each name.
fn figures(text: &str) -> Result<HashMap<String, Duration>> {
    let mut figures = HashMap::new();
    for line in text.lines() {
        let (name, nanos) = line.split_once(' ').ok_or("a line is not a figure")?;
        figures.insert(name.to_owned(), Duration::from_nanos(nanos.parse()?));
    }
    Ok(figures)
}
