//! Tests how a host governs interpreters: limits, usage, stopping, and grants to children.

use crate::runtime;
use crate::script::{name, paths};
use archipel::policy::Access;
use archipel::{
    Binding, Capacity, Error, Interpreter, Invalid, LimitKind, Limits, Output, Policy, Receiver,
    Runtime, Value,
};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Returns scripts that every way to stop an interpreter must stop, with their names: those in the folders of
/// `tests/python/governing/busy`. Each reports on a channel when it has begun.
fn busy(folders: &[&str]) -> Vec<(String, String)> {
    let paths = |folder: &&str| paths(&format!("tests/python/governing/busy/{folder}"));
    let paths: Vec<PathBuf> = folders.iter().flat_map(paths).collect();
    assert!(!paths.is_empty(), "{folders:?}");
    let script = |path: &PathBuf| {
        (
            name(path).to_owned(),
            std::fs::read_to_string(path).unwrap(),
        )
    };
    paths.iter().map(script).collect()
}

/// An interpreter that runs a script on another thread, and has begun it.
struct Running {
    interpreter: Interpreter,
    outcome: std::thread::JoinHandle<archipel::Result<()>>,
}

fn running(source: &str) -> Running {
    let interpreter = runtime()
        .interpreter()
        .policy(Policy::new().children(4, 2).unwrap())
        .build()
        .unwrap();
    let (begun, begins) = runtime().channel(Capacity::Rendezvous).unwrap();
    let (never, received) = runtime().channel(Capacity::Rendezvous).unwrap();
    interpreter
        .prepare_main([
            ("begun", Binding::from(begun)),
            ("begun_too", received.into()),
        ])
        .unwrap();
    let (runner, source) = (interpreter.clone(), source.to_owned());
    let outcome = std::thread::spawn(move || {
        let result = runner.exec(source);
        drop(never);
        result
    });
    wait(&begins);
    Running {
        interpreter,
        outcome,
    }
}

/// Creates an interpreter that must remain unaffected.
fn sibling() -> Interpreter {
    let sibling = runtime().interpreter().build().unwrap();
    sibling.exec("n = 1").unwrap();
    sibling
}

fn wait(receiver: &Receiver) {
    assert_eq!(receiver.recv().unwrap(), 1);
}

/// K-1: It is stopped in loops, in builtins, in a regular expression.
///
/// Outcome: CANCELLED.
#[test]
fn kill_and_cancel_stop_computing_scripts() {
    kill_and_cancel_stop("computing");
}

/// K-2: It is stopped while it receives, sends and selects, and while it waits for a child.
///
/// Outcome: CANCELLED.
#[test]
fn kill_and_cancel_stop_waiting_scripts() {
    kill_and_cancel_stop("waiting");
}

/// K-3: It is stopped while it sleeps.
///
/// Outcome: CANCELLED.
#[test]
fn kill_and_cancel_stop_sleeping_scripts() {
    kill_and_cancel_stop("sleeping");
}

fn kill_and_cancel_stop(folder: &str) {
    let sibling = sibling();
    for (what, source) in busy(&[folder]) {
        let run = running(&source);
        run.interpreter.kill();
        let outcome = run.outcome.join().unwrap();
        assert!(matches!(outcome, Err(Error::Killed)), "{what}: {outcome:?}");
        assert!(
            matches!(run.interpreter.exec(""), Err(Error::Died(_))),
            "{what}"
        );

        let run = running(&source);
        run.interpreter.cancel_unwinding("enough");
        run.interpreter.kill();
        let outcome = run.outcome.join().unwrap();
        match outcome {
            Err(Error::Cancelled(message)) => assert_eq!(message, "enough", "{what}"),
            other => panic!("{what}: {other:?}"),
        }
        assert_eq!(sibling.eval::<i64>("n").unwrap(), 1);
    }
}

#[test]
fn a_cancelled_script_can_catch_it_and_continue() {
    let sibling = sibling();
    for (what, source) in busy(&["computing", "waiting", "sleeping"]) {
        if matches!(what.as_str(), "builtin" | "child") {
            // A builtin does not check for signals. The child is cancelled together with its parent.
            continue;
        }
        let source = source.replace("except BaseException", "except KeyError");
        let caught = format!(
            "import archipel\ntry:\n exec({source:?})\nexcept archipel.Cancelled as error:\n \
             result = str(error)\nfinally:\n cleaned = True"
        );
        let run = running(&caught);
        run.interpreter.cancel("enough");
        let outcome = run.outcome.join().unwrap();
        assert!(outcome.is_ok(), "{what}: {outcome:?}");
        assert_eq!(
            run.interpreter
                .eval::<Value>("result, cleaned")
                .unwrap()
                .to_string(),
            "('enough', True)"
        );
        // The request is consumed.
        run.interpreter.exec("for _ in range(10**5): pass").unwrap();
        run.interpreter.cancel("too late");
        run.interpreter.exec("for _ in range(10**5): pass").unwrap();
        assert_eq!(sibling.eval::<i64>("n").unwrap(), 1);
    }
    let run = running("begun.send(1)\nwhile True: pass");
    run.interpreter.cancel("not caught");
    match run.outcome.join().unwrap() {
        Err(Error::Raised(raised)) => {
            assert_eq!(raised.to_string(), "Cancelled: not caught");
            assert_eq!(raised.module, "archipel");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn cancel_reaches_descendants() {
    let run = running(
        "import archipel; child = archipel.create(); child.prepare_main(begun=begun)\n\
         child.exec('begun.send(1); import time; time.sleep(1e6)')",
    );
    run.interpreter.cancel("all of you");
    match run.outcome.join().unwrap() {
        // Either call can fail first.
        Err(Error::Raised(raised)) => assert!(raised.to_string().contains("all of you")),
        other => panic!("{other:?}"),
    }
    let goes_on = "archipel.select(child.done); child.exec('x = 1')";
    assert!(run.interpreter.exec(goes_on).is_ok());
}

/// Runs a script that waits for `forever`, an alias that does not return.
fn waiting_for_an_alias(source: &'static str) -> Running {
    let (begun, begins) = runtime().channel(Capacity::Rendezvous).unwrap();
    let interpreter = runtime().interpreter().build().unwrap();
    interpreter
        .alias_async("forever", move |_| {
            let begun = begun.clone();
            async move {
                begun.send_async(1).await?;
                std::future::pending().await
            }
        })
        .unwrap();
    let runner = interpreter.clone();
    let outcome = std::thread::spawn(move || runner.exec(source));
    wait(&begins);
    Running {
        interpreter,
        outcome,
    }
}

#[test]
fn cancel_reaches_a_caller_that_waits_for_an_alias() {
    let run = waiting_for_an_alias("forever()");
    run.interpreter.cancel("enough");
    match run.outcome.join().unwrap() {
        Err(Error::Raised(raised)) => assert_eq!(raised.to_string(), "Cancelled: enough"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn kill_stops_a_caller_of_an_endless_alias() {
    let run = waiting_for_an_alias("try: forever()\nfinally: print('no')");
    run.interpreter.kill();
    assert!(matches!(run.outcome.join().unwrap(), Err(Error::Killed)));
}

/// K-10: One of many computing interpreters is stopped.
///
/// Outcome: CANCELLED, and the others continue.
#[test]
fn kill_stops_one_of_many_computing_interpreters() {
    const BUSY: usize = 64;
    let many: Vec<_> = (0..BUSY)
        .map(|_| running("begun.send(1)\nn = 0\nwhile True: n += 1"))
        .collect();
    // The benches measure the time. This test checks that exactly this one stops.
    let mut many = many.into_iter();
    let one = many.next().unwrap();
    one.interpreter.kill();
    assert!(matches!(one.outcome.join().unwrap(), Err(Error::Killed)));
    for other in many {
        assert!(other.interpreter.is_running());
        other.interpreter.cancel_unwinding("over");
        assert!(matches!(
            other.outcome.join().unwrap(),
            Err(Error::Cancelled(_))
        ));
    }
}

fn limited(limits: Limits) -> Interpreter {
    runtime().interpreter().limits(limits).build().unwrap()
}

#[test]
fn exceeded_limits_are_reported_with_the_usage() {
    let rows = [
        (LimitKind::Cpu, 20_000_000, "while True: pass"),
        (LimitKind::Wall, 20_000_000, "import time; time.sleep(1e6)"),
        (LimitKind::Output, 10, "while True: print('x')"),
    ];
    for (kind, limit, source) in rows {
        let interpreter = limited(Limits::new().with(kind, limit));
        let source = format!("try:\n exec({source:?})\nexcept BaseException: pass\nfinally: x = 1");
        match interpreter.exec(source) {
            Err(Error::LimitExceeded {
                kind: found,
                limit: told,
                used,
            }) => assert!(
                found == kind && told == limit && used >= limit,
                "{kind}: {used}"
            ),
            other => panic!("{kind}: {other:?}"),
        }
        assert!(matches!(interpreter.exec(""), Err(Error::Died(_))));
    }
}

#[test]
fn usage_includes_descendants() {
    let output = Output::captured(1000);
    let interpreter = runtime()
        .interpreter()
        .policy(Policy::new().children(3, 2).unwrap())
        .stdout(output)
        .name("first")
        .build()
        .unwrap();
    interpreter
        .exec(python!("governing/usage_of_a_family.py"))
        .unwrap();
    let usage = interpreter.usage();
    let output = usage.of(LimitKind::Output);
    assert_eq!((output.own, output.subtree, output.limit), (4, 8, None));
    let children = usage.of(LimitKind::Children);
    assert_eq!((children.subtree, children.limit), (1, Some(3)));
    let cpu = usage.of(LimitKind::Cpu);
    assert!(cpu.own > 0 && cpu.subtree > cpu.own, "{cpu:?}");
    let memory = usage.of(LimitKind::Memory);
    assert_eq!(memory.subtree, 2 * memory.own);
    let [child] = &interpreter.children()[..] else {
        panic!("expected one child");
    };
    assert_eq!(child.name.as_deref(), Some("second"));
    assert_eq!((child.parent, child.is_running), (Some(0), false));
    assert!(usage.to_string().contains("output: 8 bytes\n"), "{usage}");
    interpreter.exec("child.close()").unwrap();
    let memory = interpreter.usage().of(LimitKind::Memory);
    assert_eq!(memory.own, memory.subtree);
}

#[test]
fn a_limit_applies_to_a_family_as_a_whole() {
    let interpreter = runtime()
        .interpreter()
        .policy(Policy::new().children(8, 2).unwrap())
        .limits(Limits::new().cpu(Duration::from_millis(100)))
        .build()
        .unwrap();
    let source = python!("governing/a_computing_family.py");
    let start = Instant::now();
    match interpreter.exec(source) {
        Err(Error::LimitExceeded { kind, used, .. }) => {
            assert_eq!(kind, LimitKind::Cpu);
            assert!(used >= 100_000_000);
        }
        other => panic!("{other:?}"),
    }
    // Interpreters that are running end at their next tick.
    while !interpreter.children().is_empty() {
        assert!(start.elapsed() < Duration::from_secs(60));
        std::thread::yield_now();
    }
}

#[test]
fn the_owner_can_raise_an_exceeded_limit() {
    let asked = Arc::new(AtomicU32::new(0));
    let counted = asked.clone();
    let interpreter = runtime()
        .interpreter()
        .name("asking")
        .limits(Limits::new().output(4))
        .on_limit(move |reached| {
            assert_eq!(
                (reached.kind, reached.name.as_deref()),
                (LimitKind::Output, Some("asking"))
            );
            let before = counted.fetch_add(1, Ordering::Relaxed);
            (before < 2).then(|| Limits::new().output(reached.limit + 4))
        })
        .build()
        .unwrap();
    let outcome = interpreter.exec("for _ in range(10): print('xyz', flush=True)");
    assert!(
        matches!(outcome, Err(Error::LimitExceeded { limit: 12, .. })),
        "{outcome:?}"
    );
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    assert_eq!(interpreter.usage().of(LimitKind::Output).own, 12);

    let interpreter = runtime()
        .interpreter()
        .limits(Limits::new().cpu(Duration::from_millis(10)))
        .on_limit(|_| panic!("on purpose"))
        .build()
        .unwrap();
    let outcome = interpreter.exec("while True: pass");
    assert!(
        matches!(outcome, Err(Error::LimitExceeded { .. })),
        "{outcome:?}"
    );
}

#[test]
fn limits_can_be_set_on_a_running_interpreter() {
    let run = running("begun.send(1)\nwhile True: pass");
    let cpu = Limits::new().cpu(Duration::from_nanos(1));
    run.interpreter.limit(cpu).unwrap();
    let outcome = run.outcome.join().unwrap();
    assert!(
        matches!(outcome, Err(Error::LimitExceeded { limit: 1, .. })),
        "{outcome:?}"
    );
    let handles = Limits::new().handles(100);
    let interpreter = runtime().interpreter().build().unwrap();
    assert!(matches!(interpreter.limit(handles), Err(Error::Config(_))));
}

#[test]
fn a_fuel_limit_stops_a_script_exactly() {
    let runtime = Runtime::builder().fuel(true).build().unwrap();
    let spent = || {
        let interpreter = runtime.interpreter().build().unwrap();
        interpreter
            .exec("x = sum(i * i for i in range(1000))")
            .unwrap();
        interpreter.usage().of(LimitKind::Fuel).own
    };
    let once = spent();
    assert!(once > 100_000);
    assert_eq!(once, spent(), "the same script uses the same fuel");
    let limits = Limits::new().fuel(once);
    let interpreter = runtime.interpreter().limits(limits).build().unwrap();
    match interpreter.exec("while True:\n try:\n  while True: pass\n except BaseException: pass") {
        Err(Error::LimitExceeded { kind, limit, used }) => {
            assert_eq!((kind, limit, used), (LimitKind::Fuel, once, once));
        }
        other => panic!("{other:?}"),
    }
    // Work before the script begins is not charged, so the smallest limit is enough for it.
    for least in [1, 1000] {
        let limits = Limits::new().fuel(least);
        let interpreter = runtime.interpreter().limits(limits).build().unwrap();
        let outcome = interpreter.exec("x = 1");
        let limited = matches!(
            outcome,
            Err(Error::LimitExceeded {
                kind: LimitKind::Fuel,
                ..
            })
        );
        assert!(limited, "{least}: {outcome:?}");
    }
    // The limit needs a runtime that counts fuel.
    let limits = Limits::new().fuel(once);
    let refused = crate::runtime().interpreter().limits(limits).build();
    assert!(matches!(refused, Err(Error::Config(_))), "{refused:?}");
}

#[test]
fn a_child_gets_at_most_its_creators_policy() {
    let folder = std::env::temp_dir().join(format!("archipel-governing-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("sub")).unwrap();
    std::fs::write(folder.join("sub/file"), "content").unwrap();
    let policy = Policy::new()
        .dir(&folder, "/data", Access::ReadOnly)
        .unwrap()
        .env("LANG", "C")
        .unwrap()
        .children(8, 3)
        .unwrap();
    let interpreter = runtime().interpreter().policy(policy).build().unwrap();
    let rows = [
        (
            "{'dirs': {'/own': {'from': '/data/sub'}}}",
            "open('/own/file').read()",
            "content",
        ),
        (
            "{'dirs': {'/data': 'ro'}}",
            "open('/data/sub/file').read()",
            "content",
        ),
        (
            "{'env': {'LANG': None}}",
            "__import__('os').environ['LANG']",
            "C",
        ),
        ("{'args': ['a']}", "'x'", "x"),
        (
            "{'modules': {'only': ['json']}}",
            "__import__('json').dumps('x')[1]",
            "x",
        ),
        (
            "{'modules': {'hide': ['json']}}",
            "'json' in str(__import__('json'))",
            "ModuleNotFoundError",
        ),
        (
            "{'modules': {'only': ['json']}}",
            "__import__('re').__name__",
            "ModuleNotFoundError",
        ),
        (
            "{'clock': {'frozen': 0}}",
            "str(int(__import__('time').time()))",
            "0",
        ),
        ("{'dirs': {'/data': 'rw'}}", "", "Denied"),
        ("{'dirs': {'/own': {'from': '/data/..'}}}", "", "Denied"),
        ("{'dirs': {'/own': {'from': '/etc'}}}", "", "Denied"),
        ("{'env': {'HOME': None}}", "", "Denied"),
        ("{'env': {'LANG': 'other'}}", "", "Denied"),
        ("{'net': ['127.0.0.1:1']}", "", "Denied"),
        ("{'stdin': True}", "", "Denied"),
        ("{'children': {'count': 8, 'depth': 3}}", "", "Denied"),
        ("{'nothing': 1}", "", "ValueError"),
        ("{'dirs': 3}", "", "ValueError"),
    ];
    for (policy, expression, expected) in rows {
        let source = format!(
            "import archipel\ntry:\n child = archipel.create(policy={policy})\n \
             result = child.call(eval, {expression:?}) if {expression:?} else None\n\
             except Exception as error:\n result = type(error).__name__ + str(error)"
        );
        interpreter.exec(source).unwrap();
        let found = interpreter.eval::<Value>("result").unwrap().to_string();
        assert!(found.contains(expected), "{policy}: {found}");
        assert!(!found.contains(folder.to_str().unwrap()), "{found}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn aliases_that_a_policy_names_must_be_defined() {
    let wanting = Policy::new().wants_alias("log").unwrap();
    let refused = runtime().interpreter().policy(wanting.clone()).build();
    let Err(Error::Config(Invalid { text, .. })) = refused else {
        panic!("{refused:?}");
    };
    assert!(text.contains("an alias called log"), "{text}");
    let given = wanting.alias("log", |_| Ok(1.into())).unwrap();
    let interpreter = runtime().interpreter().policy(given).build().unwrap();
    assert_eq!(interpreter.eval::<i64>("log()").unwrap(), 1);
    let builtin = Policy::new().alias("print", |_| Ok(1.into())).unwrap();
    assert!(runtime().interpreter().policy(builtin).build().is_err());
}
