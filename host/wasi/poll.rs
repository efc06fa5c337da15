//! `wasi:io/poll`, which says what is ready, with a note of what it was asked about last.
//!
//! A guest's library for sockets asks it, and the guest then waits for another answer with `waiting.wait`.

use crate::state::State;
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime::{Result, bail};
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::io::poll::{self, Host, HostPollable};

/// Adds the interface to `linker` in place of WASI's own.
pub(super) fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    poll::add_to_linker::<State, HasPolls>(linker, |state| Polls(state))
}

struct HasPolls;

impl HasData for HasPolls {
    type Data<'a> = Polls<'a>;
}

struct Polls<'a>(&'a mut State);

impl Host for Polls<'_> {
    async fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> Result<Vec<u32>> {
        // Each descriptor for reading and for writing, and a timeout.
        let most = self.0.handles.saturating_mul(2).saturating_add(1);
        if pollables.len() as u64 > most {
            bail!("a guest asks about {} pollables at once", pollables.len());
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

impl State {
    /// What the guest asked about last, as far as it is still there.
    pub(crate) fn polled(&self) -> impl Iterator<Item = Resource<DynPollable>> {
        let pollables = self.polled.iter().copied().map(Resource::new_borrow);
        pollables.filter(|pollable| self.table.get(pollable).is_ok())
    }

    /// Waits until one of `pollables` is ready, and returns which; for ever, if there are none.
    pub(crate) async fn ready(&mut self, pollables: Vec<Resource<DynPollable>>) -> Result<usize> {
        if pollables.is_empty() {
            return std::future::pending().await;
        }
        let ready = Host::poll(&mut self.table, pollables).await?;
        Ok(ready.first().map_or(0, |first| *first as usize))
    }
}
