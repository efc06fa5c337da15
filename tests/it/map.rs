//! Tests `archipel map`: the real binary over many inputs.

use crate::cli::{archipel, begun, check, folder, send, text};
use rustix::process::Signal;
use std::io::Read;

#[test]
fn outputs_are_in_the_order_of_the_inputs() {
    // The first one gives the others time to end before it.
    let source = "import sys, time
if sys.argv[1] == 'a': time.sleep(0.2)
for n in range(2): print(sys.argv[1], n)
print('error', sys.argv[1], file=sys.stderr)";
    let output = archipel(
        &["map", "--jobs", "4", "-c", source, ":::", "a", "b", "c"],
        "",
    );
    assert_eq!(text(&output.stdout), "a 0\na 1\nb 0\nb 1\nc 0\nc 1\n");
    assert_eq!(text(&output.stderr), "error a\nerror b\nerror c\n");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn inputs_come_from_arguments_or_standard_input() {
    let folder = folder("map");
    let script = folder.join("show.py");
    std::fs::write(&script, "import sys; print(sys.argv[1:])").unwrap();
    let script = script.to_str().unwrap();
    let rows: &[(&[&str], &str, &str)] = &[
        (&[script, ":::", "a", "-b"], "", "['a']\n['-b']\n"),
        (&[script], "a\nb c\n", "['a']\n['b c']\n"),
        (&[script], "", ""),
        (&[script, ":::"], "not read", ""),
        (&["-0", script], "a\nb\0c", "['a\\nb']\n['c']\n"),
        (&[script, "-v", ":::", "a"], "", "['-v', 'a']\n"),
        (
            &[script, "{}", "to={}.txt", ":::", "a"],
            "",
            "['a', 'to=a.txt']\n",
        ),
        (&["-c", "print(len(input()))", ":::"], "x", ""),
        (
            &["-m", "textwrap", ":::", "a"],
            "",
            "Hello there.\n  This is indented.\n",
        ),
        (
            &["-", ":::", "a"],
            "import sys; print(sys.argv)",
            "['-', 'a']\n",
        ),
        (
            &[
                "--env",
                "A=1",
                "-c",
                "import os; print(os.environ['A'])",
                ":::",
                "x",
            ],
            "",
            "1\n",
        ),
    ];
    for (arguments, input, stdout) in rows {
        check(&[&["map"], *arguments].concat(), input, 0, stdout, &[]);
    }
    // A change by one script is invisible to the next.
    let source = "import json, sys; print(hasattr(json, 'seen')); json.seen = True";
    check(
        &["map", "--jobs", "1", "-c", source, ":::", "a", "b"],
        "",
        0,
        "False\nFalse\n",
        &[],
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

/// The order does not depend on speed, nor the memory on the amount of output.
#[test]
fn many_inputs_and_large_outputs_stay_in_order() {
    let inputs: String = (0..600).map(|n| format!("{n}\n")).collect();
    let source =
        "import sys; print(sys.argv[1]); print('x' * (300_000 if sys.argv[1] == '7' else 1))";
    let output = archipel(&["map", "-c", source], &inputs);
    let shown = text(&output.stdout);
    let numbers: Vec<&str> = shown.lines().step_by(2).collect();
    let expected: Vec<String> = (0..600).map(|n| n.to_string()).collect();
    assert_eq!(numbers, expected);
    assert_eq!(shown.lines().nth(15).unwrap().len(), 300_000);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn failures_are_reported_at_the_end() {
    let source = python!("map/end_in_a_way.py");
    let rows: &[(&[&str], i32, &[&str])] = &[
        (
            &["0", "7", "raise"],
            1,
            &[
                "ZeroDivisionError",
                "archipel: 2 of 3 scripts failed:\n\
                 archipel: 7: exit status 7\n\
                 archipel: raise: exit status 1\n",
            ],
        ),
        (
            &["0", "loop"],
            124,
            &["archipel: 1 of 2 scripts failed:\narchipel: loop: limit exceeded: wall"],
        ),
        (
            &["die", "0"],
            134,
            &["archipel: die: the interpreter died: "],
        ),
        (
            &["die", "loop", "0"],
            1,
            &["archipel: 2 of 3 scripts failed:"],
        ),
    ];
    for (inputs, status, stderr) in rows {
        let arguments = ["map", "--timeout", "300ms", "-c", source, ":::"];
        check(&[&arguments[..], inputs].concat(), "", *status, "", stderr);
    }
    let output = archipel(&["map", "--json", "-c", source, ":::", "0", "7"], "");
    let errors = text(&output.stderr);
    let lines: Vec<&str> = errors.lines().collect();
    assert!(
        lines[0].contains(r#""index":0,"input":"0","outcome":"ended","status":0"#),
        "{errors}"
    );
    assert!(
        lines[1].contains(r#""index":1,"input":"7","outcome":"ended","status":7"#),
        "{errors}"
    );
    assert_eq!(
        lines[2],
        r#"{"failed":1,"scripts":2,"status":1,"stopped":0}"#
    );
}

#[test]
fn halt_stops_all_scripts_at_the_first_failure() {
    let source = "import sys; print(sys.argv[1]); sys.exit(sys.argv[1] == 'b')";
    check(
        &[
            "map", "--halt", "--jobs", "1", "-c", source, ":::", "a", "b", "c", "d",
        ],
        "",
        1,
        "a\nb\n",
        &[
            "archipel: stopped by the first failure: 2 of 4 scripts had ended, 1 failed\n",
            "archipel: b: exit status 1\n",
        ],
    );
}

#[test]
fn wrong_usage_is_reported() {
    let rows: &[(&[&str], &str, &str)] = &[
        (&[], "", "archipel: no script ("),
        (&[":::", "a"], "", "archipel: no script ("),
        (&["/no/such.py", ":::", "a"], "", "cannot run /no/such.py"),
        (
            &["--jobs", "0", "-c", "", ":::"],
            "",
            "--jobs 0: out of range (use 1 to 512",
        ),
        (&["--jobs", "many", "-c", "", ":::"], "", "'--jobs <N>'"),
        (
            &["-c", "", ":::", "a", ":::", "b"],
            "",
            "`:::` is given twice",
        ),
        (
            &["-0", "-c", "", ":::", "a"],
            "",
            "-0 applies to inputs on standard input",
        ),
        (&["-"], "print(1)", "give the inputs after `:::`"),
        (
            &["--halt", "--keep-going", "-c", ""],
            "",
            "cannot be used with",
        ),
    ];
    for (arguments, input, why) in rows {
        check(&[&["map"], *arguments].concat(), input, 2, "", &[why]);
    }
}

#[test]
fn a_signal_stops_all_scripts() {
    let source = "import time; print('begun', flush=True); time.sleep(60)";
    let (mut child, mut lines) = begun(&["map", "-c", source, ":::", "a", "b", "c", "d"]);
    assert_eq!(lines.next().unwrap().unwrap(), "begun");
    send(&child, Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut errors = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut errors)
        .unwrap();
    assert_eq!(
        errors,
        "archipel: stopped by a signal: 0 of 4 scripts had ended, 0 failed\n"
    );
}

#[test]
fn map_ends_silently_when_stdout_is_closed() {
    let source = "while True: print('x' * 1000)";
    let (mut child, mut lines) = begun(&["map", "-c", source, ":::", "a", "b"]);
    assert_eq!(lines.next().unwrap().unwrap().len(), 1000);
    drop(lines);
    assert_eq!(child.wait().unwrap().code(), Some(141));
    let mut errors = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut errors)
        .unwrap();
    assert_eq!(errors, "");
}
