//! A host drops everything while guests wait for messages that never arrive.

use super::process::Held;
use super::{PATIENCE, Report, Size, Trouble};
use archipel::{Binding, Capacity, Policy, Runtime};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The waits of the guests.
const WAITS: [&str; 6] = [
    "begun.send(1)\nnever.recv()",
    "import time\nbegun.send(1)\ntime.sleep(1e6)",
    "begun.send(1)\nwhile True: pass",
    "import interpreters\nchild = interpreters.create()\n\
     task = child.run_in_thread('import time; time.sleep(1e6)')\nbegun.send(1)\ntask.join()",
    "import interpreters\nchild = interpreters.create()\nbegun.send(1)\nchild.run('while True: pass')",
    "import asyncio\nbegun.send(1)\nasyncio.run(asyncio.sleep(1e6))",
];

/// The longest time until the last guest is dropped.
const GRACE: Duration = Duration::from_secs(1);

/// Runs several runtimes in sequence.
pub fn check(size: Size, report: &mut Report) -> Result<(), Trouble> {
    let rounds = size.times(1, 5..=100);
    // A process keeps some resources from its first runtime on. Allocate them before measuring.
    round()?;
    let before = settled(0);
    let (mut times, mut gone) = (Vec::new(), 0);
    for _ in 0..rounds {
        let (time, count) = round()?;
        times.push(time);
        gone += count;
    }
    let wanted = rounds * WAITS.len();
    report.count("dropped guests", gone, wanted, gone == wanted);
    report.times("until the last guest is dropped", times, GRACE);
    let after = settled(before.threads);
    let threads = after.threads.saturating_sub(before.threads);
    report.count("threads more", threads, 0, threads == 0);
    let open = after.descriptors.saturating_sub(before.descriptors);
    report.count("descriptors more", open, 0, open == 0);
    Ok(())
}

/// Returns the time until all guests of a runtime are dropped, and their number.
fn round() -> Result<(Duration, usize), Trouble> {
    let runtime = Runtime::builder().max_interpreters(16).build()?;
    let host = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let (begun, begins) = runtime.channel(Capacity::Unbounded)?;
    let (silent, never) = runtime.channel(Capacity::Rendezvous)?;
    let (kept, all_gone) = mpsc::channel::<()>();
    for source in WAITS {
        let interpreter = runtime
            .interpreter()
            .policy(Policy::new().children(1, 1)?)
            .build()?;
        interpreter.prepare_main([
            ("begun", Binding::from(begun.clone())),
            ("never", never.clone().into()),
        ])?;
        // The sender is dropped with the interpreter.
        let kept = kept.clone();
        interpreter.alias("keeps", move |_| {
            let _ = &kept;
            Ok(().into())
        })?;
        host.spawn(async move { interpreter.exec_async(source).await });
    }
    for _ in WAITS {
        begins.recv()?;
    }
    drop(kept);
    let asked = Instant::now();
    drop((runtime, begun, begins, silent, never));
    host.shutdown_background();
    match all_gone.recv_timeout(PATIENCE) {
        Err(mpsc::RecvTimeoutError::Disconnected) => Ok((asked.elapsed(), WAITS.len())),
        _ => Err(format!("guests still exist {PATIENCE:?} after the end of their host").into()),
    }
}

/// Measures the process once it has at most `threads` threads or stops changing. The threads of a dropped runtime
/// end asynchronously.
fn settled(threads: usize) -> Held {
    let begun = Instant::now();
    let mut last = Held::now();
    let mut same = 0;
    while begun.elapsed() < PATIENCE && last.threads > threads && (threads > 0 || same < 50) {
        std::thread::sleep(Duration::from_millis(10));
        let now = Held::now();
        same = if now.threads == last.threads {
            same + 1
        } else {
            0
        };
        last = now;
    }
    last
}
