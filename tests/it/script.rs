//! Scripts whose first lines say what must come of them.
//!
//! Each of those lines is `#: key value`:
//!
//! | key | value |
//! |---|---|
//! | `stdout` | the next line of the output, all of which must be listed |
//! | `stdout-limit` | how many bytes are captured; the output is not compared then |
//! | `stderr-has` | what standard error has in it |
//! | `outcome` | `exit N` (the default is `exit 0`), `limit` or `died`; several with `or` |
//! | `wall`, `memory` | a limit |
//! | `children` | the granted count and depth of children; the default is 64 and 4 |

use crate::runtime;
use archipel::{Error, Limits, Output, Policy};
use std::path::Path;
use std::time::Duration;

/// What must come of a script.
pub struct Expected {
    outcomes: Vec<String>,
    stdout: Option<String>,
    stdout_limit: usize,
    stderr_has: Vec<String>,
    limits: Limits,
    children: (u32, u32),
}

/// Reads what the first lines of a script say.
pub fn expected(source: &str) -> Expected {
    let mut expected = Expected {
        outcomes: vec!["exit 0".to_owned()],
        stdout: Some(String::new()),
        stdout_limit: 1 << 20,
        stderr_has: Vec::new(),
        limits: Limits::new(),
        children: (64, 4),
    };
    for line in source.lines().map_while(|line| line.strip_prefix("#: ")) {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        match key {
            "stdout" => {
                if let Some(stdout) = &mut expected.stdout {
                    stdout.push_str(value);
                    stdout.push('\n');
                }
            }
            "stdout-limit" => {
                expected.stdout = None;
                expected.stdout_limit = value.parse().unwrap();
            }
            "stderr-has" => expected.stderr_has.push(value.to_owned()),
            "outcome" => expected.outcomes = value.split(" or ").map(str::to_owned).collect(),
            "wall" => expected.limits = expected.limits.wall(time(value)).unwrap(),
            "memory" => expected.limits = expected.limits.memory(mebibytes(value) as u64).unwrap(),
            "children" => {
                let (count, depth) = value.split_once(' ').unwrap();
                expected.children = (count.parse().unwrap(), depth.parse().unwrap());
            }
            _ => panic!("unknown key `{key}`"),
        }
    }
    expected
}

impl Expected {
    /// Says what is not as it must be: how the script ended, or what it wrote.
    pub fn compare(&self, outcome: &str, out: &[u8], err: &str) -> Result<(), String> {
        let text = String::from_utf8_lossy(out);
        let told = format!("stdout:\n{text}stderr:\n{err}");
        if !self.outcomes.iter().any(|expected| expected == outcome) {
            return Err(format!("{outcome}, not {:?}\n{told}", self.outcomes));
        }
        match &self.stdout {
            Some(lines) if *lines != text => {
                return Err(format!("stdout is not\n{lines}but\n{told}"));
            }
            None if out.len() > self.stdout_limit || out.is_empty() => {
                return Err(format!("{} bytes were captured", out.len()));
            }
            _ => {}
        }
        for part in &self.stderr_has {
            if !err.contains(part) {
                return Err(format!("stderr has no {part}\n{told}"));
            }
        }
        Ok(())
    }
}

fn time(text: &str) -> Duration {
    match text.strip_suffix("ms") {
        Some(millis) => Duration::from_millis(millis.parse().unwrap()),
        None => Duration::from_secs(text.strip_suffix('s').unwrap().parse().unwrap()),
    }
}

fn mebibytes(text: &str) -> usize {
    text.strip_suffix("MiB").unwrap().parse::<usize>().unwrap() << 20
}

/// Runs the script at `path` and says what is not as it must be.
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
    // Nobody else has noticed.
    match sibling.eval("n + 1") {
        Ok(value) if value == 2 => Ok(()),
        other => Err(format!("the sibling answers {other:?}")),
    }
}

/// Checks every script in a folder of the project.
pub fn check_all(folder: &str) {
    let folder = crate::root().join(folder);
    let mut paths: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    let failures: Vec<String> = paths
        .iter()
        .filter_map(|path| {
            let failure = check(path).err()?;
            Some(format!("{}: {failure}", path.display()))
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
