//! Tests the guest as a command, in the environment that `wasmtime run` sets up.

use crate::script::expected;
use crate::wasi::{Flags, interfaces, run};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A command line and its expected result.
struct Row<'a> {
    arguments: &'a [&'a str],
    flags: Flags<'a>,
    outcome: &'a str,
    stdout: &'a str,
    /// Parts of standard error. If there are none, standard error must be empty.
    stderr_has: &'a [&'a str],
}

/// The defaults of a row.
const ROW: Row<'_> = Row {
    arguments: &[],
    flags: Flags::NONE,
    outcome: "exit 0",
    stdout: "",
    stderr_has: &[],
};

fn check(rows: &[Row<'_>]) {
    for row in rows {
        let ended = run(row.flags, row.arguments);
        let (said, err) = (String::from_utf8_lossy(&ended.stdout), &ended.stderr);
        let told = format!("{:?} {}\nstderr:\n{err}", row.arguments, ended.outcome);
        assert_eq!(
            (ended.outcome.as_str(), &*said),
            (row.outcome, row.stdout),
            "{told}"
        );
        assert_eq!(err.is_empty(), row.stderr_has.is_empty(), "{told}");
        for part in row.stderr_has {
            assert!(err.contains(part), "no {part} in {told}");
        }
    }
}

/// Creates a folder with these files for one test.
fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("archipel-{name}-{}", std::process::id()));
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

#[test]
fn the_command_imports_only_wasi() {
    let (imports, exports) = interfaces();
    let foreign: Vec<_> = imports
        .iter()
        .filter(|name| !name.starts_with("wasi:"))
        .collect();
    assert!(foreign.is_empty(), "{foreign:?}");
    assert!(!imports.is_empty());
    assert_eq!(exports, ["wasi:cli/run@0.2.12"]);
}

#[test]
fn the_command_line_matches_python() {
    let folder = folder(
        "command",
        &[
            (
                "show.py",
                "import sys, os\nprint(sys.argv, __name__, __file__)",
            ),
            (
                "beside.py",
                "import helper, pkg.inner\nprint(helper.who, pkg.inner.who)",
            ),
            ("helper.py", "who = 'beside'"),
            ("pkg/__init__.py", ""),
            (
                "pkg/__main__.py",
                "import sys\nprint(sys.argv[1:], __package__)",
            ),
            ("pkg/inner.py", "who = __name__"),
            ("app/__main__.py", "import part\nprint(part.who)"),
            ("app/part.py", "who = 'in the folder'"),
            ("lib/far.py", "who = 'far'"),
            (
                "test_it.py",
                "import unittest\nclass T(unittest.TestCase):\n    def test(self): pass",
            ),
            ("raises.py", "def f():\n    raise ValueError('no')\nf()"),
            (
                "files.py",
                "open('out.txt', 'w').write('kept')\nprint(open('out.txt').read())",
            ),
        ],
    );
    let here = Flags {
        dir: Some((&folder, ".")),
        ..Flags::NONE
    };
    let rows = [
        (
            &["show.py", "a", "-b"][..],
            "['show.py', 'a', '-b'] __main__ show.py\n",
        ),
        (&["/show.py"], "['/show.py'] __main__ /show.py\n"),
        (&["beside.py"], "beside pkg.inner\n"),
        (&["app"], "in the folder\n"),
        (&["files.py"], "kept\n"),
        (&["-m", "pkg", "x"], "['x'] pkg\n"),
        (&["-c", "import helper; print(helper.who)"], "beside\n"),
        (
            &["-c", "import sys; print(sys.argv)", "-x"],
            "['-c', '-x']\n",
        ),
        (&["-BIc", "import sys; print(sys.path)"], "[]\n"),
        (&["--version"], "Python 3.14.0\n"),
    ];
    let rows = rows.map(|(arguments, stdout)| Row {
        arguments,
        stdout,
        flags: here,
        ..ROW
    });
    check(&rows);
    let far = [Row {
        arguments: &["-c", "import far, os; print(far.who, os.environ['A'])"],
        stdout: "far b\n",
        flags: Flags {
            env: &[("PYTHONPATH", "/lib"), ("A", "b")],
            ..here
        },
        ..ROW
    }];
    check(&far);
    check(&[
        Row {
            arguments: &["raises.py"],
            outcome: "exit 1",
            stderr_has: &["File \"raises.py\", line 2, in f", "ValueError: no"],
            flags: here,
            ..ROW
        },
        Row {
            arguments: &["-m", "unittest"],
            stderr_has: &["Ran 1 test", "OK"],
            flags: here,
            ..ROW
        },
        Row {
            arguments: &["missing.py"],
            outcome: "exit 2",
            stderr_has: &["python.wasm: can't open file 'missing.py'", "--dir"],
            flags: here,
            ..ROW
        },
        Row {
            arguments: &["-m", "missing"],
            outcome: "exit 1",
            stderr_has: &["python.wasm: No module named missing"],
            flags: here,
            ..ROW
        },
    ]);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn databases_are_locked_between_the_connections_of_the_interpreter() {
    let script = python!("command/locked_database.py");
    let folder = folder("command-databases", &[("data/empty", "")]);
    check(&[Row {
        arguments: &["-c", script],
        stdout: "[]\ndatabase is locked\n[(1,)] ['empty', 'x.db']\n",
        flags: Flags {
            dir: Some((&folder, ".")),
            ..Flags::NONE
        },
        ..ROW
    }]);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn streams_and_exit_statuses_come_from_the_script() {
    let code = |source, outcome, stdout| Row {
        arguments: source,
        outcome,
        stdout,
        ..ROW
    };
    let stdin = |arguments, stdin, stdout| Row {
        arguments,
        stdout,
        flags: Flags {
            stdin,
            ..Flags::NONE
        },
        ..ROW
    };
    let failing = |arguments, outcome, stderr_has| Row {
        arguments,
        outcome,
        stderr_has,
        ..ROW
    };
    check(&[
        stdin(&["-", "a"], "import sys; print(sys.argv)", "['-', 'a']\n"),
        stdin(&[], "print('no file')", "no file\n"),
        stdin(
            &["-c", "print(input(), input())"],
            "one\ntwo\n",
            "one two\n",
        ),
        code(&["-c", "import sys; sys.exit(7)"], "exit 7", ""),
        code(&["-c", "raise SystemExit"], "exit 0", ""),
        code(&["-c", "import os; os._exit(9)"], "exit 9", ""),
        code(
            &[
                "-c",
                "import atexit; atexit.register(print, 'last'); print('first')",
            ],
            "exit 0",
            "first\nlast\n",
        ),
        code(
            &["-m", "calendar", "2026", "1"],
            "exit 0",
            "    January 2026\nMo Tu We Th Fr Sa Su\n          1  2  3  4\n 5  6  7  8  9 10 11\n\
             12 13 14 15 16 17 18\n19 20 21 22 23 24 25\n26 27 28 29 30 31\n",
        ),
        stdin(
            &["-m", "json.tool", "--compact"],
            "{\"a\":  1}",
            "{\"a\":1}\n",
        ),
        failing(&["-c", "import sys; sys.exit('why')"], "exit 1", &["why\n"]),
        failing(
            &["-c", "x ="],
            "exit 1",
            &["SyntaxError", "File \"<string>\", line 1"],
        ),
        failing(
            &["--frob"],
            "exit 2",
            &["unknown option: --frob", "usage: python.wasm"],
        ),
        failing(&["-c"], "exit 2", &["argument expected for the -c option"]),
        failing(
            &["-c", "def f(): f()\nf()"],
            "exit 1",
            &["RecursionError: maximum recursion depth exceeded"],
        ),
    ]);
    // Each run draws its own random numbers.
    let draw = &[
        "-c",
        "import random, os; print(random.random(), os.urandom(8))",
    ];
    assert_ne!(run(Flags::NONE, draw).stdout, run(Flags::NONE, draw).stdout);
}

#[test]
fn channels_work_within_one_interpreter() {
    let code = |arguments, stdout| Row {
        arguments,
        stdout,
        ..ROW
    };
    check(&[
        code(
            &[
                "-c",
                "import interpreters as i; r, s = i.create_channel(2); s.send([1, b'2']); print(r.recv())",
            ],
            "[1, b'2']\n",
        ),
        code(
            &[
                "-c",
                "import concurrent.interpreters as i; q = i.create_queue(); q.put({1: q}); print(q.get()[1] == q)",
            ],
            "True\n",
        ),
        code(
            &[
                "-c",
                "import archipel; r, s = archipel.channel(1); \
                     print(archipel.select(r, default=None)); s.send(4); \
                     print(archipel.select(r, archipel.after(9))[1])",
            ],
            "(None, None)\n4\n",
        ),
        code(
            &[
                "-c",
                "import archipel; r, s = archipel.channel(); print(archipel.select(r, archipel.after(0.01))[0] is not r)",
            ],
            "True\n",
        ),
        code(
            &[
                "-c",
                "import archipel, threading\nr, s = archipel.channel(3)\n\
                     threading.Thread(target=lambda: [s.send(n) for n in range(3)]).start()\n\
                     print([r.recv() for _ in range(3)])",
            ],
            "[0, 1, 2]\n",
        ),
        code(
            &[
                "-c",
                "import archipel, asyncio\nr, s = archipel.channel()\n\
                     async def put():\n    await asyncio.sleep(0.01)\n    await s.send_async('late')\n\
                     async def main():\n    t = asyncio.create_task(put())\n    print(await r)\n    await t\n\
                     asyncio.run(main())",
            ],
            "late\n",
        ),
        code(
            &[
                "-c",
                "import concurrent.interpreters as i; print(i.list_all() == [i.get_current()], i.get_main().id)",
            ],
            "True 0\n",
        ),
    ]);
}

#[test]
fn creating_children_raises_with_the_reason() {
    let why = &[
        "InterpreterError: this host has no broker for interpreters: run the script with `archipel run`",
    ];
    let rows = [
        "import concurrent.interpreters as i; i.create()",
        "import interpreters; interpreters.create()",
        "import archipel; archipel.create()",
        "import archipel; archipel.spawn(print)",
        "import concurrent.futures as f; f.InterpreterPoolExecutor().submit(print).result()",
    ];
    for source in rows {
        check(&[Row {
            arguments: &["-c", source],
            outcome: "exit 1",
            stderr_has: why,
            ..ROW
        }]);
    }
}

#[test]
fn fuel_time_and_memory_limits_of_the_host_apply() {
    let limited = |source, flags, outcome, stderr_has| {
        check(&[Row {
            arguments: &["-c", source],
            flags,
            outcome,
            stderr_has,
            ..ROW
        }]);
    };
    let fuel = Flags {
        fuel: Some(1 << 30),
        ..Flags::NONE
    };
    let timeout = Flags {
        timeout: Some(Duration::from_millis(300)),
        ..Flags::NONE
    };
    let memory = Flags {
        memory: Some(128 << 20),
        ..Flags::NONE
    };
    let enough = "print(end='')";
    limited(enough, fuel, "exit 0", &[]);
    limited(enough, memory, "exit 0", &[]);
    let endless = "while True: pass";
    limited(
        endless,
        fuel,
        "wasm trap: all fuel consumed by WebAssembly",
        &[],
    );
    limited(endless, timeout, "wasm trap: interrupt", &[]);
    limited(
        "import time; time.sleep(1e6)",
        timeout,
        "wasm trap: interrupt",
        &[],
    );
    let waits = "import archipel; r, s = archipel.channel(); r.recv(timeout=1e6)";
    limited(waits, timeout, "wasm trap: interrupt", &[]);
    let hungry = "x = []\nwhile True: x.append(bytes(1 << 20))";
    limited(hungry, memory, "exit 1", &["MemoryError"]);
}

/// Scripts without children do the same in an interpreter of Archipel as here.
#[test]
fn scripts_without_children_run_as_in_archipel() {
    const SCRIPTS: &[&str] = &[
        "channels/buffers.py",
        "channels/drains_after_close.py",
        "channels/fifo_and_capacity.py",
        "channels/invalid_capacities.py",
        "channels/receive_without_senders.py",
        "channels/send_without_receivers.py",
        "channels/timeouts.py",
        "channels/waiting_for_oneself.py",
        "library/everything_is_importable.py",
        "queues/objects_that_cannot_be_pickled.py",
        "threads/an_impossible_wait.py",
        "threads/locks_and_queues.py",
        "threads/run_while_the_creator_waits.py",
        "threads/that_wait_for_their_creator.py",
        "values/round_trips.py",
        "values/too_deep.py",
    ];
    for script in SCRIPTS {
        let path = crate::root().join("tests/scripts").join(script);
        let source = std::fs::read_to_string(&path).unwrap();
        let flags = Flags {
            dir: Some((path.parent().unwrap_or(Path::new("/")), ".")),
            ..Flags::NONE
        };
        let name = path.file_name().unwrap().to_str().unwrap();
        let ended = run(flags, &[name]);
        let compared = expected(&source).compare(&ended.outcome, &ended.stdout, &ended.stderr);
        assert_eq!(compared, Ok(()), "{script}");
    }
}

#[test]
fn the_library_includes_sources_and_time_zones() {
    let sources = "import inspect, json; print(inspect.getsource(json.loads).split('(')[0])";
    let zones = "import datetime, zoneinfo; zone = zoneinfo.ZoneInfo('Europe/Berlin'); \
                 print(datetime.datetime(2026, 7, 1, tzinfo=zone).tzname())";
    let raises = "import json; json.loads('{')";
    check(&[
        Row {
            arguments: &["-c", sources],
            stdout: "def loads\n",
            ..ROW
        },
        Row {
            arguments: &["-c", zones],
            stdout: "CEST\n",
            ..ROW
        },
        Row {
            arguments: &["-c", raises],
            outcome: "exit 1",
            stderr_has: &["return _default_decoder.decode(s)", "~~~^^^"],
            ..ROW
        },
    ]);
}
