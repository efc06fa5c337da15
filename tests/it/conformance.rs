//! Runs the documented promises in `tests/conformance`, each row as one test.
//!
//! Each file is a list of rows for `runner.py`. It runs the rows that its arguments name, and prints a line for each
//! and the reason below each failed one.

use crate::harness::Test;
use crate::script::{name, paths};
use crate::{root, runtime};
use archipel::policy::Access;
use archipel::{Limits, Output, Policy};
use std::time::Duration;

const ROWS: &str = "tests/conformance";

/// The guest path of the folder.
const FOLDER: &str = "/conformance";

/// Returns the names of the files with rows.
fn files() -> Vec<String> {
    let files = paths(ROWS);
    let names = files.iter().map(|path| name(path).to_owned());
    names.filter(|name| name != "runner").collect()
}

fn source(file: &str) -> String {
    std::fs::read_to_string(root().join(ROWS).join(format!("{file}.py"))).unwrap()
}

/// Returns the names of the rows in the source of a file: of the functions with the decorator `@row`.
fn rows(source: &str) -> Vec<String> {
    let mut lines = source.lines();
    let mut rows = Vec::new();
    while lines.any(|line| line.starts_with("@row(")) {
        let name = lines.find_map(|line| {
            let line = line.strip_prefix("async ").unwrap_or(line);
            line.strip_prefix("def ")?.split('(').next()
        });
        rows.extend(name.map(str::to_owned));
    }
    rows
}

/// Returns the test of each row: `conformance::FILE::ROW`.
pub fn tests() -> impl Iterator<Item = Test> {
    files().into_iter().flat_map(|file| {
        let test = |row: String| {
            let (name, file) = (format!("conformance::{file}::{row}"), file.clone());
            Test::new(name, move || check(&file, &row))
        };
        rows(&source(&file))
            .into_iter()
            .map(test)
            .collect::<Vec<_>>()
    })
}

/// Runs a file with an argument. Returns what it prints, or an error if it fails.
fn run(file: &str, argument: &str) -> Result<String, String> {
    let source = source(file);
    let (stdout, stderr) = (Output::captured(1 << 20), Output::captured(1 << 20));
    let policy = Policy::new()
        .children(500, 4)
        .and_then(|policy| policy.dir(root().join(ROWS), FOLDER, Access::ReadOnly))
        .and_then(|policy| policy.path(FOLDER))
        .unwrap();
    // The limit turns an endless wait into a failure.
    let limits = Limits::new().wall(Duration::from_secs(300));
    let interpreter = runtime()
        .interpreter()
        .policy(policy)
        .limits(limits)
        .stdout(stdout.clone())
        .stderr(stderr.clone())
        .build()
        .unwrap();
    let outcome = interpreter.run(source, format!("{FOLDER}/{file}.py"), [argument.to_owned()]);
    let (told, errors) = (stdout.take().text(), stderr.take().text());
    match outcome {
        Ok(0) if errors.is_empty() => Ok(told),
        other => Err(format!("{other:?}\n{told}stderr:\n{errors}")),
    }
}

/// Checks that the row holds, and that it is the only one that ran.
fn check(file: &str, row: &str) -> Result<(), String> {
    let told = run(file, row)?;
    let held = told.starts_with(&format!("ok      {row}: ")) && told.lines().count() == 1;
    match held {
        true => Ok(()),
        false => Err(format!("the output is not one line about {row}:\n{told}")),
    }
}

#[test]
fn every_registered_row_is_a_test() {
    for file in files() {
        let listed = run(&file, "--list").unwrap();
        let listed: Vec<&str> = listed.lines().collect();
        assert!(!listed.is_empty(), "{file}");
        assert_eq!(rows(&source(&file)), listed, "{file}");
    }
}
