//! All tests that need a guest, in one binary, so that wasmtime is linked once.

mod cache;
mod cli;
mod conformance;
mod copies;
mod examples;
mod fresh;
mod host;
mod packages;
mod policy;
mod script;
mod scripts;
mod tidy;
mod values;

use archipel::Runtime;
use std::sync::OnceLock;

/// The runtime that the tests share.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("the guest can be built on this machine"))
}

/// The root of the project.
fn root() -> &'static std::path::Path {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
}
