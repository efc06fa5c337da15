//! Tests the `archipel` command: the real binary, its output and its exit status.

#[cfg(unix)]
use rustix::process::Signal;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

/// Creates a folder for one test.
pub fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("archipel-cli-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

pub fn archipel(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_archipel"));
    output(command.args(arguments), input)
}

/// Runs a command to its end with `input` as its standard input.
pub fn output(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not read its input can have ended already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Checks the exit status, all of standard output, and parts of standard error.
pub fn check(arguments: &[&str], input: &str, status: i32, stdout: &str, stderr_has: &[&str]) {
    let output = archipel(arguments, input);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    let what = format!("{arguments:?}\nstdout:\n{out}stderr:\n{err}");
    assert_eq!(output.status.code(), Some(status), "{what}");
    assert_eq!(out, stdout, "{what}");
    for part in stderr_has {
        assert!(err.contains(part), "no {part:?}: {what}");
    }
    if stderr_has.is_empty() {
        assert_eq!(err, "", "{what}");
    }
}

#[test]
fn scripts_set_the_output_and_exit_status() {
    let folder = folder("scripts");
    let script = folder.join("script.py");
    let path = script.to_str().unwrap();
    let rows = [
        ("print('hi')", 0, "hi\n", vec![]),
        (
            "import sys; print(sys.argv[1:], __name__)",
            0,
            "['a', '-b'] __main__\n",
            vec![],
        ),
        ("import sys; sys.exit(7)", 7, "", vec![]),
        ("import sys; sys.exit()", 0, "", vec![]),
        ("import sys; sys.exit('bye')", 1, "", vec!["bye\n"]),
        ("import os; os._exit(9)", 9, "", vec![]),
        (
            "import atexit; atexit.register(print, 'last'); print('first')",
            0,
            "first\nlast\n",
            vec![],
        ),
        (
            "def f():\n    1 / 0\nf()",
            1,
            "",
            vec![
                "Traceback (most recent call last):\n",
                "in f\n    1 / 0\n",
                "ZeroDivisionError: division by zero\n",
            ],
        ),
        ("print(", 1, "", vec!["SyntaxError: '(' was never closed"]),
        ("# coding: latin-1\nprint('\u{e9}')", 0, "Ã©\n", vec![]),
        (
            "import os; os.abort()",
            134,
            "",
            vec!["archipel: the interpreter died: "],
        ),
    ];
    for (source, status, stdout, stderr) in rows {
        std::fs::write(&script, source).unwrap();
        check(&["run", path, "a", "-b"], "", status, stdout, &stderr);
    }
    std::fs::write(&script, b"print('\xff')").unwrap();
    check(&["run", path], "", 1, "", &["SyntaxError", "utf-8"]);
    std::fs::write(&script, b"x = 1\0").unwrap();
    check(&["run", path], "", 1, "", &["SyntaxError", "null bytes"]);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn run_accepts_code_and_standard_input() {
    check(
        &["run", "-c", "import sys; print(sys.argv)", "x", "--y"],
        "",
        0,
        "['-c', 'x', '--y']\n",
        &[],
    );
    check(
        &["run", "-", "x"],
        "import sys; print(sys.argv)",
        0,
        "['-', 'x']\n",
        &[],
    );
    check(
        &["run", "-c", "print(input())"],
        "typed\n",
        0,
        "typed\n",
        &[],
    );
}

#[test]
fn wrong_usage_is_reported_in_one_line() {
    let folder = folder("mistakes");
    let path = folder.to_str().unwrap();
    let rows: &[(&[&str], i32, &str)] = &[
        (
            &["run", "/no/such.py"],
            2,
            "archipel: cannot run /no/such.py: no such file\n",
        ),
        (&["run", path], 2, "it is a directory\n"),
        (&["run"], 2, "archipel: no script (name one"),
        (
            &["run", "--no-such-option", "x.py"],
            2,
            "archipel: unknown option --no-such-option",
        ),
        (
            &["run", "--timeout", "soon", "x.py"],
            2,
            "archipel: invalid value 'soon' for '--timeout <TIME>'",
        ),
        (
            &["run", "--timeout", "0s", "-c", ""],
            2,
            "archipel: --timeout: a wall limit of zero would stop every script",
        ),
        (
            &["run", "--max-memory", "1KiB", "-c", ""],
            2,
            "archipel: --max-memory: invalid memory limit 1 KiB: it must be at least 1 MiB",
        ),
        (
            &["run", "--dir", "/no/such::/x", "-c", ""],
            2,
            "archipel: --dir /no/such::/x: cannot grant the directory /no/such: it does not exist\n",
        ),
        (
            &["run", "--dir", "/::/x", "-c", ""],
            2,
            "it would expose the whole system",
        ),
        (
            &["run", "--env", "NO_SUCH_VARIABLE_AT_ALL", "-c", ""],
            2,
            "not set in this environment",
        ),
        (&["run", "-c"], 2, "archipel: -c needs source text"),
        (&["run", "-m"], 2, "archipel: -m needs the name of a module"),
        (&["run", "-m", "a b"], 2, "not a module name"),
        (
            &["run", "-m", "no.such"],
            2,
            "archipel: Error while finding module specification",
        ),
        (
            &["run", "--timeout", "nan", "-c", ""],
            2,
            "archipel: invalid value 'nan' for '--timeout <TIME>': unknown unit (use ns",
        ),
        (
            &["run", "--timeout", "99999999999h", "-c", ""],
            2,
            "out of range (use 0 to 584 years)",
        ),
        (&["run", "--timeout=-1s", "-c", ""], 2, "out of range"),
        (
            &["run", "--cpu", "0", "-c", ""],
            2,
            "archipel: --cpu: a cpu limit of zero",
        ),
        (
            &["run", "--fuel", "0", "-c", ""],
            2,
            "archipel: --fuel: invalid fuel limit 0",
        ),
        (
            &["run", "--max-output", "1XB", "-c", ""],
            2,
            "'--max-output <SIZE>': unknown unit (use KiB",
        ),
        (
            &["run", "--max-memory", "99999999999GiB", "-c", ""],
            2,
            "out of range (use less than 16 EiB)",
        ),
        (
            &["run", "--max-children", "9999999", "-c", ""],
            2,
            "archipel: --max-children 9999999: ",
        ),
        (
            &["run", "-W", "timeout=1s", "--timeout", "2s", "-c", ""],
            2,
            "archipel: --timeout and -W timeout set the same limit to different values",
        ),
        (
            &["run", "-W", "threads=y", "-c", ""],
            2,
            "unknown -W option (use timeout, max-memory-size or fuel)",
        ),
        (
            &["run", "--json", "--stats", "-c", ""],
            2,
            "cannot be used with",
        ),
        (
            &["run", "-W", "timeout=50ms", "-c", "while True: pass"],
            124,
            "archipel: limit exceeded: wall",
        ),
        (&["dance"], 2, "archipel: unrecognized subcommand 'dance'"),
        (
            &["run", "--timeout", "50ms", "-c", "while True: pass"],
            124,
            "archipel: limit exceeded: wall",
        ),
        (
            &[
                "run",
                "--timeout",
                "50ms",
                "-c",
                "import time; time.sleep(60)",
            ],
            124,
            "archipel: limit exceeded: wall",
        ),
    ];
    for (arguments, status, message) in rows {
        check(arguments, "", *status, "", &[message]);
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn options_grant_directories_environment_and_memory() {
    let folder = folder("grants");
    std::fs::write(folder.join("words.txt"), "a b c").unwrap();
    let read_only = format!("{}::/data", folder.display());
    let read_write = format!("{}::/data:rw", folder.display());
    check(
        &[
            "run",
            "--dir",
            &read_only,
            "-c",
            "print(len(open('/data/words.txt').read().split()))",
        ],
        "",
        0,
        "3\n",
        &[],
    );
    check(
        &[
            "run",
            "--dir",
            &read_only,
            "-c",
            "open('/data/new.txt', 'w')",
        ],
        "",
        1,
        "",
        &["PermissionError"],
    );
    check(
        &[
            "run",
            "--dir",
            &read_write,
            "-c",
            "open('/data/new.txt', 'w').write('new')",
        ],
        "",
        0,
        "",
        &[],
    );
    assert_eq!(std::fs::read(folder.join("new.txt")).unwrap(), b"new");
    check(
        &[
            "run",
            "--env",
            "A=1",
            "-c",
            "import os; print(dict(os.environ))",
        ],
        "",
        0,
        "{'A': '1'}\n",
        &[],
    );
    check(
        &[
            "run",
            "--max-memory",
            "64MiB",
            "-c",
            "try: bytes(10**9)\nexcept MemoryError: print('MemoryError')",
        ],
        "",
        0,
        "MemoryError\n",
        &[],
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Starts a command. Returns it and the lines of its output.
pub fn begun(arguments: &[&str]) -> (Child, Lines<BufReader<ChildStdout>>) {
    begun_with_input(arguments, Stdio::null())
}

pub fn begun_with_input(
    arguments: &[&str],
    input: Stdio,
) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_archipel"))
        .args(arguments)
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

#[cfg(unix)]
pub fn send(child: &Child, signal: Signal) {
    let id = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(id, signal).unwrap();
}

#[test]
fn doctor_export_and_help_work() {
    let output = archipel(&["doctor"], "");
    assert!(output.status.success());
    assert!(text(&output.stdout).contains("python3"));
    let version =
        "import platform; print(platform.python_implementation(), platform.python_version())";
    let python = archipel(&["run", "-c", version], "");
    let python = format!("\n  {}", text(&python.stdout));
    assert!(text(&output.stdout).contains(&python), "{python}");
    let output = archipel(&["cache"], "");
    assert!(text(&output.stdout).contains("python.wasm"));
    let folder = folder("export");
    let file = folder.join("python.wasm");
    check(&["guest", "export", file.to_str().unwrap()], "", 0, "", &[]);
    assert_eq!(std::fs::read(&file).unwrap()[..4], *b"\0asm");
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(archipel(&["--help"], "").status.success());
    assert_eq!(archipel(&[], "").status.code(), Some(2));
}

/// Z-2: The system provides little memory.
///
/// Outcome: OK or a typed error; a failed allocation in the host itself aborts the process, as in any Rust program.
///
/// With little address space, execution is slower but behaves the same.
#[cfg(unix)]
#[test]
fn little_address_space_changes_no_result() {
    let source = "import interpreters; interpreters.create().run('print(5)')";
    let limited = "ulimit -v 3000000; exec \"$0\" run -c \"$1\"";
    let output = Command::new("sh")
        .args(["-c", limited, env!("CARGO_BIN_EXE_archipel"), source])
        .output()
        .unwrap();
    let what = format!("{output:?}");
    assert_eq!(
        (&*output.stdout, output.status.code()),
        (&b"5\n"[..], Some(0)),
        "{what}"
    );
}
