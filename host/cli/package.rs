//! The `package` commands: the recipes, and building and testing their packages.

use crate::cache::cache_dir;
use crate::line::Line;
use crate::{Failure, say};
use archipel::{ImageBuilder, Runtime};
use archipel_guest::packages::{self, Recipe};
use std::io::IsTerminal;
use std::path::Path;

/// Prints the recipes, and which of them the wheelhouse has.
pub fn list() -> Result<u8, Failure> {
    let cache = cache_dir()?;
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
    let cache = cache_dir()?;
    let mut progress = |step: &str| say::say(&format!("archipel: {step}"));
    let wheel = packages::ensure(name, version, &cache, &mut progress);
    let wheel = wheel.map_err(|error| Failure::failed(format!("{error:#}")))?;
    println!("{}", wheel.display());
    Ok(0)
}

/// Tests the recipes of the packages, or all recipes, and prints a line for each.
pub fn test(names: &[String]) -> Result<u8, Failure> {
    let mut recipes = Vec::new();
    for name in names {
        let recipe = packages::find(name, None);
        recipes.push(recipe.map_err(|error| Failure::usage(format!("{error:#}")))?);
    }
    if recipes.is_empty() {
        recipes = packages::recipes().iter().collect();
    }
    let cache = cache_dir()?;
    let mut status = 0;
    for recipe in recipes {
        let outcome = match try_out(recipe, &cache) {
            Ok(()) => "passed".to_owned(),
            Err(why) => {
                status = 1;
                let lines = why.lines().map(str::trim);
                format!("failed: {}", lines.collect::<Vec<_>>().join(" "))
            }
        };
        println!("{:<14} {:<12} {outcome}", recipe.name, recipe.version);
    }
    Ok(status)
}

/// Builds the wheel of a recipe and an image with it, runs the recipe's script in a guest of that image, and deletes
/// the image. Returns what failed.
fn try_out(recipe: &Recipe, cache: &Path) -> Result<(), String> {
    let terminal = std::io::stderr().is_terminal();
    let mut line = Line::default();
    let image = ImageBuilder::new()
        .packages([format!("{}=={}", recipe.name, recipe.version)])
        .name(format!("test-{}", recipe.name))
        .progress(move |what| {
            if terminal {
                line.show(what);
            }
        })
        .build();
    let image = image.map_err(|error| error.to_string())?;
    let runtime = Runtime::builder().image(image).max_interpreters(1).build();
    let outcome = runtime
        .and_then(|runtime| runtime.interpreter().build()?.exec(recipe.test.as_str()))
        .map_err(|error| error.to_string());
    if let Some(file) = archipel_guest::image_path(cache, &format!("test-{}", recipe.name)) {
        std::fs::remove_file(file)
            .map_err(|error| format!("the image of the test cannot be deleted: {error}"))?;
    }
    outcome
}
