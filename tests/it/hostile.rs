//! Runs hostile code and checks the outcome: each script in `tests/scripts/hostile`, and attacks that need more
//! than a script.
//!
//! `docs/security-cases.md` is the table of all attacks, generated from the headers of the scripts and the
//! documentation of the tests.

mod aliases;
mod case;
mod evidence;
mod faults;
mod files;
mod foreign;
mod foreign_attacks;
pub(crate) mod foreign_guest;
mod heart;
mod lane;
mod leaks;
mod network;
mod receivers;
mod rows;
mod stopping;
mod table;

use crate::collector;
use crate::harness::Test;
use crate::script::{name, paths};
use case::Case;
use lane::Lane;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The folder of the scripts.
const FOLDER: &str = "tests/scripts/hostile";

/// A variable set in the process that runs a script, whose value no script may see.
const CANARY: &str = "ARCHIPEL_TEST_CANARY";

/// The maximum growth of a process's memory. Scripts queue up to a gigabyte at a time, so that a leak is usually much
/// larger. Arenas in little use retain some memory.
const SLACK: u64 = 48 << 20;

/// The time limit for releasing everything, which takes milliseconds if it works.
const PATIENCE: Duration = Duration::from_secs(20);

/// Returns the test of each script: `hostile::SCRIPT`.
pub fn tests() -> impl Iterator<Item = Test> {
    paths(FOLDER).into_iter().map(|path: PathBuf| {
        let name = format!("hostile::{}", name(&path));
        Test::new(name.clone(), move || match std::env::var_os(CANARY) {
            Some(_) => run(&path),
            None => run_in_a_process(&name),
        })
    })
}

/// Runs the test of this name in a separate process, whose memory, threads and descriptors are the script's alone,
/// with an environment that the script must not see.
fn run_in_a_process(test: &str) -> Result<(), String> {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact"])
        .env(CANARY, format!("canary-{:x}", std::process::id()))
        .env("PYTHONPATH", "/canary-path")
        .env("PYTHONSTARTUP", "/canary-startup.py")
        .env("PYTHONHASHSEED", "12345")
        // Otherwise glibc keeps up to 64 MiB at the end of each arena, even after `malloc_trim`.
        .env("MALLOC_TRIM_THRESHOLD_", "131072")
        // The text of a backtrace takes 70 MB of debug information. A guest's error must not need it.
        .env("RUST_BACKTRACE", "1")
        // With fewer arenas, small allocations retain fewer pages.
        .env("MALLOC_ARENA_MAX", "2")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    match output.status.success() && said.contains("1 passed") {
        true => Ok(()),
        false => Err(format!(
            "{}\n{said}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}

/// Runs a script beside an interpreter that must remain unaffected, and checks that nothing remains of it.
fn run(path: &Path) -> Result<(), String> {
    collector::collect();
    let case = Case::read(path);
    // A process keeps some resources from its first runtime on. Allocate them before measuring.
    drop(Lane::new());
    let before = held();
    Lane::new().check(&case)?;
    // The threads of a dropped runtime end asynchronously.
    let begun = Instant::now();
    loop {
        let after = held();
        let more = after.memory.saturating_sub(before.memory);
        if more < SLACK && after.descriptors <= before.descriptors {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            return Err(format!(
                "leaked {more} bytes of memory, and {} files are open instead of {}",
                after.descriptors, before.descriptors
            ));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
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
