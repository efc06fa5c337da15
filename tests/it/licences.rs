//! Tests the dependencies: their licences, and the documented reason to trust each.

use crate::root;
use serde_json::Value;
use std::process::Command;

/// The licences compatible with ours, alone or as an alternative.
const ALLOWED: [&str; 11] = [
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "ISC",
    "MIT",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Returns all packages in the lock file that are on this machine. Fetches nothing.
fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .current_dir(root())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        return serde_json::from_slice(&output.stdout).unwrap();
    }
    // Packages for other platforms may not be on this machine. This platform's packages are.
    let host = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .args(["--filter-platform", &target()])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(host.status.success(), "{said}");
    serde_json::from_slice(&host.stdout).unwrap()
}

/// Returns the target platform of the compiler.
fn target() -> String {
    let output = Command::new("rustc").arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.unwrap().to_owned()
}

/// Returns whether an SPDX expression allows using the package under allowed licences.
fn is_allowed(expression: &str) -> bool {
    let expression = expression.trim();
    // The first operator binds loosest. Older expressions write `OR` as a slash.
    for (operator, all) in [(" OR ", false), ("/", false), (" AND ", true)] {
        let parts = split(expression, operator);
        if parts.len() > 1 {
            return match all {
                true => parts.into_iter().all(is_allowed),
                false => parts.into_iter().any(is_allowed),
            };
        }
    }
    match expression
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
    {
        Some(inner) => is_allowed(inner),
        None => ALLOWED.contains(&expression),
    }
}

/// Splits an expression at an operator outside of parentheses.
fn split<'a>(expression: &'a str, operator: &str) -> Vec<&'a str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0, 0);
    for (at, letter) in expression.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 && at >= from && expression[at..].starts_with(operator) {
            parts.push(&expression[from..at]);
            from = at + operator.len();
        }
    }
    parts.push(&expression[from..]);
    parts
}

#[test]
fn licences_of_dependencies_are_allowed() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    for package in packages {
        let (name, licence) = (&package["name"], package["license"].as_str());
        assert!(
            licence.is_some_and(is_allowed),
            "the licence of {name} is {licence:?}: replace the package, or allow the licence with a reason"
        );
    }
}

#[test]
fn licence_expressions_are_evaluated() {
    let rows = [
        ("MIT", true),
        ("MIT/Apache-2.0", true),
        ("Apache-2.0 / MIT", true),
        ("GPL-2.0-only OR BSD-3-Clause", true),
        ("GPL-2.0-only", false),
        ("MIT AND GPL-3.0-only", false),
        ("(Apache-2.0 OR MIT) AND BSD-3-Clause", true),
        ("(GPL-3.0-only OR LGPL-3.0-only) AND MIT", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("MIT OR GPL-3.0-only AND AGPL-3.0-only", true),
        ("", false),
    ];
    for (expression, expected) in rows {
        assert_eq!(is_allowed(expression), expected, "{expression}");
    }
}

/// `SECURITY.md` gives the reason for trusting each direct dependency.
#[test]
fn every_direct_dependency_has_its_reason() {
    let text = std::fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let metadata = metadata();
    let ours = metadata["packages"].as_array().unwrap().iter();
    let mut named = 0;
    for package in ours.filter(|package| package["source"].is_null()) {
        for dependency in package["dependencies"].as_array().unwrap() {
            let name = dependency["name"].as_str().unwrap();
            let development = dependency["kind"] == "dev";
            if dependency["path"].is_null() && !development {
                assert!(text.contains(&format!("`{name}`")), "{name}");
                named += 1;
            }
        }
    }
    assert!(named > 20);
}
