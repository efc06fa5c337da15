//! `wasi:io/poll`, with a record of the last call's pollables.
//!
//! The guest's socket library calls it, and then waits for the same pollables with `waiting.wait`.

use crate::wasi::{HasWasi, Wasi};
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime::{Result, bail};
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::io::poll::{self, Host, HostPollable};

/// Adds the interface to `linker`. It replaces wasmtime's.
pub(super) fn add_to_linker<T: HasWasi>(linker: &mut Linker<T>) -> Result<()> {
    poll::add_to_linker::<T, HasPolls>(linker, |state| Polls(state.wasi_mut()))
}

struct HasPolls;

impl HasData for HasPolls {
    type Data<'a> = Polls<'a>;
}

struct Polls<'a>(&'a mut Wasi);

impl Host for Polls<'_> {
    async fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> Result<Vec<u32>> {
        // Two for each descriptor, for reading and for writing, and a timeout.
        let most = self.0.handles.saturating_mul(2).saturating_add(1);
        if pollables.len() as u64 > most {
            bail!("the guest polls {} pollables at once", pollables.len());
        }
        self.0.polled.clear();
        self.0.polled.extend(pollables.iter().map(Resource::rep));
        Host::poll(&mut self.0.table, pollables).await
    }
}

impl HostPollable for Polls<'_> {
    async fn block(&mut self, pollable: Resource<DynPollable>) -> Result<()> {
        HostPollable::block(&mut self.0.table, pollable).await
    }

    async fn ready(&mut self, pollable: Resource<DynPollable>) -> Result<bool> {
        HostPollable::ready(&mut self.0.table, pollable).await
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> Result<()> {
        HostPollable::drop(&mut self.0.table, pollable)
    }
}

impl Wasi {
    /// Returns the pollables of the last call that still exist.
    pub(crate) fn polled(&self) -> impl Iterator<Item = Resource<DynPollable>> {
        let pollables = self.polled.iter().copied().map(Resource::new_borrow);
        pollables.filter(|pollable| self.table.get(pollable).is_ok())
    }

    /// Waits until one of `pollables` is ready, and returns its index. If there are none, it never
    /// returns.
    pub(crate) async fn ready(&mut self, pollables: Vec<Resource<DynPollable>>) -> Result<usize> {
        if pollables.is_empty() {
            return std::future::pending().await;
        }
        let ready = Host::poll(&mut self.table, pollables).await?;
        Ok(ready.first().map_or(0, |first| *first as usize))
    }
}
