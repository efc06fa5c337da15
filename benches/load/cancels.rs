//! Stops interpreters at random moments, and checks that each has exactly one outcome.

use super::{Report, Size, Trouble, baseline, random};
use archipel::{Binding, Capacity, Error, Interpreter, Receiver, Runtime, Sender};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The scripts to stop. Each reports when it completes.
const WORKS: [&str; 5] = [
    "while True: pass",
    "import time\ntime.sleep(1e6)",
    "r.recv()",
    "while True: out.send_nowait(-1)",
    "n = 0\nfor i in range(20_000): n += i",
];

/// The longest time that a stopped guest can continue.
const LATEST: Duration = Duration::from_millis(250);

/// Stops a number of guests in several rounds.
pub fn check(size: Size, report: &mut Report) -> Result<(), Trouble> {
    let (count, rounds) = (size.times(10, 50..=1000), size.times(1, 5..=100) / 5);
    let room = u32::try_from(count)? + 8;
    let runtime = Runtime::builder().max_interpreters(room).build()?;
    let host = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let (mut late, mut ended, mut stopped, mut wrong) = (Vec::new(), 0, 0, Vec::new());
    for _ in 0..rounds {
        let guests = prepare(&runtime, count)?;
        let (finished, finishes) = crossbeam_channel::unbounded();
        for (number, guest) in guests.iter().enumerate() {
            let (runner, finished) = (guest.interpreter.clone(), finished.clone());
            let source = format!("{}\nout.send(1)", WORKS[number % WORKS.len()]);
            host.spawn(async move {
                let outcome = runner.exec_async(source).await;
                let _ = finished.send((number, outcome, Instant::now()));
            });
        }
        drop(finished);
        let asked = stop_all(&guests);
        let mut outcomes: HashMap<usize, usize> = HashMap::new();
        for (number, outcome, at) in finishes {
            *outcomes.entry(number).or_default() += 1;
            let ends = guests[number].ends();
            match outcome {
                Ok(()) if ends == 1 => ended += 1,
                Err(Error::Cancelled(why)) if why == "enough" && ends <= 1 => stopped += 1,
                Err(Error::Killed) if ends <= 1 => stopped += 1,
                // It was stopped before its script began.
                Err(Error::Closed) if ends == 0 => stopped += 1,
                other => wrong.push(format!("{number}: {other:?}, ended {ends} times")),
            }
            late.push(at.saturating_duration_since(asked[number]));
        }
        let once = outcomes.values().filter(|times| **times == 1).count();
        if once != count {
            wrong.push(format!("{once} of {count} had exactly one outcome"));
        }
    }
    report.told("concurrent interpreters", count);
    report.told("rounds", rounds);
    report.told("completed before the request", ended);
    report.count(
        "guests with exactly one outcome",
        ended + stopped,
        count * rounds,
        wrong.is_empty() && ended + stopped == count * rounds,
    );
    if let Some(first) = wrong.first() {
        report.count("the first failure", first, "none", false);
    }
    report.times("from the request to the outcome", late, LATEST);
    baseline("leftovers", &runtime, report);
    Ok(())
}

struct Guest {
    interpreter: Interpreter,
    out: Receiver,
    /// Keeps the guest's channel open while the guest waits.
    _silent: Sender,
}

impl Guest {
    /// Returns how often the guest reported its completion.
    fn ends(&self) -> usize {
        std::iter::from_fn(|| self.out.try_recv().ok())
            .filter(|value| *value == 1)
            .count()
    }
}

fn prepare(runtime: &Runtime, count: usize) -> Result<Vec<Guest>, Trouble> {
    let make = |_| {
        let interpreter = runtime.interpreter().build()?;
        let (sender, out) = runtime.channel(Capacity::Bounded(16))?;
        let (silent, never) = runtime.channel(Capacity::Rendezvous)?;
        interpreter.prepare_main([("out", Binding::from(sender)), ("r", never.into())])?;
        Ok(Guest {
            interpreter,
            out,
            _silent: silent,
        })
    };
    (0..count).map(make).collect()
}

/// Kills or cancels all guests, in random order and with random pauses. Returns the time of the request for each.
fn stop_all(guests: &[Guest]) -> Vec<Instant> {
    let mut order: Vec<usize> = (0..guests.len()).collect();
    for at in (1..order.len()).rev() {
        let other = random(at as u64 + 1);
        order.swap(at, usize::try_from(other).unwrap_or(0));
    }
    let mut asked = vec![Instant::now(); guests.len()];
    for number in order {
        std::thread::sleep(Duration::from_micros(random(600)));
        asked[number] = Instant::now();
        let interpreter = &guests[number].interpreter;
        match random(3) {
            0 => interpreter.kill(),
            1 => interpreter.cancel_unwinding("enough"),
            // Both at once: the outcome is one of the two.
            _ => std::thread::scope(|scope| {
                scope.spawn(|| interpreter.kill());
                interpreter.cancel_unwinding("enough");
            }),
        }
    }
    asked
}
