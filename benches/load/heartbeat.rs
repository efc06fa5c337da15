//! An interpreter that answers continuously, beside many that compute.

use super::hogs::Hogs;
use super::{Report, Size, Trouble, baseline};
use archipel::{Binding, Capacity, Runtime};
use std::time::{Duration, Instant};

/// The longest time of an answer.
const LATEST: Duration = Duration::from_millis(100);

/// The numbers of hogs for each processor.
const CROWDS: [usize; 2] = [2, 16];

/// Asks a question every few milliseconds, and checks each answer.
pub fn check(size: Size, report: &mut Report) -> Result<(), Trouble> {
    let beats = size.times(20, 50..=2000);
    let processors = std::thread::available_parallelism()?.get();
    let room = u32::try_from(processors * 16)? + 8;
    let runtime = Runtime::builder().max_interpreters(room).build()?;
    for each in CROWDS {
        let count = each * processors;
        let hogs = Hogs::start(&runtime, count)?;
        let interpreter = runtime.interpreter().build()?;
        let (questions, inbox) = runtime.channel(Capacity::Bounded(1))?;
        let (outbox, answers) = runtime.channel(Capacity::Bounded(1))?;
        interpreter.prepare_main([("inbox", Binding::from(inbox)), ("outbox", outbox.into())])?;
        let runner = interpreter.clone();
        let serves = std::thread::spawn(move || {
            runner.exec("for n in inbox: outbox.send(n + 1)\ndel outbox")
        });
        let (mut times, mut answered) = (Vec::new(), 0);
        for beat in 0..i64::try_from(beats)? {
            let asked = Instant::now();
            questions.send(beat)?;
            answered += usize::from(answers.recv()? == beat + 1);
            times.push(asked.elapsed());
            std::thread::sleep(Duration::from_millis(3));
        }
        // Without questions, the interpreter ends.
        drop(questions);
        let served = serves.join().map_err(|_| "a thread panicked")?;
        let least = hogs.least();
        drop((hogs, interpreter));
        report.count(
            &format!("answers beside {count} hogs"),
            answered,
            beats,
            answered == beats && served.is_ok(),
        );
        report.count(
            &format!("the hog of {count} that computed least"),
            format!("{:.1} ms", least as f64 / 1e6),
            "> 0 ms",
            least > 0,
        );
        report.times(&format!("answer beside {count} hogs"), times, LATEST);
    }
    baseline("leftovers", &runtime, report);
    Ok(())
}
