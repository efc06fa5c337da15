//! Compiling a guest for this machine, or finding it compiled in the cache.

use super::Source;
use crate::engine::cache::{CompiledCache, Lookup};
use crate::engine::failure;
use archipel_core::error::{Error, Result};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::path::Path;
use wasmtime::Engine;
use wasmtime::component::Component;

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
    let compiled = engine
        .precompile_component(&source.read()?)
        .map_err(|error| match failure(error) {
            Error::Internal(cause) => source.invalid(&cause),
            other => other,
        })?;
    if let Some(cache) = cache {
        match cache.store(&key, &compiled) {
            Ok(path) => return load(engine, &path).map_err(|error| rejected(source, error)),
            Err(error) => {
                tracing::warn!("cannot cache the compiled guest: {error}");
                progress(Progress::NoCache);
            }
        }
    }
    deserialise(engine, &compiled).map_err(|error| rejected(source, error))
}

/// Translates the error of loading an image that was just compiled. The pool rejects one that is larger than its slots.
fn rejected(source: &Source, error: wasmtime::Error) -> Error {
    match failure(error) {
        Error::Internal(cause) => source.unfit(&cause),
        other => other,
    }
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
