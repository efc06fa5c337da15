//! Runs the short form of the load programme and checks its counts. Durations are not checked here.

// The same parts as in `cargo bench --bench load`.
#[path = "../../benches/load/programme.rs"]
mod programme;

use crate::runtime;
use programme::{Report, Size};
use std::process::Command;

/// A variable set in the process that runs the programme.
const OURS: &str = "ARCHIPEL_TEST_LOAD";

/// Runs in a separate process, whose memory, threads and descriptors are its own.
#[test]
fn the_short_load_programme_passes() {
    if std::env::var_os(OURS).is_some() {
        let mut report = Report::default();
        programme::run(Size::SHORT, &[], &mut report);
        assert!(!report.is_wrong(), "{}", report.conclusion());
        return;
    }
    // Build the guest before anything is timed.
    runtime();
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "load::the_short_load_programme_passes",
            "--exact",
            "--nocapture",
        ])
        .env(OURS, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{}\n{said}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
}
