//! Runs scripts whose first lines declare their expected results.
//!
//! Each of those lines has the form `#: key value`:
//!
//! | key | value |
//! |---|---|
//! | `stdout` | the next line of the output; all lines must be listed |
//! | `stdout-limit` | the number of bytes to capture; the output is then not compared |
//! | `stderr-has` | a part of standard error |
//! | `outcome` | `exit N` (the default is `exit 0`), `limit` or `died`; several with `or` |
//! | `wall`, `memory` and so on | a limit |
//! | `children` | the granted count and depth of children; the default is 64 and 4 |

use crate::harness::Test;
use crate::runtime;
use archipel::{Error, LimitKind, Limits, Output, Policy, Value};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The expected result of a script.
pub struct Expected {
    outcomes: Vec<String>,
    pub stdout: Option<String>,
    pub stdout_limit: usize,
    stderr_has: Vec<String>,
    pub limits: Limits,
    pub children: (u32, u32),
}

/// Runs a script in an interpreter of this process, with that policy and those arguments, and compares its outcome.
pub fn check_alone(
    path: &Path,
    policy: Policy,
    arguments: impl Into<Vec<String>>,
) -> Result<(), String> {
    let source = std::fs::read_to_string(path).unwrap();
    let expected = expected(&source);
    let (stdout, stderr) = (Output::captured(1 << 20), Output::captured(1 << 16));
    let interpreter = runtime()
        .interpreter()
        .policy(policy)
        .limits(expected.limits.wall(Duration::from_secs(120)))
        .stdout(stdout.clone())
        .stderr(stderr.clone())
        .build()
        .unwrap();
    let outcome = match interpreter.run(source, "script.py", arguments.into()) {
        Ok(status) => format!("exit {status}"),
        Err(error) => error.to_string(),
    };
    let (out, err) = (stdout.take(), stderr.take().text());
    expected.compare(&outcome, &out.bytes, &err)
}

/// Returns the keys and values in the first lines of a script.
pub fn header(source: &str) -> impl Iterator<Item = (&str, &str)> {
    source
        .lines()
        .map_while(|line| line.strip_prefix("#: "))
        .map(|line| line.split_once(' ').unwrap_or((line, "")))
}

/// Parses the first lines of a script.
pub fn expected(source: &str) -> Expected {
    let mut expected = Expected::new();
    for (key, value) in header(source) {
        assert!(expected.take(key, value), "unknown key `{key}`");
    }
    expected
}

impl Expected {
    pub fn new() -> Self {
        Expected {
            outcomes: vec!["exit 0".to_owned()],
            stdout: Some(String::new()),
            stdout_limit: 1 << 20,
            stderr_has: Vec::new(),
            limits: Limits::new(),
            children: (64, 4),
        }
    }

    /// Adds a declaration. Returns whether the key is valid for every script.
    pub fn take(&mut self, key: &str, value: &str) -> bool {
        match key {
            "stdout" => {
                if let Some(stdout) = &mut self.stdout {
                    stdout.push_str(value);
                    stdout.push('\n');
                }
            }
            "stdout-limit" => {
                self.stdout = None;
                self.stdout_limit = value.parse().unwrap();
            }
            "stderr-has" => self.stderr_has.push(value.to_owned()),
            "outcome" => self.outcomes = value.split(" or ").map(str::to_owned).collect(),
            "children" => {
                let (count, depth) = value.split_once(' ').unwrap();
                self.children = (count.parse().unwrap(), depth.parse().unwrap());
            }
            limit => {
                let Some(kind) = LimitKind::named(limit) else {
                    return false;
                };
                self.limits = self.limits.with(kind, amount(kind, value));
            }
        }
        true
    }

    /// Returns an error that describes how the outcome or the output differs.
    pub fn compare(&self, outcome: &str, out: &[u8], err: &str) -> Result<(), String> {
        if !self.outcomes.iter().any(|expected| expected == outcome) {
            let told = told(out, err);
            return Err(format!("{outcome}, not {:?}\n{told}", self.outcomes));
        }
        self.compare_output(out, err)
    }

    /// Returns an error that describes how the output differs.
    pub fn compare_output(&self, out: &[u8], err: &str) -> Result<(), String> {
        match &self.stdout {
            Some(lines) if lines.as_bytes() != out => {
                return Err(format!("stdout is not\n{lines}but\n{}", told(out, err)));
            }
            None if out.len() > self.stdout_limit || out.is_empty() => {
                return Err(format!("{} bytes were captured", out.len()));
            }
            _ => {}
        }
        for part in &self.stderr_has {
            if !err.contains(part) {
                return Err(format!("stderr has no {part}\n{}", told(out, err)));
            }
        }
        Ok(())
    }
}

/// Formats a script's output for a failure message.
pub fn told(out: &[u8], err: &str) -> String {
    let out = String::from_utf8_lossy(out);
    format!("stdout:\n{out}stderr:\n{err}")
}

/// Parses an amount in the unit of its kind: `500ms`, `2s`, `64MiB`, `100KiB`, `12`.
fn amount(kind: LimitKind, text: &str) -> u64 {
    let units: &[(&str, u64)] = match kind {
        LimitKind::Cpu | LimitKind::Wall => &[("ms", 1_000_000), ("s", 1_000_000_000)],
        _ => &[("KiB", 1 << 10), ("MiB", 1 << 20)],
    };
    let found = units.iter().find_map(|(unit, size)| {
        let number = text.strip_suffix(unit)?;
        Some(number.parse::<u64>().ok()? * size)
    });
    found.unwrap_or_else(|| text.parse().unwrap())
}

/// Runs the script at `path`, and returns an error that describes any difference.
fn check(path: &Path) -> Result<(), String> {
    let source = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let expected = expected(&source);
    let (stdout, stderr) = (
        Output::captured(expected.stdout_limit),
        Output::captured(1 << 16),
    );
    let sibling = runtime().interpreter().build().unwrap();
    sibling.exec("n = 1").unwrap();
    let (count, depth) = expected.children;
    let interpreter = runtime()
        .interpreter()
        .policy(Policy::new().children(count, depth).unwrap())
        .limits(expected.limits)
        .stdout(stdout.clone())
        .stderr(stderr.clone())
        .build()
        .unwrap();
    let outcome = match interpreter.run(source, "script.py", []) {
        Ok(status) => format!("exit {status}"),
        Err(Error::LimitExceeded { .. }) => "limit".to_owned(),
        Err(Error::Died(_)) => "died".to_owned(),
        Err(other) => format!("{other:?}"),
    };
    let (out, err) = (stdout.take(), stderr.take().text());
    expected.compare(&outcome, &out.bytes, &err)?;
    // Another interpreter is unaffected.
    match sibling.eval::<Value>("n + 1") {
        Ok(value) if value == 2 => Ok(()),
        other => Err(format!("the sibling answers {other:?}")),
    }
}

/// Returns the scripts in a folder of the project, in order.
pub fn paths(folder: &str) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(crate::root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "py"))
        .collect();
    paths.sort();
    paths
}

/// Returns the name of a script without its extension.
pub fn name(path: &Path) -> &str {
    path.file_stem().unwrap().to_str().unwrap()
}

/// Returns a test for each script in a folder of the project. `group` is the first part of their names.
pub fn tests(group: &str, folder: &str) -> Vec<Test> {
    let test = |path: PathBuf| {
        let name = format!("{group}::{}", name(&path));
        Test::new(name, move || check(&path))
    };
    paths(folder).into_iter().map(test).collect()
}
