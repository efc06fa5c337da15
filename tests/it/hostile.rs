//! What hostile code tries, and what comes of it: each script in `tests/scripts/hostile`, and what
//! takes more than a script.
//!
//! `docs/security-cases.md` is the table of all, generated from the headers of the scripts and from the
//! documentation of the tests here.

mod aliases;
mod case;
mod elsewhere;
mod faults;
mod files;
mod foreign;
mod foreign_attacks;
mod foreign_guest;
mod heart;
mod lane;
mod leaks;
mod network;
mod receivers;
mod rows;
mod stopping;
mod table;

use crate::collector;
use crate::script::paths;
use case::Case;
use lane::Lane;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The folder of the scripts.
const FOLDER: &str = "tests/scripts/hostile";

/// Set in the process that runs the scripts, to what no script may ever see.
const CANARY: &str = "ARCHIPEL_TEST_CANARY";

/// How many scripts run at a time.
const LANES: usize = 4;

/// How much more memory of its own the process may have at the end.  What one script leaves behind is much
/// more in those of memory and messages: up to a gigabyte of these is queued at a time.  Arenas of which little is
/// used still can keep a hundred megabytes.
const SLACK: u64 = 192 << 20;

/// How long it may take until everything is given back; on a machine that works it takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// The scripts run in a process of their own, so that its memory, threads and descriptors are theirs
/// alone, and with an environment that must mean nothing to them.
///
/// `ARCHIPEL_HOSTILE_ONLY` names the beginning of those that are wanted.
#[test]
fn scripts() {
    if std::env::var_os(CANARY).is_some() {
        return run_all();
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["hostile::scripts", "--exact", "--nocapture"])
        .env(CANARY, format!("canary-{:x}", std::process::id()))
        .env("PYTHONPATH", "/canary-path")
        .env("PYTHONSTARTUP", "/canary-startup.py")
        .env("PYTHONHASHSEED", "12345")
        // Otherwise glibc keeps up to 64 MiB at the end of each arena, which no call takes from it.
        .env("MALLOC_TRIM_THRESHOLD_", "131072")
        // And the fewer arenas there are, the fewer pages are held by one small thing.
        .env("MALLOC_ARENA_MAX", "2")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn run_all() {
    collector::collect();
    let only = std::env::var("ARCHIPEL_HOSTILE_ONLY").unwrap_or_default();
    let mut paths = paths(FOLDER);
    paths.retain(|path| name(path).starts_with(&only));
    // What a process has from its first runtime on is there before.
    drop(Lane::new());
    let before = held();
    let lanes: Vec<Lane> = (0..LANES).map(|_| Lane::new()).collect();
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for lane in &lanes {
            scope.spawn(|| {
                while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let case = Case::read(path);
                    if let Err(why) = lane.check(&case) {
                        failures
                            .lock()
                            .unwrap()
                            .push(format!("{}: {why}", case.name));
                    }
                }
            });
        }
    });
    drop(lanes);
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    // The threads of a runtime that is gone end by themselves.
    let begun = Instant::now();
    loop {
        let after = held();
        let more = after.memory.saturating_sub(before.memory);
        if more < SLACK && after.descriptors <= before.descriptors {
            break;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "{more} bytes of memory stay behind, and {} open files where there were {}",
            after.descriptors,
            before.descriptors
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn name(path: &Path) -> &str {
    path.file_stem().unwrap().to_str().unwrap()
}

/// What the process holds of the system's.
struct Held {
    /// Bytes of memory that are in no file.
    memory: u64,
    descriptors: usize,
}

#[cfg(target_os = "linux")]
fn held() -> Held {
    // What the allocator keeps for later is not held by anybody.
    #[cfg(target_env = "gnu")]
    // SAFETY: it may be called at any time.
    unsafe {
        libc::malloc_trim(0);
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = line.unwrap().trim().trim_end_matches(" kB");
    Held {
        memory: kibibytes.parse::<u64>().unwrap() << 10,
        descriptors: std::fs::read_dir("/proc/self/fd").unwrap().count(),
    }
}

/// Only Linux tells it in files.
#[cfg(not(target_os = "linux"))]
fn held() -> Held {
    Held {
        memory: 0,
        descriptors: 0,
    }
}
