//! The host side of the WIT imports: conversion and checks of what a guest passes.
//!
//! They are implemented on views of a store's state: most on [`Caller`], some on less.

mod aliases;
mod arrival;
mod channels;
mod failure;
mod governing;
mod holdings;
mod interpreters;
mod process;
mod refusal;
mod tasks;
mod tls;
mod waiting;

use crate::island::caller::{Caller, Ports};
use crate::island::state::State;
use arrival::Fits;
use holdings::{HasReporter, Reporter};
use process::{HasProcess, Process};
use std::time::Duration;
use wasmtime::component::{HasData, Linker};

/// The maximum length of the reason for poisoning a channel or cancelling an interpreter, in bytes.
/// The host stores one for each of them.
const LONGEST_REASON: usize = 64 << 10;

struct HasCaller;

impl HasData for HasCaller {
    type Data<'a> = Caller<'a>;
}

/// Adds the imports to `linker`.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    use crate::island::bindings::archipel::island;
    island::aliases::add_to_linker::<State, HasCaller>(linker, State::caller)?;
    island::channels::add_to_linker::<State, HasCaller>(linker, State::caller)?;
    island::holdings::add_to_linker::<State, HasReporter>(linker, |state| Reporter {
        table: &state.wasi.table,
        report: &mut state.holdings,
        handles: state.ports.handles,
    })?;
    island::interpreters::add_to_linker::<State, HasCaller>(linker, State::caller)?;
    island::process::add_to_linker::<State, HasProcess>(linker, |state| Process {
        interrupt: &state.ports.interrupt,
    })?;
    island::tls::add_to_linker::<State, HasCaller>(linker, State::caller)?;
    waiting::add_to_linker(linker)?;
    linker.allow_shadowing(true);
    channels::add_copying(linker)?;
    aliases::add_call(linker)?;
    tasks::add_results(linker)?;
    tls::add_advance(linker)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Returns the result of a call that other interpreters or the host took part in, or `instead` if the guest has no
/// room for it.
///
/// The others may have stopped the guest, on another thread. It then gets no result: this waits to be dropped.
fn answer<R: Send>(
    ports: &Ports,
    result: R,
    instead: R,
) -> impl Future<Output = Fits<R>> + Send + use<R> {
    let own = ports.island.upgrade();
    async move {
        if let Some(own) = own {
            own.unless_stopping().await;
        }
        Fits::or(result, instead)
    }
}

/// Converts a guest's timeout in nanoseconds.
fn duration(timeout: Option<u64>) -> Option<Duration> {
    timeout.map(Duration::from_nanos)
}
