//! A small host for plugins: `cargo run --example plugin_host [FOLDER]`.
//!
//! Each folder in FOLDER with a `plugin.py` is a plugin.  Its `policy.toml` has its grants, its limits, and the host
//! functions that it wants.  The host reads events from standard input, one `kind text` per line, sends each to all
//! plugins, and prints their answers and outcomes.  It reloads a plugin whose files have changed before the next
//! event.

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
    eprintln!("enter events as lines like `greet Ada`; end of input exits");
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
