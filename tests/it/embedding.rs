//! Tests the library in different hosts: plain threads, both flavours of tokio, several runtimes, and all of it
//! dropped while guests run.

use crate::runtime;
use archipel::{Binding, Capacity, Error, Interpreter, Invalid, Receiver, Runtime, Value};
use std::sync::mpsc;

/// Reports on a channel that it has begun, and then loops forever.
const LOOPS: &str = "begun.send(1)\nwhile True: pass";

/// Like [`LOOPS`], but waits.
const WAITS: &str = "import time\nbegun.send(1)\nwhile True: time.sleep(1e6)";

/// Returns an interpreter of `runtime`, and the channel on which its script reports that it has begun.
fn prepared(runtime: &Runtime) -> (Interpreter, Receiver) {
    let interpreter = runtime.interpreter().build().unwrap();
    let (begun, begins) = runtime.channel(Capacity::Rendezvous).unwrap();
    interpreter
        .prepare_main([("begun", Binding::from(begun))])
        .unwrap();
    (interpreter, begins)
}

fn current_thread() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

fn multi_thread() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

fn small() -> Runtime {
    let builder = Runtime::builder().max_interpreters(8).workers(1);
    builder.build().unwrap()
}

/// Waits until an interpreter that another thread stops has stopped.
fn wait_until_stopped(interpreter: &Interpreter) {
    while interpreter.is_running() {
        std::thread::yield_now();
    }
    let gone = interpreter.exec("");
    assert!(
        matches!(gone, Err(Error::Died(_) | Error::Closed)),
        "{gone:?}"
    );
}

/// Returns when everything that held the sender is dropped.
fn wait_until_dropped(gone: mpsc::Receiver<()>) {
    assert_eq!(gone.recv(), Err(mpsc::RecvError));
}

/// Adds an alias that holds a sender for the lifetime of its interpreter.
fn tell_when_gone(interpreter: &Interpreter) -> mpsc::Receiver<()> {
    let (kept, gone) = mpsc::channel::<()>();
    interpreter
        .alias("keeps", move |_| {
            let _ = &kept;
            Ok(().into())
        })
        .unwrap();
    gone
}

/// Uses the library as asynchronous host code does.
async fn asynchronously(runtime: &Runtime) {
    let builder = runtime.interpreter();
    let (first, second) = (
        builder.clone().build_async().await,
        builder.build_async().await,
    );
    let (first, second) = (first.unwrap(), second.unwrap());
    let (sender, receiver) = runtime.channel(Capacity::Rendezvous).unwrap();
    let (back, answers) = runtime.channel(Capacity::Rendezvous).unwrap();
    first
        .prepare_main_async([("out", Binding::from(sender))])
        .await
        .unwrap();
    second
        .prepare_main_async([("inbox", Binding::from(receiver)), ("out", back.into())])
        .await
        .unwrap();
    // None of the three completes without the others.
    let (sent, passed, answer) = tokio::join!(
        first.exec_async("out.send(20)"),
        second.exec_async("out.send(inbox.recv() + 1)"),
        answers.recv_async(),
    );
    assert!(sent.is_ok() && passed.is_ok());
    assert_eq!(answer.unwrap(), 21);
    first
        .alias_async("later", |_| async {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            Ok(5.into())
        })
        .unwrap();
    assert_eq!(first.eval_async::<i64>("later()").await.unwrap(), 5);
    first
        .exec_async("def twice(n): return 2 * n")
        .await
        .unwrap();
    assert_eq!(first.call_async::<i64>("twice", (4,)).await.unwrap(), 8);
    let copy = first.fork_async().await.unwrap();
    first.reset_async().await.unwrap();
    assert_eq!(copy.eval_async::<i64>("later()").await.unwrap(), 5);
    assert!(first.eval_async::<Value>("inbox").await.is_err());
}

#[test]
fn the_library_works_inside_tokio() {
    current_thread().block_on(asynchronously(runtime()));
    multi_thread().block_on(asynchronously(runtime()));
    // A runtime created and dropped inside tokio, by a task and by a blocking thread.
    for host in [current_thread(), multi_thread()] {
        host.block_on(async {
            let own = small();
            asynchronously(&own).await;
            drop(own);
            let blocking = tokio::task::spawn_blocking(|| {
                let own = small();
                let interpreter = own.interpreter().build().unwrap();
                drop(own);
                interpreter.eval::<Value>("6 * 7").unwrap()
            });
            assert_eq!(blocking.await.unwrap(), 42);
        });
    }
}

/// Blocking calls belong on other threads, but also work inside a task.
#[test]
fn blocking_calls_work_in_a_task() {
    for host in [current_thread(), multi_thread()] {
        host.block_on(async {
            let interpreter = runtime().interpreter().build().unwrap();
            interpreter.exec("import time; time.sleep(0.001)").unwrap();
            interpreter
                .alias_blocking("blocks", |_| Ok(1.into()))
                .unwrap();
            assert_eq!(interpreter.eval::<i64>("blocks()").unwrap(), 1);
        });
    }
}

#[test]
fn an_interpreter_moves_from_thread_to_thread() {
    let interpreter = runtime().interpreter().build().unwrap();
    interpreter.exec("seen = []").unwrap();
    for n in 0..4 {
        let moved = interpreter.clone();
        let thread = std::thread::spawn(move || moved.exec(format!("seen.append({n})")));
        thread.join().unwrap().unwrap();
    }
    let (kept, gone) = (interpreter.clone(), tell_when_gone(&interpreter));
    drop(interpreter);
    let thread = std::thread::spawn(move || kept.eval::<Value>("seen").unwrap().to_string());
    assert_eq!(thread.join().unwrap(), "[0, 1, 2, 3]");
    wait_until_dropped(gone);
}

/// K-11: The host drops the future of a call.
///
/// Outcome: CANCELLED.
#[test]
fn dropping_the_future_of_a_call_stops_the_interpreter() {
    for host in [current_thread(), multi_thread()] {
        for source in [LOOPS, WAITS] {
            let (interpreter, begins) = prepared(runtime());
            host.block_on(async {
                tokio::select! {
                    outcome = interpreter.exec_async(source) => panic!("{outcome:?}"),
                    begun = begins.recv_async() => assert_eq!(begun.unwrap(), 1),
                }
            });
            wait_until_stopped(&interpreter);
        }
    }
}

#[test]
fn dropping_an_executor_stops_its_interpreters() {
    for host in [current_thread(), multi_thread()] {
        let (interpreter, begins) = prepared(runtime());
        let runner = interpreter.clone();
        host.spawn(async move { runner.exec_async(LOOPS).await });
        host.block_on(async { begins.recv_async().await.unwrap() });
        drop(host);
        wait_until_stopped(&interpreter);
    }
}

/// Dropping the future of a creation leaves nothing behind.
#[test]
fn dropping_a_creation_leaves_nothing_behind() {
    let own = small();
    current_thread().block_on(async {
        for _ in 0..20 {
            tokio::select! {
                biased;
                made = own.interpreter().build_async() => drop(made.unwrap()),
                () = tokio::task::yield_now() => {}
            }
        }
    });
    while own.metrics().interpreters > 0 {
        std::thread::yield_now();
    }
}

#[test]
fn a_runtime_can_be_dropped_while_guests_run() {
    for source in [LOOPS, WAITS] {
        // The interpreter stays usable and stoppable as long as a handle to it exists.
        let own = small();
        let (interpreter, begins) = prepared(&own);
        let gone = tell_when_gone(&interpreter);
        let runner = interpreter.clone();
        let thread = std::thread::spawn(move || runner.exec(source));
        begins.recv().unwrap();
        drop((own, begins));
        assert!(interpreter.is_running());
        interpreter.kill();
        assert!(matches!(thread.join().unwrap(), Err(Error::Killed)));
        drop(interpreter);
        wait_until_dropped(gone);

        // Without a handle, the interpreter is dropped with the future that runs it.
        let own = small();
        let (interpreter, begins) = prepared(&own);
        let gone = tell_when_gone(&interpreter);
        let host = multi_thread();
        host.spawn(async move { interpreter.exec_async(source).await });
        begins.recv().unwrap();
        drop((own, begins));
        host.shutdown_background();
        wait_until_dropped(gone);
    }
}

/// The last reference to a runtime is dropped in an alias, which runs on one of the runtime's own workers.
#[test]
fn a_runtime_can_be_dropped_by_its_own_worker() {
    let own = small();
    let interpreter = own.interpreter().build().unwrap();
    let gone = tell_when_gone(&interpreter);
    let kept = std::sync::Mutex::new(Some(own));
    let host = current_thread();
    let (let_go, may_go) = mpsc::channel::<()>();
    let may_go = std::sync::Mutex::new(may_go);
    interpreter
        .alias("drops", move |_| {
            let waits = may_go
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            let _ = waits.recv();
            drop(
                kept.lock()
                    .unwrap_or_else(|poisoned| poisoned.into_inner())
                    .take(),
            );
            Ok(().into())
        })
        .unwrap();
    let task = host.spawn(async move { interpreter.exec_async("drops()").await });
    let_go.send(()).unwrap();
    host.block_on(task).unwrap().unwrap();
    wait_until_dropped(gone);
}

#[test]
fn runtimes_in_one_process_refuse_ends_of_each_other() {
    let (first, second) = (small(), small());
    let here = first.interpreter().build().unwrap();
    let there = second.interpreter().build().unwrap();
    here.exec("x = 1").unwrap();
    there.exec("x = 2").unwrap();
    assert_eq!(
        (
            here.eval::<Value>("x").unwrap(),
            there.eval::<Value>("x").unwrap()
        ),
        (1.into(), 2.into())
    );
    // Another runtime refuses channel ends of this one.
    let (sender, receiver) = first.channel(Capacity::Unbounded).unwrap();
    for end in [Binding::from(sender.clone()), receiver.clone().into()] {
        match there.prepare_main([("end", end)]) {
            Err(Error::Config(Invalid { text, .. })) => {
                assert!(text.contains("another runtime"), "{text}")
            }
            other => panic!("{other:?}"),
        }
    }
    // Host threads can pass values between runtimes.
    here.prepare_main([("out", Binding::from(sender))]).unwrap();
    here.exec("out.send(x)").unwrap();
    there
        .prepare_main([("y", Binding::from(receiver.recv().unwrap()))])
        .unwrap();
    drop((first, here, receiver));
    assert_eq!(there.eval::<i64>("x + y").unwrap(), 3);
}
