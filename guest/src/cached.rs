//! The guests in the cache. A key names a guest there by the contents of its sources, which `build.rs` hashes.

use crate::variant::Variant;
use std::fs;
use std::path::{Path, PathBuf};

/// A guest that is ready for compilation.
#[derive(Debug, Clone)]
pub struct Built {
    /// The component's file.
    pub path: PathBuf,
    /// The guest's name in the cache: a hash of everything that it was built from.
    pub key: String,
    /// A one-line description of its optimisation.
    pub optimised: String,
    /// True if this call built it.
    pub fresh: bool,
}

pub(crate) const COMPONENT: &str = "python.wasm";
pub(crate) const NOTE: &str = "optimised.txt";

/// Returns the guest of this `variant` in `cache`, if it exists.
///
/// With `ARCHIPEL_OPTIMISE=0` in the environment, it is the guest that was built without Binaryen.
pub fn find(variant: Variant, cache: &Path) -> Option<Built> {
    let key = key(variant);
    let folder = folder(cache, &key);
    let path = folder.join(COMPONENT);
    let optimised = fs::read_to_string(folder.join(NOTE)).ok()?;
    path.exists().then_some(Built {
        path,
        key,
        optimised,
        fresh: false,
    })
}

pub(crate) fn folder(cache: &Path, key: &str) -> PathBuf {
    cache.join("guest").join(key)
}

/// Returns the cache key of the guest of these sources.
///
/// The key does not include the optimiser of the machine, which is looked up only for a build: querying programs
/// for their versions takes longer than running a script.
pub(crate) fn key(variant: Variant) -> String {
    let sources = match variant {
        Variant::Island => env!("ISLAND_KEY"),
        Variant::Command => env!("COMMAND_KEY"),
    };
    match wants_optimising() {
        true => sources.to_owned(),
        false => format!("{sources}-O0"),
    }
}

/// Returns whether to optimise the guest: true unless `ARCHIPEL_OPTIMISE=0` is set.
pub(crate) fn wants_optimising() -> bool {
    std::env::var_os("ARCHIPEL_OPTIMISE").is_none_or(|value| value != "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_variant_has_a_key() {
        let (island, command) = (key(Variant::Island), key(Variant::Command));
        assert_ne!(island, command);
        assert!(
            island.len() >= 32 && command.len() >= 32,
            "{island} {command}"
        );
    }
}
