//! A small host for plugins: `cargo run --example plugin_host [FOLDER]`.
//!
//! Each folder in FOLDER with a `plugin.py` is a plugin.  Its `policy.toml` says what it may do, how much it may
//! use, and which functions of the host's it wants.  The host sends all plugins the events that it reads,
//! one `kind text` in a line, and prints what they answer and what became of them.  A plugin whose files have
//! changed is loaded again before the next event.

pub mod host;
mod plugin;
pub mod services;

use host::{Event, Host};
use services::Services;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given = std::env::args_os().nth(1);
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/plugins");
    let folder = given.map_or(ours, Into::into);

    let settings = [("greeting", "Hello"), ("language", "en")];
    let services = Services::new(settings, |line| println!("  log: {line}"));
    let mut host = Host::new(archipel::Runtime::new()?, services, folder);
    eprintln!("events are lines like `greet Ada`; the input's end is the end");
    for line in std::io::stdin().lines() {
        let line = line?;
        let (kind, text) = line.split_once(' ').unwrap_or((&line, ""));
        let changes = host.refresh()?;
        for change in changes {
            println!("  {change}");
        }
        for report in host.send(&Event::new(kind, text)) {
            println!("  {report}");
        }
    }
    println!("{}", host.summary());
    Ok(())
}
