//! Preparation of the guest, with a progress line on a terminal, and the cache commands.

use crate::Failure;
use archipel::{LimitKind, Limits, Progress, RuntimeBuilder};
use archipel_guest::Variant;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Returns a builder that shows the preparation steps. Its runtime counts fuel if `limits` needs
/// that.
pub fn runtime(limits: &Limits) -> RuntimeBuilder {
    let terminal = std::io::stderr().is_terminal();
    let mut line = Line { shown: false };
    let counted = archipel::Runtime::builder().fuel(limits.get(LimitKind::Fuel).is_some());
    counted.progress(move |progress| match progress {
        Progress::Build(what) if terminal => line.show(what),
        Progress::Compile if terminal => line.show("compiling the guest for this machine"),
        Progress::Damaged(why) => {
            line.clear();
            eprintln!("archipel: the compiled guest in the cache is rebuilt: {why}");
        }
        Progress::NoCache if terminal => {
            line.clear();
            eprintln!("archipel: cannot use the cache folder, so starting takes longer");
        }
        _ => {}
    })
}

/// A line on the terminal that the next one replaces. It is erased in the end.
struct Line {
    shown: bool,
}

impl Line {
    fn show(&mut self, text: &str) {
        eprint!("\r\x1b[Karchipel: {text} ...");
        let _ = std::io::stderr().flush();
        self.shown = true;
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            eprint!("\r\x1b[K");
            let _ = std::io::stderr().flush();
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.clear();
    }
}

fn cache_dir() -> Result<PathBuf, Failure> {
    archipel::default_cache_dir()
        .ok_or_else(|| Failure::failed("this system has no cache folder (set ARCHIPEL_CACHE_DIR)"))
}

/// Prints the files in the cache and their sizes.
pub fn show_cache() -> Result<u8, Failure> {
    let folder = cache_dir()?;
    println!("{}", folder.display());
    let mut files = Vec::new();
    collect(&folder, &mut files);
    files.sort();
    let mut total = 0;
    for (path, size) in files {
        total += size;
        if size >= 1 << 20 {
            let path = path.strip_prefix(&folder).unwrap_or(&path);
            println!("{:>9.1} MiB  {}", size as f64 / 1048576.0, path.display());
        }
    }
    println!("{:>9.1} MiB  total", total as f64 / 1048576.0);
    Ok(0)
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, u64)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => collect(&entry.path(), files),
            Ok(metadata) => files.push((entry.path(), metadata.len())),
            Err(_) => {}
        }
    }
}

/// Deletes the contents of the cache.
pub fn clear_cache() -> Result<u8, Failure> {
    let folder = cache_dir()?;
    for part in ["compiled", "guest", "tools", "work"] {
        let part = folder.join(part);
        match std::fs::remove_dir_all(&part) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                let text = format!("cannot delete {}: {error}", part.display());
                return Err(Failure::failed(text));
            }
            _ => {}
        }
    }
    Ok(0)
}

/// Writes the guest component of this `variant` to `path`.
pub fn export(variant: Variant, path: &Path) -> Result<u8, Failure> {
    let folder = cache_dir()?;
    let built = archipel_guest::ensure(variant, &folder, &mut |step| {
        eprintln!("archipel: {}", step.describe())
    })
    .map_err(|error| Failure::failed(format!("{error:#}")))?;
    std::fs::copy(&built.path, path)
        .map_err(|error| Failure::failed(format!("cannot write {}: {error}", path.display())))?;
    Ok(0)
}
