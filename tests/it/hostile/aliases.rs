//! Hostile cases with host aliases.

use super::lane::Lane;
use archipel::{AliasError, Binding, Capacity, Error, Interpreter, Limits, Policy, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Callers are stopped before the interpreter that they call, which is computing, accepts their calls.
///
/// Outcome: none of the calls is made, and all are removed.
#[test]
fn a_11_calls_of_stopped_callers_are_removed() {
    let lane = Lane::new();
    let (runtime, before) = (lane.runtime.clone(), lane.runtime.metrics().queued_messages);
    let policy = Policy::new().children(4, 1).unwrap();
    let policy = policy.alias("queued", move |_| {
        let queued = runtime.metrics().queued_messages.saturating_sub(before);
        Ok((queued as i64).into())
    });
    let callee = lane.interpreter(policy.unwrap());
    let wall = Limits::new().wall(Duration::from_secs(60));
    callee.limit(wall).unwrap();
    // The sibling's messages count too, so compare with the minimum.
    callee
        .exec(python!("hostile/aliases/calls_of_killed_children.py"))
        .unwrap();
    drop(callee);
    lane.is_as_before().unwrap();
}

/// Runs `source` on another thread.
fn runs(interpreter: &Interpreter, source: &str) -> JoinHandle<archipel::Result<()>> {
    let (runner, source) = (interpreter.clone(), source.to_owned());
    std::thread::spawn(move || runner.exec(source))
}

/// A-2, Z-1: Host functions panic: directly, on separate threads and in futures, some while they hold a lock.
///
/// Outcome: RAISE(AliasError) that reveals only the failure; the caller and all others continue.
#[test]
fn a_2_a_panicking_alias_raises_in_the_caller() {
    let lane = Lane::new();
    let interpreter = lane.interpreter(Policy::new());
    let calls = Arc::new(std::sync::Mutex::new(0));
    let (plain, later) = (calls.clone(), calls.clone());
    interpreter
        .alias("plain", move |_| {
            let mut calls = plain
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            *calls += 1;
            panic!("a secret in {}", env!("CARGO_MANIFEST_DIR"));
        })
        .unwrap();
    interpreter
        .alias_blocking("blocking", |_| std::panic::panic_any(5))
        .unwrap();
    interpreter
        .alias_async("later", move |_| {
            let later = later.clone();
            async move {
                tokio::task::yield_now().await;
                let _held = later.lock();
                panic!("a secret")
            }
        })
        .unwrap();
    for name in ["plain", "blocking", "later"] {
        for _ in 0..3 {
            let Err(Error::Raised(raised)) = interpreter.exec(format!("{name}()")) else {
                panic!("{name} did not fail");
            };
            assert_eq!(raised.to_string(), "AliasError: the command failed");
            assert!(!raised.traceback.contains("secret"), "{}", raised.traceback);
        }
    }
    assert_eq!(interpreter.eval::<i64>("1 + 1").unwrap(), 2);
    drop(interpreter);
    lane.is_as_before().unwrap();
}

/// A host function fails with an error whose text contains secrets.
///
/// Outcome: RAISE(AliasError) that reveals only the failure.
#[test]
fn a_3_error_texts_of_the_host_are_not_revealed() {
    let lane = Lane::new();
    let interpreter = lane.interpreter(Policy::new());
    interpreter
        .alias("read", |_| {
            let secret = std::fs::read_to_string("/no/such/secret/file")?;
            Ok(secret.into())
        })
        .unwrap();
    interpreter
        .alias("detail", |_| {
            let detail = std::io::Error::other("a secret password");
            Err(AliasError::new("not now").with_detail(detail))
        })
        .unwrap();
    let source = python!("hostile/aliases/error_texts.py");
    interpreter.exec(source).unwrap();
    let told = interpreter
        .eval::<Value>("' '.join(told)")
        .unwrap()
        .to_string();
    assert!(
        told.contains("the command failed") && told.contains("not now"),
        "{told}"
    );
    assert!(
        !told.contains("secret") && !told.contains("os error"),
        "{told}"
    );
    drop(interpreter);
    lane.is_as_before().unwrap();
}

/// Sixteen interpreters call one host function concurrently, thousands of times.
///
/// Outcome: OK; each caller gets the answers to its own calls.
#[test]
fn a_9_concurrent_callers_get_their_own_answers() {
    let lane = Lane::new();
    let policy = Policy::new()
        .alias_async("ask", |call| async move {
            let (number,): (i64,) = call.arguments()?;
            tokio::task::yield_now().await;
            Ok((number * 3).into())
        })
        .unwrap();
    let callers: Vec<_> = (0..16).map(|_| lane.interpreter(policy.clone())).collect();
    let threads: Vec<_> = callers
        .iter()
        .enumerate()
        .map(|(number, caller)| {
            let source =
                format!("wrong = [n for n in range({number}, 200 * 16, 16) if ask(n) != 3 * n]");
            runs(caller, &source)
        })
        .collect();
    for thread in threads {
        thread.join().unwrap().unwrap();
    }
    for caller in &callers {
        assert_eq!(caller.eval::<Value>("wrong").unwrap().to_string(), "[]");
    }
    drop(callers);
    lane.is_as_before().unwrap();
}

/// Host functions are called after they were removed, or by an interpreter that is stopped.
///
/// Outcome: RAISE(NameError); a stopped interpreter makes no calls.
#[test]
fn a_11_a_removed_alias_raises_name_error() {
    let lane = Lane::new();
    let calls = Arc::new(AtomicU32::new(0));
    let counted = calls.clone();
    let interpreter = lane.interpreter(Policy::new());
    interpreter
        .alias("count", move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok(().into())
        })
        .unwrap();
    interpreter.exec("kept = count; kept()").unwrap();
    assert!(interpreter.unalias("count"));
    let Err(Error::Raised(raised)) = interpreter.exec("kept()") else {
        panic!("the alias was removed");
    };
    assert_eq!(raised.to_string(), "NameError: name 'count' is not defined");
    interpreter.kill();
    assert!(interpreter.exec("kept()").is_err());
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    drop(interpreter);
    lane.is_as_before().unwrap();
}

/// A-15, K-5: An interpreter is stopped during its call of a host function that runs on its own thread.
///
/// Outcome: CANCELLED at once; the function is called once and runs to its end.
#[test]
fn a_15_cancel_returns_while_the_alias_runs() {
    let lane = Lane::new();
    let interpreter = lane.interpreter(Policy::new());
    let calls = Arc::new(AtomicU32::new(0));
    let (begun, begins) = std::sync::mpsc::channel();
    let (let_go, may_go) = std::sync::mpsc::channel::<()>();
    let (ended, ends) = std::sync::mpsc::channel();
    let (counted, may_go) = (calls.clone(), std::sync::Mutex::new(may_go));
    interpreter
        .alias_blocking("work", move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            begun.send(())?;
            let waits = may_go
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            waits.recv()?;
            ended.send(())?;
            Ok(().into())
        })
        .unwrap();
    let thread = runs(
        &interpreter,
        "try:\n work()\nexcept BaseException: print('no')",
    );
    begins.recv().unwrap();
    interpreter.cancel_unwinding("enough");
    // The function is still running.
    assert!(matches!(thread.join().unwrap(), Err(Error::Cancelled(_))));
    assert!(ends.try_recv().is_err());
    let_go.send(()).unwrap();
    ends.recv().unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    drop(interpreter);
    lane.is_as_before().unwrap();
}

/// The host drops its receiver while an interpreter sends, and panics while it receives.
///
/// Outcome: CLOSED; no wait is endless.
#[test]
fn x_23_a_dropped_or_panicking_receiver_closes_the_channel() {
    let lane = Lane::new();
    for panics in [false, true] {
        let interpreter = lane.interpreter(Policy::new());
        let (sender, receiver) = lane.runtime.channel(Capacity::Bounded(1)).unwrap();
        interpreter
            .prepare_main([("out", Binding::from(sender))])
            .unwrap();
        let thread = runs(
            &interpreter,
            "sent = 0\ntry:\n while True:\n  out.send(sent)\n  sent += 1\nexcept Exception as error: found = type(error).__name__",
        );
        let consumer = std::thread::spawn(move || {
            assert_eq!(receiver.recv().unwrap(), 0);
            if panics {
                std::panic::resume_unwind(Box::new("a host consumer"));
            }
        });
        assert_eq!(consumer.join().is_err(), panics);
        thread.join().unwrap().unwrap();
        assert_eq!(
            interpreter.eval::<String>("found").unwrap(),
            "ChannelClosedError"
        );
    }
    lane.is_as_before().unwrap();
}
