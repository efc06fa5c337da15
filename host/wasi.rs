//! What WASI lets an interpreter do: what its policy says.

mod clock;
mod connection;
mod files;
mod net;
#[cfg(unix)]
mod open;
mod opened;
mod poll;
mod random;
mod stream;

use crate::descriptors::Held;
use crate::error::{Error, Result};
use crate::island::Island;
use crate::output::CountedOutput;
use crate::policy::{Access, DirGrant, Random};
use crate::standing::Standing;
use crate::state::State;
use crate::telemetry;
use rustix::io::Errno;
use std::sync::Arc;
use wasmtime::component::Linker;
use wasmtime_wasi::{FsPerms, WasiCtx};

pub(crate) use files::Meters;
pub(crate) use net::Net;

/// What an interpreter has of WASI.
pub(crate) struct Granted {
    pub(crate) wasi: WasiCtx,
    pub(crate) net: Arc<Net>,
    pub(crate) meters: Meters,
    /// Its clock, if that does not go by itself.
    pub(crate) standing: Option<Arc<Standing>>,
}

/// What the policy of `island` grants.
pub(crate) fn granted(island: &Arc<Island>) -> Result<Granted> {
    let settings = &island.settings;
    let policy = &settings.policy;
    let mut builder = WasiCtx::builder();
    builder
        .stdout(CountedOutput::new(island, &settings.stdout))
        .stderr(CountedOutput::new(island, &settings.stderr))
        // What `sys.argv` begins with where there is no script.
        .arg("")
        .args(&policy.args);
    let standing = clock::set(&mut builder, policy.clock, island.started);
    let net = Net::set(&mut builder, island, &policy.net);
    if let Random::Seeded(seed) = policy.random {
        random::seed(&mut builder, seed, island.id);
    }
    if policy.stdin {
        builder.inherit_stdin();
    }
    for (name, value) in policy.variables() {
        builder.env(name, value);
    }
    let mut meters = Meters::new(policy);
    if !policy.dirs.is_empty() {
        let held = Held::take(&island.family, policy.dirs.len()).ok_or_else(|| {
            telemetry::few_descriptors(island);
            Error::Exhausted("few descriptors are left, and others need them".to_owned())
        })?;
        meters.descriptors.granted = Some(held);
    }
    for grant in &policy.dirs {
        let perms = match grant.access {
            Access::ReadOnly => FsPerms::ReadOnly,
            Access::ReadWrite => FsPerms::ReadWrite,
        };
        builder
            .preopened_dir(grant.path(), &grant.guest, perms)
            .map_err(|error| not_opened(grant, &error))?;
    }
    Ok(Granted {
        wasi: builder.build(),
        net,
        meters,
        standing,
    })
}

/// What it means that a granted directory cannot be opened.
fn not_opened(grant: &DirGrant, error: &wasmtime::Error) -> Error {
    let error = error.root_cause();
    let of_system = error.downcast_ref::<std::io::Error>();
    match of_system.and_then(Errno::from_io_error) {
        Some(Errno::MFILE | Errno::NFILE) => Error::Exhausted(error.to_string()),
        _ => Error::Config(format!(
            "cannot open the granted directory {}: {error}",
            grant.host.display()
        )),
    }
}

/// Adds WASI to `linker`, with our own in place of what knows no policies.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
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
