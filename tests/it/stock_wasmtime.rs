//! Tests the exported command under the real `wasmtime`, if it is available.
//!
//! `ARCHIPEL_WASMTIME` names the program; the default is the one on the `PATH`. `.ci/run` installs one, and with
//! `CI=true` a missing program is an error.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Returns the program, or `None` if it is not available.
fn wasmtime() -> Option<PathBuf> {
    let program = std::env::var_os("ARCHIPEL_WASMTIME").unwrap_or_else(|| "wasmtime".into());
    let found = Command::new(&program).arg("--version").output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(program.into());
    }
    let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(
        !ci,
        "cannot run {} (required because CI=true)",
        program.display()
    );
    eprintln!("skipped: wasmtime is not on the PATH (set ARCHIPEL_WASMTIME to its path)");
    None
}

/// A temporary folder for this test.
struct Stage {
    wasmtime: PathBuf,
    folder: tempfile::TempDir,
}

impl Stage {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `wasmtime compile` with these options.
    fn compile(&self, options: &[&str], name: &str) {
        let output = Command::new(&self.wasmtime)
            .arg("compile")
            // Compile quickly: it runs only briefly.
            .args(["-O", "opt-level=0"])
            .args(options)
            .arg(self.path("python.wasm"))
            .arg("-o")
            .arg(self.path(name))
            .output()
            .unwrap();
        assert!(output.status.success(), "{options:?}: {output:?}");
    }

    /// Runs `wasmtime run` on a compiled module with these options and arguments.
    fn run(&self, options: &[&str], name: &str, arguments: &[&str], stdin: &str) -> Output {
        let mut command = Command::new(&self.wasmtime);
        command.args(["run", "--allow-precompiled"]).args(options);
        crate::cli::output(command.arg(self.path(name)).args(arguments), stdin)
    }
}

fn export(file: &Path) {
    let output = Command::new(env!("CARGO_BIN_EXE_archipel"))
        .args(["guest", "export", "--command"])
        .arg(file)
        .env("ARCHIPEL_OPTIMISE", "0")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// A row of the table: options, arguments, standard input, and the expected result.
struct Row<'a> {
    options: &'a [&'a str],
    module: &'a str,
    arguments: &'a [&'a str],
    stdin: &'a str,
    status: i32,
    stdout: &'a str,
    stderr_has: &'a [&'a str],
}

const ROW: Row<'_> = Row {
    options: &[],
    module: "plain.cwasm",
    arguments: &[],
    stdin: "",
    status: 0,
    stdout: "",
    stderr_has: &[],
};

#[test]
fn the_documented_command_lines_work() {
    let Some(wasmtime) = wasmtime() else {
        return;
    };
    let stage = Stage {
        wasmtime,
        folder: tempfile::tempdir().unwrap(),
    };
    export(&stage.path("python.wasm"));
    stage.compile(&[], "plain.cwasm");
    stage.compile(&["-W", "epoch-interruption=y"], "timed.cwasm");
    std::fs::create_dir(stage.path("granted")).unwrap();
    let script = "import sys\nprint(sys.argv)\nopen('kept.txt', 'w').write('kept')\nprint(open('kept.txt').read())";
    std::fs::write(stage.path("granted/script.py"), script).unwrap();
    let granted = stage.path("granted");
    let granted = granted.to_str().unwrap();
    let dir = ["--dir", &format!("{granted}::.")];
    let channels = "import interpreters\nrecv, send = interpreters.create_channel(1)\nsend.send([1, 2])\n\
                    print(recv.recv())\ntry: interpreters.create()\nexcept Exception as error: print(error)";
    let rows = [
        Row {
            arguments: &["-c", "print('hello')"],
            stdout: "hello\n",
            ..ROW
        },
        Row {
            arguments: &["-c", "import sys; print(sys.argv)", "a", "-b"],
            stdout: "['-c', 'a', '-b']\n",
            ..ROW
        },
        Row {
            arguments: &["-c", "print(input())"],
            stdin: "a line\n",
            stdout: "a line\n",
            ..ROW
        },
        Row {
            arguments: &["-"],
            stdin: "print('from standard input')",
            stdout: "from standard input\n",
            ..ROW
        },
        Row {
            arguments: &["-c", "raise SystemExit(7)"],
            status: 7,
            ..ROW
        },
        Row {
            options: &dir,
            arguments: &["script.py", "x"],
            stdout: "['script.py', 'x']\nkept\n",
            ..ROW
        },
        Row {
            options: &["--env", "NAME=value"],
            arguments: &["-c", "import os; print(os.environ['NAME'])"],
            stdout: "value\n",
            ..ROW
        },
        Row {
            options: &["-W", "max-memory-size=67108864"],
            arguments: &["-c", "x = [bytes(1 << 20) for _ in range(100)]"],
            status: 1,
            stderr_has: &["MemoryError"],
            ..ROW
        },
        Row {
            arguments: &["-c", "def f():\n    raise ValueError('no')\nf()"],
            status: 1,
            stderr_has: &["Traceback", "in f", "ValueError: no"],
            ..ROW
        },
        Row {
            arguments: &["-c", channels],
            stdout: "[1, 2]\nthis host has no broker for interpreters: run the script with `archipel run`\n",
            ..ROW
        },
        Row {
            options: &["-W", "timeout=500ms"],
            module: "timed.cwasm",
            arguments: &["-c", "while True: pass"],
            status: 134,
            stderr_has: &["wasm trap: interrupt"],
            ..ROW
        },
        Row {
            options: &["-W", "timeout=60s"],
            module: "timed.cwasm",
            arguments: &["-c", "print('in time')"],
            stdout: "in time\n",
            ..ROW
        },
        // The rules of docs/wasmtime.md for precompiled modules.
        Row {
            options: &["-W", "timeout=60s"],
            arguments: &["-c", "print('in time')"],
            status: 1,
            stderr_has: &["Module was compiled without epoch interruption"],
            ..ROW
        },
        Row {
            module: "timed.cwasm",
            arguments: &["-c", "print('in time')"],
            status: 1,
            stderr_has: &["Module was compiled with epoch interruption"],
            ..ROW
        },
    ];
    for row in rows {
        let output = stage.run(row.options, row.module, row.arguments, row.stdin);
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        let told = format!("{:?} {:?}\n{err}", row.options, row.arguments);
        assert_eq!(output.status.code(), Some(row.status), "{told}");
        assert_eq!(out, row.stdout, "{told}");
        assert_eq!(err.is_empty(), row.stderr_has.is_empty(), "{told}");
        for part in row.stderr_has {
            assert!(err.contains(part), "no {part} in {told}");
        }
    }
    assert_eq!(
        std::fs::read_to_string(stage.path("granted/kept.txt")).unwrap(),
        "kept"
    );
}
