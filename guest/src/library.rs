//! The packages from PyPI that are part of the guest's library.

use crate::tools;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// A package, and the destination of its files.
struct Package {
    name: &'static str,
    version: &'static str,
    /// The SHA-256 of its wheel.
    hash: &'static str,
    /// A file or folder of the package, and its destination among the guest's modules.
    from: &'static str,
    to: &'static str,
}

/// Time zones, and the library that pickles functions and classes by value.
const PACKAGES: &[Package] = &[
    Package {
        name: "cloudpickle",
        version: "3.1.3",
        hash: "1654f4f18e416447210a63c5c25a135d65a292156aa5fa519dfa4baf7726dddb",
        from: "cloudpickle/cloudpickle.py",
        to: "_island/cloudpickle.py",
    },
    Package {
        name: "tzdata",
        version: "2026.6",
        hash: "0a10eec6e13ef16b627fabed9a5f2ba61a62b1c67f327305f4e7e412a70b4aec",
        from: "tzdata",
        to: "tzdata",
    },
];

/// Adds the packages to the guest's modules in `python`, and installs them in `tools`.
///
/// # Errors
///
/// Returns an error if a package cannot be installed or copied.
pub fn add(tools: &Path, python: &Path) -> Result<()> {
    for package in PACKAGES {
        let identity = format!("{}-{}", package.name, package.version);
        let folder = tools.join(&identity);
        if !folder.exists() {
            install(package, tools, &identity)?;
        }
        copy(&folder.join(package.from), &python.join(package.to))
            .with_context(|| format!("cannot copy package {identity}"))?;
    }
    Ok(())
}

/// Installs a package into a temporary folder, and renames the folder once it is complete.
fn install(package: &Package, tools: &Path, identity: &str) -> Result<()> {
    let unfinished = tools.join(format!("{identity}.unfinished"));
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    fs::create_dir_all(&unfinished)?;
    let requirements = tools.join(format!("{identity}.txt"));
    let Package {
        name,
        version,
        hash,
        ..
    } = package;
    fs::write(
        &requirements,
        format!("{name}=={version} --hash=sha256:{hash}\n"),
    )?;
    tools::install_packages(&requirements, &unfinished)?;
    fs::rename(unfinished, tools.join(identity))?;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        fs::copy(from, to)?;
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copy_includes_nested_folders() {
        let base = std::env::temp_dir().join(format!("archipel-copy-{}", std::process::id()));
        fs::create_dir_all(base.join("a/b")).unwrap();
        fs::write(base.join("a/b/c"), "text").unwrap();
        copy(&base.join("a"), &base.join("d/e")).unwrap();
        assert_eq!(fs::read_to_string(base.join("d/e/b/c")).unwrap(), "text");
        fs::remove_dir_all(base).unwrap();
    }
}
