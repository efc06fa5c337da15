//! Measures costs, each beside a reference from the same run: `cargo bench`.
//!
//! The figures are medians. `-- --quick` takes fewer samples.

mod cpu;
mod crowd;
mod governing;
mod https;
mod map;
mod peers;
mod plots;
mod surface;

use archipel::{Output, Policy, Runtime};
use plots::Series;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    // Arguments without dashes select groups.
    let chosen: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let wanted = |group: &str| chosen.is_empty() || chosen.iter().any(|name| name == group);
    let samples = if quick { 50 } else { 1000 };
    println!(
        "{:<66} {:>12} {:>12} {:>8}",
        "", "measured", "reference", "ratio"
    );
    let runtime = Runtime::new()?;
    let mut plots = plots::Plots::default();
    if wanted("life") {
        let [ours, threads] = life(&runtime, samples)?;
        let others = peers::lives(&ours, if quick { 5 } else { 50 })?;
        plots.lives = vec![Series::of("ours", ours), Series::of("a thread", threads)];
        plots.lives.extend(others);
        copies(&runtime, samples)?;
        memory(&runtime)?;
    }
    if wanted("crowd") {
        let count = if quick { 200 } else { 10_000 };
        plots.crowd = vec![Series::of("ours", crowd::crowd(count)?)];
        plots
            .crowd
            .extend(peers::crowds(count, if quick { 5 } else { 200 })?);
        let [ready, plain] = crowd::burst(if quick { 50 } else { 500 })?;
        plots.burst = vec![
            Series::of("prewarmed", ready),
            Series::of("not ready", plain),
        ];
    }
    if wanted("channels") {
        round_trip(1, samples)?;
        round_trip(2, samples)?;
        crowd::ring(if quick { 100 } else { 1000 }, if quick { 5 } else { 20 })?;
        crowd::fan_in(100, if quick { 50 } else { 1000 })?;
        let samples = if quick { 20 } else { 200 };
        plots.sizes = vec![sizes(&runtime, samples)?];
        plots.sizes.extend(peers::sizes(samples, exponents())?);
        peers::compare(&plots.sizes, &["16", "1048576"]);
    }
    if wanted("cpu") {
        two_cores(&runtime)?;
        compute(&runtime)?;
        plots.programs = cpu::cpu(&runtime, quick)?;
    }
    if wanted("surface") {
        surface::surface(&runtime)?;
    }
    if wanted("https") {
        https::https(&runtime, quick)?;
    }
    if wanted("governing") {
        governing::governing(&runtime, samples)?;
    }
    if wanted("command") {
        hello(if quick { 5 } else { 40 })?;
        map::map(if quick { 100 } else { 1000 })?;
    }
    plots.draw(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("plots"))
}

fn row(what: &str, measured: String, reference: String, ratio: f64) {
    println!("{what:<66} {measured:>12} {reference:>12} {ratio:>8.2}");
}

fn micros(time: Duration) -> String {
    format!("{:.1} µs", time.as_secs_f64() * 1e6)
}

fn median(mut samples: Vec<Duration>) -> Duration {
    samples.sort();
    samples[samples.len() / 2]
}

fn timed<T>(act: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = act();
    (start.elapsed(), result)
}

/// Compares creating an interpreter, running nothing in it and closing it with creating and joining a thread.
fn life(runtime: &Runtime, samples: usize) -> Result<[Vec<Duration>; 2]> {
    let (mut ours, mut threads) = (Vec::new(), Vec::new());
    for _ in 0..samples + samples / 10 {
        let (time, outcome) = timed(|| {
            let interpreter = runtime.interpreter().build()?;
            interpreter.exec("pass")?;
            interpreter.close()
        });
        outcome?;
        ours.push(time);
        let (time, joined) = timed(|| std::thread::spawn(|| {}).join());
        joined.map_err(|_| "a thread panicked")?;
        threads.push(time);
    }
    // The first lives fill the slots.
    let warm = samples / 10;
    let times = [ours.split_off(warm), threads.split_off(warm)];
    let [ours, threads] = times.clone().map(median);
    let ratio = ours.as_secs_f64() / threads.as_secs_f64();
    row(
        "create + exec('pass') + close | thread create + join",
        micros(ours),
        micros(threads),
        ratio,
    );
    let faults = page_faults()?;
    for _ in 0..100 {
        let interpreter = runtime.interpreter().build()?;
        interpreter.exec("pass")?;
        interpreter.close()?;
    }
    let faults = (page_faults()? - faults) / 100;
    row(
        "page faults in this life | reset by copying",
        faults.to_string(),
        "0".to_owned(),
        faults as f64,
    );
    // The number depends on the layout of the snapshot, and not on the speed of the machine.
    assert!(
        faults < 10,
        "an interpreter's life takes {faults} page faults"
    );
    Ok(times)
}

/// Compares copying an interpreter with creating one and bringing it to the same state.
fn copies(runtime: &Runtime, samples: usize) -> Result<()> {
    const DOZEN: &str = "import argparse, collections, csv, dataclasses, datetime, decimal, \
                         functools, heapq, json, logging, random, re";
    for (state, source) in [("fresh", "pass"), ("with a dozen modules", DOZEN)] {
        let original = runtime.interpreter().build()?;
        original.exec(source)?;
        let (mut copying, mut creating) = (Vec::new(), Vec::new());
        for _ in 0..samples / 5 + 5 {
            let (time, copy) = timed(|| original.fork());
            copy?.close()?;
            copying.push(time);
            let (time, created) = timed(|| {
                let interpreter = runtime.interpreter().build()?;
                interpreter.exec(source)?;
                Ok::<_, archipel::Error>(interpreter)
            });
            created?.close()?;
            creating.push(time);
        }
        // The first lives fill the slots.
        let (copying, creating) = (median(copying.split_off(5)), median(creating.split_off(5)));
        row(
            &format!("copy of one {state} | create + exec"),
            micros(copying),
            micros(creating),
            copying.as_secs_f64() / creating.as_secs_f64(),
        );
    }
    Ok(())
}

/// Compares a round trip of a small message to another interpreter with one between two threads.
fn round_trip(workers: usize, samples: usize) -> Result<()> {
    let runtime = Runtime::builder().workers(workers).build()?;
    let output = Output::captured(1 << 20);
    let interpreter = runtime
        .interpreter()
        .policy(Policy::new().children(4, 1)?)
        .stdout(output.clone())
        .build()?;
    interpreter.exec(format!(
        r#"
import interpreters, time
child = interpreters.create()
there_out, there = interpreters.create_channel()
back, back_in = interpreters.create_channel()
task = child.run_in_thread("for m in r: s.send(m)", channels=dict(r=there_out, s=back_in))
del there_out, back_in
message = {{"a": 1, "b": [1, 2, 3]}}
times = []
for _ in range({samples} * 2):
    start = time.perf_counter_ns()
    there.send(message)
    back.recv()
    times.append(time.perf_counter_ns() - start)
times = sorted(times[{samples}:])
print(times[len(times) // 2])
there.close()
task.join()
"#
    ))?;
    let ours = Duration::from_nanos(output.take().text().trim().parse()?);
    let (there, there_out) = std::sync::mpsc::sync_channel(0);
    let (back_in, back) = std::sync::mpsc::sync_channel(0);
    let echo = std::thread::spawn(move || {
        for message in there_out {
            if back_in.send(message).is_err() {
                break;
            }
        }
    });
    let mut times = Vec::new();
    for _ in 0..samples {
        let (time, outcome) = timed(|| there.send(1).is_ok() && back.recv().is_ok());
        assert!(outcome, "the echo ended early");
        times.push(time);
    }
    drop(there);
    echo.join().map_err(|_| "the echo panicked")?;
    let threads = median(times);
    row(
        &format!("round trip of a small dict, {workers} worker(s) | between threads"),
        micros(ours),
        micros(threads),
        ours.as_secs_f64() / threads.as_secs_f64(),
    );
    Ok(())
}

/// Compares two computing interpreters that run concurrently with the same in sequence.
fn two_cores(runtime: &Runtime) -> Result<()> {
    let output = Output::captured(1 << 20);
    let interpreter = runtime
        .interpreter()
        .policy(Policy::new().children(4, 1)?)
        .stdout(output.clone())
        .build()?;
    interpreter.exec(
        r#"
import interpreters, time
work = "n = 0\nfor i in range(3_000_000): n += i"
one, two = interpreters.create(), interpreters.create()
one.run(work); two.run(work)
best = []
for _ in range(3):
    start = time.perf_counter_ns()
    one.run(work)
    two.run(work)
    apart = time.perf_counter_ns() - start
    start = time.perf_counter_ns()
    tasks = [one.run_in_thread(work), two.run_in_thread(work)]
    for task in tasks:
        task.join()
    together = time.perf_counter_ns() - start
    best.append((apart / together, together, apart))
_, together, apart = sorted(best)[1]
print(together, apart)
"#,
    )?;
    let text = output.take().text();
    let mut numbers = text.split_whitespace().map(str::parse::<f64>);
    let together = numbers.next().ok_or("no figure")??;
    let ours = numbers.next().ok_or("no figure")?? / together;
    // The reference is the machine's own gain: two processes of native Python.
    let python = python()?;
    let work = "n = 0\nfor i in range(10_000_000): n += i";
    let start = || {
        let mut command = Command::new(&python);
        command.args(["-I", "-c", work]).spawn()
    };
    let mut gains = Vec::new();
    for _ in 0..3 {
        let (apart, outcome) = timed(|| start()?.wait().and_then(|_| start()?.wait()));
        outcome?;
        let (together, outcome) = timed(|| {
            let (mut one, mut two) = (start()?, start()?);
            one.wait().and_then(|_| two.wait())
        });
        outcome?;
        gains.push(apart.as_secs_f64() / together.as_secs_f64());
    }
    gains.sort_by(f64::total_cmp);
    row(
        "gain of two computing interpreters | of two native processes",
        format!("{ours:.2} x"),
        format!("{:.2} x", gains[1]),
        ours / gains[1],
    );
    Ok(())
}

/// Compares a loop of 3,000,000 steps with native Python.
fn compute(runtime: &Runtime) -> Result<()> {
    const SOURCE: &str = r#"
import time
def work():
    n = 0
    for i in range(3_000_000):
        n += i
times = []
for _ in range(5):
    start = time.perf_counter_ns()
    work()
    times.append(time.perf_counter_ns() - start)
print(sorted(times)[2])
"#;
    let output = Output::captured(1 << 10);
    let interpreter = runtime.interpreter().stdout(output.clone()).build()?;
    interpreter.exec(SOURCE)?;
    let ours = Duration::from_nanos(output.take().text().trim().parse()?);
    let native = Command::new(python()?)
        .args(["-I", "-c", SOURCE])
        .output()?;
    let native = Duration::from_nanos(String::from_utf8(native.stdout)?.trim().parse()?);
    row(
        "a loop of 3,000,000 steps | native",
        micros(ours),
        micros(native),
        ours.as_secs_f64() / native.as_secs_f64(),
    );
    Ok(())
}

/// Measures the private memory of idle interpreters that have run something.
fn memory(runtime: &Runtime) -> Result<()> {
    const COUNT: u64 = 200;
    let mut interpreters = Vec::new();
    // The first one loads what all share.
    let first = runtime.interpreter().build()?;
    first.exec("pass")?;
    let before = private_memory()?;
    for _ in 0..COUNT {
        let interpreter = runtime.interpreter().build()?;
        interpreter.exec("pass")?;
        interpreters.push(interpreter);
    }
    let each = (private_memory()? - before) / COUNT;
    row(
        "private memory of an idle interpreter after exec | 1 MiB",
        format!("{each} KiB"),
        "1024 KiB".to_owned(),
        each as f64 / 1024.0,
    );
    Ok(())
}

/// Returns the number of minor page faults of this process.
fn page_faults() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let fields = text.rsplit(')').next().ok_or("a damaged file")?;
    let faults = fields.split_whitespace().nth(7).ok_or("a damaged file")?;
    Ok(faults.parse()?)
}

/// The sizes of messages, as powers of two.
fn exponents() -> impl Iterator<Item = u32> {
    (4..25).step_by(2)
}

/// Measures round trips of bytes between two interpreters by size.
fn sizes(runtime: &Runtime, samples: usize) -> Result<Series> {
    let exponents: Vec<_> = exponents().collect();
    let output = Output::captured(1 << 16);
    let interpreter = runtime
        .interpreter()
        .policy(Policy::new().children(4, 1)?)
        .stdout(output.clone())
        .build()?;
    interpreter.exec(format!(
        r#"
import interpreters, time
child = interpreters.create()
there_out, there = interpreters.create_channel()
back, back_in = interpreters.create_channel()
child.run_in_thread("for m in r: s.send(m)", channels=dict(r=there_out, s=back_in))
for exponent in {exponents:?}:
    message = bytes(1 << exponent)
    times = []
    for _ in range({samples}):
        start = time.perf_counter_ns()
        there.send(message)
        back.recv()
        times.append(time.perf_counter_ns() - start)
    print(1 << exponent, sorted(times)[len(times) // 2])
"#
    ))?;
    let text = output.take().text();
    let points = text.lines().map(|line| {
        let (size, nanos) = line.split_once(' ').ok_or("a figure is missing")?;
        Ok((size.to_owned(), Duration::from_nanos(nanos.parse()?)))
    });
    Ok(Series {
        name: "between Archipel interpreters".to_owned(),
        points: points.collect::<Result<_>>()?,
    })
}

/// Returns the memory that only this process uses, in KiB.
fn private_memory() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup")?;
    let mut sum = 0;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("Private_Dirty:") {
            sum += rest.trim().trim_end_matches(" kB").parse::<u64>()?;
        }
    }
    Ok(sum)
}

/// Compares the command line, with a warm cache, with CPython's.
fn hello(samples: usize) -> Result<()> {
    let script = std::env::temp_dir().join(format!("archipel-bench-{}.py", std::process::id()));
    std::fs::write(&script, "print('hello')\n")?;
    let run = |program: &str, argument: &str| -> Result<Duration> {
        let mut command = Command::new(program);
        command.arg(argument).arg(&script).stdout(Stdio::null());
        let (time, status) = timed(|| command.status());
        assert!(status?.success(), "{program} failed");
        Ok(time)
    };
    let python = python()?;
    let (mut ours, mut native) = (Vec::new(), Vec::new());
    for _ in 0..samples {
        ours.push(run(env!("CARGO_BIN_EXE_archipel"), "run")?);
        native.push(run(&python, "-I")?);
    }
    std::fs::remove_file(&script)?;
    let (ours, native) = (median(ours), median(native));
    row(
        "archipel run hello.py | python3 -I hello.py",
        micros(ours),
        micros(native),
        ours.as_secs_f64() / native.as_secs_f64(),
    );
    Ok(())
}

/// Returns the Python that the variable `PYTHON` names, or the path of `python3` itself, which can be a script that
/// searches for it first.
fn python() -> Result<String> {
    if let Ok(named) = std::env::var("PYTHON") {
        return Ok(named);
    }
    let output = Command::new("python3")
        .args(["-c", "import sys; print(sys.executable)"])
        .output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
