//! Tests `archipel run`: modules, reports and signals.

use crate::cli::{archipel, begun, begun_with_input, check, folder, send, text};
#[cfg(unix)]
use rustix::process::Signal;
use std::io::Write;
use std::process::Stdio;

#[test]
fn modules_run_by_name() {
    check(
        &["run", "-m", "json.tool", "--compact"],
        "[1,  2]",
        0,
        "[1,2]\n",
        &[],
    );
    // A module preloaded in the snapshot, and a package without `__main__`.
    check(&["run", "-m", "calendar", "2026", "1"], "", 0, JANUARY, &[]);
    let why = "archipel: No module named email.__main__; 'email' is a package and cannot be";
    check(&["run", "-m", "email"], "", 2, "", &[why]);

    let folder = folder("modules");
    std::fs::write(
        folder.join("mine.py"),
        "import sys; print(sys.argv, __name__)",
    )
    .unwrap();
    let folder_text = folder.to_str().unwrap();
    check(
        &["run", "--path", folder_text, "-m", "mine", "-x"],
        "",
        0,
        &format!("['{folder_text}/mine.py', '-x'] __main__\n"),
        &[],
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

const JANUARY: &str = "    January 2026
Mo Tu We Th Fr Sa Su
          1  2  3  4
 5  6  7  8  9 10 11
12 13 14 15 16 17 18
19 20 21 22 23 24 25
26 27 28 29 30 31
";

/// The last line of standard error is machine-readable.
#[test]
fn reports_are_written_as_json_or_text() {
    let rows: &[(&[&str], i32, &[&str])] = &[
        (
            &["-c", "import sys; sys.exit(3)"],
            3,
            &[
                r#""outcome":"ended""#,
                r#""status":3"#,
                r#""wall":"#,
                r#""cpu":"#,
            ],
        ),
        (
            &["-c", "1 / 0"],
            1,
            &[r#""outcome":"ended""#, r#""status":1"#],
        ),
        (
            &["--timeout", "20ms", "-c", "while True: pass"],
            124,
            &[
                r#""outcome":"limit""#,
                r#""kind":"wall""#,
                r#""limit":20000000"#,
            ],
        ),
        (
            &["-c", "import os; os.abort()"],
            134,
            &[
                r#""outcome":"died""#,
                r#""message":"the interpreter died: "#,
            ],
        ),
    ];
    for (arguments, status, parts) in rows {
        let arguments = [&["run", "--json"], *arguments].concat();
        let output = archipel(&arguments, "");
        let errors = text(&output.stderr);
        let last = errors.lines().last().unwrap();
        assert_eq!(output.status.code(), Some(*status), "{errors}");
        assert!(last.starts_with('{') && last.ends_with('}'), "{errors}");
        for part in *parts {
            assert!(last.contains(part), "no {part}: {errors}");
        }
    }
    check(
        &["run", "--stats", "-c", ""],
        "",
        0,
        "",
        &["archipel: used: wall "],
    );
}

/// A signal stops a script anywhere, and its output up to then is preserved.
#[cfg(unix)]
#[test]
fn a_signal_stops_every_kind_of_script() {
    let waits = "import time\nprint('begun', flush=True)\nwhile True: time.sleep(60)";
    let computes = "print('begun', flush=True)\nwhile True: pass";
    let waits_for_a_child = "import interpreters\nchild = interpreters.create()\n\
                             child.run('print(\"begun\", flush=True)\\nwhile True: pass')";
    for source in [waits, computes, waits_for_a_child] {
        for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143)] {
            let (mut child, mut lines) = begun(&["run", "-c", source]);
            assert_eq!(lines.next().unwrap().unwrap(), "begun");
            send(&child, signal);
            assert_eq!(child.wait().unwrap().code(), Some(status), "{source}");
            assert!(lines.next().is_none());
        }
    }
}

/// The first Ctrl-C raises an exception, so that a script can clean up and flush its buffers. The second kills it.
#[cfg(unix)]
#[test]
fn the_first_ctrl_c_interrupts_and_the_second_kills() {
    let (mut child, mut lines) = begun(&["run", "-c", python!("run/cleans_up.py")]);
    assert_eq!(lines.next().unwrap().unwrap(), "begun");
    send(&child, Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let rest: Vec<_> = lines.map(Result::unwrap).collect();
    assert_eq!(rest, ["kept", "cleaned"]);

    let catches = python!("run/catches_everything.py");
    let (mut child, mut lines) = begun(&["run", "-c", catches]);
    for said in ["begun", "caught"] {
        assert_eq!(lines.next().unwrap().unwrap(), said);
        send(&child, Signal::INT);
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(lines.next().is_none());
}

/// While a script reads standard input, its threads run and Ctrl-C interrupts it. No input is lost.
#[cfg(unix)]
#[test]
fn ctrl_c_interrupts_a_script_that_waits_for_input() {
    let source = python!("run/reads_input.py");
    let (mut child, mut lines) = begun_with_input(&["run", "-c", source], Stdio::piped());
    assert_eq!(lines.next().unwrap().unwrap(), "a thread runs");
    send(&child, Signal::INT);
    assert_eq!(lines.next().unwrap().unwrap(), "interrupted");
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"one\ntwo\nthree").unwrap();
    drop(input);
    let rest: Vec<_> = lines.map(Result::unwrap).collect();
    assert_eq!(rest, ["one ['two\\n', 'three']"]);
    assert!(child.wait().unwrap().success());
}

/// Options add to a policy file, and their limits take precedence.
#[test]
fn options_extend_a_policy_file() {
    let folder = folder("policy-file");
    let file = folder.join("policy.toml");
    std::fs::write(&file, "[env]\nA = '1'\n[limits]\nwall = '2s'\n").unwrap();
    let file = file.to_str().unwrap();
    let show = "import os; print(sorted(os.environ.items()))";
    check(
        &["run", "--policy", file, "--env", "B=2", "-c", show],
        "",
        0,
        "[('A', '1'), ('B', '2')]\n",
        &[],
    );
    let slow = "import time; time.sleep(3)";
    let limit = &["archipel: limit exceeded: wall"];
    check(&["run", "--policy", file, "-c", slow], "", 124, "", limit);
    let longer = ["run", "--policy", file, "--timeout", "60s", "-c", slow];
    check(&longer, "", 0, "", &[]);
    let child = "import interpreters; interpreters.create()";
    check(
        &["run", "--policy", file, "-c", child],
        "",
        1,
        "",
        &["Error"],
    );
    let allowed = ["run", "--policy", file, "--max-children", "1", "-c", child];
    check(&allowed, "", 0, "", &[]);

    std::fs::write(file, "nett = []").unwrap();
    let wrong = &["archipel: --policy: ", "policy.toml, line 1: `nett`: "];
    check(&["run", "--policy", file, "-c", ""], "", 2, "", wrong);
    check(
        &["run", "--policy", "/no/such", "-c", ""],
        "",
        2,
        "",
        &["archipel: --policy: "],
    );
    check(
        &["run", "--net", "nowhere", "-c", ""],
        "",
        2,
        "",
        &["archipel: --net nowhere: "],
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

/// CPython closes open files when it ends.
#[test]
fn files_that_are_left_open_are_written() {
    let folder = folder("left-open");
    let grant = format!("{}::/data:rw", folder.display());
    let run = |source, stdout| check(&["run", "--dir", &grant, "-c", source], "", 0, stdout, &[]);
    run(python!("run/leaves_files_open.py"), "done");
    let written = "text\nbinary\nupdate\ncycle\nthreaded\npacked b'archived'\n";
    run(python!("run/reads_files.py"), written);
    std::fs::remove_dir_all(&folder).unwrap();
}

/// CPython's exit status is then 120.
#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_at_the_end_is_reported() {
    for (source, status) in [("print(1)", 120), ("print(1); raise SystemExit(3)", 3)] {
        let full = std::fs::File::options().write(true).open("/dev/full");
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_archipel"))
            .args(["run", "-c", source])
            .stdout(full.unwrap())
            .output()
            .unwrap();
        let err = text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{source}: {err}");
        assert!(
            err.contains("Exception ignored on flushing sys.stdout:"),
            "{err}"
        );
        assert!(err.contains("OSError: [Errno"), "{err}");
    }
}
