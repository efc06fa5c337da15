//! Tests interrupting a running interpreter.

use crate::runtime;
use crate::script::{header, name, paths};
use archipel::{Binding, Capacity, Error, Interpreter, Raised, Receiver, Result, Sender};
use std::path::PathBuf;
use std::thread::JoinHandle;

/// An interpreter whose scripts can report that they are `ready` and wait for a message that never arrives.
struct Subject {
    interpreter: Interpreter,
    ready: Receiver,
    /// Keeps the channel open from which the scripts receive.
    _inbox: Sender,
}

impl Subject {
    fn new() -> Self {
        let interpreter = runtime().interpreter().build().unwrap();
        let (ready, is_ready) = runtime().channel(Capacity::Rendezvous).unwrap();
        let (sender, inbox) = runtime().channel(Capacity::Rendezvous).unwrap();
        let ends = [("ready", Binding::from(ready)), ("inbox", inbox.into())];
        interpreter.prepare_main(ends).unwrap();
        interpreter.exec("import gc, re, signal, time").unwrap();
        Subject {
            interpreter,
            ready: is_ready,
            _inbox: sender,
        }
    }

    /// Runs `script` on a separate thread, and waits until it reports that it is ready.
    fn start(&self, script: &str) -> JoinHandle<Result<()>> {
        let (interpreter, script) = (self.interpreter.clone(), script.to_owned());
        let thread = std::thread::spawn(move || interpreter.exec(script));
        self.ready.recv().expect("the script says that it is ready");
        thread
    }

    fn interrupted(&self, script: &str) -> Result<()> {
        let thread = self.start(script);
        self.interpreter.interrupt();
        thread.join().unwrap()
    }
}

#[track_caller]
fn raised(result: Result<()>, script: &str) -> Raised {
    match result {
        Err(Error::Raised(raised)) => *raised,
        other => panic!("{script}: {other:?}"),
    }
}

/// Returns the names and sources of the scripts in a folder of `tests/python/interrupt`.
fn scripts(folder: &str) -> Vec<(String, String)> {
    let paths = paths(&format!("tests/python/interrupt/{folder}"));
    assert!(!paths.is_empty(), "{folder}");
    let script = |path: &PathBuf| {
        (
            name(path).to_owned(),
            std::fs::read_to_string(path).unwrap(),
        )
    };
    paths.iter().map(script).collect()
}

#[test]
fn interrupt_raises_in_every_kind_of_code() {
    for (name, script) in scripts("raises") {
        let subject = Subject::new();
        let raised = raised(subject.interrupted(&script), &name);
        assert_eq!(raised.name, "KeyboardInterrupt", "{name}: {raised:?}");
        assert_eq!(raised.module, "builtins", "{name}");
        // The interpreter remains usable.
        let sum = subject.interpreter.eval::<i64>("sum(range(1000))").unwrap();
        assert_eq!(sum, 499_500, "{name}");
    }
}

/// The first line of each script states what it has `seen` in the end.
#[test]
fn a_script_can_catch_or_handle_an_interrupt() {
    for (name, script) in scripts("handled") {
        let (_, seen) = header(&script).next().unwrap();
        let subject = Subject::new();
        subject.interrupted(&script).unwrap();
        let found = subject.interpreter.eval::<String>("str(seen)").unwrap();
        assert_eq!(found, seen, "{name}");
    }
}

#[test]
fn an_interrupt_is_raised_once_and_only_in_a_running_call() {
    let subject = Subject::new();
    let loop_for_some_time = "end = time.monotonic() + 0.05\nwhile time.monotonic() < end: pass";
    // Idle: nothing is raised, now or later.
    subject.interpreter.interrupt();
    subject.interpreter.exec(loop_for_some_time).unwrap();
    // Caught: it is not raised again.
    let script = format!(
        "try:\n    ready.send(1)\n    while True: pass\nexcept KeyboardInterrupt: pass\n{loop_for_some_time}"
    );
    subject.interrupted(&script).unwrap();
    // Not raised before the call ends: it is discarded.
    subject.interrupted("ready.send(1)\nsum(range(10**6))").ok();
    subject.interpreter.exec(loop_for_some_time).unwrap();
    // Pending interrupts are merged into one.
    let thread = subject.start("ready.send(1)\nwhile True: pass");
    subject.interpreter.interrupt();
    subject.interpreter.interrupt();
    raised(thread.join().unwrap(), "twice");
    subject.interpreter.exec(loop_for_some_time).unwrap();
    subject.interpreter.close().unwrap();
    subject.interpreter.interrupt();
}

#[test]
fn kill_stops_code_that_ignores_interrupts() {
    let subject = Subject::new();
    let thread = subject.start(
        "while True:\n    try: ready.send(1); sum(range(10**12))\n    except KeyboardInterrupt: pass",
    );
    subject.interpreter.interrupt();
    subject.interpreter.kill();
    assert!(matches!(thread.join().unwrap(), Err(Error::Killed)));
}

#[test]
fn an_interrupt_does_not_affect_other_interpreters() {
    let (one, other) = (Subject::new(), Subject::new());
    let thread = other.start("ready.send(1)\nx = 0\nwhile x < 3_000_000: x += 1");
    for _ in 0..3 {
        raised(one.interrupted("ready.send(1)\nwhile True: pass"), "loop");
    }
    thread.join().unwrap().unwrap();
    assert_eq!(other.interpreter.eval::<i64>("x").unwrap(), 3_000_000);
}

#[test]
fn copies_and_reset_interpreters_can_be_interrupted() {
    let subject = Subject::new();
    raised(
        subject.interrupted("ready.send(1)\nwhile True: pass"),
        "original",
    );
    let copy = Subject {
        interpreter: subject.interpreter.fork().unwrap(),
        ..subject
    };
    raised(copy.interrupted("ready.send(1)\nwhile True: pass"), "copy");
    copy.interpreter.reset().unwrap();
    let (ready, is_ready) = runtime().channel(Capacity::Rendezvous).unwrap();
    let ends = [("ready", Binding::from(ready))];
    copy.interpreter.prepare_main(ends).unwrap();
    let reset = Subject {
        ready: is_ready,
        ..copy
    };
    raised(
        reset.interrupted("ready.send(1)\nwhile True: pass"),
        "reset",
    );
}

/// The library and the bindings stay consistent wherever an interrupt arrives.
#[test]
fn a_storm_of_interrupts_does_not_kill_the_guest() {
    let subject = Subject::new();
    let thread = subject.start(python!("interrupt/storm.py"));
    while !thread.is_finished() {
        subject.interpreter.interrupt();
        std::thread::yield_now();
    }
    // An interrupt can arrive outside of the script's `try`.
    match thread.join().unwrap() {
        Ok(()) => {}
        Err(Error::Raised(raised)) => assert_eq!(raised.name, "KeyboardInterrupt"),
        Err(other) => panic!("{other:?}"),
    }
    assert_eq!(
        subject
            .interpreter
            .eval::<i64>("r.recv_nowait(1 + 1)")
            .unwrap(),
        2
    );
}

#[test]
fn cancel_raises_in_the_same_places() {
    let scripts = [
        "ready.send(1)\nwhile True: pass",
        "ready.send(1)\nre.match('(a+)+$', 'a' * 60 + 'b')",
        "ready.send(1)\ninbox.recv()",
        "import archipel\ntry:\n    ready.send(1)\n    time.sleep(10**6)\nfinally: cleaned = True",
    ];
    for script in scripts {
        let subject = Subject::new();
        let thread = subject.start(script);
        subject.interpreter.cancel("enough");
        // An interrupt does not replace a pending cancellation.
        subject.interpreter.interrupt();
        let raised = raised(thread.join().unwrap(), script);
        let told = (raised.module.as_str(), raised.name.as_str());
        assert_eq!(told, ("archipel", "Cancelled"), "{script}");
        assert_eq!(raised.message, "enough", "{script}");
        subject.interpreter.exec("pass").unwrap();
    }
}
