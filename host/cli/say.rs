//! What the command itself says, on standard error.

use archipel::Output;
use std::time::{Duration, Instant};

/// How long a message waits for a reader that takes nothing.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// Says a line, unless standard error takes nothing for a second: the command ends with the right status then, too.
pub fn say(line: &str) {
    let mut since = None;
    say_unless(line, || {
        since.get_or_insert_with(Instant::now).elapsed() > PATIENCE
    });
}

/// Says a line, and waits for a reader until `give_up` returns true.
pub fn say_unless(line: &str, give_up: impl FnMut() -> bool) {
    let line = format!("{line}\n");
    // There is nobody else to tell of it.
    let _ = Output::host_stderr().write_unless(line.as_bytes(), give_up);
}
