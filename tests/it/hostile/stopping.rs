//! Hostile cases of stopping and of deadlines.

use super::lane::Lane;
use archipel::{Binding, Capacity, Error, Interpreter, LimitKind, Limits, Policy, Receiver};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// An interpreter that runs a script on another thread, and has begun it.
struct Begun {
    interpreter: Interpreter,
    outcome: JoinHandle<archipel::Result<()>>,
    begins: Receiver,
}

fn begin(lane: &Lane, policy: Policy, source: &str) -> Begun {
    let interpreter = lane.interpreter(policy);
    let (begun, begins) = lane.runtime.channel(Capacity::Unbounded).unwrap();
    interpreter
        .prepare_main([("begun", Binding::from(begun))])
        .unwrap();
    let (runner, source) = (interpreter.clone(), source.to_owned());
    let outcome = std::thread::spawn(move || runner.exec(source));
    Begun {
        interpreter,
        outcome,
        begins,
    }
}

/// K-6: An interpreter is stopped while it imports, compiles, and creates children.
///
/// Outcome: CANCELLED; nothing remains.
#[test]
fn k_6_cancel_stops_imports_compilation_and_creation() {
    let lane = Lane::new();
    let sources = [
        "import sqlite3, xml.dom.minidom, http.server, unittest, email.message",
        "while True: compile('x = 1\\n' * 10_000, '', 'exec')",
        "import interpreters\nwhile True: interpreters.create().close()",
        "import interpreters\nwhile True: kept = [interpreters.create() for _ in range(8)]",
        "import interpreters\nwhile True: interpreters.create().copy()",
    ];
    for source in sources {
        for _ in 0..5 {
            let policy = Policy::new().children(16, 2).unwrap();
            let run = begin(
                &lane,
                policy,
                &format!("begun.send(1)\n{source}\nwhile True: pass"),
            );
            run.begins.recv().unwrap();
            run.interpreter.cancel_unwinding("enough");
            let outcome = run.outcome.join().unwrap();
            assert!(matches!(outcome, Err(Error::Cancelled(_))), "{outcome:?}");
        }
        lane.is_as_before().unwrap();
    }
}

/// K-2: A parent is cancelled between its request for a job in a child and the beginning of the job.
///
/// Outcome: both are cancelled, so that the parent finds the child idle.
#[test]
fn k_2_cancel_between_request_and_job_reaches_both() {
    let lane = Lane::new();
    let wall = Limits::new().wall(Duration::from_secs(60));
    let policy = Policy::new().children(1, 1).unwrap();
    let parent = lane.runtime.interpreter().policy(policy).limits(wall);
    let parent = parent.build().unwrap();
    let cancelled = parent.clone();
    // The cancellation is raised at the next tick; the parent waits for its child long before that.
    let alias = move |_| {
        cancelled.cancel("enough");
        Ok(archipel::Value::None)
    };
    parent.alias("cancel_all", alias).unwrap();
    parent
        .exec("import archipel; child = archipel.create(); endless = 'while True: pass'")
        .unwrap();
    let asks = [
        "child.exec(endless)",
        "child.call_in_thread(exec, endless, {}).join()",
    ];
    for ask in asks.iter().cycle().take(6) {
        // Either the child's or the parent's exception comes first, and a failing thread reports its own.
        let outcome = parent.exec(format!("cancel_all(); {ask}"));
        let ended = matches!(outcome, Ok(()) | Err(Error::Raised(_)));
        assert!(ended, "{outcome:?}");
        let begun = Instant::now();
        while parent.children().iter().any(|child| child.is_running) {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "the child still runs: {ask}"
            );
            std::thread::yield_now();
        }
    }
    parent.unalias("cancel_all");
    drop(parent);
    lane.is_as_before().unwrap();
}

/// K-7: An interpreter is stopped before it runs, after the end, twice, and by many threads.
///
/// Outcome: CANCELLED once; the other calls have no effect.
#[test]
fn k_7_repeated_cancels_have_one_effect() {
    let lane = Lane::new();
    let idle = lane.interpreter(Policy::new());
    idle.cancel("nothing runs");
    idle.exec("x = 1").unwrap();
    idle.cancel_unwinding("over");
    idle.cancel_unwinding("over");
    assert!(idle.exec("x = 1").is_err());
    idle.kill();
    idle.kill();

    let run = begin(&lane, Policy::new(), "begun.send(1)\nwhile True: pass");
    run.begins.recv().unwrap();
    std::thread::scope(|scope| {
        for number in 0..16 {
            let interpreter = &run.interpreter;
            scope.spawn(move || match number % 2 {
                0 => interpreter.cancel_unwinding("enough"),
                _ => interpreter.kill(),
            });
        }
    });
    let outcome = run.outcome.join().unwrap();
    let stopped = matches!(outcome, Err(Error::Cancelled(_) | Error::Killed));
    assert!(stopped, "{outcome:?}");
    drop((idle, run.interpreter, run.begins));
    lane.is_as_before().unwrap();
}

/// K-9: An interpreter with fifty waiting children is stopped.
///
/// Outcome: CANCELLED for all.
#[test]
fn k_9_cancel_stops_fifty_children() {
    let lane = Lane::new();
    let policy = Policy::new().children(50, 1).unwrap();
    let run = begin(
        &lane,
        policy,
        python!("hostile/stopping/fifty_waiting_children.py"),
    );
    for _ in 0..50 {
        run.begins.recv().unwrap();
    }
    run.interpreter.cancel_unwinding("enough");
    let outcome = run.outcome.join().unwrap();
    assert!(matches!(outcome, Err(Error::Cancelled(_))), "{outcome:?}");
    drop((run.interpreter, run.begins));
    lane.is_as_before().unwrap();
}

/// K-13: One, ten and forty interpreters that sleep and compute have deadlines.
///
/// Outcome: TIMEOUT; never early.
#[test]
fn k_13_deadlines_never_fire_early() {
    let lane = Lane::new();
    let wall = Duration::from_millis(200);
    for count in [1, 10, 40] {
        let threads: Vec<_> = (0..count)
            .map(|number| {
                let limits = Limits::new().wall(wall);
                let interpreter = lane.runtime.interpreter().limits(limits).build().unwrap();
                std::thread::spawn(move || {
                    let source = match number % 2 {
                        0 => "while True: pass",
                        _ => "import time; time.sleep(1e6)",
                    };
                    let begun = Instant::now();
                    (interpreter.exec(source), begun.elapsed())
                })
            })
            .collect();
        for thread in threads {
            let (outcome, passed) = thread.join().unwrap();
            assert!(passed >= wall, "after {passed:?}");
            let Err(Error::LimitExceeded { kind, used, limit }) = outcome else {
                panic!("{outcome:?}");
            };
            assert!(kind == LimitKind::Wall && used >= limit, "{used}");
        }
    }
    lane.is_as_before().unwrap();
}

/// K-15: Limits are zero, a nanosecond, or longer than the clock can represent.
///
/// Outcome: a typed error, TIMEOUT, and no limit.
#[test]
fn k_15_extreme_limits_are_handled() {
    let lane = Lane::new();
    let zero = Duration::ZERO;
    for limits in [Limits::new().wall(zero), Limits::new().cpu(zero)] {
        let built = lane.runtime.interpreter().limits(limits).build();
        assert!(matches!(built, Err(Error::Config(_))));
    }
    let with = |limits| lane.runtime.interpreter().limits(limits).build().unwrap();
    let most = Duration::MAX;
    with(Limits::new().wall(most).cpu(most))
        .exec("import time; time.sleep(0.001)")
        .unwrap();
    let least = Duration::from_nanos(1);
    for limits in [Limits::new().wall(least), Limits::new().cpu(least)] {
        let outcome = with(limits).exec("while True: pass");
        assert!(
            matches!(outcome, Err(Error::LimitExceeded { .. })),
            "{outcome:?}"
        );
    }
    lane.is_as_before().unwrap();
}

/// Interpreters are stopped at random moments while they receive and forward messages.
///
/// Outcome: CANCELLED; each message that was not received remains exactly once.
#[test]
fn x_17_no_message_is_lost_or_duplicated_by_cancels() {
    const MESSAGES: i64 = 2000;
    let lane = Lane::new();
    let (sender, receiver) = lane.runtime.channel(Capacity::Unbounded).unwrap();
    let (passed_on, arrives) = lane.runtime.channel(Capacity::Unbounded).unwrap();
    for number in 0..MESSAGES {
        sender.send(number).unwrap();
    }
    drop(sender);
    let mut seen = Vec::new();
    for _ in 0..10 {
        let interpreter = lane.interpreter(Policy::new());
        interpreter
            .prepare_main([
                ("inbox", Binding::from(receiver.clone())),
                ("out", passed_on.clone().into()),
            ])
            .unwrap();
        let runner = interpreter.clone();
        let thread = std::thread::spawn(move || runner.exec("while True: out.send(inbox.recv())"));
        // It has received a message, and continues.
        seen.push(arrives.recv().unwrap().as_i64().unwrap());
        interpreter.cancel_unwinding("enough");
        let outcome = thread.join().unwrap();
        assert!(outcome.is_err(), "{outcome:?}");
    }
    drop(passed_on);
    seen.extend(arrives.iter().filter_map(|value| value.as_i64()));
    seen.extend(receiver.iter().filter_map(|value| value.as_i64()));
    // Each stopped interpreter can have held one message.
    let mut once = seen.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), seen.len(), "a message arrived twice");
    let lost = MESSAGES - i64::try_from(seen.len()).unwrap();
    assert!((0..=10).contains(&lost), "{lost} messages were lost");
    drop((receiver, arrives));
    lane.is_as_before().unwrap();
}

/// I-18: Children are created while the family is being stopped.
///
/// Outcome: CANCELLED; no child remains.
#[test]
fn i_18_no_child_survives_its_family() {
    let lane = Lane::new();
    for _ in 0..10 {
        let policy = Policy::new().children(32, 2).unwrap();
        let run = begin(
            &lane,
            policy,
            python!("hostile/stopping/children_of_children.py"),
        );
        run.begins.recv().unwrap();
        run.interpreter.kill();
        assert!(run.outcome.join().unwrap().is_err());
        drop((run.interpreter, run.begins));
        lane.is_as_before().unwrap();
    }
}

/// C-19: Sixteen interpreters compute endlessly on two workers.
///
/// Outcome: CANCELLED; a sibling answers. The benches measure the latency.
#[test]
fn c_19_a_sibling_answers_beside_hogs() {
    let lane = Lane::new();
    let hogs: Vec<_> = (0..16)
        .map(|_| begin(&lane, Policy::new(), "begun.send(1)\nwhile True: pass"))
        .collect();
    for hog in &hogs {
        hog.begins.recv().unwrap();
    }
    for _ in 0..10 {
        lane.heart_answers().unwrap();
    }
    for hog in hogs {
        hog.interpreter.kill();
        assert!(matches!(hog.outcome.join().unwrap(), Err(Error::Killed)));
    }
    lane.is_as_before().unwrap();
}
