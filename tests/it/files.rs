//! Compares file operations in a guest with the same operations run natively.

use crate::cli::{archipel, folder, text};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

/// The result of one operation, from a line of the output.
struct Line {
    /// The reason that its result differs in a guest, if it does.
    differs: String,
    result: String,
}

fn lines(output: &Output) -> BTreeMap<String, Line> {
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    text(&output.stdout)
        .lines()
        .map(|line| {
            let mut parts = line.splitn(3, '\t').map(str::to_owned);
            let mut next = || parts.next().unwrap_or_default();
            let (name, differs, result) = (next(), next(), next());
            (name, Line { differs, result })
        })
        .collect()
}

fn script() -> String {
    let script = crate::root().join("tests/files/operations.py");
    script.to_str().unwrap().to_owned()
}

fn in_guest(folder: &Path, grant: &str) -> BTreeMap<String, Line> {
    let grant = grant.replace("FOLDER", folder.to_str().unwrap());
    // One operation makes a sparse file of 5 GiB, which counts in full in the private folder.
    let mut arguments = vec!["run", "--max-tmp", "8GiB"];
    if !grant.is_empty() {
        arguments.extend(["--dir", &grant]);
    }
    let (script, place) = (script(), if grant.is_empty() { "/tmp" } else { "/data" });
    arguments.extend([script.as_str(), place]);
    lines(&archipel(&arguments, ""))
}

/// Compares the results of all operations, and returns their number.
fn compare(native: &BTreeMap<String, Line>, guest: &BTreeMap<String, Line>) -> usize {
    let mut wrong = Vec::new();
    for (name, native) in native {
        let Some(guest) = guest.get(name) else {
            wrong.push(format!("{name}: the guest has no result"));
            continue;
        };
        let same = native.result == guest.result;
        if same != native.differs.is_empty() {
            let (native, guest) = (&native.result, &guest.result);
            wrong.push(format!("{name}:\n  native {native}\n  guest  {guest}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    native.len()
}

fn natively(folder: &Path) -> BTreeMap<String, Line> {
    let mut python = Command::new("python3");
    python.arg(script()).arg(folder);
    lines(&python.output().unwrap())
}

#[test]
fn operations_in_a_grant_have_their_native_results() {
    let (here, there) = (folder("files-native"), folder("files-guest"));
    let native = natively(&here);
    let guest = in_guest(&there, "FOLDER::/data:rw");
    assert!(compare(&native, &guest) >= 80);
    for folder in [here, there] {
        std::fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn operations_in_the_private_folder_have_their_native_results() {
    let here = folder("files-tmp");
    let native = natively(&here);
    let guest = in_guest(&here, "");
    assert!(compare(&native, &guest) >= 80);
    std::fs::remove_dir_all(here).unwrap();
}

/// The documentation lists exactly these differences.
#[test]
fn differences_are_documented() {
    let listed = std::fs::read_to_string(crate::root().join("docs/files.md")).unwrap();
    let operations = std::fs::read_to_string(script()).unwrap();
    let reasons: Vec<_> = operations
        .lines()
        .filter_map(|line| line.strip_prefix("@differs(\"")?.strip_suffix("\")"))
        .collect();
    assert!(!reasons.is_empty());
    for reason in &reasons {
        assert!(listed.contains(reason), "docs/files.md lacks: {reason}");
    }
}
