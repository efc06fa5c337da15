//! Tests that the examples produce their documented results.

#[path = "../../examples/guided_tour.rs"]
#[expect(dead_code, reason = "its `main` makes a runtime of its own")]
mod tour;

use crate::harness::Test;
use crate::root;
use crate::runtime;
use crate::script;
use std::process::Command;

fn run(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_archipel"))
        .arg("run")
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    assert!(output.status.success(), "{arguments:?}\n{out}{err}");
    assert_eq!(err, "", "{arguments:?}");
    out
}

/// Returns the test of each program of the article: `examples::article::PROGRAM`.
pub fn tests() -> impl Iterator<Item = Test> {
    let tests = script::tests("examples::article", "examples/article");
    tests.into_iter()
}

#[test]
fn hello_prints_in_order() {
    let out = run(&["examples/hello.py"]);
    assert_eq!(out, "before\nduring\nafter\n");
}

#[test]
fn word_count_finds_the_most_frequent_word() {
    let out = run(&[
        "--dir",
        "examples::/data",
        "examples/word_count.py",
        "/data/islands.txt",
    ]);
    let first = out.lines().next().unwrap();
    assert_eq!(first.split_whitespace().next_back(), Some("the"), "{out}");
}

#[test]
fn primes_finds_all_primes() {
    let out = run(&["examples/primes.py", "20000"]);
    assert!(out.contains("2262 primes below 20000"), "{out}");
    // A loaded machine decides how many, so any positive number is right.
    let last = out.lines().next_back().unwrap();
    let factor = last.strip_suffix(" times as fast").map(str::parse::<f64>);
    assert!(matches!(factor, Some(Ok(factor)) if factor > 0.0), "{out}");
}

#[test]
fn the_guided_tour_runs() {
    tour::tour(runtime()).unwrap();
}
