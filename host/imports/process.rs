//! The host side of the `process` imports: interruptions and exit.

use crate::exec::interrupt::{self, Interrupt};
use crate::island::bindings::archipel::island::process::{Host, Interruption};
use wasmtime::Result;
use wasmtime::component::HasData;
use wasmtime_wasi::I32Exit;

/// The part of a store's state that these imports reach.
pub(super) struct Process<'a> {
    pub(super) interrupt: &'a Interrupt,
}

pub(super) struct HasProcess;

impl HasData for HasProcess {
    type Data<'a> = Process<'a>;
}

impl Host for Process<'_> {
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
