//! WASI for an interpreter, as far as its policy grants it.

mod clock;
mod connection;
pub(crate) mod descriptors;
mod files;
mod net;
mod opened;
mod poll;
mod random;
pub(crate) mod stdout;

use crate::exec::frozen_clock::FrozenClock;
use crate::island::Island;
use crate::island::state::State;
use archipel_core::policy::Random;
use std::sync::Arc;
use wasmtime::component::Linker;
use wasmtime_wasi::WasiCtx;

pub use files::remove_private_folders;
pub(crate) use files::{Listing, Meters};
pub(crate) use net::Net;
use stdout::CountedOutput;

/// The maximum number of random bytes in one call: more than libc asks for, and few enough to be
/// fast.
const MOST_RANDOM: u64 = 1 << 20;

/// The WASI state of an interpreter.
pub(crate) struct Granted {
    pub(crate) wasi: WasiCtx,
    pub(crate) net: Arc<Net>,
    pub(crate) meters: Meters,
    /// Its clock, if that is frozen.
    pub(crate) frozen: Option<Arc<FrozenClock>>,
}

/// Returns what the policy of `island` grants.
pub(crate) fn granted(island: &Arc<Island>) -> Granted {
    let settings = &island.settings;
    let policy = &settings.policy;
    let mut builder = WasiCtx::builder();
    builder
        .stdout(CountedOutput::new(island, &settings.stdout))
        .stderr(CountedOutput::new(island, &settings.stderr))
        // The first item of `sys.argv` if there is no script.
        .arg("")
        .args(policy.parts().args);
    let frozen = clock::set(&mut builder, policy.parts().clock, island.started);
    let net = Net::set(&mut builder, island, policy.parts().net);
    builder.max_random_size(MOST_RANDOM);
    if let Random::Seeded(seed) = policy.parts().random {
        random::seed(&mut builder, seed, island.id);
    }
    if policy.parts().stdin {
        builder.inherit_stdin();
    }
    for (name, value) in policy.variables() {
        builder.env(name, value);
    }
    Granted {
        wasi: builder.build(),
        net,
        meters: Meters::default(),
        frozen,
    }
}

/// Adds WASI to `linker`. Interfaces that a policy controls are replaced.
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
