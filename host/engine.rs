//! The wasmtime engine, set up for islands, and the compiled guest in it.

use crate::cache::{CompiledCache, Lookup};
use crate::exchange::Exchange;
use archipel_core::error::{Error, Result};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once, Weak};
use std::time::Duration;
use wasmtime::component::Component;
use wasmtime::{Config, Enabled, Engine, PoolingAllocationConfig};

/// How often running guests are interrupted, to let others run and to look at limits.
pub(crate) const TICK: Duration = Duration::from_millis(5);

/// How many ticks pass between two searches for interpreters that wait in vain.
const TICKS_PER_SEARCH: u64 = 20;

/// The stack of a guest's calls.  CPython raises RecursionError long before this is used up.
const WASM_STACK: usize = 4 << 20;

/// What is left of a fiber's stack for the host's own functions.
const HOST_STACK: usize = 1 << 20;

/// How much of an interpreter's memory is cleaned by copying when its slot is used again.  Giving
/// pages back to the system instead costs a fault for each of them later.
const KEEP_RESIDENT: usize = 2 << 20;

/// What guests are compiled with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Features {
    /// They can be interrupted while they compute.
    pub(crate) interruption: bool,
    /// They count fuel.
    pub(crate) fuel: bool,
}

/// The settings common to all ways to allocate.
fn config(features: Features) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(features.interruption)
        .consume_fuel(features.fuel)
        // Nothing here uses the asynchronous component model; the host's asynchrony needs none.
        .concurrency_support(false)
        .wasm_component_model_async(false)
        // The guest uses none of these, and what is off cannot be attacked.
        .wasm_threads(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_relaxed_simd(false)
        .wasm_backtrace_max_frames(None)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(WASM_STACK + HOST_STACK)
        // The snapshot is mapped copy-on-write only while it counts as dense.
        .memory_guaranteed_dense_image_size(1 << 30);
    config
}

fn pooled(interpreters: u32, features: Features) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(interpreters)
        // Beside the guest itself, its component has two small modules that tie it to the imports.
        .total_core_instances(interpreters.saturating_mul(3))
        .total_memories(interpreters)
        .total_tables(interpreters.saturating_mul(2))
        .total_stacks(interpreters)
        .max_core_instances_per_component(8)
        .max_memories_per_component(1)
        .max_tables_per_component(4)
        .max_component_instance_size(1 << 20)
        .max_core_instance_size(1 << 20)
        .table_elements(1 << 16)
        .max_memory_size(archipel_core::limits::MOST_MEMORY)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(1 << 20)
        .pagemap_scan(Enabled::Auto);
    let mut config = config(features);
    config.allocation_strategy(pool);
    config
}

/// For a system that gives away little address space: memories are only as large as they need to be,
/// and guests check the bounds of every access instead of running into what was reserved.
fn frugal(features: Features) -> Config {
    let mut config = config(features);
    config
        .memory_reservation(0)
        .memory_reservation_for_growth(4 << 20)
        .memory_guard_size(1 << 16);
    config
}

/// What it means that wasmtime could not do what should always be possible.
pub(crate) fn failure(error: wasmtime::Error) -> Error {
    let refused = error.is::<wasmtime::OutOfMemory>();
    let out_of_memory = refused
        || error.chain().any(|cause| {
            cause.downcast_ref() == Some(&rustix::io::Errno::NOMEM)
                || cause.is::<wasmtime::OutOfMemory>()
                || cause
                    .downcast_ref::<std::io::Error>()
                    .is_some_and(|cause| cause.kind() == std::io::ErrorKind::OutOfMemory)
        });
    match out_of_memory {
        true => Error::NoMemory(error.root_cause().to_string()),
        false => Error::Internal(error.into()),
    }
}

/// How many mappings of memory an interpreter takes: two of its stack, which are there from the start, and four
/// of its memory and its tables.
const MAPPINGS: u64 = 6;

/// How many the rest of a process takes, and some more.
const OTHER_MAPPINGS: u64 = 1000;

/// How many mappings a process may have, where the system says so.
fn allowed_mappings() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/sys/vm/max_map_count").ok()?;
    text.trim().parse().ok()
}

/// Refuses what would meet the system's limit later, in the middle of something: then the process cannot
/// even get memory for itself.
fn check_mappings(interpreters: u32, allowed: Option<u64>) -> Result<()> {
    let wanted = u64::from(interpreters) * MAPPINGS + OTHER_MAPPINGS;
    match allowed {
        Some(allowed) if wanted > allowed => Err(Error::Config(format!(
            "room for {interpreters} interpreters takes {wanted} mappings of memory, and vm.max_map_count is \
             {allowed}: raise it with sysctl, or ask for at most {}",
            allowed.saturating_sub(OTHER_MAPPINGS) / MAPPINGS
        ))),
        _ => Ok(()),
    }
}

/// An engine for at most `interpreters` at a time, and how many slots it reserved: none where the
/// address space for them was refused, in which case each is allocated as it is created.
pub(crate) fn engine(interpreters: u32, features: Features) -> Result<(Engine, Option<u32>)> {
    check_mappings(interpreters, allowed_mappings())?;
    if !PoolingAllocationConfig::is_pagemap_scan_available() {
        static SAID: Once = Once::new();
        SAID.call_once(|| {
            tracing::debug!(
                "the system has no PAGEMAP_SCAN (Linux 6.7 has), without which cleaning a slot takes longer"
            );
        });
    }
    let engine = match Engine::new(&pooled(interpreters, features)) {
        Ok(engine) => (engine, Some(interpreters)),
        Err(error) => {
            tracing::warn!(
                "no address space for {interpreters} interpreters, which makes creating and running \
                 them slower (`ulimit -v` or vm.overcommit_memory limits it): {error:#}"
            );
            let engine = Engine::new(&frugal(features)).map_err(failure)?;
            (engine, None)
        }
    };
    Ok(engine)
}

/// Interrupts the guests of `engine` every [`TICK`], and looks now and then for those that wait for
/// each other in vain while others run, for as long as somebody holds `exchange`.
///
/// There is one ticker for an engine: one for each call would make the deadlines of all others
/// come early.
pub(crate) fn start_ticker(engine: &Engine, exchange: &Arc<Exchange>) -> Result<()> {
    let engine = engine.weak();
    let exchange: Weak<Exchange> = Arc::downgrade(exchange);
    std::thread::Builder::new()
        .name("archipel-ticker".to_owned())
        .spawn(move || {
            for tick in 1_u64.. {
                std::thread::sleep(TICK);
                let (Some(engine), Some(exchange)) = (engine.upgrade(), exchange.upgrade()) else {
                    break;
                };
                engine.increment_epoch();
                if tick.is_multiple_of(TICKS_PER_SEARCH) {
                    exchange.with(|broker, effects| broker.check_deadlock(effects));
                }
            }
        })
        .map_err(Error::of_system)?;
    Ok(())
}

/// A guest to be compiled.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    /// What tells this guest from others.
    pub(crate) key: String,
}

/// Events of preparing the guest, for whoever shows progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// The guest is being built, with what is done now.
    Build(&'static str),
    /// The guest is being compiled for this machine.
    Compile,
    /// The compiled guest in the cache was damaged or foreign, with what was wrong.
    Damaged(&'static str),
    /// The cache cannot be used, so the guest is compiled for this process alone.
    NoCache,
}

/// The compiled guest, from the cache or made now.
pub(crate) fn compile(
    engine: &Engine,
    source: &Source,
    cache: Option<&CompiledCache>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Component> {
    // The hash has to be the same in every process, so the hasher has no keys of its own.
    let hasher = BuildHasherDefault::<DefaultHasher>::new();
    let compatibility = hasher.hash_one(engine.precompile_compatibility_hash());
    let key = format!("{}-{compatibility:016x}", source.key);
    let cached = |progress: Option<&mut dyn FnMut(Progress)>| {
        let Some(cache) = cache else { return Ok(None) };
        let damage = match cache.find(&key) {
            Lookup::Found(path) => match load(engine, &path).map_err(failure) {
                Ok(component) => return Ok(Some(component)),
                // There would be none to compile it anew either.
                Err(error @ Error::NoMemory(_)) => return Err(error),
                Err(_) => "wasmtime refuses it",
            },
            Lookup::Absent => return Ok(None),
            Lookup::Damaged(why) => why,
        };
        if let Some(progress) = progress {
            progress(Progress::Damaged(damage));
        }
        Ok(None)
    };
    if let Some(component) = cached(None)? {
        return Ok(component);
    }
    // Whoever held the lock may have compiled it.
    let _lock = cache.and_then(CompiledCache::lock);
    if let Some(component) = cached(Some(&mut *progress))? {
        return Ok(component);
    }
    progress(Progress::Compile);
    let bytes = std::fs::read(&source.path).map_err(|error| {
        Error::Guest(
            anyhow::Error::new(error).context(format!("cannot read {}", source.path.display())),
        )
    })?;
    let compiled = engine
        .precompile_component(&bytes)
        .map_err(|error| Error::Guest(error.into()))?;
    if let Some(cache) = cache {
        match cache.store(&key, &compiled) {
            Ok(path) => return load(engine, &path).map_err(failure),
            Err(error) => {
                tracing::warn!("the compiled guest cannot be cached: {error}");
                progress(Progress::NoCache);
            }
        }
    }
    deserialise(engine, &compiled).map_err(failure)
}

/// Maps a compiled guest.
#[expect(
    unsafe_code,
    reason = "mapping the compiled guest is what makes starting fast; the cache vouches for it"
)]
fn load(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file is what this program compiled and stored: the cache checked the owner of
    // its folder, its stamp and, where that did not match, its hash.
    unsafe { Component::deserialize_file(engine, path) }
}

#[expect(unsafe_code, reason = "the bytes never left this process")]
fn deserialise(engine: &Engine, compiled: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `compiled` is what `Engine::precompile_component` returned just now.
    unsafe { Component::deserialize(engine, compiled) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_counted_before_they_run_out() {
        assert!(check_mappings(10_000, Some(65_530)).is_ok());
        assert!(check_mappings(u32::MAX, None).is_ok());
        for (interpreters, allowed, most) in [(10_756, 65_530, 10_755), (1, 500, 0)] {
            let error = check_mappings(interpreters, Some(allowed)).unwrap_err();
            let text = error.to_string();
            assert!(
                text.contains(&format!("vm.max_map_count is {allowed}")),
                "{text}"
            );
            assert!(text.ends_with(&format!("ask for at most {most}")), "{text}");
            assert!(check_mappings(most, Some(allowed)).is_ok() || most == 0);
        }
    }
}
