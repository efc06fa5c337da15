//! Interpreters are created and closed, and leave nothing behind.

use super::process::{Held, mebibytes};
use super::{Report, Size, Trouble, baseline};
use archipel::{Error, Output, Policy, Runtime};

/// The script of a life, and whether it succeeds.
const LIVES: [(&str, bool); 6] = [
    ("pass", true),
    ("x = [n * n for n in range(1000)]; print(sum(x))", true),
    ("def f(n): return f(n + 1)\nf(0)", false),
    ("1 / 0", false),
    (
        "import interpreters\nrecv, send = interpreters.create_channel(capacity=None)\n\
         other, lies = interpreters.create_channel(capacity=None)\n\
         for _ in range(10): send.send([other, lies])",
        true,
    ),
    (
        "import interpreters\nrecv, send = interpreters.create_channel()\n\
         child = interpreters.create()\n\
         task = child.run_in_thread('s.send(1)', channels=dict(s=send))\n\
         assert recv.recv() == 1\ntask.join()",
        true,
    ),
];

/// The maximum growth of memory, however many lives there are.
const MOST_GROWTH: u64 = 8 << 20;

/// Two threads create, execute and close interpreters, so that lives overlap.
pub fn check(size: Size, report: &mut Report) -> Result<(), Trouble> {
    let cycles = size.times(1000, 200..=100_000);
    let runtime = Runtime::builder().max_interpreters(8).build()?;
    // The first lives fill the slots, the allocator's pools and the threads' stacks.
    both(&runtime, (cycles / 10).max(500))?;
    let before = Held::now();
    let mut last = before;
    // The second half is also measured separately, since one-time growth ends in the first.
    both(&runtime, cycles / 2)?;
    let half = Held::now();
    both(&runtime, cycles / 2)?;
    last.memory = Held::now().memory;
    baseline(
        "interpreters, channels, waits and messages",
        &runtime,
        report,
    );
    let after = Held::now();
    let more = last.more_memory(&before);
    report.told("cycles", cycles);
    report.count(
        "growth of memory",
        mebibytes(more),
        format!("< {}", mebibytes(MOST_GROWTH)),
        more < MOST_GROWTH,
    );
    report.told(
        "growth in the second half",
        mebibytes(last.more_memory(&half)),
    );
    for (what, was, is) in [
        ("descriptors more", before.descriptors, after.descriptors),
        ("threads more", before.threads, after.threads),
    ] {
        report.count(what, is.saturating_sub(was), 0, is <= was);
    }
    let died = runtime.metrics().died;
    report.count("interpreters that died", died, 0, died == 0);
    Ok(())
}

fn both(runtime: &Runtime, cycles: usize) -> Result<(), Trouble> {
    std::thread::scope(|scope| {
        let threads = [0, 1].map(|first| {
            scope.spawn(move || {
                (first..cycles)
                    .step_by(2)
                    .try_for_each(|n| live(runtime, n))
            })
        });
        for thread in threads {
            thread.join().map_err(|_| "a thread panicked")??;
        }
        Ok(())
    })
}

fn live(runtime: &Runtime, number: usize) -> Result<(), Trouble> {
    // Most lives are the simplest one, which the bar refers to. The others take much longer.
    let (source, ends) = match number % 64 {
        busy @ 1..6 => LIVES[busy],
        _ => LIVES[0],
    };
    let interpreter = runtime
        .interpreter()
        .policy(Policy::new().children(1, 1)?)
        .stdout(Output::captured(100))
        .build()?;
    match interpreter.exec(source) {
        Ok(()) if ends => {}
        Err(Error::Raised(_)) if !ends => {}
        other => return Err(format!("{source:?} ended with {other:?}").into()),
    }
    interpreter.close()?;
    Ok(())
}
