//! The host side of the WIT imports: conversion and checks of what a guest passes.

mod aliases;
mod arrival;
pub(crate) mod channels;
mod governing;
mod holdings;
mod interpreters;
mod keeping;
pub(crate) mod message;
mod process;
mod tasks;
mod turns;
mod waiting;

use crate::exchange::End;
use crate::island::state::State;
use std::time::Duration;
use wasmtime::component::{HasData, Linker};

pub(crate) use aliases::{arguments, call_guest, call_host, told};
pub(crate) use arrival::Stranded;
pub(crate) use channels::Untold;
pub(crate) use holdings::{Answer, Holdings};
pub use interpreters::InterpreterRef;
pub(crate) use keeping::{Kept, account_of_all};
pub use tasks::Task;

/// A sender in a guest's table.
pub struct SenderEnd(pub(crate) End);

/// A receiver in a guest's table.
pub struct ReceiverEnd(pub(crate) End);

/// The maximum size of a message body, in bytes.
pub(crate) const MOST_BYTES: usize = 64 << 20;

/// The maximum number of bytes that the host copies for one call. The guest's own library refuses
/// larger messages earlier; exceeding this traps the guest.
pub(crate) const MOST_PER_CALL: usize = MOST_BYTES + (64 << 10);

/// The maximum length of the reason for poisoning a channel or cancelling an interpreter, in bytes.
/// The host stores one for each of them.
const LONGEST_REASON: usize = 64 << 10;

/// The maximum number of bytes queued in one channel.
pub(crate) const MOST_QUEUED: usize = 256 << 20;

/// The maximum number of bytes queued in all channels of a runtime, which bounds the host's memory
/// whatever guests do.
const MOST_QUEUED_IN_ALL: usize = 1 << 30;

/// The maximum number of channels that guests can create in a runtime, for the same reason.
const MOST_CHANNELS: usize = 1 << 20;

struct HasState;

impl HasData for HasState {
    type Data<'a> = &'a mut State;
}

/// Adds the imports to `linker`.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    use crate::island::bindings::archipel::island;
    island::aliases::add_to_linker::<State, HasState>(linker, |state| state)?;
    island::channels::add_to_linker::<State, HasState>(linker, |state| state)?;
    island::holdings::add_to_linker::<State, HasState>(linker, |state| state)?;
    island::interpreters::add_to_linker::<State, HasState>(linker, |state| state)?;
    island::process::add_to_linker::<State, HasState>(linker, |state| state)?;
    waiting::add_to_linker(linker)?;
    linker.allow_shadowing(true);
    channels::add_receive(linker)?;
    aliases::add_call(linker)?;
    tasks::add_results(linker)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Converts a guest's timeout in nanoseconds.
fn duration(timeout: Option<u64>) -> Option<Duration> {
    timeout.map(Duration::from_nanos)
}
