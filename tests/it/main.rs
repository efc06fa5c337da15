//! All tests that need a guest, in one binary, so that wasmtime is linked once.

mod aliases;
mod cache;
mod cli;
mod collector;
mod command;
mod conformance;
mod copies;
mod embedding;
mod examples;
mod files;
mod fresh;
mod governing;
mod host;
mod hostile;
mod interrupt;
mod licences;
mod load;
mod locks;
mod map;
mod network;
mod packages;
mod plugin_host;
mod policy;
#[cfg(unix)]
mod repl;
mod run;
mod script;
mod scripts;
mod stock_wasmtime;
mod telemetry;
mod tidy;
mod unread;
mod values;
mod wasi;

use archipel::Runtime;
use std::sync::OnceLock;

/// The runtime that the tests share.
fn runtime() -> &'static Runtime {
    // Whether there is one is found out once: building a guest takes long, also where it fails.
    static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();
    let made = RUNTIME.get_or_init(|| Runtime::new().map_err(|error| error.to_string()));
    match made {
        Ok(runtime) => runtime,
        Err(error) => panic!("the guest cannot be built on this machine: {error}"),
    }
}

/// The root of the project.
fn root() -> &'static std::path::Path {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
}
