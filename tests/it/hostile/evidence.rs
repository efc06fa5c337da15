//! Finds the tests that cover the rows of the table.
//!
//! A script names its rows in its header. A function with `#[test]` covers rows if its documentation begins with them
//! (`F-13, F-14: attack`) and has a line `Outcome: ...`. So each test itself states the rows that it is about.

use super::FOLDER;
use super::case::Case;
use super::rows;
use crate::root;
use crate::script::{name, paths};
use std::path::{Path, PathBuf};

/// The folders with tests in Rust.
const TESTS: [&str; 3] = ["tests/it", "host", "guest/src"];

/// A test of a row, or the reason why there is none.
#[derive(Debug, PartialEq, Eq)]
pub struct Evidence {
    pub row: String,
    pub attack: String,
    pub outcome: String,
    /// A link to the test, or the reason.
    pub test: String,
}

/// Returns all evidence.
pub fn all() -> Vec<Evidence> {
    let mut found = of_scripts();
    let mut files = Vec::new();
    for folder in TESTS {
        rust_files(&root().join(folder), &mut files);
    }
    for path in files {
        let file = path.strip_prefix(root()).unwrap().to_str().unwrap();
        found.extend(of_functions(file, &std::fs::read_to_string(&path).unwrap()));
    }
    found.extend(rows::ABSENT.iter().map(|[row, attack, why]| Evidence {
        row: (*row).to_owned(),
        attack: (*attack).to_owned(),
        outcome: "cannot happen".to_owned(),
        test: (*why).to_owned(),
    }));
    found
}

/// Adds the Rust files below a folder, in order.
fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut entries: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn of_scripts() -> Vec<Evidence> {
    let scripts = paths(FOLDER).into_iter().flat_map(|path| {
        let case = Case::read(&path);
        let file = format!("{}.py", case.name);
        let begins = |row: &String| name(&path).starts_with(&format!("{row}_"));
        assert!(
            case.rows.iter().any(begins),
            "{file} is not named after its row"
        );
        let evidence = |row: String| Evidence {
            row,
            attack: case.attack.clone(),
            outcome: case.outcome.clone(),
            test: format!("[{file}](../{FOLDER}/{file})"),
        };
        case.rows
            .clone()
            .into_iter()
            .map(evidence)
            .collect::<Vec<_>>()
    });
    scripts.collect()
}

/// Returns the rows that a line of documentation begins with, and the attack that it describes.
fn begins(line: &str) -> Option<(Vec<&str>, &str)> {
    let (rows, attack) = line.split_once(": ")?;
    let rows: Vec<&str> = rows.split(", ").collect();
    rows.iter()
        .all(|row| rows::is_row(row))
        .then_some((rows, attack))
}

/// Returns the evidence in the source text of a file.
fn of_functions(file: &str, text: &str) -> Vec<Evidence> {
    let mut found = Vec::new();
    let mut lines = text.lines().map(str::trim_start);
    while let Some(line) = lines.next() {
        let Some((rows, attack)) = line.strip_prefix("/// ").and_then(begins) else {
            continue;
        };
        let (mut said, mut is_test) = (attack.to_owned(), false);
        let test = lines.by_ref().find_map(|line| {
            match line.strip_prefix("///") {
                Some("") => said.push('\n'),
                Some(more) => said.push_str(more),
                None => is_test |= line == "#[test]",
            }
            line.strip_prefix("fn ")?.split('(').next()
        });
        let test = test.unwrap_or_else(|| panic!("{file}: {line} documents no function"));
        assert!(is_test, "{file}: {test} is not a test");
        let outcome = said.split_once("\n Outcome: ");
        let (attack, outcome) = outcome.unwrap_or_else(|| panic!("{file}: {test} has no outcome"));
        let outcome = outcome.lines().next().unwrap_or_default();
        found.extend(rows.into_iter().map(|row| Evidence {
            row: row.to_owned(),
            attack: attack.to_owned(),
            outcome: outcome.trim_end_matches('.').to_owned(),
            test: format!("`{test}` in [{file}](../{file})"),
        }));
    }
    found
}

#[test]
fn a_row_is_credited_to_the_test_that_it_documents() {
    // With a row in the place of `@`, the text would itself be evidence.
    let text = "\
/// A helper.
fn helper() {}

/// @, K-5: It does one thing
/// and another.
///
/// Outcome: DENY, and
/// nothing else.
///
/// More text.
#[cfg(unix)]
#[test]
fn first() {}

mod tests {
    /// @: It does more.
    ///
    /// Outcome: OK.
    #[test]
    fn second() {}
}
";
    let evidence = |row: &str, attack: &str, outcome: &str, test: &str| Evidence {
        row: row.to_owned(),
        attack: attack.to_owned(),
        outcome: outcome.to_owned(),
        test: format!("`{test}` in [a.rs](../a.rs)"),
    };
    let both = "It does one thing and another.";
    let expected = [
        evidence("X-18", both, "DENY, and nothing else", "first"),
        evidence("K-5", both, "DENY, and nothing else", "first"),
        evidence("X-18", "It does more.", "OK", "second"),
    ];
    assert_eq!(of_functions("a.rs", &text.replace('@', "X-18")), expected);
}

/// A test that is named after a row documents it, or the table would lack it.
#[test]
fn tests_named_after_rows_are_evidence_of_them() {
    let evidence = all();
    let mut files = Vec::new();
    rust_files(&root().join("tests/it/hostile"), &mut files);
    let mut named = 0;
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let file = path.strip_prefix(root()).unwrap().to_str().unwrap();
        let functions = text
            .lines()
            .filter_map(|line| line.strip_prefix("fn ")?.split('(').next());
        for function in functions {
            let mut parts = function.split('_');
            let row = format!(
                "{}-{}",
                parts.next().unwrap(),
                parts.next().unwrap_or_default()
            );
            let row = row.to_uppercase();
            let test = format!("`{function}` in [{file}](../{file})");
            if rows::is_row(&row) {
                named += 1;
                let is_its = |evidence: &Evidence| evidence.row == row && evidence.test == test;
                assert!(
                    evidence.iter().any(is_its),
                    "{file}: {function} does not document {row}"
                );
            }
        }
    }
    assert!(named > 40, "only {named} functions are named after rows");
}
