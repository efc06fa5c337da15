//! Builds the wheel of a recipe.

use super::recipe::{Backend, Recipe};
use super::toolchain::{self, Toolchain};
use super::wheel;
use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Builds the wheel of `recipe`, and stores it as `wheel`. `needed` are the wheels of the packages that it needs.
pub fn build(
    recipe: &Recipe,
    needed: &[PathBuf],
    cache: &Path,
    wheel: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<()> {
    let identity = recipe.identity();
    let tools = toolchain::ensure(&cache.join("tools"), progress)?;
    let sources = cache.join("sources");
    fs::create_dir_all(&sources)?;
    let fetch = |name: &str, version: &str, sha256: &str| {
        fetch(&tools, &sources, name, version, sha256)
            .with_context(|| format!("cannot fetch the source of {name} {version}"))
    };
    let mut archives = vec![(
        fetch(&recipe.name, &recipe.version, &recipe.sha256)?,
        String::new(),
    )];
    for source in &recipe.sources {
        let archive = fetch(&source.name, &source.version, &source.sha256)?;
        archives.push((archive, source.folder.clone()));
    }

    progress(&format!("building {identity}"));
    let work = cache.join("packages").join(&recipe.name);
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    fs::create_dir_all(&work)?;
    let work = fs::canonicalize(work)?;
    let built = work.join("built.whl");
    let config = json!({
        "name": recipe.name,
        "distribution": recipe.distribution(),
        "version": recipe.version,
        "backend": recipe.backend,
        "meson": recipe.meson,
        "options": recipe.options,
        "install": recipe.install,
        "cflags": recipe.cflags,
        "patches": recipe.patches,
        "sources": archives,
        "needed": needed.iter().map(fs::canonicalize).collect::<std::io::Result<Vec<_>>>()?,
        "work": work,
        "wheel": built,
    });
    let settings = work.join("config.json");
    fs::write(&settings, serde_json::to_vec_pretty(&config)?)?;
    let log = cache.join(format!("{}.log", recipe.distribution()));
    compile(recipe, &tools, &work, &settings, &log)?;
    wheel::store(&built, wheel)?;
    fs::remove_dir_all(&work)?;
    fs::remove_file(&log)?;
    Ok(())
}

/// Returns the source distribution of a package in the folder `sources`, and downloads it if it is missing. None of
/// its code runs.
fn fetch(
    tools: &Toolchain,
    sources: &Path,
    name: &str,
    version: &str,
    sha256: &str,
) -> Result<PathBuf> {
    let file = sources.join(format!("{name}-{version}.tar.gz"));
    if !file.exists() {
        let download = sources.join("download");
        if download.exists() {
            fs::remove_dir_all(&download)?;
        }
        fs::create_dir_all(&download)?;
        let mut command = tools.run("fetch.py");
        crate::tools::run(command.args([name, version]).arg(&download))?;
        let entry = fs::read_dir(&download)?.next();
        let entry = entry.context("pip downloaded no file")??;
        fs::rename(entry.path(), &file)?;
        fs::remove_dir_all(&download)?;
    }
    if crate::description::sha256(&fs::read(&file)?) != sha256 {
        fs::remove_file(&file)?;
        bail!("its hash is not the one in the recipe (the file was deleted; try again)");
    }
    Ok(fs::canonicalize(file)?)
}

/// Runs the build, with its output in the file `log`.
fn compile(
    recipe: &Recipe,
    tools: &Toolchain,
    work: &Path,
    settings: &Path,
    log: &Path,
) -> Result<()> {
    let output = File::create(log)?;
    let mut command = tools.build(work, matches!(recipe.backend, Backend::Setuptools));
    let flags = recipe.cflags.join(" ");
    let flags = format!("-O2 -DNDEBUG {flags}");
    command
        .arg(settings)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output);
    if matches!(recipe.backend, Backend::Setuptools) {
        command.env("CFLAGS", &flags).env("CXXFLAGS", &flags);
    }
    match &recipe.flags {
        Some(owner) => command.env("TOOLCHAIN_FLAGS_OWNER", owner),
        None => command.env_remove("TOOLCHAIN_FLAGS_OWNER"),
    };
    let status = command.status().context("cannot start python3")?;
    let said = String::from_utf8_lossy(&fs::read(log)?).into_owned();
    ensure!(
        status.success(),
        "{} does not build: {} (log: {})",
        recipe.identity(),
        first_error(&said),
        log.display()
    );
    Ok(())
}

/// Compiles one file into an extension module in `folder`, and returns the module.
pub fn compile_file(tools: &Toolchain, source: &Path, folder: &Path) -> Result<PathBuf> {
    let text = fs::read(source).with_context(|| format!("cannot read {}", source.display()))?;
    let language = match source.extension() {
        Some(extension) if extension == "c" => "cc",
        _ => "c++",
    };
    let key = crate::description::sha256(&[tools.identity().as_bytes(), &text].concat());
    let module = folder.join(format!("{key}.so"));
    if module.exists() {
        return Ok(module);
    }
    fs::create_dir_all(folder)?;
    let unfinished = folder.join(format!("{key}-{}", std::process::id()));
    let mut command = tools.compiler(folder);
    command
        .args([language, "-O2", "-shared", "-o"])
        .arg(&unfinished)
        .arg(source);
    crate::tools::run(&mut command)
        .with_context(|| format!("cannot compile {}", source.display()))?;
    fs::rename(unfinished, &module)?;
    Ok(module)
}

/// Returns the first line of a build's output that reports an error, or else its last line.
fn first_error(said: &str) -> String {
    let is_error = |line: &&str| line.contains("error: ") || line.contains("ERROR: ");
    let last = || said.lines().rfind(|line| !line.trim().is_empty());
    let line = said.lines().find(is_error).or_else(last);
    let line = line.unwrap_or("it printed nothing").trim();
    line.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_error_is_the_compilers() {
        for (said, expected) in [
            (
                "cc -c a.c\na.c:1:2: error: no b\na.c:2:2: error: no c\nfailed\n",
                "a.c:1:2: error: no b",
            ),
            ("one\n  two  \n\n", "two"),
            ("", "it printed nothing"),
        ] {
            assert_eq!(first_error(said), expected);
        }
    }
}
