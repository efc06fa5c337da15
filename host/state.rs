//! What belongs to one instance: the data of its store.

use crate::broker::PartyId;
use crate::error::{Error, Result};
use crate::imports::Answer;
use crate::island::Island;
use crate::limits::Limits;
use crate::output::Output;
use crate::policy::{Access, Policy};
use crate::runtime::Context;
use std::sync::{Arc, Weak};
use std::time::Instant;
use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, Store};
use wasmtime_wasi::{FsPerms, HostMonotonicClock, WasiCtx, WasiCtxView, WasiView};

/// How many handles a guest may have: ends, interpreters, tasks, open files.
pub(crate) const HANDLES: usize = 4096;

/// The data of an instance's store.
pub(crate) struct State {
    pub(crate) context: Arc<Context>,
    pub(crate) island: Weak<Island>,
    pub(crate) party: PartyId,
    pub(crate) table: ResourceTable,
    /// What the guest holds, when it is asked.
    pub(crate) holdings: Answer,
    wasi: WasiCtx,
    limiter: Limiter,
}

impl State {
    /// A store for `island`.
    pub(crate) fn store(
        context: &Arc<Context>,
        island: &Arc<Island>,
        policy: &Policy,
        limits: &Limits,
        stdout: &Output,
        stderr: &Output,
    ) -> Result<Store<State>> {
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        let state = State {
            context: context.clone(),
            island: Arc::downgrade(island),
            party: island.party,
            table,
            holdings: Answer::default(),
            wasi: wasi(policy, stdout, stderr, island.started)?,
            limiter: Limiter {
                memory: limits.memory,
            },
        };
        let mut store = Store::new(&context.engine, state);
        store.limiter(|state| &mut state.limiter);
        store.epoch_deadline_async_yield_and_update(1);
        store.set_epoch_deadline(1);
        store.set_hostcall_fuel(crate::imports::MOST_PER_CALL);
        Ok(store)
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// What `policy` grants, as WASI understands it.
fn wasi(policy: &Policy, stdout: &Output, stderr: &Output, started: Instant) -> Result<WasiCtx> {
    let mut builder = WasiCtx::builder();
    builder
        .stdout(stdout.clone())
        .stderr(stderr.clone())
        .monotonic_clock(Since(started))
        // What `sys.argv` has in it where there is no script.
        .arg("")
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false);
    if policy.stdin {
        builder.inherit_stdin();
    }
    for (name, value) in &policy.env {
        builder.env(name, value);
    }
    for grant in &policy.dirs {
        let perms = match grant.access {
            Access::ReadOnly => FsPerms::ReadOnly,
            Access::ReadWrite => FsPerms::ReadWrite,
        };
        builder
            .preopened_dir(grant.path(), &grant.guest, perms)
            .map_err(|error| {
                Error::Config(format!(
                    "cannot open the granted directory {}: {error}",
                    grant.host.display()
                ))
            })?;
    }
    Ok(builder.build())
}

/// The monotonic clock, which for a copy goes on from where it was in the original.
struct Since(Instant);

impl HostMonotonicClock for Since {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

struct Limiter {
    memory: usize,
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= self.memory)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        _desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // The linked guest has one table, of a fixed size, which exists from the start.
        Ok(true)
    }
}
