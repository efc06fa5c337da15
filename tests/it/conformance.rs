//! What the documentation promises, row by row, in the files of `tests/conformance`.
//!
//! Each file is a script that `runner.py` makes of its rows: it prints a line for each and, below that
//! of one that failed, what went wrong.

use crate::{root, runtime};
use archipel::{Access, Limits, Output, Policy};
use std::time::Duration;

/// Where the guests find `runner.py`.
const FOLDER: &str = "/conformance";

/// Runs the rows of a file; all that failed are told of at once.
fn check(name: &str) {
    let folder = root().join("tests/conformance");
    let source = std::fs::read_to_string(folder.join(format!("{name}.py"))).unwrap();
    let rows = source
        .lines()
        .filter(|line| line.starts_with("@row("))
        .count();
    let (stdout, stderr) = (Output::captured(1 << 20), Output::captured(1 << 20));
    let policy = Policy::new()
        .children(500, 4)
        .and_then(|policy| policy.dir(&folder, FOLDER, Access::ReadOnly))
        .and_then(|policy| policy.path(FOLDER))
        .unwrap();
    // It is for a row that waits for ever, so that it fails with a name.
    let limits = Limits::new().wall(Duration::from_secs(300)).unwrap();
    let interpreter = runtime()
        .interpreter()
        .policy(policy)
        .limits(limits)
        .stdout(stdout.clone())
        .stderr(stderr.clone())
        .build()
        .unwrap();
    let outcome = interpreter.run(source, format!("{FOLDER}/{name}.py"), []);
    let (told, errors) = (stdout.take().text(), stderr.take().text());
    let held = told.lines().filter(|line| line.starts_with("ok ")).count();
    let failed: String = told
        .lines()
        .filter(|line| !line.starts_with("ok "))
        .map(|line| format!("{line}\n"))
        .collect();
    let last = told
        .lines()
        .rfind(|line| line.starts_with("ok ") || line.starts_with("FAILED "))
        .unwrap_or("none");
    assert!(
        matches!(outcome, Ok(0)) && held == rows && failed.is_empty() && errors.is_empty(),
        "{held} of {rows} rows of {name}.py hold; the outcome is {outcome:?}\n{failed}\
         stderr:\n{errors}\nthe last row that ended is {last}"
    );
}

macro_rules! files {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                check(stringify!($name));
            }
        )*

        #[test]
        fn every_file_is_a_test() {
            let mut found: Vec<String> = std::fs::read_dir(root().join("tests/conformance"))
                .unwrap()
                .filter_map(|entry| {
                    let name = entry.unwrap().file_name().into_string().unwrap();
                    Some(name.strip_suffix(".py")?.to_owned())
                })
                .filter(|name| name != "runner")
                .collect();
            found.sort();
            assert_eq!(found, [$(stringify!($name)),*]);
        }
    };
}

files!(
    aio,
    bad_input,
    by_value,
    call_in_thread,
    calls,
    channel_ends,
    channels,
    execution,
    isolation,
    lifecycle,
    names,
    pep554,
    polls,
    pool,
    pool_futures,
    queues,
    safe,
    select_and_spawn,
    unbound,
    values,
);
