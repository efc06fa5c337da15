//! Generates the table of all hostile cases, `docs/security-cases.md`.
//!
//! A test covers a row if its documentation begins with the row (`F-13: attack`) and has a line `Outcome: ...`, and
//! its name begins with the row (`f_13_...`).

use super::case::Case;
use super::{FOLDER, elsewhere, name, rows};
use crate::script::paths;
use std::fmt::Write;

const TABLE: &str = "docs/security-cases.md";

/// A row of the table.
pub struct Entry {
    pub row: String,
    pub attack: String,
    pub outcome: String,
    /// A link to the test, or the reason why there is none.
    pub test: String,
}

fn of_scripts() -> Vec<Entry> {
    let entries = paths(FOLDER).into_iter().flat_map(|path| {
        let case = Case::read(&path);
        let file = format!("{}.py", case.name);
        let entry = move |row: &String| Entry {
            row: row.clone(),
            attack: case.attack.clone(),
            outcome: case.outcome.clone(),
            test: format!("[{file}](../{FOLDER}/{file})"),
        };
        let rows = case.rows.clone();
        let named = rows
            .iter()
            .any(|row| name(&path).starts_with(&format!("{row}_")));
        assert!(named, "{} is not named after its row", path.display());
        rows.iter().map(entry).collect::<Vec<_>>()
    });
    entries.collect()
}

/// Returns the rows that a line of documentation begins with, and the attack that it describes.
fn begins(line: &str) -> Option<(Vec<String>, &str)> {
    let (rows, attack) = line.split_once(": ")?;
    let rows: Vec<String> = rows.split(", ").map(str::to_owned).collect();
    let known: Vec<String> = rows::all().collect();
    rows.iter()
        .all(|row| known.contains(row))
        .then_some((rows, attack))
}

fn of_tests() -> Vec<Entry> {
    let mut entries = Vec::new();
    for path in paths("tests/it/hostile") {
        let text = std::fs::read_to_string(&path).unwrap();
        let file = format!("tests/it/hostile/{}.rs", name(&path));
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let Some((rows, attack)) = line.strip_prefix("/// ").and_then(begins) else {
                continue;
            };
            let mut said = attack.to_owned();
            let mut rest = lines.by_ref().take_while(|line| !line.starts_with("fn "));
            let mut is_test = false;
            for line in rest.by_ref() {
                match line.strip_prefix("///") {
                    Some(more) => said.push_str(if more.is_empty() { "\n" } else { more }),
                    None => is_test |= line == "#[test]",
                }
            }
            let (attack, outcome) = said.split_once("\n Outcome: ").unwrap();
            let begun = format!("fn {}_", rows[0].to_lowercase().replace('-', "_"));
            let test = text.lines().find_map(|line| {
                let test = line.strip_prefix("fn ")?.split('(').next()?;
                line.starts_with(&begun).then_some(test)
            });
            let test =
                test.unwrap_or_else(|| panic!("{file} has no test that begins with `{begun}`"));
            assert!(is_test, "{file}: {test} is not a test");
            entries.extend(rows.iter().map(|row| Entry {
                row: row.clone(),
                attack: attack.to_owned(),
                outcome: outcome.trim_end_matches('.').to_owned(),
                test: format!("`{test}` in [{file}](../{file})"),
            }));
        }
    }
    entries
}

fn table(entries: &[Entry]) -> String {
    let mut text = "# Hostile cases\n\n\
        Attacks by untrusted code, and their outcomes.  \
        This page is generated: see `tests/it/hostile/table.rs`.\n\n\
        | outcome | meaning |\n|---|---|\n\
        | `OK` | the code ends without doing harm |\n\
        | `RAISE(X)` | the code receives an exception, which it can catch; the interpreter continues |\n\
        | `DENY` | the code receives an error of denied permission or of a missing object; nothing is done |\n\
        | `CLOSED` | the code receives an error about a closed channel or handle |\n\
        | `LIMIT(kind)` | the interpreter is stopped at once, and neither `except` nor `finally` runs; \
        `TIMEOUT` is the limit on wall time |\n\
        | `CANCELLED` | the host or another interpreter stops the interpreter like a limit |\n\
        | `DIED` | the interpreter dies, and no other interpreter is affected |\n\
        | `EXIT(n)` | the interpreter exits with that status, and no other interpreter is affected |\n\n\
        After every script, the host is alive, a sibling has answered throughout, all counters have their \
        previous values, a stopped interpreter refuses calls, the script has received no data of the host, \
        and the audit log has one entry for each denied request to the host.\n"
        .to_owned();
    for group in rows::GROUPS {
        let _ = write!(text, "\n## {}\n\n", group.title);
        text.push_str("| row | attack | outcome | test |\n|---|---|---|---|\n");
        for number in group.numbers {
            let row = format!("{}-{number}", group.letter);
            for entry in entries.iter().filter(|entry| entry.row == row) {
                let Entry {
                    attack,
                    outcome,
                    test,
                    ..
                } = entry;
                let attack = attack.replace('|', "\\|");
                let _ = writeln!(text, "| {row} | {attack} | {outcome} | {test} |");
            }
        }
    }
    text
}

fn entries() -> Vec<Entry> {
    let mut entries = of_scripts();
    entries.extend(of_tests());
    entries.extend(elsewhere::entries());
    entries
}

#[test]
fn every_row_has_a_test_or_a_reason() {
    let entries = entries();
    let missing: Vec<String> = rows::all()
        .filter(|row| !entries.iter().any(|entry| entry.row == *row))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    let known: Vec<String> = rows::all().collect();
    for entry in entries {
        assert!(known.contains(&entry.row), "unknown row {}", entry.row);
    }
}

/// With `ARCHIPEL_BLESS` set, writes the page.
#[test]
fn the_security_cases_page_is_up_to_date() {
    let (path, wanted) = (crate::root().join(TABLE), table(&entries()));
    if std::env::var_os("ARCHIPEL_BLESS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "{TABLE} is stale: run this test with ARCHIPEL_BLESS=1"
    );
}
