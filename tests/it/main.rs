//! All tests that need a guest, in one binary, so that wasmtime is linked only once.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking, also in functions that several tests share"
)]

// Replaces the standard library's `#[test]` in all modules.
#[macro_use]
extern crate archipel_test_attribute;

/// The text of a Python file in `tests/python`.
macro_rules! python {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/", $path))
    };
}

mod adapted;
mod aliases;
mod arrows;
mod book;
mod cache;
mod cli;
mod collector;
mod command;
mod conformance;
mod copies;
mod embedding;
mod examples;
mod exceptions;
mod extensions;
mod files;
mod fresh;
mod governing;
mod guest;
mod harness;
mod host;
mod hostile;
mod images;
mod interrupt;
mod licences;
mod load;
mod locks;
mod map;
mod network;
mod packages;
mod plugin_host;
mod policy;
mod prose;
mod python_package;
#[cfg(unix)]
mod repl;
mod run;
mod science;
mod script;
mod scripts;
mod stock_wasmtime;
mod telemetry;
mod tidy;
mod tls;
mod unread;
mod untuned;
mod values;
mod wasi;
mod wheels;

use archipel::Runtime;
use std::process::ExitCode;
use std::sync::OnceLock;

fn main() -> ExitCode {
    let found = conformance::tests()
        .chain(examples::tests())
        .chain(hostile::tests())
        .chain(network::tests())
        .chain(tls::tests())
        .chain(python_package::tests())
        .chain(scripts::tests());
    harness::run(found)
}

/// Returns the runtime that the tests share.
fn runtime() -> &'static Runtime {
    // Try only once: building a guest takes long, even if it fails.
    static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();
    let made = RUNTIME.get_or_init(|| Runtime::new().map_err(|error| error.to_string()));
    match made {
        Ok(runtime) => runtime,
        Err(error) => panic!("cannot build the guest on this machine: {error}"),
    }
}

/// Returns the root folder of the project.
fn root() -> &'static std::path::Path {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
}
