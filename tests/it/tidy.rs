//! Checks house rules that a program can check.

use crate::root;
use std::path::{Path, PathBuf};

fn files(below: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
}

fn sources(folders: &[&str], extension: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for folder in folders {
        files(&root().join(folder), extension, &mut found);
    }
    assert!(!found.is_empty());
    found
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path, text)
        })
        .collect()
}

/// The folders with Rust files.
const RUST: [&str; 6] = [
    "host",
    "guest/src",
    "python/src",
    "tests",
    "benches",
    "examples",
];

#[test]
fn every_rust_file_has_a_module_doc() {
    for (path, text) in sources(&RUST, "rs") {
        assert!(text.starts_with("//! "), "{}", path.display());
    }
}

#[test]
fn every_python_module_has_a_docstring() {
    for (path, text) in sources(&["guest/python", "python"], "py") {
        assert!(text.starts_with("\"\"\""), "{}", path.display());
    }
}

#[test]
fn every_item_of_the_world_is_documented() {
    for (path, text) in sources(&["wit"], "wit") {
        let mut documented = false;
        for line in text.lines().map(str::trim) {
            let item = line.contains(": func(")
                || [
                    "interface ",
                    "resource ",
                    "record ",
                    "variant ",
                    "enum ",
                    "type ",
                ]
                .iter()
                .any(|keyword| line.starts_with(keyword));
            assert!(!item || documented, "{}: {line}", path.display());
            documented = line.starts_with("///");
        }
    }
}

/// The plain crate depends on no wasmtime and no runtime, and its state machines use no clock and no threads.
#[test]
fn the_core_is_pure() {
    let manifest = std::fs::read_to_string(root().join("host/core/Cargo.toml")).unwrap();
    for dependency in [
        "wasmtime",
        "wasmtime-wasi",
        "tokio",
        "archipel",
        "archipel-guest",
    ] {
        let named = |line: &str| line.split(['.', ' ', '=']).next() == Some(dependency);
        assert!(!manifest.lines().any(named), "host/core: {dependency}");
    }
    let folders = ["host/core/broker", "host/core/value", "host/core/encoding"];
    let mut all = sources(&folders, "rs");
    for file in ["broker.rs", "value.rs", "encoding.rs"] {
        let path = root().join("host/core").join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        all.push((path, text));
    }
    for (path, text) in all {
        for word in ["std::time", "std::thread", "crate::policy"] {
            assert!(
                !text.contains(&format!("{word}::")),
                "{}: {word}",
                path.display()
            );
        }
    }
}

#[test]
fn nothing_is_ignored_or_unfinished() {
    let marks = [
        ["#[ig", "nore"],
        ["to", "do!("],
        ["unimple", "mented!("],
        ["FIX", "ME"],
    ];
    for (path, text) in sources(&RUST, "rs") {
        for mark in marks {
            let mark = mark.concat();
            assert!(!text.contains(&mark), "{}: {mark}", path.display());
        }
    }
}
