//! Tests the library as a host uses it.

use crate::runtime;
use archipel::policy::Access;
use archipel::value::HandleKind;
use archipel::{
    Binding, Capacity, Error, Invalid, Limits, Output, Policy, RecvError, RecvTimeoutError,
    Runtime, SendError, SendTimeoutError, TryRecvError, TrySendError, Value,
};
use archipel_core::encoding::Refusal;
use std::time::Duration;

#[test]
fn exec_and_eval_return_values_and_errors() {
    let interpreter = runtime().interpreter().build().unwrap();
    interpreter.exec("x = [1, 2]").unwrap();
    assert_eq!(interpreter.eval::<i64>("sum(x)").unwrap(), 3);
    match interpreter.exec("def f():\n    1 / 0\nf()") {
        Err(Error::Raised(raised)) => {
            assert_eq!(raised.name, "ZeroDivisionError");
            assert_eq!(raised.module, "builtins");
            assert_eq!(raised.message, "division by zero");
            assert!(raised.traceback.contains("line 2, in f\n    1 / 0\n"));
        }
        other => panic!("{other:?}"),
    }
    match interpreter.eval::<Value>("object()") {
        Err(Error::Raised(raised)) => assert_eq!(raised.name, "NotShareableError"),
        other => panic!("{other:?}"),
    }
    match interpreter.exec("def") {
        Err(Error::Raised(raised)) => assert_eq!(raised.name, "SyntaxError"),
        other => panic!("{other:?}"),
    }
    assert_eq!(
        interpreter.eval::<Value>("x").unwrap().to_string(),
        "[1, 2]"
    );
}

#[test]
fn prewarmed_instances_are_used_and_replaced() {
    let runtime = Runtime::builder()
        .max_interpreters(2)
        .prewarmed(3)
        .build()
        .unwrap();
    let all_ready = || {
        while runtime.metrics().prewarmed < 3 {
            std::thread::yield_now();
        }
    };
    all_ready();
    assert_eq!(runtime.metrics().interpreters, 0);
    // They get the requested policy and limits.
    let policy = Policy::new().env("NAME", "value").unwrap();
    let limits = Limits::new().output(10);
    let output = Output::captured(100);
    let one = runtime
        .interpreter()
        .policy(policy)
        .limits(limits)
        .stdout(output.clone())
        .build()
        .unwrap();
    one.exec("import os; print(os.environ['NAME'])").unwrap();
    assert_eq!(output.take().text(), "value\n");
    assert!(one.usage().of(archipel::LimitKind::Memory).own > 1 << 20);
    let stopped = one.exec("print('x' * 100, flush=True)").unwrap_err();
    assert!(matches!(stopped, Error::LimitExceeded { .. }), "{stopped}");
    let little = Limits::new().memory(1 << 20);
    let refused = runtime.interpreter().limits(little).build().unwrap_err();
    assert!(matches!(refused, Error::Config(_)), "{refused}");
    // Each belongs to one interpreter, and is replaced by a new one.
    all_ready();
    let several: Vec<_> = (0..4)
        .map(|n| {
            let interpreter = runtime.interpreter().build().unwrap();
            interpreter
                .exec(format!("assert 'x' not in globals(); x = {n}"))
                .unwrap();
            interpreter
        })
        .collect();
    assert_eq!(several[3].eval::<i64>("x").unwrap(), 3);
    // The runtime had no room for replacements. Now it has, and the next creation requests them.
    drop((one, several));
    let next = runtime.interpreter().build().unwrap();
    all_ready();
    assert_eq!(runtime.metrics().interpreters, 1);
    drop(next);
    let too_many = Runtime::builder().prewarmed(10_001).build().unwrap_err();
    assert!(matches!(too_many, Error::Config(_)), "{too_many}");
}

#[test]
fn channels_connect_host_and_guest() {
    let interpreter = runtime().interpreter().build().unwrap();
    let (to_guest, guest_end) = runtime().channel(Capacity::Bounded(4)).unwrap();
    let (back, from_guest) = runtime().channel(Capacity::Unbounded).unwrap();
    interpreter
        .prepare_main([("inbox", Binding::from(guest_end)), ("outbox", back.into())])
        .unwrap();
    let worker = {
        let interpreter = interpreter.clone();
        std::thread::spawn(move || {
            interpreter.exec("for item in inbox: outbox.send(item * 2)\ndel outbox")
        })
    };
    for n in 0..10 {
        to_guest.send(n).unwrap();
    }
    to_guest.send("ab").unwrap();
    drop(to_guest);
    let got: Vec<String> = from_guest.iter().map(|value| value.to_string()).collect();
    worker.join().unwrap().unwrap();
    let expected: Vec<String> = (0..10).map(|n| (2 * n).to_string()).collect();
    assert_eq!(got[..10], expected);
    assert_eq!(got[10], "'abab'");
}

#[test]
fn crossbeam_select_mixes_guest_and_host_channels() {
    let interpreter = runtime().interpreter().build().unwrap();
    let (sender, receiver) = runtime().channel(Capacity::Rendezvous).unwrap();
    interpreter
        .prepare_main([("out", Binding::from(sender))])
        .unwrap();
    let thread = std::thread::spawn(move || interpreter.exec("out.send('from the guest')"));
    let guest = receiver.into_crossbeam();
    let (_own_sender, own) = crossbeam_channel::bounded::<Value>(1);
    crossbeam_channel::select! {
        recv(guest) -> value => assert_eq!(value.unwrap(), "from the guest"),
        recv(own) -> _ => panic!("this channel was never used"),
    }
    thread.join().unwrap().unwrap();
}

#[test]
fn channel_operations_return_typed_errors() {
    let (sender, receiver) = runtime().channel(Capacity::Bounded(1)).unwrap();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    let moment = Duration::from_millis(1);
    assert_eq!(
        receiver.recv_timeout(moment),
        Err(RecvTimeoutError::Timeout)
    );
    sender.send(1).unwrap();
    assert_eq!(sender.try_send(2), Err(TrySendError::Full(Value::from(2))));
    let late = sender.send_timeout(3, moment);
    assert_eq!(late, Err(SendTimeoutError::Timeout(Value::from(3))));
    drop(sender);
    assert_eq!(receiver.recv().unwrap(), 1);
    assert_eq!(receiver.recv(), Err(RecvError::Closed));
    let (sender, receiver) = runtime().channel(Capacity::Bounded(1)).unwrap();
    drop(receiver);
    assert_eq!(sender.send(1), Err(SendError::Closed(Value::from(1))));
    let unhashable = Value::Set(vec![Value::List(vec![])]);
    assert!(matches!(
        sender.send(unhashable),
        Err(SendError::Refused { .. })
    ));
}

/// Sends a number, messages that have no value, and another number.
const UNREADABLE: &str = python!("host/unreadable_messages.py");

#[test]
fn an_undecodable_message_does_not_affect_the_others() {
    let interpreter = runtime().interpreter().build().unwrap();
    let (sender, receiver) = runtime().channel(Capacity::Bounded(8)).unwrap();
    interpreter
        .prepare_main([("out", Binding::from(sender.clone()))])
        .unwrap();
    interpreter.exec(UNREADABLE).unwrap();
    interpreter.kill();
    assert_eq!(receiver.recv().unwrap(), 1);
    let shared = receiver.recv();
    assert!(
        matches!(
            shared,
            Err(RecvError::Undecodable(Refusal::TooShared { .. }))
        ),
        "{shared:?}"
    );
    let lost = receiver.try_recv();
    assert_eq!(lost, Err(TryRecvError::Undecodable(Refusal::Unbound)));
    let moment = Duration::from_secs(10);
    assert_eq!(
        receiver
            .recv_timeout(moment)
            .unwrap()
            .as_list()
            .map(<[_]>::len),
        Some(5)
    );
    sender.send(2).unwrap();
    drop(sender);
    assert_eq!(receiver.recv().unwrap(), 2);
    assert_eq!(receiver.recv(), Err(RecvError::Closed));
}

#[test]
fn an_iterator_and_crossbeam_skip_messages_without_a_value() {
    for crossbeam in [false, true] {
        let interpreter = runtime().interpreter().build().unwrap();
        let (sender, receiver) = runtime().channel(Capacity::Bounded(8)).unwrap();
        interpreter
            .prepare_main([("out", Binding::from(sender))])
            .unwrap();
        interpreter.exec(UNREADABLE).unwrap();
        interpreter.exec("out.release()").unwrap();
        let values: Vec<Value> = match crossbeam {
            false => receiver.iter().collect(),
            true => receiver.into_crossbeam().iter().collect(),
        };
        assert_eq!(values.first(), Some(&Value::from(1)));
        // The sender of the second one still exists.
        assert_eq!(
            values.last().and_then(Value::as_list).map(<[_]>::len),
            Some(5)
        );
        assert_eq!(values.len(), 3);
    }
}

#[test]
fn a_value_can_only_refer_to_ends_sent_with_it() {
    let interpreter = runtime().interpreter().build().unwrap();
    let bind = |value: Value, with: bool| {
        let (sender, _) = runtime().channel(Capacity::Rendezvous).unwrap();
        let mut bindings = vec![("x", Binding::from(value))];
        if with {
            bindings.push(("out", sender.into()));
        }
        interpreter.prepare_main(bindings)
    };
    let place = |kind, index| Value::Handle { kind, index };
    for (value, with) in [
        (place(HandleKind::Sender, 0), false),
        (place(HandleKind::Sender, 1), true),
        (place(HandleKind::Receiver, 0), true),
        (place(HandleKind::Queue, 0), true),
        (place(HandleKind::Interpreter, 0), true),
    ] {
        let refused = bind(value.clone(), with);
        assert!(
            matches!(refused, Err(Error::NotShareable(_))),
            "{value}: {refused:?}"
        );
    }
    bind(place(HandleKind::Sender, 0), true).unwrap();
    assert!(interpreter.eval::<bool>("x.id == out.id").unwrap());
}

#[test]
fn a_running_interpreter_refuses_other_calls() {
    let interpreter = runtime().interpreter().build().unwrap();
    let (go, wait) = runtime().channel(Capacity::Rendezvous).unwrap();
    let (started, start) = runtime().channel(Capacity::Rendezvous).unwrap();
    interpreter
        .prepare_main([("wait", Binding::from(wait)), ("started", started.into())])
        .unwrap();
    let thread = {
        let interpreter = interpreter.clone();
        std::thread::spawn(move || interpreter.exec("started.send(1); wait.recv()"))
    };
    start.recv().unwrap();
    assert!(interpreter.is_running());
    assert!(matches!(interpreter.exec("pass"), Err(Error::Running)));
    assert!(matches!(interpreter.close(), Err(Error::Running)));
    go.send(()).unwrap();
    thread.join().unwrap().unwrap();
    interpreter.exec("pass").unwrap();
    interpreter.close().unwrap();
    assert!(matches!(interpreter.close(), Err(Error::Closed)));
    assert!(matches!(interpreter.exec("pass"), Err(Error::Closed)));
}

#[test]
fn kill_stops_every_kind_of_script() {
    let places = [
        "while True: pass",
        "sum(range(10**12))",
        "import time; time.sleep(10**6)",
        "inbox.recv()",
        "import interpreters; i = interpreters.create(); i.run('while True: pass')",
    ];
    for place in places {
        let interpreter = runtime()
            .interpreter()
            .policy(Policy::new().children(2, 1).unwrap())
            .build()
            .unwrap();
        let (started, start) = runtime().channel(Capacity::Rendezvous).unwrap();
        let (_held, inbox) = runtime().channel(Capacity::Rendezvous).unwrap();
        interpreter
            .prepare_main([("started", Binding::from(started)), ("inbox", inbox.into())])
            .unwrap();
        let thread = {
            let interpreter = interpreter.clone();
            std::thread::spawn(move || interpreter.exec(format!("started.send(1)\n{place}")))
        };
        start.recv().unwrap();
        interpreter.kill();
        interpreter.kill();
        let outcome = thread.join().unwrap();
        assert!(
            matches!(outcome, Err(Error::Killed)),
            "{place}: {outcome:?}"
        );
        assert!(interpreter.exec("pass").is_err(), "{place}");
    }
}

#[test]
fn granted_directories_can_be_read_or_written() {
    let folder = std::env::temp_dir().join(format!("archipel-files-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("in.txt"), "one two").unwrap();
    let run = |access, source: &str| {
        let policy = Policy::new().dir(&folder, "/data", access).unwrap();
        let interpreter = runtime().interpreter().policy(policy).build().unwrap();
        interpreter.exec(source.to_owned())?;
        interpreter.eval::<Value>("x")
    };
    let read = "x = open('/data/in.txt').read()";
    assert_eq!(run(Access::ReadOnly, read).unwrap(), "one two");
    let write = "open('/data/out.txt', 'w').write('x'); x = open('/data/out.txt').read()";
    assert!(matches!(
        run(Access::ReadOnly, write),
        Err(Error::Raised(raised)) if raised.name == "PermissionError"
    ));
    assert_eq!(run(Access::ReadWrite, write).unwrap(), "x");
    let outside =
        "import os\ntry: open('/data/../secret')\nexcept OSError as e: x = type(e).__name__";
    let denied = run(Access::ReadOnly, outside).unwrap();
    assert!(
        denied == "PermissionError" || denied == "FileNotFoundError",
        "{denied}"
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

/// M-14: A guest needs more initial memory or larger tables than its limits allow: the guest is always the same, so
/// only the limit can be too small.
///
/// Outcome: a typed error, and the slot is free again.
#[test]
fn a_memory_limit_too_small_to_start_is_a_typed_error() {
    let limits = Limits::new().memory(1 << 20);
    match runtime().interpreter().limits(limits).build() {
        Err(Error::Config(Invalid { text, .. })) => {
            assert!(text.contains("memory limit"), "{text}")
        }
        other => panic!("{other:?}"),
    }
    // The failed creation released its slot.
    runtime()
        .interpreter()
        .build()
        .unwrap()
        .exec("pass")
        .unwrap();
}

#[test]
fn a_full_runtime_refuses_interpreters() {
    let runtime = Runtime::builder().max_interpreters(2).build().unwrap();
    let one = runtime.interpreter().build().unwrap();
    let two = runtime.interpreter().build().unwrap();
    match runtime.interpreter().build() {
        Err(Error::Capacity { limit }) => assert_eq!(limit, 2),
        other => panic!("{other:?}"),
    }
    drop(one);
    let three = runtime.interpreter().build().unwrap();
    three.exec("pass").unwrap();
    drop((two, three));
    for settings in [
        Runtime::builder().workers(0),
        Runtime::builder().workers(10_000),
        Runtime::builder().max_interpreters(0),
        Runtime::builder().max_interpreters(u32::MAX),
    ] {
        assert!(matches!(settings.build(), Err(Error::Config(_))));
    }
}

#[test]
fn async_calls_run_concurrently_and_stop_when_dropped() {
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    tokio.block_on(async {
        let runtime = Runtime::builder().max_interpreters(8).build().unwrap();
        let one = runtime.interpreter().build_async().await.unwrap();
        let two = runtime.interpreter().build_async().await.unwrap();
        let (sender, receiver) = runtime.channel(Capacity::Rendezvous).unwrap();
        one.prepare_main_async([("s", Binding::from(sender))])
            .await
            .unwrap();
        two.prepare_main_async([("r", Binding::from(receiver))])
            .await
            .unwrap();
        let (sent, received) = tokio::join!(
            one.exec_async("s.send(20)"),
            two.exec_async("x = r.recv() + 1")
        );
        sent.unwrap();
        received.unwrap();
        assert_eq!(two.eval_async::<i64>("x * 2").await.unwrap(), 42);
        // Dropping the future of a call stops the interpreter.
        let endless = one.exec_async("while True: pass");
        let late = tokio::time::timeout(Duration::from_millis(20), endless).await;
        assert!(late.is_err());
        while one.is_running() {
            tokio::task::yield_now().await;
        }
        assert!(one.exec_async("pass").await.is_err());
        two.exec_async("pass").await.unwrap();
    });
}

#[test]
fn captured_output_is_bounded_and_in_order() {
    let output = Output::captured(1000);
    let interpreter = runtime()
        .interpreter()
        .policy(Policy::new().children(1, 1).unwrap())
        .stdout(output.clone())
        .build()
        .unwrap();
    interpreter
        .exec(
            "import interpreters\nchild = interpreters.create()\n\
             print(1)\nchild.run('print(2)')\nprint(3)",
        )
        .unwrap();
    assert_eq!(output.take().text(), "1\n2\n3\n");
    interpreter.exec("print('x' * 5000)").unwrap();
    let captured = output.take();
    assert_eq!((captured.bytes.len(), captured.dropped), (1000, 4001));
}

#[test]
fn two_runtimes_have_separate_state() {
    let other = Runtime::builder().max_interpreters(4).build().unwrap();
    let here = runtime().interpreter().build().unwrap();
    let there = other.interpreter().build().unwrap();
    here.exec("x = 'here'").unwrap();
    there.exec("x = 'there'").unwrap();
    drop(other);
    assert_eq!(there.eval::<String>("x").unwrap(), "there");
    assert_eq!(here.eval::<String>("x").unwrap(), "here");
}

/// Returns the counts of everything that still exists.
fn left(runtime: &Runtime) -> [usize; 5] {
    let now = runtime.metrics();
    [
        now.interpreters,
        now.channels,
        now.waits,
        now.queued_messages,
        now.queued_bytes,
    ]
}

#[test]
fn dropped_interpreters_leave_nothing_behind() {
    let runtime = Runtime::builder().max_interpreters(16).build().unwrap();
    let script = python!("host/ends_in_queues.py");
    for _ in 0..3 {
        let interpreter = runtime
            .interpreter()
            .policy(Policy::new().children(8, 1).unwrap())
            .build()
            .unwrap();
        interpreter.exec(script).unwrap();
        assert!(runtime.metrics().channels >= 2);
        interpreter.close().unwrap();
        assert_eq!(left(&runtime), [0; 5]);
    }
    let killed = runtime.interpreter().build().unwrap();
    let (started, start) = runtime.channel(Capacity::Rendezvous).unwrap();
    killed
        .prepare_main([("started", Binding::from(started))])
        .unwrap();
    let thread = {
        let killed = killed.clone();
        std::thread::spawn(move || {
            killed.exec(
                "import interpreters\nr, s = interpreters.create_channel()\n\
                 started.send(1)\nr.recv(timeout=1000)",
            )
        })
    };
    start.recv().unwrap();
    drop(start);
    killed.kill();
    assert!(thread.join().unwrap().is_err());
    assert_eq!(left(&runtime), [0; 5]);
}

/// The host's memory is bounded however many channels a guest fills.
#[test]
fn a_flood_of_messages_is_bounded() {
    let runtime = Runtime::builder().max_interpreters(2).build().unwrap();
    let interpreter = runtime.interpreter().build().unwrap();
    interpreter
        .exec(
            "
import interpreters
channels = []
item = bytes(32 << 20)
try:
    for _ in range(100):
        recv, send = interpreters.create_channel(capacity=None)
        channels.append((recv, send))
        for _ in range(7):
            send.send(item)
except ValueError as error:
    stopped = str(error)
",
        )
        .unwrap();
    let stopped = interpreter.eval::<Value>("stopped").unwrap();
    assert_eq!(stopped, "too large: the limit is 1073741824");
    // Beyond one half of the space, a family takes at most as much as it leaves free: three quarters in total.
    let queued = runtime.metrics().queued_bytes;
    assert!((700 << 20..=768 << 20).contains(&queued), "{queued}");
    let other = runtime.interpreter().build().unwrap();
    other
        .exec(
            "
import interpreters
recv, send = interpreters.create_channel(capacity=None)
for _ in range(3):
    send.send(bytes(32 << 20))
",
        )
        .unwrap();
    drop(other);
    interpreter
        .exec("channels.clear(); del recv, send")
        .unwrap();
    assert_eq!(runtime.metrics().queued_bytes, 0);
}
