//! Builds the wheel of a recipe.

use super::recipe::{Backend, Recipe, Registry, Source};
use super::toolchain::{self, Toolchain};
use super::wheel;
use anyhow::{Context, Result, ensure};
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
    let mut archives = Vec::new();
    if let Some(sha256) = &recipe.sha256 {
        let own = Source {
            registry: Registry::PyPi,
            name: recipe.name.clone(),
            version: recipe.version.clone(),
            sha256: sha256.clone(),
            folder: String::new(),
        };
        archives.push((own.fetch(&tools, &sources)?, own.folder));
    }
    for source in &recipe.sources {
        let archive = source.fetch(&tools, &sources)?;
        archives.push((archive, source.folder.clone()));
    }

    progress(&format!("building {identity}"));
    let work = cache.join("packages").join(&recipe.name);
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    fs::create_dir_all(&work)?;
    let work = fs::canonicalize(work)?;
    for (path, contents) in recipe.files() {
        let file = work.join("added").join(path);
        fs::create_dir_all(file.parent().unwrap_or(&work))?;
        fs::write(file, contents)?;
    }
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
        "provides": recipe.provides,
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

    /// A stand-in for the toolchain's program, which fails as a compiler does.
    const FAILING: &str = "import sys\nprint('cc -c a.c\\na.c:1:2: error: no b')\nsys.exit(1)\n";

    #[test]
    fn a_failed_build_names_the_first_error_and_the_log() {
        let cache = std::env::temp_dir().join(format!("archipel-fails-{}", std::process::id()));
        let _ = fs::remove_dir_all(&cache);
        let tools = toolchain::folder(&cache.join("tools"));
        fs::create_dir_all(&tools).unwrap();
        fs::create_dir_all(cache.join("sources")).unwrap();
        fs::write(tools.join("build.py"), FAILING).unwrap();
        fs::write(cache.join("sources/a-1.tar.gz"), "source").unwrap();
        let text = format!(
            "name = 'a'\nversion = '1'\nsha256 = '{}'\nbackend = 'meson'\ntest = ''\n",
            crate::description::sha256(b"source")
        );
        let recipe = toml::from_str(&text).unwrap();
        let error = build(&recipe, &[], &cache, &cache.join("a.whl"), &mut |_| {}).unwrap_err();
        let log = cache.join("a.log");
        let told = format!(
            "a 1 does not build: a.c:1:2: error: no b (log: {})",
            log.display()
        );
        assert_eq!(format!("{error:#}"), told);
        assert!(fs::read_to_string(log).unwrap().starts_with("cc -c a.c"));
        fs::write(cache.join("sources/a-1.tar.gz"), "other").unwrap();
        let error = build(&recipe, &[], &cache, &cache.join("a.whl"), &mut |_| {}).unwrap_err();
        let told = "cannot fetch the source of a 1: its hash is not the one in the recipe";
        assert!(format!("{error:#}").starts_with(told), "{error:#}");
        fs::remove_dir_all(cache).unwrap();
    }

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
