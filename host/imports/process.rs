//! The host side of the `process` imports: interruptions and exit.

use crate::exec::interrupt;
use crate::island::bindings::archipel::island::process::{Host, Interruption};
use crate::island::state::State;
use wasmtime::Result;
use wasmtime_wasi::I32Exit;

impl Host for State {
    fn take_interruption(&mut self) -> Result<Option<Interruption>> {
        Ok(self.interrupt.take().map(|asked| match asked {
            interrupt::Interruption::Keyboard => Interruption::Keyboard,
            interrupt::Interruption::Cancelled(message) => {
                Interruption::Cancelled(message.to_string())
            }
        }))
    }

    fn exit(&mut self, status: u8) -> Result<()> {
        Err(I32Exit(i32::from(status)).into())
    }
}
