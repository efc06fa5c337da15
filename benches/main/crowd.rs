//! Many interpreters: their creation, their memory, and messages among them.

use crate::{Result, median, micros, private_memory, row, timed};
use archipel::{Binding, Capacity, Output, Policy, Runtime};
use std::time::{Duration, Instant};

/// The approximate amount that an interpreter writes, in bytes. It is large enough to be allocated by the system.
const FRESH: usize = 300 << 10;

/// Creates up to `count` interpreters in sequence, each of which runs something. Returns the time of each creation.
pub fn crowd(count: usize) -> Result<Vec<Duration>> {
    let runtime = Runtime::builder()
        .max_interpreters(count as u32 + 8)
        .build()?;
    runtime.interpreter().build()?.exec("pass")?;
    let before = private_memory()?;
    let mut all = Vec::with_capacity(count);
    let mut times = Vec::with_capacity(count);
    let part = 100.min(count / 2);
    let mut fresh = Vec::new();
    let mut written = Vec::new();
    for n in 0..count {
        let (time, made) = timed(|| {
            let interpreter = runtime.interpreter().build()?;
            interpreter.exec("pass")?;
            Ok::<_, archipel::Error>(interpreter)
        });
        all.push(made?);
        times.push(time);
        // Memory allocated in between would slow down only the last creations.
        if n < part || n >= count - part {
            let (time, memory) = timed(|| vec![1_u8; FRESH]);
            fresh.push(memory);
            written.push(time);
        }
    }
    let taken = private_memory()? - before - ((fresh.len() * FRESH) >> 10) as u64;
    drop(fresh);
    let ends = |times: &[Duration]| {
        let last = median(times[times.len() - part..].to_vec());
        (last, median(times[..part].to_vec()))
    };
    let (last, first) = ends(&times);
    row(
        &format!("the last {part} of {count} interpreters created | the first"),
        micros(last),
        micros(first),
        last.as_secs_f64() / first.as_secs_f64(),
    );
    // A virtual machine can have to request memory from its host that it has not used for long.
    let (last, first) = ends(&written);
    row(
        "as much memory written beside them, the last | the first",
        micros(last),
        micros(first),
        last.as_secs_f64() / first.as_secs_f64(),
    );
    row(
        &format!("memory of {count} interpreters | 5 GiB for 10,000"),
        format!("{} MiB", taken >> 10),
        format!("{} MiB", count * 5 * 1024 / 10_000),
        taken as f64 / 1024.0 / (count * 5 * 1024) as f64 * 10_000.0,
    );
    Ok(times)
}

/// Creates a burst of interpreters in a runtime with prewarmed instances and in one without. Returns the times of
/// both.
pub fn burst(count: usize) -> Result<[Vec<Duration>; 2]> {
    let ready = Runtime::builder().prewarmed(count as u32).build()?;
    let plain = Runtime::builder().build()?;
    let burst = |runtime: &Runtime| -> Result<Vec<Duration>> {
        let mut all = Vec::with_capacity(count);
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            let (time, made) = timed(|| runtime.interpreter().build());
            all.push(made?);
            times.push(time);
        }
        times.sort();
        Ok(times)
    };
    // The first interpreters load what all share.
    burst(&plain)?;
    while ready.metrics().prewarmed < count {
        std::thread::sleep(Duration::from_millis(1));
    }
    let (ours, reference) = (burst(&ready)?, burst(&plain)?);
    for (name, place) in [("median", count / 2), ("99th percentile", count * 99 / 100)] {
        row(
            &format!("create one of a burst of {count}, prewarmed, {name} | not"),
            micros(ours[place]),
            micros(reference[place]),
            ours[place].as_secs_f64() / reference[place].as_secs_f64(),
        );
    }
    Ok([ours, reference])
}

/// Passes a token around a ring of interpreters.
pub fn ring(count: usize, rounds: u32) -> Result<()> {
    let runtime = Runtime::builder()
        .max_interpreters(count as u32 + 8)
        .build()?;
    let (first, mut left) = runtime.channel(Capacity::Bounded(1))?;
    let mut members = Vec::new();
    std::thread::scope(|scope| -> Result<()> {
        for _ in 0..count {
            let interpreter = runtime.interpreter().build()?;
            let (right, next) = runtime.channel(Capacity::Bounded(1))?;
            interpreter.prepare_main([("left", Binding::from(left)), ("right", right.into())])?;
            left = next;
            members.push(interpreter);
        }
        // These threads only wait for interpreters that run on the workers.
        for member in &members {
            std::thread::Builder::new()
                .stack_size(1 << 17)
                .spawn_scoped(scope, || {
                    member.exec("for token in left: right.send(token)\ndel right")
                })?;
        }
        first.send(0)?;
        left.recv()?;
        let start = Instant::now();
        for round in 0..rounds {
            first.send(i64::from(round))?;
            left.recv()?;
        }
        let hop = start.elapsed() / (rounds * count as u32);
        row(
            &format!("a hop of a token in a ring of {count} | 15 µs"),
            micros(hop),
            "15 µs".to_owned(),
            hop.as_secs_f64() * 1e6 / 15.0,
        );
        drop(first);
        Ok(())
    })
}

/// Sends messages from many interpreters to one.
pub fn fan_in(senders: usize, each: usize) -> Result<()> {
    let runtime = Runtime::builder().build()?;
    let output = Output::captured(1 << 10);
    let parent = runtime
        .interpreter()
        .policy(Policy::new().children(senders as u32, 1)?)
        .stdout(output.clone())
        .build()?;
    parent.exec(format!(
        r#"
import interpreters, time
receive, send = interpreters.create_channel(capacity=1000)
children = [interpreters.create() for _ in range({senders})]
tasks = [c.run_in_thread("for n in range({each}): s.send(n)\ndel s", channels=dict(s=send)) for c in children]
del send
first = receive.recv()
start = time.perf_counter_ns()
count = sum(1 for _ in receive)
print((time.perf_counter_ns() - start) // count)
"#
    ))?;
    let nanos: f64 = output.take().text().trim().parse()?;
    row(
        &format!("messages a second from {senders} to one | 200,000"),
        format!("{:.0}", 1e9 / nanos),
        "200000".to_owned(),
        1e9 / nanos / 200_000.0,
    );
    Ok(())
}
