//! The short form of the load programme, for what it counts; what takes how long decides nothing here.

// The same parts as those of `cargo bench --bench load`.
#[path = "../../benches/load/programme.rs"]
mod programme;

use crate::runtime;
use programme::{Report, Size};
use std::process::Command;

/// Set in the process that runs the programme.
const OURS: &str = "ARCHIPEL_TEST_LOAD";

/// It runs in a process of its own, so that its memory, threads and descriptors are its alone.
#[test]
fn short_form() {
    if std::env::var_os(OURS).is_some() {
        let mut report = Report::default();
        programme::run(Size::SHORT, &[], &mut report);
        assert!(!report.is_wrong(), "{}", report.conclusion());
        return;
    }
    // The guest is built before the clock of anything begins.
    runtime();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["load::short_form", "--exact", "--nocapture"])
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
