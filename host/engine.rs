//! The engine: wasmtime's settings, the compiled guest, and the memory of its instances. It knows no interpreter.

pub(crate) mod alarm;
pub(crate) mod cache;
pub(crate) mod guest_memory;
pub(crate) mod large_pages;
pub(crate) mod pages;
pub(crate) mod slot_history;

use archipel_core::error::{ConfigKind, Error, Result};
use std::sync::Once;
use wasmtime::{Config, Enabled, Engine, PoolingAllocationConfig};

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
        .max_core_instance_size(8 << 20)
        .table_elements(1 << 18)
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

/// The number of mappings for the rest of the process, among them those of large pages, with a margin.
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
