//! Runs the tests of the Python package, with the extension module that cargo built for this binary.

use crate::{root, runtime};
use std::path::Path;
use std::process::Command;

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

/// Puts the package, its tests and the extension module into a folder.
fn installed() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(
        &root().join("python/archipel"),
        &folder.path().join("archipel"),
    );
    copy(&root().join("python/tests"), &folder.path().join("tests"));
    copy(
        &root().join("examples/article"),
        &folder.path().join("tests/article"),
    );
    let page = root().join("docs/python-host.md");
    std::fs::copy(page, folder.path().join("tests/python-host.md")).unwrap();
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let binary = std::env::current_exe().unwrap();
    let library = binary.with_file_name(format!("{prefix}_archipel{suffix}"));
    let module = match cfg!(windows) {
        true => "_archipel.pyd",
        false => "_archipel.abi3.so",
    };
    std::fs::copy(library, folder.path().join("archipel").join(module)).unwrap();
    folder
}

#[test]
fn the_python_package_passes_its_tests() {
    // The package finds the guest that this has built.
    runtime();
    let folder = installed();
    let done = Command::new("python3")
        .args([
            "-X", "dev", "-m", "unittest", "discover", "-s", "tests", "-t", ".",
        ])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{report}");
    assert!(report.contains("\nOK"), "{report}");
}
