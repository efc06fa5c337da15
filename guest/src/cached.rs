//! The guests in the cache. A key names a guest there by the contents of its sources, which `build.rs` hashes.

use crate::variant::Variant;
use std::path::{Path, PathBuf};
use std::{fs, io};

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

/// Adds the guest of this `variant`, a component that another machine built from the same sources, to `cache`.
///
/// # Errors
///
/// If a file cannot be written.
pub fn add(variant: Variant, cache: &Path, component: &[u8]) -> io::Result<Built> {
    let key = key(variant);
    let folder = folder(cache, &key);
    fs::create_dir_all(&folder)?;
    let path = folder.join(COMPONENT);
    let optimised = "part of the program";
    // Other processes can do the same at the same time.
    let new = folder.join(format!("{COMPONENT}.{}.new", std::process::id()));
    fs::write(&new, component)?;
    fs::rename(&new, &path)?;
    fs::write(&new, optimised)?;
    fs::rename(&new, folder.join(NOTE))?;
    Ok(Built {
        path,
        key,
        optimised: optimised.to_owned(),
        fresh: true,
    })
}

pub(crate) fn folder(cache: &Path, key: &str) -> PathBuf {
    cache.join("guest").join(key)
}

/// Returns the cache key of the guest of these sources.
///
/// The key does not include the optimiser of the machine, which is looked up only for a build: querying programs
/// for their versions takes longer than running a script.
pub fn key(variant: Variant) -> String {
    let sources = match variant {
        Variant::Island => env!("ISLAND_KEY"),
        Variant::Command => env!("COMMAND_KEY"),
    };
    let optimised = if wants_optimising() { "" } else { "-O0" };
    let tuned = if wants_tuning() { "" } else { "-untuned" };
    format!("{sources}{optimised}{tuned}")
}

/// Returns whether to optimise the guest: true unless `ARCHIPEL_OPTIMISE=0` is set.
pub(crate) fn wants_optimising() -> bool {
    std::env::var_os("ARCHIPEL_OPTIMISE").is_none_or(|value| value != "0")
}

/// Returns whether to apply the steps that only make the guest faster: true unless `ARCHIPEL_TUNE=0` is set.
pub(crate) fn wants_tuning() -> bool {
    std::env::var_os("ARCHIPEL_TUNE").is_none_or(|value| value != "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_added_guest_is_found() {
        let cache = std::env::temp_dir().join(format!("archipel-added-{}", std::process::id()));
        assert!(find(Variant::Island, &cache).is_none());
        let added = add(Variant::Island, &cache, b"component").unwrap();
        let found = find(Variant::Island, &cache).unwrap();
        assert_eq!((&found.path, &found.key), (&added.path, &added.key));
        assert_eq!(fs::read(found.path).unwrap(), b"component");
        assert_eq!(
            fs::read_dir(added.path.parent().unwrap()).unwrap().count(),
            2
        );
        fs::remove_dir_all(cache).unwrap();
    }

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
