//! Stops one of many interpreters, and checks that the results of the others are unchanged.

use super::{Report, Size, Trouble, baseline, random};
use archipel::{Capacity, Error, Interpreter, Runtime, Value};

/// Computes a sum that depends on the interpreter's number, with pauses.
const SOURCE: &str = "
total = 0
begun.send(number)
for n in range(3000):
    total += n * number
    if n % 500 == 0:
        sleep(0.001)
";

/// Runs a number of interpreters at a time.
pub fn check(size: Size, report: &mut Report) -> Result<(), Trouble> {
    let count = size.times(4, 16..=256);
    let rounds = size.times(1, 3..=20);
    let runtime = Runtime::builder()
        .max_interpreters(u32::try_from(count)? + 8)
        .build()?;
    let (mut right, mut stopped) = (0, 0);
    for _ in 0..rounds {
        let victim = usize::try_from(random(count as u64))?;
        let results = round(&runtime, count, victim)?;
        for (number, (interpreter, outcome)) in results.iter().enumerate() {
            let sum = 4_498_500 * i64::try_from(number)?;
            match outcome {
                Ok(()) if number != victim && interpreter.eval::<Value>("total")? == sum => {
                    right += 1
                }
                Err(Error::Killed) if number == victim => stopped += 1,
                other => report.count(
                    "an interpreter",
                    format!("{number}: {other:?}, {victim} was stopped"),
                    "its expected sum",
                    false,
                ),
            }
        }
    }
    let others = (count - 1) * rounds;
    report.told("interpreters at a time", count);
    report.count(
        "correct results of the others",
        right,
        others,
        right == others,
    );
    report.count("stopped", stopped, rounds, stopped == rounds);
    baseline("leftovers", &runtime, report);
    Ok(())
}

type Results = Vec<(Interpreter, archipel::Result<()>)>;

fn round(runtime: &Runtime, count: usize, victim: usize) -> Result<Results, Trouble> {
    let (begun, begins) = runtime.channel(Capacity::Unbounded)?;
    let mut threads = Vec::new();
    for number in 0..count {
        let interpreter = runtime.interpreter().build()?;
        interpreter.prepare_main([("begun", archipel::Binding::from(begun.clone()))])?;
        let number = match number == victim {
            // It runs until it is stopped.
            true => format!("number = {number}\nbegun.send(number)\nwhile True: pass"),
            false => format!("from time import sleep\nnumber = {number}\n{SOURCE}"),
        };
        let runner = interpreter.clone();
        let thread = std::thread::spawn(move || runner.exec(number));
        threads.push((interpreter, thread));
    }
    for _ in 0..count {
        begins.recv()?;
    }
    threads[victim].0.kill();
    let join = |(interpreter, thread): (Interpreter, std::thread::JoinHandle<_>)| {
        let outcome = thread.join().map_err(|_| "a thread panicked")?;
        Ok((interpreter, outcome))
    };
    threads.into_iter().map(join).collect()
}
