//! The test harness of this binary. It runs the functions with `#[test]`, and tests that are found in folders: one for
//! each script and each conformance row. A new file therefore needs no rebuild, and each test can be selected by its
//! name.

use libtest_mimic::{Arguments, FormatSetting, Trial};
use std::backtrace::{Backtrace, BacktraceStatus};
use std::collections::HashSet;
use std::fmt;
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The number of slow tests in the summary.
const SLOWEST: usize = 10;

/// A function with the attribute `#[test]`.
pub struct Function {
    pub name: &'static str,
    pub run: fn(),
}

inventory::collect!(Function);

/// A test with its name.
pub struct Test {
    name: String,
    run: Box<dyn FnOnce() -> Result<(), String> + Send>,
}

impl Test {
    /// Creates a test that fails if `run` returns an error or panics.
    pub fn new(
        name: impl Into<String>,
        run: impl FnOnce() -> Result<(), String> + Send + 'static,
    ) -> Self {
        Test {
            name: name.into(),
            run: Box::new(run),
        }
    }

    /// Runs the test on its own thread, whose name identifies its panics.
    fn run(self) -> Result<(), String> {
        let thread = std::thread::Builder::new().name(self.name.clone());
        let outcome = thread.spawn(self.run).unwrap().join();
        outcome.unwrap_or_else(|_| {
            let panics = lock(&PANICS);
            let last = panics.iter().rfind(|panic| panic.thread == self.name);
            Err(last.map_or("panicked".to_owned(), Panic::to_string))
        })
    }
}

/// The panics so far. Tests also cause panics that they expect.
static PANICS: Mutex<Vec<Panic>> = Mutex::new(Vec::new());

struct Panic {
    thread: String,
    text: String,
    /// Formatted only if it is printed, which reads 70 MB of debug information.
    backtrace: Backtrace,
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.backtrace.status() {
            BacktraceStatus::Captured => write!(f, "{}\n{}", self.text, self.backtrace),
            _ => f.write_str(&self.text),
        }
    }
}

/// Records panics instead of printing them.
fn record_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        let panic = Panic {
            thread: thread.name().unwrap_or("unnamed").to_owned(),
            text: panic.to_string(),
            backtrace: Backtrace::capture(),
        };
        lock(&PANICS).push(panic);
    }));
}

/// Prints the panics on threads other than those of tests, which can be the reasons for a failure.
fn print_panics(tests: &HashSet<String>) {
    for panic in lock(&PANICS).iter() {
        if !tests.contains(&panic.thread) {
            println!("thread '{}' {panic}", panic.thread);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The durations of the tests that have ended.
static DURATIONS: Mutex<Vec<(Duration, String)>> = Mutex::new(Vec::new());

/// Runs the tests that the command line selects: the functions and `found`.
pub fn run(found: impl IntoIterator<Item = Test>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or_else(threads);
    let functions = inventory::iter::<Function>().map(|function| {
        let (_, name) = function.name.split_once("::").unwrap();
        Test::new(name, || {
            (function.run)();
            Ok(())
        })
    });
    let mut tests: Vec<Test> = functions.collect();
    assert!(
        !tests.is_empty(),
        "`#[test]` has no effect on this platform"
    );
    tests.extend(found);
    let before = tests.len();
    tests.retain(|test| !test.name.starts_with("science::") || crate::science::runs());
    if tests.len() < before {
        let count = before - tests.len();
        eprintln!(
            "{count} tests are left out: the wheelhouse lacks wheels (see `ARCHIPEL_SCIENCE` in CONTRIBUTING.md)"
        );
    }
    tests.sort_by(|one, other| one.name.cmp(&other.name));
    let names: HashSet<String> = tests.iter().map(|test| test.name.clone()).collect();
    assert_eq!(names.len(), tests.len(), "two tests have the same name");
    let trials = tests.into_iter().map(|test| {
        let name = test.name.clone();
        Trial::test(name.clone(), move || {
            let begun = Instant::now();
            let outcome = test.run();
            lock(&DURATIONS).push((begun.elapsed(), name));
            Ok(outcome?)
        })
    });
    if !arguments.nocapture {
        record_panics();
    }
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    if arguments.format != Some(FormatSetting::Json) {
        if conclusion.has_failed() {
            print_panics(&names);
        }
        print_slowest();
    }
    conclusion.exit_code()
}

/// Returns the number of tests that run at a time: that of `RUST_TEST_THREADS`, or more than there are processors,
/// because many tests wait.
fn threads() -> Option<usize> {
    if let Ok(number) = std::env::var("RUST_TEST_THREADS") {
        return number.parse().ok();
    }
    let processors = std::thread::available_parallelism().ok()?;
    Some((2 * processors.get()).min(16))
}

/// Prints the durations of the slowest tests.
fn print_slowest() {
    let mut durations = lock(&DURATIONS);
    if durations.len() <= SLOWEST {
        return;
    }
    durations.sort();
    println!("slowest tests:");
    for (duration, name) in durations.iter().rev().take(SLOWEST) {
        println!("{:>7.2}s {name}", duration.as_secs_f64());
    }
}
