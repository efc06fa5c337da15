//! Checks the prose of the project for openings with a question word, negated nouns and filler words.
//!
//! It reads documentation, comments, docstrings and string literals, and ignores code in backticks and fences.

mod passages;
mod patterns;
mod words;

use crate::root;
use passages::passages;
use patterns::matches;
use std::path::PathBuf;

/// The files and folders to check.
const ROOTS: [&str; 13] = [
    "README.md",
    "ARCHITECTURE.md",
    "SECURITY.md",
    "docs",
    "fuzz/README.md",
    "guest/README.md",
    "guest/python",
    "guest/src",
    "host",
    "python",
    "benches",
    "tests/it",
    "wit",
];

/// A page that is generated from texts that are checked themselves.
const GENERATED: &str = "docs/security-cases.md";

/// Permitted matches: the file, a part of the line, and the reason.
const ALLOWED: &[[&str; 3]] = &[[
    "tests/it/prose/patterns.rs",
    "",
    "the patterns and their examples contain the forbidden words",
]];

/// Adds the files at and below `path`, in order.
fn walk(path: PathBuf, found: &mut Vec<PathBuf>) {
    if !path.is_dir() {
        return found.push(path);
    }
    let entries = std::fs::read_dir(&path).unwrap();
    let mut entries: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for entry in entries {
        walk(entry, found);
    }
}

#[test]
fn the_prose_has_no_forbidden_patterns() {
    let mut files = Vec::new();
    for path in ROOTS {
        walk(root().join(path), &mut files);
    }
    let mut used = vec![false; ALLOWED.len()];
    let mut wrong = Vec::new();
    let mut read = 0;
    for path in files {
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap();
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        if name == GENERATED {
            continue;
        }
        let lines: Vec<&str> = text.lines().collect();
        let passages = passages(&path, &text);
        read += passages.len();
        for (line, found) in passages.iter().flat_map(matches) {
            let allowed = ALLOWED
                .iter()
                .position(|[file, part, _]| *file == name && lines[line - 1].contains(part));
            match allowed {
                Some(entry) => used[entry] = true,
                None => wrong.push(format!("{name}:{line}: {found}")),
            }
        }
    }
    assert!(read > 1000, "only {read} passages were read");
    assert!(
        wrong.is_empty(),
        "{} forbidden patterns:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    for (entry, used) in ALLOWED.iter().zip(used) {
        assert!(used, "remove the unused entry {entry:?}");
    }
}
