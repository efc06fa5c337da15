//! Runs the tests of the Python package, with the extension module that cargo built for this binary.
//!
//! Each file of `python/tests` is a test, which runs in the `python3` of the PATH. One more test runs all of them in
//! the other supported versions there, `python3.10` to `python3.14`.

use crate::harness::Test;
use crate::{root, runtime};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const FOLDER: &str = "python/tests";

const VERSIONS: std::ops::RangeInclusive<u32> = 10..=14;

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &target),
            false => drop(std::fs::copy(&path, &target).unwrap()),
        }
    }
}

/// Returns the extension module that cargo built.
fn library() -> PathBuf {
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let binary = std::env::current_exe().unwrap();
    binary.with_file_name(format!("{prefix}_archipel{suffix}"))
}

/// Returns a folder with the package, its tests and the extension module. It belongs to this process.
fn installed() -> &'static Path {
    static FOLDER_OF_PROCESS: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER_OF_PROCESS.get_or_init(|| {
        // The package finds the guest that this has built.
        runtime();
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path();
        copy(&root().join("python/archipel"), &to.join("archipel"));
        copy(&root().join(FOLDER), &to.join("tests"));
        copy(&root().join("examples/article"), &to.join("tests/article"));
        copy(
            &root().join("tests/conformance"),
            &to.join("tests/conformance"),
        );
        let page = root().join("docs/python-host.md");
        std::fs::copy(page, to.join("tests/python-host.md")).unwrap();
        let module = match cfg!(windows) {
            true => "_archipel.pyd",
            false => "_archipel.abi3.so",
        };
        std::fs::copy(library(), to.join("archipel").join(module)).unwrap();
        folder
    });
    folder.path()
}

/// Returns the version of a Python, such as `3.11`, if it runs and the package supports it.
fn version(python: &str) -> Option<String> {
    let print = "import sys; print('%d.%d' % sys.version_info[:2], end='')";
    let done = Command::new(python).args(["-c", print]).output().ok()?;
    let version = String::from_utf8(done.stdout).ok()?;
    let minor = version.strip_prefix("3.")?.parse().ok()?;
    VERSIONS.contains(&minor).then_some(version)
}

fn check(python: &str, arguments: &[&str]) -> Result<(), String> {
    let done = Command::new(python)
        .args(["-X", "dev", "-m", "unittest"])
        .args(arguments)
        .current_dir(installed())
        .output()
        .map_err(|error| format!("{python}: {error}"))?;
    let report = String::from_utf8_lossy(&done.stderr);
    match done.status.success() && report.contains("\nOK") {
        true => Ok(()),
        false => Err(format!("{}\n{report}", done.status)),
    }
}

/// Returns the names of the files of tests.
fn files() -> Vec<String> {
    let entries = std::fs::read_dir(root().join(FOLDER)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<String> = names
        .filter_map(|name| Some(name.strip_suffix(".py")?.to_owned()))
        .filter(|name| name.starts_with("test_"))
        .collect();
    files.sort();
    files
}

/// Returns the tests: `python_package::FILE`.
pub fn tests() -> impl Iterator<Item = Test> {
    files().into_iter().map(|file| {
        Test::new(format!("python_package::{file}"), move || {
            check("python3", &[&format!("tests.{file}")])
        })
    })
}

#[test]
fn all_tests_pass_in_the_other_supported_versions_of_python() {
    let usual = version("python3").expect("python3 is not CPython 3.10 to 3.14");
    for minor in VERSIONS.filter(|minor| format!("3.{minor}") != usual) {
        let python = format!("python3.{minor}");
        if version(&python).is_some() {
            let checked = check(&python, &["discover", "-s", "tests", "-t", "."]);
            checked.unwrap_or_else(|report| panic!("{python}: {report}"));
        }
    }
}
