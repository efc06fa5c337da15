//! The wasmtime engine, its ticker, and the compiled guest.

use crate::cache::{CompiledCache, Lookup};
use crate::exchange::Exchange;
use archipel_core::error::{ConfigKind, Error, Result};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once, Weak};
use std::time::Duration;
use wasmtime::component::Component;
use wasmtime::{Config, Enabled, Engine, PoolingAllocationConfig};

/// The interval at which running guests are preempted, so that other tasks run and limits are
/// checked.
pub(crate) const TICK: Duration = Duration::from_millis(5);

/// The number of ticks between two deadlock searches.
const TICKS_PER_SEARCH: u64 = 20;

/// The stack size of a guest. CPython raises RecursionError long before it is used up.
const WASM_STACK: usize = 4 << 20;

/// The part of a fiber's stack for host functions.
const HOST_STACK: usize = 1 << 20;

/// The part of an interpreter's memory that is cleaned by copying when its slot is reused.
/// Returning pages to the system instead costs a page fault for each of them later.
const KEEP_RESIDENT: usize = 2 << 20;

/// Compiled-in features of guests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Features {
    /// Guests can be preempted while they compute.
    pub(crate) interruption: bool,
    /// Guests count fuel.
    pub(crate) fuel: bool,
}

/// Returns the settings that do not depend on the allocator.
fn config(features: Features) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(features.interruption)
        .consume_fuel(features.fuel)
        // The host awaits fibers, which needs no component-model async.
        .concurrency_support(false)
        .wasm_component_model_async(false)
        // The guest uses none of these, and disabled features have no attack surface.
        .wasm_threads(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_relaxed_simd(false)
        .wasm_backtrace_max_frames(None)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(WASM_STACK + HOST_STACK)
        // wasmtime maps the snapshot copy-on-write only if it counts as dense.
        .memory_guaranteed_dense_image_size(1 << 30);
    config
}

fn pooled(interpreters: u32, features: Features) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(interpreters)
        // The component has two small modules beside the guest, which connect it to the imports.
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

/// Returns the settings for a system that refuses large address spaces: memories have the size that
/// they need, and guests check bounds explicitly instead of with guard pages.
fn frugal(features: Features) -> Config {
    let mut config = config(features);
    config
        .memory_reservation(0)
        .memory_reservation_for_growth(4 << 20)
        .memory_guard_size(1 << 16);
    config
}

/// Translates the error of an operation that should always succeed.
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

/// The number of mappings for one interpreter: two of its stack, which exist from the start, and
/// four of its memory and tables.
const MAPPINGS: u64 = 6;

/// The number of mappings for the rest of the process, with a margin.
const OTHER_MAPPINGS: u64 = 1000;

/// Returns the system's limit on mappings of a process, if it has one.
fn allowed_mappings() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/sys/vm/max_map_count").ok()?;
    text.trim().parse().ok()
}

/// Returns an error if the system's limit on mappings is too low. Later the process would run into
/// the limit, and then it could not even allocate memory.
fn check_mappings(interpreters: u32, allowed: Option<u64>) -> Result<()> {
    let wanted = u64::from(interpreters) * MAPPINGS + OTHER_MAPPINGS;
    match allowed {
        Some(allowed) if wanted > allowed => Err(Error::config(
            ConfigKind::System,
            format!(
                "room for {interpreters} interpreters takes {wanted} memory mappings, and vm.max_map_count is \
             {allowed}: raise it with sysctl, or ask for at most {}",
                allowed.saturating_sub(OTHER_MAPPINGS) / MAPPINGS
            ),
        )),
        _ => Ok(()),
    }
}

/// Creates an engine for at most `interpreters` at a time, and returns it with the number of slots
/// that it reserved. The number is `None` if the system refused the address space; memory is then
/// allocated for each interpreter.
pub(crate) fn engine(interpreters: u32, features: Features) -> Result<(Engine, Option<u32>)> {
    check_mappings(interpreters, allowed_mappings())?;
    if !PoolingAllocationConfig::is_pagemap_scan_available() {
        static SAID: Once = Once::new();
        SAID.call_once(|| {
            tracing::debug!(
                "no PAGEMAP_SCAN (Linux 6.7 or newer has it): cleaning a slot takes longer"
            );
        });
    }
    let engine = match Engine::new(&pooled(interpreters, features)) {
        Ok(engine) => (engine, Some(interpreters)),
        Err(error) => {
            tracing::warn!(
                "no address space for {interpreters} interpreters: creating and running them is slower \
                 (check `ulimit -v` and vm.overcommit_memory): {error:#}"
            );
            let engine = Engine::new(&frugal(features)).map_err(failure)?;
            (engine, None)
        }
    };
    Ok(engine)
}

/// Starts the ticker thread. It preempts the guests of `engine` every [`TICK`] and searches for
/// deadlocks while other guests run. It ends when `exchange` is dropped.
///
/// An engine has one ticker. A second one would make all deadlines come early.
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

/// A guest to compile.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    /// The name of this guest in the cache.
    pub(crate) key: String,
}

/// A step of preparing the guest, for
/// [`RuntimeBuilder::progress`](crate::RuntimeBuilder::progress).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// The guest is being built; the text names the current step.
    Build(&'static str),
    /// The guest is being compiled for this machine.
    Compile,
    /// The compiled guest in the cache is invalid and is compiled again; the text says why.
    Damaged(&'static str),
    /// The cache folder is unusable, so the compiled guest is not cached.
    NoCache,
}

/// Returns the compiled guest, from the cache or compiled now.
pub(crate) fn compile(
    engine: &Engine,
    source: &Source,
    cache: Option<&CompiledCache>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Component> {
    // The hash must be the same in every process, so the hasher has no random keys.
    let hasher = BuildHasherDefault::<DefaultHasher>::new();
    let compatibility = hasher.hash_one(engine.precompile_compatibility_hash());
    let key = format!("{}-{compatibility:016x}", source.key);
    let cached = |progress: Option<&mut dyn FnMut(Progress)>| {
        let Some(cache) = cache else { return Ok(None) };
        let damage = match cache.find(&key) {
            Lookup::Found(path) => match load(engine, &path).map_err(failure) {
                Ok(component) => return Ok(Some(component)),
                // There would be no memory to compile it either.
                Err(error @ Error::NoMemory(_)) => return Err(error),
                Err(_) => "wasmtime rejects it",
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
    // Another process may have compiled it before this one got the lock.
    let _lock = cache.and_then(CompiledCache::lock);
    if let Some(component) = cached(Some(&mut *progress))? {
        return Ok(component);
    }
    progress(Progress::Compile);
    let bytes = std::fs::read(&source.path).map_err(|error| {
        let text = format!("cannot read {}", source.path.display());
        Error::Guest(anyhow::Error::new(error).context(text).into())
    })?;
    let compiled = engine
        .precompile_component(&bytes)
        .map_err(|error| Error::Guest(error.into()))?;
    if let Some(cache) = cache {
        match cache.store(&key, &compiled) {
            Ok(path) => return load(engine, &path).map_err(failure),
            Err(error) => {
                tracing::warn!("cannot cache the compiled guest: {error}");
                progress(Progress::NoCache);
            }
        }
    }
    deserialise(engine, &compiled).map_err(failure)
}

/// Maps a compiled guest.
#[expect(
    unsafe_code,
    reason = "mapping the compiled guest makes starting fast; the cache has verified it"
)]
fn load(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: this program compiled and stored the file. The cache checked the owner of its folder,
    // its stamp and, if that did not match, its hash.
    unsafe { Component::deserialize_file(engine, path) }
}

#[expect(unsafe_code, reason = "the bytes never left this process")]
fn deserialise(engine: &Engine, compiled: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `compiled` was just returned by `Engine::precompile_component`.
    unsafe { Component::deserialize(engine, compiled) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_needs_too_many_mappings_is_refused() {
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
