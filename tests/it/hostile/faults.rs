//! Hostile cases in which the host itself fails or is misused.

use super::case::Place;
use super::lane::Lane;
use crate::runtime;
use archipel::{
    Binding, Capacity, Error, LimitKind, Limits, Output, Policy, RecvError, Runtime, Value,
};
use std::io;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A writer that panics.
struct Panics;

impl io::Write for Panics {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        panic!("a host sink")
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Z-1: Host callbacks panic: the callback at a limit, and the writer of the output.
///
/// Outcome: LIMIT(cpu) and a typed error; all others continue.
#[test]
fn z_1_panicking_callbacks_affect_only_their_interpreter() {
    let lane = Lane::new();
    let cpu = Limits::new().cpu(Duration::from_millis(50));
    let interpreter = lane
        .runtime
        .interpreter()
        .limits(cpu)
        .on_limit(|_| panic!("a host callback"))
        .build()
        .unwrap();
    let outcome = interpreter.exec("while True: pass");
    let limited = matches!(
        outcome,
        Err(Error::LimitExceeded {
            kind: LimitKind::Cpu,
            ..
        })
    );
    assert!(limited, "{outcome:?}");
    drop(interpreter);

    let interpreter = lane
        .runtime
        .interpreter()
        .stdout(Output::writer(Panics))
        .build()
        .unwrap();
    let outcome = interpreter.exec("print('x', flush=True)");
    assert!(outcome.is_err(), "{outcome:?}");
    drop(interpreter);
    lane.is_as_before().unwrap();
}

/// Z-3, I-13: A runtime is full while parents create children, and while several interpreters are created
/// concurrently.
///
/// Outcome: RAISE(InterpreterError) and a typed error; each freed slot can be reused.
#[test]
fn z_3_a_full_runtime_refuses_interpreters() {
    let own = Runtime::builder().max_interpreters(4).build().unwrap();
    let parent = |n| {
        let policy = Policy::new().children(n, 1).unwrap();
        own.interpreter().policy(policy).build().unwrap()
    };
    let (one, other) = (parent(8), parent(8));
    let fill = python!("hostile/faults/fill_the_runtime.py");
    let threads = [one.clone(), other.clone()].map(|parent| {
        let fill = fill.to_owned();
        std::thread::spawn(move || parent.exec(fill))
    });
    for thread in threads {
        thread.join().unwrap().unwrap();
    }
    assert!(matches!(
        own.interpreter().build(),
        Err(Error::Capacity { limit: 4 })
    ));
    let kept = |parent: &archipel::Interpreter| parent.eval::<Value>("len(kept)").unwrap().as_i64();
    assert_eq!(kept(&one).unwrap() + kept(&other).unwrap(), 2);
    one.exec("del kept").unwrap();
    other.exec("del kept").unwrap();
    for _ in 0..20 {
        one.exec("import interpreters; interpreters.create().run('x = 1')")
            .unwrap();
        own.interpreter().build().unwrap().exec("x = 1").unwrap();
    }
    assert_eq!(own.metrics().interpreters, 2);
}

/// Z-6: A host drops everything while interpreters compute, sleep, wait for a channel and call a host function.
///
/// Outcome: CANCELLED for all; no wait is endless.
#[test]
fn z_6_dropping_the_host_stops_all_interpreters() {
    let own = Runtime::builder().max_interpreters(8).build().unwrap();
    let (begun, begins) = own.channel(Capacity::Unbounded).unwrap();
    let (_held, never) = own.channel(Capacity::Rendezvous).unwrap();
    let sources = [
        "while True: pass",
        "import time; time.sleep(1e6)",
        "never.recv()",
        "9**9**9",
        "waits()",
    ];
    let mut threads = Vec::new();
    let mut interpreters = Vec::new();
    for source in sources {
        let interpreter = own.interpreter().build().unwrap();
        interpreter
            .alias_async("waits", |_| std::future::pending())
            .unwrap();
        interpreter
            .prepare_main([
                ("begun", Binding::from(begun.clone())),
                ("never", never.clone().into()),
            ])
            .unwrap();
        let runner = interpreter.clone();
        threads.push(std::thread::spawn(move || {
            runner.exec(format!("begun.send(1)\n{source}"))
        }));
        interpreters.push(interpreter);
    }
    for _ in sources {
        begins.recv().unwrap();
    }
    drop(own);
    for interpreter in interpreters {
        interpreter.kill();
    }
    for thread in threads {
        assert!(matches!(thread.join().unwrap(), Err(Error::Killed)));
    }
    drop(begun);
    assert_eq!(begins.recv(), Err(RecvError::Closed));
}

/// Z-7: The program is repeatedly killed while it runs a script.
///
/// Outcome: the next start works as usual.
#[cfg(unix)]
#[test]
fn z_7_the_next_start_works_after_a_kill() {
    // Build and compile the guest first.
    runtime();
    let program = || Command::new(env!("CARGO_BIN_EXE_archipel"));
    for _ in 0..3 {
        let mut child = program()
            .args(["run", "-c", "print('begun', flush=True)\nwhile True: pass"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut begun = [0; 6];
        io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut begun).unwrap();
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success());
    }
    let output = program()
        .args(["run", "-c", "print('ran')"])
        .output()
        .unwrap();
    assert_eq!(
        (&*output.stdout, output.status.code()),
        (&b"ran\n"[..], Some(0))
    );
    assert!(output.stderr.is_empty(), "{output:?}");
}

/// Z-3: A script opens all files that the process can open, while another one needs one.
///
/// Outcome: RAISE(OSError) for the first, and the other opens its file.
#[cfg(unix)]
#[test]
fn z_3_one_script_cannot_take_all_descriptors() {
    const SCRIPT: &str = python!("hostile/faults/take_all_descriptors.py");
    runtime();
    let place = Place::new("z-3");
    let grant = format!("{}::/here:rw", place.folder("data").display());
    let output = Command::new("sh")
        .args(["-c", "ulimit -n 48; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_archipel"))
        .args(["map", "-j", "2", "--timeout", "60s", "--dir", &grant])
        .args(["-c", SCRIPT, ":::", "hog", "victim"])
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"no more\nopened\n", "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

/// Z-9: The program is built with panics that abort the process.
///
/// Outcome: a check fails; panics must unwind in every profile.
#[test]
fn z_9_panics_unwind() {
    const { assert!(cfg!(panic = "unwind")) };
    let manifest = std::fs::read_to_string(crate::root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("panic = \"unwind\""));
    assert!(!manifest.contains("panic = \"abort\""));
}

/// Z-11: The library is given invalid limits, names, capacities and destinations.
///
/// Outcome: a typed error each time, never a panic.
#[test]
fn z_11_invalid_settings_are_typed_errors() {
    for &kind in LimitKind::ALL {
        for limit in [0, 1, u64::MAX] {
            let limits = Limits::new().with(kind, limit);
            let built = runtime().interpreter().limits(limits).build();
            match built.map(|interpreter| interpreter.exec("x = 1")) {
                Ok(Ok(()) | Err(Error::LimitExceeded { .. } | Error::Raised(_)))
                | Err(Error::Config(_)) => {}
                other => panic!("{kind} of {limit}: {other:?}"),
            }
        }
    }
    let odd = [
        "", "\0", "a\0b", "=", "\u{202e}", "a b", "...", "x.", ".x", "1x", "\u{d7ff}",
    ];
    let huge = "x".repeat(1 << 20);
    let interpreter = runtime().interpreter().build().unwrap();
    for text in odd.into_iter().chain([&*huge]) {
        let refused = [
            interpreter.alias(text, |_| Ok(Value::None)).err(),
            interpreter.hide(text).err(),
            interpreter.get::<archipel::Value>(text).err(),
            Policy::new().net(text).err(),
            Policy::new()
                .dir(text, "/data", archipel::policy::Access::ReadOnly)
                .err(),
            Policy::new().children(u32::MAX, u32::MAX).err(),
        ];
        for (which, error) in refused.into_iter().enumerate() {
            let typed = matches!(error, Some(Error::Config(_)));
            assert!(typed, "{which} of {text:.9?}: {error:?}");
        }
    }
    for capacity in [Capacity::Bounded(0), Capacity::Bounded(usize::MAX)] {
        let (sender, _receiver) = runtime().channel(capacity).unwrap();
        drop(sender);
    }
    let (sender, receiver) = runtime().channel(Capacity::Bounded(1)).unwrap();
    for limit in [Duration::ZERO, Duration::MAX] {
        sender.send_timeout(1, limit).unwrap();
        assert_eq!(receiver.recv_timeout(limit).unwrap(), 1);
    }
}
