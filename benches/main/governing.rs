//! The costs of governing interpreters: aliases, policies and limits, interruption, stopping.

use crate::{Result, median, micros, row, timed};
use archipel::policy::Access;
use archipel::{Limits, Output, Policy, Runtime};
use std::time::{Duration, Instant};

/// Prints a row for each figure.
pub fn governing(runtime: &Runtime, samples: usize) -> Result<()> {
    aliases(runtime, samples)?;
    policy_and_limits(runtime, samples)?;
    interruption(runtime)?;
    stopping(runtime, samples / 20 + 5)
}

/// Compares calls of aliases with calls of a function in the same interpreter.
fn aliases(runtime: &Runtime, samples: usize) -> Result<()> {
    let output = Output::captured(1 << 16);
    let interpreter = runtime
        .interpreter()
        .policy(Policy::new().children(2, 1)?)
        .stdout(output.clone())
        .build()?;
    interpreter.alias("to_host", |call| Ok(call.args.len().into()))?;
    interpreter.exec(format!(
        r#"
import archipel, time
SOURCE = '''
import time
def measure(call):
    times = []
    for _ in range({samples}):
        start = time.perf_counter_ns()
        call(1, 'two')
        times.append(time.perf_counter_ns() - start)
    return sorted(times)[len(times) // 2]
'''
exec(SOURCE)
print(measure(lambda *args: len(args)))
print(measure(to_host))
child = archipel.create()
child.alias('to_parent', lambda *args: len(args))
child.alias('say', print)
child.exec(SOURCE + 'say(measure(to_parent))')
"#
    ))?;
    let text = output.take().text();
    let figures: Vec<Duration> = text
        .lines()
        .map(|line| Ok(Duration::from_nanos(line.parse()?)))
        .collect::<Result<_>>()?;
    let [plain, host, guest] = figures[..] else {
        return Err("a figure is missing".into());
    };
    for (what, time) in [("guest to host", host), ("guest to guest", guest)] {
        row(
            &format!("alias call {what} and back | a function call"),
            micros(time),
            micros(plain),
            time.as_secs_f64() / plain.as_secs_f64(),
        );
    }
    Ok(())
}

/// Compares the life of an interpreter with grants and limits with one without.
fn policy_and_limits(runtime: &Runtime, samples: usize) -> Result<()> {
    let policy = Policy::new()
        .dir(std::env::temp_dir(), "/data", Access::ReadOnly)?
        .env("LANG", "C.UTF-8")?
        .net("127.0.0.1:80")?
        .children(4, 1)?;
    let limits = Limits::new()
        .memory(256 << 20)
        .cpu(Duration::from_secs(1))
        .wall(Duration::from_secs(2))
        .output(1 << 20)
        .queued(1 << 20);
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..samples + 50 {
        let life = |policy: Policy, limits: Limits| -> Result<Duration> {
            let (time, outcome) = timed(|| {
                let interpreter = runtime
                    .interpreter()
                    .policy(policy)
                    .limits(limits)
                    .build()?;
                interpreter.exec("pass")?;
                interpreter.close()
            });
            outcome?;
            Ok(time)
        };
        with.push(life(policy.clone(), limits)?);
        without.push(life(Policy::new(), Limits::new())?);
    }
    // The first lives fill the slots.
    let (with, without) = (median(with.split_off(50)), median(without.split_off(50)));
    row(
        "create + exec + close with policy and limits | without",
        micros(with),
        micros(without),
        with.as_secs_f64() / without.as_secs_f64(),
    );
    Ok(())
}

/// Compares a computation in an engine with interruption with one in an engine without.
fn interruption(runtime: &Runtime) -> Result<()> {
    let without = Runtime::builder().interruption(false).build()?;
    let (one, other) = (
        runtime.interpreter().build()?,
        without.interpreter().build()?,
    );
    let work = "n = 0\nfor i in range(1_000_000): n += i\n\
                def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\nfib(22)";
    let (mut with, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..7 {
        let (time, outcome) = timed(|| one.exec(work));
        outcome?;
        with.push(time);
        let (time, outcome) = timed(|| other.exec(work));
        outcome?;
        plain.push(time);
    }
    let (with, plain) = (median(with), median(plain));
    row(
        "a computation with interruption | without",
        micros(with),
        micros(plain),
        with.as_secs_f64() / plain.as_secs_f64(),
    );
    Ok(())
}

/// Measures the time from a kill of one of 64 busy interpreters to the end of its call: the median and the maximum.
fn stopping(runtime: &Runtime, samples: usize) -> Result<()> {
    const BUSY: usize = 64;
    let mut times = Vec::new();
    std::thread::scope(|scope| -> Result<()> {
        let busy = || -> Result<_> {
            let interpreter = runtime.interpreter().build()?;
            let runner = interpreter.clone();
            let ended = scope.spawn(move || {
                let outcome = runner.exec("while True: pass");
                (Instant::now(), outcome)
            });
            Ok((interpreter, ended))
        };
        let mut all = (0..BUSY).map(|_| busy()).collect::<Result<Vec<_>>>()?;
        for _ in 0..samples {
            // By then, all of them have run.
            std::thread::sleep(Duration::from_millis(200));
            let (interpreter, ended) = all.remove(0);
            let asked = Instant::now();
            interpreter.kill();
            let (end, outcome) = ended.join().map_err(|_| "a thread panicked")?;
            assert!(matches!(outcome, Err(archipel::Error::Killed)));
            times.push(end.saturating_duration_since(asked));
            all.push(busy()?);
        }
        for (interpreter, _) in all {
            interpreter.kill();
        }
        Ok(())
    })?;
    times.sort();
    let (middle, worst) = (times[times.len() / 2], times[times.len() - 1]);
    row(
        "kill of one of 64 busy interpreters | the slowest",
        micros(middle),
        micros(worst),
        middle.as_secs_f64() / worst.as_secs_f64(),
    );
    Ok(())
}
