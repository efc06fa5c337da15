//! The import for the end of an interpreter.

use crate::bindings::archipel::island::process::Host;
use crate::state::State;
use wasmtime::Result;
use wasmtime_wasi::I32Exit;

impl Host for State {
    fn exit(&mut self, status: u8) -> Result<()> {
        Err(I32Exit(i32::from(status)).into())
    }
}
