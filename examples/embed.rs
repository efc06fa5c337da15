//! An embedding with two interpreters and two channels: `cargo run --example embed`.

use archipel::{Binding, Capacity, Limits, Output, Runtime};
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = Runtime::new()?;
    let (numbers, inbox) = runtime.channel(Capacity::Bounded(16))?;
    let (outbox, squares) = runtime.channel(Capacity::Unbounded)?;

    // Neither interpreter has files, environment variables or network access; each has 64 MiB and five seconds.
    let limits = Limits::new().memory(64 << 20).wall(Duration::from_secs(5));
    let workers = ["even", "odd"].map(|name| {
        let interpreter = runtime
            .interpreter()
            .limits(limits)
            .stdout(Output::host_stdout())
            .build()?;
        interpreter.prepare_main([
            ("name", Binding::from(name)),
            ("inbox", inbox.clone().into()),
            ("outbox", outbox.clone().into()),
        ])?;
        Ok::<_, archipel::Error>(std::thread::spawn(move || {
            interpreter.exec("for n in inbox: outbox.send((name, n, n * n))\ndel outbox")
        }))
    });
    drop((inbox, outbox));

    for n in 1..=10 {
        numbers.send(n)?;
    }
    drop(numbers);
    for answer in squares.iter() {
        println!("{answer}");
    }
    for worker in workers {
        worker?.join().map_err(|_| "a worker panicked")??;
    }
    Ok(())
}
