//! Runs the documented promises, row by row, from the files in `tests/conformance`.
//!
//! Each file is a list of rows for `runner.py`, which prints a line for each row and the reason below each failed
//! one.

use crate::{root, runtime};
use archipel::policy::Access;
use archipel::{Limits, Output, Policy};
use std::time::Duration;

/// The guest path of `runner.py`.
const FOLDER: &str = "/conformance";

/// Runs the rows of a file and reports all failures together.
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
    // The limit turns an endless wait into a failure that names its row.
    let limits = Limits::new().wall(Duration::from_secs(300));
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
