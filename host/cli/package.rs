//! The `package` commands: the recipes, and building one of them.

use crate::{Failure, say};
use archipel_guest::packages;

/// Prints the recipes, and which of them the wheelhouse has.
pub fn list() -> Result<u8, Failure> {
    let cache = crate::prepare::cache_dir()?;
    for recipe in packages::recipes() {
        let state = match packages::built(recipe, &cache) {
            Some(_) => "built",
            None => "not built",
        };
        println!("{:<14} {:<12} {state}", recipe.name, recipe.version);
    }
    println!("wheelhouse: {}", packages::wheelhouse(&cache).display());
    Ok(0)
}

/// Builds the wheel of a package, `NAME` or `NAME==VERSION`, unless the wheelhouse has it, and prints its path.
pub fn build(package: &str) -> Result<u8, Failure> {
    let (name, version) = match package.split_once("==") {
        Some((name, version)) => (name.trim(), Some(version.trim())),
        None => (package.trim(), None),
    };
    packages::find(name, version).map_err(|error| Failure::usage(format!("{error:#}")))?;
    let cache = crate::prepare::cache_dir()?;
    let mut progress = |step: &str| say::say(&format!("archipel: {step}"));
    let wheel = packages::ensure(name, version, &cache, &mut progress);
    let wheel = wheel.map_err(|error| Failure::failed(format!("{error:#}")))?;
    println!("{}", wheel.display());
    Ok(0)
}
