//! Scarce system resources: address space, descriptors, disk space. Each command runs in its own process.

use super::{Report, Size, Trouble};
use std::process::{Command, Output};

/// The scarce resource, the shell code before the command, its arguments, and the allowed ends: an exit status with
/// a part of standard output.
struct Row {
    scarce: &'static str,
    before: &'static str,
    arguments: &'static [&'static str],
    ends: &'static [(i32, &'static str)],
}

const CHILDREN: &str = "import interpreters
kept = [interpreters.create() for _ in range(8)]
for child in kept: child.run('x = bytes(1 << 20)')
print(len(kept))";

const ROWS: [Row; 9] = [
    Row {
        scarce: "nothing",
        before: "",
        arguments: &["run", "-c", CHILDREN],
        ends: &[(0, "8\n")],
    },
    Row {
        scarce: "address space: 3 GB",
        before: "ulimit -v 3000000;",
        arguments: &["run", "-c", CHILDREN],
        ends: &[(0, "8\n")],
    },
    Row {
        scarce: "address space: 600 MB",
        before: "ulimit -v 600000;",
        arguments: &["run", "-c", CHILDREN],
        // Either it suffices, or the error names it. A script that cannot continue without the memory dies.
        ends: &[(0, "8\n"), (1, ""), (125, ""), (134, "")],
    },
    Row {
        scarce: "address space: 150 MB",
        before: "ulimit -v 150000;",
        arguments: &["run", "-c", CHILDREN],
        ends: &[(0, "8\n"), (1, ""), (125, "")],
    },
    Row {
        scarce: "descriptors: 32",
        before: "ulimit -n 32;",
        arguments: &["run", "-c", CHILDREN],
        ends: &[(0, "8\n")],
    },
    Row {
        scarce: "descriptors: 8",
        before: "ulimit -n 8;",
        arguments: &["run", "-c", CHILDREN],
        ends: &[(0, "8\n"), (1, ""), (125, "")],
    },
    Row {
        scarce: "descriptors, for a script that opens files",
        before: "ulimit -n 32;",
        arguments: &[
            "run",
            "--dir",
            ".::/here:ro",
            "-c",
            "kept = []
try:
    while True: kept.append(open('/here/Cargo.toml'))
except OSError as error: print(error.errno is not None)
kept.clear()
open('/here/Cargo.toml').close()",
        ],
        ends: &[(0, "True\n")],
    },
    Row {
        scarce: "disk space for output",
        before: "exec 3>&1 >/dev/full;",
        arguments: &[
            "run",
            "-c",
            "import os, sys
try: os.write(1, b'x' * 10000)
except OSError: sys.exit(7)",
        ],
        ends: &[(7, "")],
    },
    Row {
        scarce: "file size: 0 bytes",
        before: "trap '' XFSZ; ulimit -f 0;",
        arguments: &[
            "run",
            "--dir",
            "/tmp::/tmp:rw",
            "-c",
            "import os
try:
    with open(f'/tmp/archipel-load-{os.urandom(4).hex()}', 'wb') as file:
        try:
            file.write(b'x' * 100)
            file.flush()
        finally:
            os.unlink(file.name)
except OSError: print('no room')",
        ],
        ends: &[(0, "no room\n")],
    },
];

/// Runs all rows, whatever the size.
pub fn check(_size: Size, report: &mut Report) -> Result<(), Trouble> {
    if cfg!(not(unix)) {
        report.told("limits of the system", "skipped on this platform");
        return Ok(());
    }
    for row in ROWS {
        let output = run(row.before, row.arguments)?;
        let ended = (output.status.code(), String::from_utf8(output.stdout)?);
        let said = String::from_utf8_lossy(&output.stderr);
        let as_it_may = row.ends.iter().any(|(status, out)| {
            ended.0 == Some(*status) && (ended.1 == *out || *status != 0 && out.is_empty())
        });
        // An error is ours or Python's, never a panic or an abort.
        let honest = !said.contains("panicked") && !said.contains("a bug");
        let named = !matches!(ended.0, Some(125 | 134))
            || said.contains("out of memory")
            || said.contains("out of threads");
        report.count(
            &format!("little: {}", row.scarce),
            format!("status {}", ended.0.unwrap_or(-1)),
            format!(
                "{:?}",
                row.ends
                    .iter()
                    .map(|(status, _)| status)
                    .collect::<Vec<_>>()
            ),
            as_it_may && honest && named,
        );
        if !(as_it_may && honest && named) {
            report.told(&format!("{ended:?}"), said);
        }
    }
    // The next process is unaffected.
    let after = run("", &["run", "-c", "print(1)"])?;
    report.count(
        "afterwards",
        after.status,
        "exit status: 0",
        after.status.success() && after.stdout == b"1\n",
    );
    Ok(())
}

fn run(before: &str, arguments: &[&str]) -> std::io::Result<Output> {
    Command::new("sh")
        .args(["-c", &format!("{before} exec \"$0\" \"$@\"")])
        .arg(env!("CARGO_BIN_EXE_archipel"))
        .args(arguments)
        .output()
}
