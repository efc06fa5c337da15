//! The host side of the WIT imports: conversion and checks of what a guest passes.

mod aliases;
mod arrival;
mod channels;
mod governing;
mod holdings;
mod interpreters;
mod process;
mod tasks;
mod waiting;

use crate::island::state::State;
use std::time::Duration;
use wasmtime::component::{HasData, Linker};

/// The maximum length of the reason for poisoning a channel or cancelling an interpreter, in bytes.
/// The host stores one for each of them.
const LONGEST_REASON: usize = 64 << 10;

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
