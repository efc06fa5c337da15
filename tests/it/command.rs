//! The guest as a command, under what `wasmtime run` makes of it.

use crate::script::expected;
use crate::wasi::{Ended, Flags, interfaces, run};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[test]
fn scratch() {
    for folder in [
        "channels", "threads", "values", "library", "queues", "hostile",
    ] {
        for e in std::fs::read_dir(crate::root().join("tests/scripts").join(folder)).unwrap() {
            let path = e.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let source = std::fs::read_to_string(&path).unwrap();
            if source.contains("#: outcome")
                || source.contains("interpreters.create()")
                || source.contains("spawn")
            {
                continue;
            }
            let exp = expected(&source);
            let Ended {
                outcome,
                stdout,
                stderr,
            } = run(
                Flags {
                    dir: Some((path.parent().unwrap(), ".")),
                    timeout: Some(Duration::from_secs(20)),
                    ..Flags::default()
                },
                &[&name],
            );
            println!(
                "{folder}/{name}: {:?}",
                exp.compare(&outcome, &stdout, &stderr)
            );
        }
    }
    println!("{:?}", interfaces());
    let _: Option<(PathBuf, &Path)> = None;
}
