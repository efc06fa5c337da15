//! Messages of the command itself, on standard error.

use archipel::Output;
use std::time::{Duration, Instant};

/// The maximum time that a message waits for a blocked reader.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// Writes a line to standard error, and gives up after a second, so that the command still ends
/// with the right status.
pub fn say(line: &str) {
    let mut since = None;
    say_unless(line, || {
        since.get_or_insert_with(Instant::now).elapsed() > PATIENCE
    });
}

/// Writes a line to standard error, and waits for a reader until `give_up` returns true.
pub fn say_unless(line: &str, give_up: impl FnMut() -> bool) {
    let line = format!("{line}\n");
    // There is no other place to report a failure.
    let _ = Output::host_stderr().write_unless(line.as_bytes(), give_up);
}
