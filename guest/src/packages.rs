//! Packages with extension modules: recipes, and the wheels that are built from them.
//!
//! A recipe (`guest/recipes/*.toml`) describes how to compile a package for the guest. [`ensure`] returns the wheel of
//! a recipe, and builds it first if the wheelhouse has none. Packages of pure Python need no recipe.
//!
//! The wheelhouse is a folder of ordinary wheels with the platform tag `archipel_1_wasm32` ([`wheelhouse`]). Beside
//! each wheel, a file with the suffix `.sha256` records its hash, which is verified before use.

mod build;
mod recipe;
mod source;
mod toolchain;
mod wheel;

pub use recipe::{Recipe, find, recipes};
pub(crate) use recipe::{exact, normalise};

use anyhow::{Context, Result};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The platform tag of wheels with extension modules for the guest: the first version of its binary interface.
pub const PLATFORM: &str = "archipel_1_wasm32";

/// Returns the wheelhouse: the folder that `ARCHIPEL_WHEELHOUSE` names, or `wheels` in the cache folder.
///
/// # Examples
///
/// ```
/// use archipel_guest::packages::wheelhouse;
///
/// let folder = wheelhouse("/cache".as_ref());
/// # if std::env::var_os("ARCHIPEL_WHEELHOUSE").is_none() {
/// assert!(folder.ends_with("wheels"));
/// # }
/// ```
pub fn wheelhouse(cache: &Path) -> PathBuf {
    match std::env::var_os("ARCHIPEL_WHEELHOUSE") {
        Some(folder) if !folder.is_empty() => folder.into(),
        _ => cache.join("wheels"),
    }
}

/// Returns the wheel of a package, and builds it if the wheelhouse has none.
///
/// `version` is that of the recipe if it is `None`. Calls `progress` with a description of each step that takes long.
/// Building needs Python 3.10 with pip, and a network unless the toolchain and the sources are in `cache`.
/// A wheel in the wheelhouse needs neither. The call blocks; a second process waits for the first to finish.
///
/// # Errors
///
/// Returns an error if no recipe has this name and version, if the wheel in the wheelhouse is damaged, or if the
/// build fails. The error of a failed build contains the compiler's first error and the path of the log.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> anyhow::Result<()> {
/// use archipel_guest::packages;
///
/// let wheel = packages::ensure("markupsafe", None, "/tmp/cache".as_ref(), &mut |step| println!("{step}"))?;
/// println!("{}", wheel.display());
/// # Ok(())
/// # }
/// ```
pub fn ensure(
    name: &str,
    version: Option<&str>,
    cache: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<PathBuf> {
    let recipe = find(name, version)?;
    let path = wheelhouse(cache).join(recipe.wheel());
    if path.exists() {
        wheel::verify(&path)?;
        return Ok(path);
    }
    let needed = recipe.needs.iter();
    let needed = needed
        .map(|name| ensure(name, None, cache, progress))
        .collect::<Result<Vec<_>>>()?;
    let _lock = lock(cache, progress)?;
    // The previous holder of the lock may have built it.
    if path.exists() {
        wheel::verify(&path)?;
        return Ok(path);
    }
    build::build(recipe, &needed, cache, &path, progress)?;
    Ok(path)
}

/// Waits until no other process changes the toolchain or the wheelhouse, and keeps it so until the result is dropped.
fn lock(cache: &Path, progress: &mut dyn FnMut(&str)) -> Result<File> {
    fs::create_dir_all(cache)
        .with_context(|| format!("cannot create folder {}", cache.display()))?;
    let lock = File::create(cache.join("packages.lock"))
        .with_context(|| format!("cannot write to folder {}", cache.display()))?;
    if lock.try_lock().is_err() {
        progress("waiting for another process to build a package");
        lock.lock()?;
    }
    Ok(lock)
}

/// Returns the wheel of a recipe in the wheelhouse, if it exists. Its hash is not verified.
pub fn built(recipe: &Recipe, cache: &Path) -> Option<PathBuf> {
    let path = wheelhouse(cache).join(recipe.wheel());
    path.exists().then_some(path)
}

/// Compiles a file of C or C++ into an extension module, once for the same contents and toolchain. For tests.
#[doc(hidden)]
pub fn compile(source: &Path, cache: &Path) -> Result<PathBuf> {
    let _lock = lock(cache, &mut |_| {})?;
    let tools = toolchain::ensure(&cache.join("tools"), &mut |_| {})?;
    build::compile_file(&tools, source, &cache.join("extensions"))
}

/// Describes the toolchain for a report on the machine: its version, or the reason that it is not there yet.
pub fn toolchain(cache: &Path) -> std::result::Result<String, String> {
    toolchain::find(&cache.join("tools"))
        .map(|_| toolchain::DESCRIPTION.to_owned())
        .ok_or_else(|| format!("{} (installed by the first build)", toolchain::DESCRIPTION))
}
