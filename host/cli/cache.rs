//! The commands for the cache.

use crate::Failure;
use std::path::{Path, PathBuf};

/// Returns the cache folder.
pub fn cache_dir() -> Result<PathBuf, Failure> {
    archipel::default_cache_dir()
        .ok_or_else(|| Failure::failed("this system has no cache folder (set ARCHIPEL_CACHE_DIR)"))
}

/// Prints the files in the cache and their sizes.
pub fn show() -> Result<u8, Failure> {
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
pub fn clear() -> Result<u8, Failure> {
    let folder = cache_dir()?;
    for part in [
        "compiled",
        "extensions",
        "guest",
        "images",
        "packages",
        "sources",
        "tools",
        "wheels",
        "work",
    ] {
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
