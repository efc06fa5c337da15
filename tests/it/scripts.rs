//! Runs the scripts in the folders of `tests/scripts`, each as one test.

use crate::harness::Test;
use crate::root;
use crate::script;

const SCRIPTS: &str = "tests/scripts";

/// Returns the names of the folders. The hostile scripts have their own runner.
fn folders() -> Vec<String> {
    let folders = std::fs::read_dir(root().join(SCRIPTS)).unwrap();
    let names = folders.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != "hostile").collect()
}

/// Returns the test of each script: `scripts::FOLDER::SCRIPT`.
pub fn tests() -> impl Iterator<Item = Test> {
    folders().into_iter().flat_map(|folder| {
        let group = format!("scripts::{folder}");
        script::tests(&group, &format!("{SCRIPTS}/{folder}"))
    })
}

/// A file with another extension would not be run.
#[test]
fn each_folder_contains_only_scripts() {
    for folder in folders().into_iter().chain(["hostile".to_owned()]) {
        let folder = format!("{SCRIPTS}/{folder}");
        let found = std::fs::read_dir(root().join(&folder)).unwrap().count();
        assert_eq!(found, script::paths(&folder).len(), "{folder}");
        assert!(found > 0, "{folder}");
    }
}
