//! Runs hostile code and checks the outcome: each script in `tests/scripts/hostile`, and attacks that need more
//! than a script.
//!
//! `docs/security-cases.md` is the table of all attacks, generated from the headers of the scripts and the
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

/// A variable set in the process that runs the scripts, whose value no script may see.
const CANARY: &str = "ARCHIPEL_TEST_CANARY";

/// The number of scripts that run at a time.
const LANES: usize = 4;

/// The maximum growth of the process's memory. A leak of memory or messages by one script is much larger: up to a
/// gigabyte is queued at a time. Arenas in little use can retain a hundred megabytes.
const SLACK: u64 = 192 << 20;

/// The time limit for releasing everything, which takes milliseconds if it works.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs the scripts in a separate process, whose memory, threads and descriptors are theirs alone, with an
/// environment that they must not see.
///
/// `ARCHIPEL_HOSTILE_ONLY` selects scripts by a prefix of their names.
#[test]
fn hostile_scripts_have_their_outcomes() {
    if std::env::var_os(CANARY).is_some() {
        return run_all();
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "hostile::hostile_scripts_have_their_outcomes",
            "--exact",
            "--nocapture",
        ])
        .env(CANARY, format!("canary-{:x}", std::process::id()))
        .env("PYTHONPATH", "/canary-path")
        .env("PYTHONSTARTUP", "/canary-startup.py")
        .env("PYTHONHASHSEED", "12345")
        // Otherwise glibc keeps up to 64 MiB at the end of each arena, even after `malloc_trim`.
        .env("MALLOC_TRIM_THRESHOLD_", "131072")
        // With fewer arenas, small allocations retain fewer pages.
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
    // A process keeps some resources from its first runtime on. Allocate them before measuring.
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
    // The threads of a dropped runtime end asynchronously.
    let begun = Instant::now();
    loop {
        let after = held();
        let more = after.memory.saturating_sub(before.memory);
        if more < SLACK && after.descriptors <= before.descriptors {
            break;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "leaked {more} bytes of memory, and {} files are open instead of {}",
            after.descriptors,
            before.descriptors
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn name(path: &Path) -> &str {
    path.file_stem().unwrap().to_str().unwrap()
}

/// The system resources that the process holds.
struct Held {
    /// Anonymous memory, in bytes.
    memory: u64,
    descriptors: usize,
}

#[cfg(target_os = "linux")]
#[cfg_attr(
    target_env = "gnu",
    expect(
        unsafe_code,
        reason = "only `malloc_trim` tells free memory from used memory"
    )
)]
fn held() -> Held {
    // Free memory that the allocator retains is not in use.
    #[cfg(target_env = "gnu")]
    // SAFETY: `malloc_trim` can be called at any time.
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

/// Only Linux reports the resources in files.
#[cfg(not(target_os = "linux"))]
fn held() -> Held {
    Held {
        memory: 0,
        descriptors: 0,
    }
}
