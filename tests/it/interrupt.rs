//! Tests interrupting a running interpreter.

use crate::runtime;
use archipel::{Binding, Capacity, Error, Interpreter, Raised, Receiver, Result, Sender, Value};
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

#[test]
fn interrupt_raises_in_every_kind_of_code() {
    let scripts = [
        "ready.send(1)\nwhile True: pass",
        "ready.send(1)\nfor _ in iter(int, 1): pass",
        "def f(n):\n    for i in range(n): g(i)\ndef g(i):\n    return [i] * 10\nready.send(1)\nwhile True: f(100)",
        "ready.send(1)\nre.match('(a+)+$', 'a' * 60 + 'b')",
        "ready.send(1)\n9**9**9",
        "x = list(range(10**6))\nready.send(1)\nwhile True: x.sort(key=lambda n: -n)",
        "gc.disable()\nready.send(1)\nwhile True: pass",
        "def steps():\n    while True: yield 1\nready.send(1)\nsum(steps())",
        "ready.send(1)\ntime.sleep(10**6)",
        "ready.send(1)\nwhile True: time.sleep(0.001)",
        "ready.send(1)\ninbox.recv()",
        "ready.send(1)\ninbox.recv(timeout=10**6)",
        "ready.send(1)\nready.send(2)",
        "import threading\nthread = threading.Thread(target=inbox.recv)\nthread.start()\nready.send(1)\nthread.join()",
        "import threading\nlock = threading.Lock()\nlock.acquire()\nready.send(1)\nlock.acquire(timeout=10**6)",
        "import asyncio\nasync def main():\n    ready.send(1)\n    await asyncio.sleep(10**6)\nasyncio.run(main())",
        "import asyncio\nasync def main():\n    ready.send(1)\n    while True: await asyncio.sleep(0)\nasyncio.run(main())",
    ];
    for script in scripts {
        let subject = Subject::new();
        let raised = raised(subject.interrupted(script), script);
        assert_eq!(raised.name, "KeyboardInterrupt", "{script}: {raised:?}");
        assert_eq!(raised.module, "builtins", "{script}");
        // The interpreter remains usable.
        let sum = subject
            .interpreter
            .eval::<Value>("sum(range(1000))")
            .unwrap();
        assert_eq!(sum, 499_500, "{script}");
    }
}

#[test]
fn a_script_can_catch_or_handle_an_interrupt() {
    let rows = [
        (
            "try:\n    ready.send(1)\n    while True: pass\nexcept KeyboardInterrupt as error:\n    seen = repr(error)",
            "KeyboardInterrupt()",
        ),
        (
            "try:\n    ready.send(1)\n    inbox.recv()\nexcept KeyboardInterrupt as error:\n    seen = error.__context__",
            "None",
        ),
        (
            "seen = 0\ndef handler(number, frame):\n    global seen\n    seen = number\n\
             signal.signal(signal.SIGINT, handler)\nready.send(1)\nwhile not seen: pass",
            "2",
        ),
        (
            "seen = []\nsignal.signal(signal.SIGINT, lambda *_: seen.append(1))\nready.send(1)\n\
             while not seen: time.sleep(0.01)",
            "[1]",
        ),
        (
            "class Enough(Exception): pass\ndef handler(number, frame): raise Enough\n\
             signal.signal(signal.SIGINT, handler)\ntry:\n    ready.send(1)\n    inbox.recv()\n\
             except Enough: seen = 'enough'",
            "enough",
        ),
        (
            // An interrupted wait continues for the rest of its timeout.
            "handled = []; waited = []\nsignal.signal(signal.SIGINT, lambda *_: handled.append(1))\n\
             ready.send(1)\nwhile not handled:\n    start = time.monotonic()\n\
            \x20   try: inbox.recv(timeout=0.02)\n    except TimeoutError: pass\n\
            \x20   waited.append(time.monotonic() - start >= 0.02)\nseen = all(waited), len(handled)",
            "(True, 1)",
        ),
        (
            "signal.signal(signal.SIGINT, signal.SIG_IGN)\nready.send(1)\n\
             end = time.monotonic() + 0.05\nwhile time.monotonic() < end: pass\nseen = 'ignored'",
            "ignored",
        ),
    ];
    for (script, seen) in rows {
        let subject = Subject::new();
        subject.interrupted(script).unwrap();
        let found = subject.interpreter.eval::<Value>("str(seen)").unwrap();
        assert_eq!(found, seen, "{script}");
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
    let thread = subject.start(
        "import interpreters, archipel, json\n\
         r, s = interpreters.create_channel(5)\n\
         caught = 0; begun = False\n\
         def work():\n\
        \x20   global begun\n\
        \x20   while True:\n\
        \x20       if not begun: begun = True; ready.send(1)\n\
        \x20       s.send([1, 'two', bytearray(b'3')]); r.recv(); s.send_nowait(s); r.recv_nowait()\n\
        \x20       archipel.select(r, default=None)\n\
        \x20       print(json.dumps({'a': [1, 2]})); time.sleep(0.0001)\n\
         while caught < 100:\n\
        \x20   try:\n\
        \x20       try: work()\n\
        \x20       except KeyboardInterrupt:\n\
        \x20           caught += 1\n\
        \x20           while r.recv_nowait(None) is not None: pass\n\
        \x20   except KeyboardInterrupt: caught += 1",
    );
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
