//! Tests `archipel repl`: statements through a pipe, and a session at a terminal.

use crate::cli::{archipel, check, folder};
use rexpect::process::WaitStatus;
use rexpect::session::{PtySession, spawn_command};
use std::path::Path;
use std::process::Command;

#[test]
fn statements_run_through_a_pipe() {
    let rows: &[(&str, i32, &str, &[&str])] = &[
        ("", 0, "", &[]),
        ("1 + 1\n'a'\nNone\nx = 3\nx", 0, "2\n'a'\n3\n", &[]),
        ("40\n_ + 2\n", 0, "40\n42\n", &[]),
        ("def f(x):\n    return x * 2\n\nf(21)\n", 0, "42\n", &[]),
        ("if True:\n    5\nelse:\n    6\n\n7\n", 0, "5\n7\n", &[]),
        // A statement is complete if the next line begins another one, or at the end of the input.
        ("def f(): return 1\nf()\n", 0, "1\n", &[]),
        ("for i in range(2):\n    i\n", 0, "0\n1\n", &[]),
        ("x = '''a\n\nb'''\nx\n", 0, "'a\\n\\nb'\n", &[]),
        ("x = (1 +\n2)\nx\n", 0, "3\n", &[]),
        (
            "import sys\nsys.argv, sys.ps1, __name__\n",
            0,
            "([''], '>>> ', '__main__')\n",
            &[],
        ),
        (
            "[name for name in dir() if name[0] != '_']\n",
            0,
            "[]\n",
            &[],
        ),
        (
            "1 / 0\n'on'\n",
            0,
            "'on'\n",
            &["line 1, in <module>\n    1 / 0\n", "ZeroDivisionError"],
        ),
        (
            "def f(): 1 / 0\n\nf()\n",
            0,
            "",
            &["in <module>\n    f()\n", "in f\n", "def f(): 1 / 0\n"],
        ),
        (
            "x = = 1\n'on'\n",
            0,
            "'on'\n",
            &[
                "  File \"<stdin>\", line 1\n    x = = 1\n",
                "SyntaxError: invalid syntax",
            ],
        ),
        ("print(1\n", 0, "", &["SyntaxError: '(' was never closed"]),
        ("exec('(')\n", 0, "", &["in <module>\n", "SyntaxError"]),
        (
            "raise KeyboardInterrupt\n'on'\n",
            0,
            "'on'\n",
            &["KeyboardInterrupt"],
        ),
        ("exit(3)\n'off'\n", 3, "", &[]),
        ("quit()\n", 0, "", &[]),
        ("import sys\nsys.exit('bye')\n", 1, "", &["bye\n"]),
        (
            "import atexit\na = atexit.register(print, 'last')\n",
            0,
            "last\n",
            &[],
        ),
        (
            "from __future__ import annotations\ndef f(x: y): pass\n\nf.__annotations__\n",
            0,
            "{'x': 'y'}\n",
            &[],
        ),
        (
            "import sys\nsys.displayhook = lambda value: print('<', value, '>')\n5\n",
            0,
            "< 5 >\n",
            &[],
        ),
        ("input()\n'on'\n", 0, "'on'\n", &["EOFError"]),
        (
            "import interpreters\ninterpreters.create().run('print(5)')\n",
            0,
            "5\n",
            &[],
        ),
        (
            "import os\nos.abort()\n'off'\n",
            134,
            "",
            &["archipel: the interpreter died: "],
        ),
    ];
    for (input, status, stdout, stderr) in rows {
        check(&["repl"], input, *status, stdout, stderr);
    }
    check(
        &["repl", "--timeout", "100ms"],
        "1\nwhile True: pass\n\n2\n",
        124,
        "1\n",
        &["archipel: limit exceeded: wall"],
    );
    check(
        &["repl", "--env", "A=1"],
        "import os\nos.environ['A']\n",
        0,
        "'1'\n",
        &[],
    );
    check(
        &["repl", "x.py"],
        "",
        2,
        "",
        &["archipel: unexpected argument 'x.py'"],
    );
    assert!(!archipel(&["repl", "--json"], "1").stderr.is_empty());
}

/// Starts a session at a terminal, with its history below `state`.
fn session(state: &Path, arguments: &[&str]) -> PtySession {
    let mut command = Command::new(env!("CARGO_BIN_EXE_archipel"));
    command.arg("repl").args(arguments);
    command
        .env("XDG_STATE_HOME", state)
        .env("TERM", "xterm")
        .env("NO_COLOR", "1");
    let mut session = spawn_command(command, Some(60_000)).unwrap();
    session.exp_string("Python 3.14").unwrap();
    session.exp_string("Archipel ").unwrap();
    session.exp_string(">>> ").unwrap();
    session
}

/// Types `keys`, and waits for each of the expected texts.
fn type_in(session: &mut PtySession, keys: &str, expected: &[&str]) {
    session.send(keys).unwrap();
    session.flush().unwrap();
    for text in expected {
        let found = session.exp_string(text);
        assert!(found.is_ok(), "{keys:?}: no {text:?}: {found:?}");
    }
}

#[test]
fn a_terminal_session_has_editing_and_history() {
    let state = folder("repl");
    let mut repl = session(&state, &[]);
    let rows: &[(&str, &[&str])] = &[
        ("6 * 7\r", &["\n42\r\n", ">>> "]),
        ("_ + 1\r", &["\n43\r\n", ">>> "]),
        // Ctrl-C discards the unfinished statement, and the session continues.
        ("nonsense(\r", &["... "]),
        ("\x03", &["KeyboardInterrupt", ">>> "]),
        ("def f():\r", &["... "]),
        ("    return 5\r", &["... "]),
        ("\r", &[">>> "]),
        ("f()\r", &["\n5\r\n", ">>> "]),
        // Pressing Up twice recalls the whole definition.
        ("\x1b[A\x1b[A\r", &["return 5", "... "]),
        ("\r", &[">>> "]),
        ("word = 'begun'\r", &[">>> "]),
        ("word.capi\t\r", &["capitalize(", "'Begun'\r\n", ">>> "]),
        ("input('name? ')\r", &["\nname? "]),
        ("me\r", &["'me'\r\n", ">>> "]),
        ("import sys; sys.ps1 = 'now> '\r", &["now> "]),
        // Ctrl-C ends the statement but not the session.
        (
            "import time; print('be' 'gun'); time.sleep(1e6)\r",
            &["\nbegun\r\n"],
        ),
        ("\x03", &["KeyboardInterrupt", "now> "]),
        ("word\r", &["'begun'\r\n", "now> "]),
        ("1 / 0\r", &["ZeroDivisionError", "now> "]),
    ];
    for (keys, expected) in rows {
        type_in(&mut repl, keys, expected);
    }
    type_in(&mut repl, "\x04", &[]);
    repl.exp_eof().unwrap();
    assert!(matches!(
        repl.process().wait(),
        Ok(WaitStatus::Exited(_, 0))
    ));

    let history = state.join("archipel/history");
    let before = std::fs::read_to_string(&history).unwrap();
    assert!(
        before.contains("6 * 7\n") && before.contains("def f():\\n    return 5\n"),
        "{before}"
    );

    // The next session has the history of this one; a session without history has none.
    let mut repl = session(&state, &[]);
    type_in(
        &mut repl,
        "\x1b[A\r",
        &["1 / 0", "ZeroDivisionError", ">>> "],
    );
    type_in(&mut repl, "exit(4)\r", &[]);
    repl.exp_eof().unwrap();
    assert!(matches!(
        repl.process().wait(),
        Ok(WaitStatus::Exited(_, 4))
    ));
    let before = std::fs::read_to_string(&history).unwrap();
    let mut repl = session(&state, &["--no-history"]);
    type_in(&mut repl, "'secret'\r", &["'secret'\r\n", ">>> "]);
    type_in(&mut repl, "\x04", &[]);
    repl.exp_eof().unwrap();
    assert_eq!(std::fs::read_to_string(&history).unwrap(), before);
    std::fs::remove_dir_all(&state).unwrap();
}
