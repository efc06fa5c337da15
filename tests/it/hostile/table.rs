//! Generates the table of all hostile cases, `docs/security-cases.md`.

use super::evidence::{self, Evidence};
use super::rows;
use std::fmt::Write;

const TABLE: &str = "docs/security-cases.md";

fn table(evidence: &[Evidence]) -> String {
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
            for evidence in evidence.iter().filter(|evidence| evidence.row == row) {
                let Evidence {
                    attack,
                    outcome,
                    test,
                    ..
                } = evidence;
                let attack = attack.replace('|', "\\|");
                let _ = writeln!(text, "| {row} | {attack} | {outcome} | {test} |");
            }
        }
    }
    text
}

#[test]
fn every_row_has_a_test_or_a_reason() {
    let evidence = evidence::all();
    let missing: Vec<String> = rows::all()
        .filter(|row| !evidence.iter().any(|evidence| evidence.row == *row))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    for evidence in evidence {
        assert!(rows::is_row(&evidence.row), "unknown row {}", evidence.row);
    }
}

/// With `ARCHIPEL_BLESS` set, writes the page.
#[test]
fn the_security_cases_page_is_up_to_date() {
    let (path, wanted) = (crate::root().join(TABLE), table(&evidence::all()));
    if std::env::var_os("ARCHIPEL_BLESS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "{TABLE} is stale: run this test with ARCHIPEL_BLESS=1"
    );
}
