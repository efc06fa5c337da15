//! WASI for an interpreter, as far as its policy grants it: files, network, clocks, random numbers and output.
//!
//! Its functions reach the [`Wasi`] of a store and nothing else of it.

mod clock;
mod connection;
pub(crate) mod descriptors;
mod files;
mod net;
mod opened;
mod poll;
mod random;
mod stdout;

use crate::account::LimitOwner;
use crate::exec::blocking::Blocking;
use crate::exec::frozen_clock::FrozenClock;
use crate::output::Output;
use crate::telemetry::Subject;
use archipel_core::ledger::Account;
use archipel_core::policy::{DirGrant, Policy, Random};
use descriptors::DescriptorBudget;
use files::OpenFiles;
use net::Net;
use std::sync::Arc;
use std::time::Instant;
use stdout::CountedOutput;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

pub(crate) use files::Listing;
pub use files::remove_private_folders;

/// The maximum number of random bytes in one call: more than libc asks for, and few enough to be
/// fast.
const MOST_RANDOM: u64 = 1 << 20;

/// The number of handles of an open file or socket: itself, two streams and what waits for them.
const OPENED: usize = 6;

/// An entry of the table that shows that there is room.
struct Probe;

/// The WASI state of an interpreter.
pub(crate) struct Wasi {
    /// The table of all handles of the guest.
    pub(crate) table: ResourceTable,
    ctx: WasiCtx,
    subject: Subject,
    account: Arc<Account>,
    descriptors: DescriptorBudget,
    blocking: Blocking,
    /// The granted directories.
    directories: Vec<DirGrant>,
    files: OpenFiles,
    net: Arc<Net>,
    frozen: Option<Arc<FrozenClock>>,
    /// The limit on handles.
    handles: u64,
    /// The pollables of the last `wasi:io/poll` call, by number; some may be gone.
    polled: Vec<u32>,
}

/// A store's state that contains a [`Wasi`].
pub(crate) trait HasWasi: WasiView + 'static {
    /// Returns the WASI state.
    fn wasi(&self) -> &Wasi;

    /// Returns the WASI state.
    fn wasi_mut(&mut self) -> &mut Wasi;
}

/// The properties of an interpreter on which its WASI state depends.
pub(crate) struct Grants<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) stdout: &'a Output,
    pub(crate) stderr: &'a Output,
    pub(crate) subject: &'a Subject,
    pub(crate) account: &'a Arc<Account>,
    pub(crate) owner: &'a Arc<dyn LimitOwner>,
    pub(crate) descriptors: &'a DescriptorBudget,
    pub(crate) blocking: &'a Blocking,
    /// The start of its clock.
    pub(crate) started: Instant,
    /// The limit on handles.
    pub(crate) handles: u64,
}

impl Wasi {
    /// Creates the state that `grants` allow, whose handles are in `table`.
    pub(crate) fn new(grants: &Grants<'_>, table: ResourceTable) -> Wasi {
        let parts = grants.policy.parts();
        let output = |output| CountedOutput::new(output, grants.account, grants.owner);
        let mut builder = WasiCtx::builder();
        builder
            .stdout(output(grants.stdout))
            .stderr(output(grants.stderr))
            // The first item of `sys.argv` if there is no script.
            .arg("")
            .args(parts.args);
        let frozen = clock::set(&mut builder, parts.clock, grants.started);
        let net = Net::set(&mut builder, grants.subject, parts.net);
        builder.max_random_size(MOST_RANDOM);
        if let Random::Seeded(seed) = parts.random {
            random::seed(&mut builder, seed, grants.subject.interpreter);
        }
        if parts.stdin {
            builder.inherit_stdin();
        }
        for (name, value) in grants.policy.variables() {
            builder.env(name, value);
        }
        Wasi {
            table,
            ctx: builder.build(),
            subject: grants.subject.clone(),
            account: grants.account.clone(),
            descriptors: grants.descriptors.clone(),
            blocking: grants.blocking.clone(),
            directories: parts.dirs.to_vec(),
            files: OpenFiles::default(),
            net,
            frozen,
            handles: grants.handles,
            polled: Vec::new(),
        }
    }

    /// Returns whether the table has room for what opening a file or a socket needs. Without, the open fails, and the
    /// guest goes on; a full table would stop it.
    fn has_room_to_open(&mut self) -> bool {
        let mut probes = [const { None }; OPENED];
        for probe in &mut probes {
            *probe = self.table.push(Probe).ok();
        }
        let fits = probes.iter().all(Option::is_some);
        for probe in probes.into_iter().flatten() {
            // It was added above.
            let _ = self.table.delete(probe);
        }
        fits
    }

    /// Returns the interpreter's clock, if that is frozen.
    pub(crate) fn frozen_clock(&self) -> Option<&Arc<FrozenClock>> {
        self.frozen.as_ref()
    }
}

impl WasiView for Wasi {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.ctx,
            table: &mut self.table,
        }
    }
}

/// Adds WASI to `linker`. Interfaces that a policy controls are replaced.
pub(crate) fn add_to_linker<T: HasWasi>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    linker.allow_shadowing(true);
    clock::add_to_linker(linker)?;
    connection::add_to_linker(linker)?;
    files::add_to_linker(linker)?;
    net::add_to_linker(linker)?;
    poll::add_to_linker(linker)?;
    linker.allow_shadowing(false);
    Ok(())
}
