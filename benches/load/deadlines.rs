//! Deadlines beside busy interpreters: never early, and only slightly late.

use super::hogs::Hogs;
use super::{Report, Size, TICK, Trouble, baseline, random};
use archipel::{Error, LimitKind, Limits, Runtime};
use std::time::{Duration, Instant};

/// The longest delay with which a deadline stops a guest.
const LATEST: Duration = Duration::from_millis(250);

/// A guest that computes and one that waits, each with its own limit.
const SOURCES: [&str; 2] = ["while True: pass", "import time\ntime.sleep(1e6)"];

/// The numbers of guests that compute at the same time.
const BUSY: [usize; 3] = [1, 8, 64];

/// Runs guests with wall limits beside each number of busy guests.
pub fn check(size: Size, report: &mut Report) -> Result<(), Trouble> {
    let samples = size.times(4, 10..=334);
    let runtime = Runtime::builder().max_interpreters(80).build()?;
    for busy in BUSY {
        let hogs = Hogs::start(&runtime, busy)?;
        let (mut late, mut early, mut earliest) = (Vec::new(), 0, Duration::ZERO);
        for number in 0..samples {
            let limit = Duration::from_micros(10_000 + random(20_000));
            let interpreter = runtime
                .interpreter()
                .limits(Limits::new().wall(limit))
                .build()?;
            let begun = Instant::now();
            let outcome = interpreter.exec(SOURCES[number % SOURCES.len()]);
            let took = begun.elapsed();
            match outcome {
                Err(Error::LimitExceeded {
                    kind: LimitKind::Wall,
                    ..
                }) => {}
                other => return Err(format!("beside {busy}: {other:?}").into()),
            }
            early += usize::from(took + TICK < limit);
            earliest = earliest.max(limit.saturating_sub(took));
            late.push(took.saturating_sub(limit));
        }
        report.count(
            &format!("early by more than a tick, beside {busy}"),
            early,
            format!("0 of {samples}"),
            early == 0,
        );
        report.told(
            &format!("earliest, beside {busy}"),
            format!("{:.1} ms", earliest.as_secs_f64() * 1e3),
        );
        report.times(&format!("late, beside {busy} busy ones"), late, LATEST);
        drop(hogs);
    }
    baseline("leftovers", &runtime, report);
    Ok(())
}
