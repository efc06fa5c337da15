//! Tests the host's telemetry: spans, events and counts.

use crate::collector::{self, told_of};
use archipel::{AliasError, Binding, Capacity, Error, LimitKind, Limits, Policy, Runtime};
use std::time::Duration;

/// Returns a runtime whose interpreters are all collected.
fn collected() -> Runtime {
    collector::collect();
    Runtime::builder().max_interpreters(8).build().unwrap()
}

/// Counts the lines that contain all of `parts`.
fn count(lines: &[String], parts: &[&str]) -> usize {
    let has_all = |line: &&String| parts.iter().all(|part| line.contains(part));
    lines.iter().filter(has_all).count()
}

#[test]
fn a_panicking_subscriber_does_not_affect_interpreters() {
    let runtime = collected();
    let sibling = runtime.interpreter().build().unwrap();
    let named = || runtime.interpreter().name(collector::PANICS);
    // The subscriber receives a denial and panics, and the script continues.
    let interpreter = named().build().unwrap();
    interpreter
        .alias("fails", |_| {
            Err(AliasError::new("no").with_detail("a detail"))
        })
        .unwrap();
    let denied = "from _island import aliases; aliases.call('secret', (), {})";
    for source in [denied, "fails()"] {
        let outcome = interpreter.exec(source);
        assert!(matches!(outcome, Err(Error::Raised(_))), "{outcome:?}");
    }
    assert_eq!(interpreter.eval::<i64>("1 + 1").unwrap(), 2);
    // The same for all ways in which an interpreter ends.
    let outcome = interpreter.exec("import os; os.abort()");
    assert!(matches!(outcome, Err(Error::Died(_))), "{outcome:?}");
    let cpu = Limits::new().cpu(Duration::from_millis(20));
    let interpreter = named().limits(cpu).build().unwrap();
    let outcome = interpreter.exec("while True: pass");
    assert!(
        matches!(outcome, Err(Error::LimitExceeded { .. })),
        "{outcome:?}"
    );
    let (begun, begins) = runtime.channel(Capacity::Unbounded).unwrap();
    let interpreter = named().build().unwrap();
    interpreter
        .prepare_main([("begun", Binding::from(begun))])
        .unwrap();
    let runner = interpreter.clone();
    let call = std::thread::spawn(move || runner.exec("begun.send(1)\nwhile True: pass"));
    begins.recv().unwrap();
    interpreter.cancel_unwinding("enough");
    let outcome = call.join().unwrap();
    assert!(matches!(outcome, Err(Error::Cancelled(_))), "{outcome:?}");
    let told = told_of(collector::PANICS);
    let parts = [
        "denied",
        "a detail",
        "died",
        "stopped by a limit",
        "cancelled",
        "stopped: ",
    ];
    for part in parts {
        assert!(count(&told, &["event", part]) > 0, "{part}: {told:#?}");
    }
    assert_eq!(sibling.eval::<i64>("1 + 1").unwrap(), 2);
    assert_eq!(runtime.metrics().running, 0);
}

#[test]
fn a_denial_is_one_event_with_the_reason() {
    let runtime = collected();
    let socket = "import socket; socket.create_connection(('127.0.0.1', 1))";
    let child = "import archipel; archipel.create(";
    let rows = [
        (
            "told-alias",
            Policy::new(),
            "from _island import aliases; aliases.call('secret', (), {})".to_owned(),
            r#"there is no alias called "secret""#,
        ),
        (
            "told-children",
            Policy::new(),
            format!("{child})"),
            "creating an interpreter: the policy grants no children",
        ),
        (
            "told-policy",
            Policy::new().children(1, 1).unwrap(),
            format!("{child}policy={{'env': {{'HOME': None}}}})"),
            "HOME",
        ),
        (
            "told-limits",
            Policy::new().children(1, 1).unwrap(),
            format!("{child}limits={{'output': 1 << 40}})"),
            "the output limit of a child is at most 1 MiB",
        ),
        (
            "told-net",
            Policy::new().net("10.0.0.0/8:80").unwrap(),
            socket.to_owned(),
            "127.0.0.1:1",
        ),
        (
            "told-name",
            Policy::new().net("example.org:80").unwrap(),
            "import socket; socket.getaddrinfo('example.com', 80)".to_owned(),
            "looking up \"example.com\"",
        ),
    ];
    for (name, policy, source, reason) in rows {
        let interpreter = runtime
            .interpreter()
            .name(name)
            .policy(policy)
            .limits(Limits::new().output(1 << 20))
            .build()
            .unwrap();
        let outcome = interpreter.exec(source);
        assert!(
            matches!(outcome, Err(Error::Raised(_))),
            "{name}: {outcome:?}"
        );
        let told = told_of(name);
        assert_eq!(
            count(&told, &["INFO archipel::audit"]),
            1,
            "{name}: {told:#?}"
        );
        assert_eq!(
            count(&told, &["archipel::audit", "denied: ", reason]),
            1,
            "{told:#?}"
        );
    }
}

#[test]
fn runs_waits_and_ends_are_reported_once() {
    let runtime = collected();
    let build = |name: &str, limits| {
        let builder = runtime.interpreter().name(name).limits(limits);
        builder.build().unwrap()
    };
    let interpreter = build("told-spans", Limits::new());
    let (sender, inbox) = runtime.channel(Capacity::Rendezvous).unwrap();
    interpreter
        .prepare_main([("inbox", Binding::from(inbox))])
        .unwrap();
    let runner = interpreter.clone();
    let thread = std::thread::spawn(move || runner.exec("inbox.recv()"));
    // With a rendezvous channel, one of the two certainly waits, and the wait has a span.
    while runtime.metrics().waits == 0 {
        std::thread::yield_now();
    }
    sender.send(1).unwrap();
    thread.join().unwrap().unwrap();
    let told = told_of("told-spans");
    assert_eq!(
        count(&told, &["DEBUG", "span create", "interpreter=0"]),
        1,
        "{told:#?}"
    );
    assert_eq!(
        count(&told, &["DEBUG", "span exec", "interpreter=0"]),
        2,
        "{told:#?}"
    );
    assert_eq!(count(&told, &["TRACE", "span wait"]), 1, "{told:#?}");

    let cpu = Limits::new().cpu(Duration::from_millis(1));
    let rows = [
        (
            "told-limit",
            cpu,
            "while True: pass",
            ["INFO", "stopped by a limit", "kind=cpu"],
        ),
        (
            "told-death",
            Limits::new(),
            "import os; os.abort()",
            ["DEBUG", "died: ", ""],
        ),
    ];
    for (name, limits, source, event) in rows {
        build(name, limits).exec(source).unwrap_err();
        let told = told_of(name);
        assert_eq!(count(&told, &event), 1, "{name}: {told:#?}");
    }
    let interpreter = build("told-cancel", Limits::new());
    interpreter.cancel_unwinding("enough");
    let told = told_of("told-cancel");
    assert_eq!(
        count(&told, &["DEBUG", "cancelled", "message=\"enough\""]),
        1,
        "{told:#?}"
    );
}

#[test]
fn metrics_count_calls_ends_and_messages() {
    let runtime = collected();
    let limits = Limits::new().cpu(Duration::from_millis(1));
    let policy = Policy::new()
        .children(2, 1)
        .unwrap()
        .alias("one", |_| Ok(1.into()))
        .unwrap();
    let (sender, inbox) = runtime.channel(Capacity::Unbounded).unwrap();
    let interpreter = runtime.interpreter().policy(policy).build().unwrap();
    interpreter
        .prepare_main([
            ("inbox", Binding::from(inbox)),
            ("out", sender.clone().into()),
        ])
        .unwrap();
    sender.send(1).unwrap();
    interpreter
        .exec("import archipel; child = archipel.create(); one(); one(); out.send(2); inbox.recv()")
        .unwrap();
    let copy = interpreter.fork().unwrap();
    copy.exec("import os; os.abort()").unwrap_err();
    let limited = runtime.interpreter().limits(limits).build().unwrap();
    limited.exec("while True: pass").unwrap_err();
    interpreter.exec("1 / 0").unwrap_err();
    let metrics = runtime.metrics();
    let found = (
        metrics.created,
        metrics.died,
        metrics.running,
        metrics.alias_calls,
        metrics.messages,
        metrics.queued_messages,
    );
    assert_eq!(found, (4, 1, 0, 2, 2, 1), "{metrics:?}");
    for &kind in LimitKind::ALL {
        let count = metrics.stopped_by(kind);
        assert_eq!(count, u64::from(kind == LimitKind::Cpu), "{kind}");
    }
}
