//! Tests output without a reader: limits and signals still end the command.

#![cfg(unix)]

use rustix::process::{Pid, Signal, kill_process};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const CODE: &str = "while True: print('x' * 3000)";

/// The time limit for the command to end, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Returns kinds of standard output, each with its other end, which is never read.
fn streams() -> [(&'static str, OwnedFd, OwnedFd); 2] {
    let (reader, writer) = std::io::pipe().unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    [
        ("pipe", reader.into(), writer.into()),
        ("socket", ours.into(), theirs.into()),
    ]
}

fn start(arguments: &[&str], stdout: OwnedFd) -> Child {
    Command::new(env!("CARGO_BIN_EXE_archipel"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn status_of(mut child: Child, what: &str) -> Option<i32> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("{what} did not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_limit_stops_a_script_whose_output_is_not_read() {
    for (kind, _unread, stdout) in streams() {
        let child = start(&["run", "--timeout", "500ms", "-c", CODE], stdout);
        assert_eq!(status_of(child, kind), Some(124), "{kind}");
    }
    for (kind, _unread, stdout) in streams() {
        let arguments = [
            "map",
            "--timeout",
            "500ms",
            "-j",
            "2",
            "-c",
            CODE,
            ":::",
            "1",
            "2",
        ];
        let child = start(&arguments, stdout);
        assert_eq!(status_of(child, kind), Some(124), "{kind}");
    }
}

#[test]
fn the_first_signal_ends_a_command_whose_output_is_not_read() {
    let rows: [(&[&str], Signal, i32); 3] = [
        (&["run", "-c", CODE], Signal::TERM, 143),
        (
            &["map", "-j", "2", "-c", CODE, ":::", "1", "2"],
            Signal::TERM,
            143,
        ),
        (
            &["map", "-j", "2", "-c", CODE, ":::", "1", "2"],
            Signal::INT,
            130,
        ),
    ];
    for (arguments, signal, status) in rows {
        let (reader, writer) = std::io::pipe().unwrap();
        let child = start(arguments, writer.into());
        // Wait until it is full.
        while rustix::io::ioctl_fionread(&reader).unwrap() < 32 << 10 {
            std::thread::sleep(Duration::from_millis(5));
        }
        let number = Pid::from_child(&child);
        kill_process(number, signal).unwrap();
        assert_eq!(
            status_of(child, "it"),
            Some(status),
            "{arguments:?} {signal:?}"
        );
        drop(reader);
    }
}

/// A late reader receives all output, in order.
#[test]
fn a_slow_reader_gets_all_of_the_output() {
    let code = "for n in range(20000): print(n, 'x' * 50)";
    for map in [false, true] {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let arguments: &[&str] = match map {
            false => &["run", "-c", code],
            true => &["map", "-c", code, ":::", "1"],
        };
        let child = start(arguments, writer.into());
        std::thread::sleep(Duration::from_millis(300));
        let mut output = String::new();
        reader.read_to_string(&mut output).unwrap();
        assert_eq!(status_of(child, "it"), Some(0));
        let numbers = output.lines().map(|line| line.split(' ').next().unwrap());
        assert!(numbers.eq((0..20000).map(|n| n.to_string())), "{map}");
    }
}
