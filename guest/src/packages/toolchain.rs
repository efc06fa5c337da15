//! The toolchain: a compiler, a linker and build systems from PyPI, and the guest's headers and libraries.

use crate::description::sha256;
use crate::tools;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The parts of the toolchain with their versions, which `requirements.txt` pins.
pub const DESCRIPTION: &str = "ziglang 0.17.1, cython 3.3.1, meson 1.12.1, setuptools 84.2.1";

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../recipes/tools/", $name)))),*]
    };
}

/// The files that the toolchain starts as.
const FILES: &[(&str, &[u8])] = files!(
    "blas.c",
    "blas_complex.h",
    "blas_real.h",
    "build.py",
    "compiler.py",
    "exceptions.cpp",
    "fenv.h",
    "fetch.py",
    "flags.c",
    "flags.txt",
    "no_threads.h",
    "python.py",
    "requirements.txt",
    "setjmp.c",
    "toolchain.py",
    "wheel.py",
);

/// An installed toolchain.
pub struct Toolchain {
    folder: PathBuf,
    python: &'static str,
}

/// Returns the folder of this toolchain. A change of any of its files makes another one.
pub(super) fn folder(tools: &Path) -> PathBuf {
    let mut all = tools::COMPONENTIZE_PY.as_bytes().to_vec();
    for (name, data) in FILES {
        all.extend_from_slice(name.as_bytes());
        all.extend_from_slice(sha256(data).as_bytes());
    }
    let key = sha256(&all);
    tools.join(format!("toolchain-{}", &key[..16]))
}

/// Returns the toolchain's folder in `tools`, if it is installed.
pub fn find(tools: &Path) -> Option<PathBuf> {
    let folder = folder(tools);
    folder.exists().then_some(folder)
}

/// Returns the toolchain in the folder `tools`, and installs it if it is missing.
///
/// # Errors
///
/// Returns an error if no suitable Python is installed, or a package cannot be installed.
pub fn ensure(tools: &Path, progress: &mut dyn FnMut(&str)) -> Result<Toolchain> {
    let python = tools::find_python()?;
    let installed = folder(tools);
    if !installed.exists() {
        progress("installing the toolchain (about two minutes)");
        install(tools, python, &installed)?;
    }
    // Tools that a build system starts in other folders need an absolute path.
    let folder = fs::canonicalize(&installed)?;
    Ok(Toolchain { folder, python })
}

/// Installs the toolchain in a temporary folder, and renames the folder once it is complete.
fn install(tools: &Path, python: &str, installed: &Path) -> Result<()> {
    let unfinished = installed.with_extension("unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    fs::create_dir_all(&unfinished)?;
    let unfinished = fs::canonicalize(unfinished)?;
    for (name, data) in FILES {
        fs::write(unfinished.join(name), data)?;
    }
    let site = unfinished.join("site");
    tools::install_packages(&unfinished.join("requirements.txt"), &site)
        .context("cannot install the toolchain")?;
    let guest = tools::install_componentize_py(tools)?.join("componentize_py");
    let mut command = Command::new(python);
    command
        .arg(unfinished.join("toolchain.py"))
        .arg(fs::canonicalize(guest)?)
        .env("PYTHONPATH", &site);
    tools::run(&mut command).context("cannot complete the toolchain")?;
    fs::rename(unfinished, installed)?;
    Ok(())
}

impl Toolchain {
    /// Returns a text that differs for each toolchain.
    pub fn identity(&self) -> String {
        self.folder.display().to_string()
    }

    /// Returns a command that runs one of the toolchain's Python files.
    pub fn run(&self, file: &str) -> Command {
        let mut command = Command::new(self.python);
        let site = self.folder.join("site");
        command.arg(self.folder.join(file)).env("PYTHONPATH", &site);
        command
    }

    /// Returns a command that compiles and links with the language that its first argument names, `cc` or `c++`.
    /// Temporary files of the compiler go to `work`.
    pub fn compiler(&self, work: &Path) -> Command {
        self.start("compiler.py", work, false)
    }

    /// Returns a command that builds a package with setuptools or Meson. Temporary files of the compiler go to `work`.
    pub fn build(&self, work: &Path, cross: bool) -> Command {
        self.start("build.py", work, cross)
    }

    fn start(&self, file: &str, work: &Path, cross: bool) -> Command {
        let mut command = self.run(file);
        let bin = self.folder.join("bin");
        let mut path = std::ffi::OsString::from(self.folder.join("site/bin"));
        if let Some(rest) = std::env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        command
            .env("PATH", path)
            .env("TOOLCHAIN_PYTHON", self.python)
            .env("TOOLCHAIN_ZIG", self.folder.join("site/ziglang/zig"))
            .env("TOOLCHAIN_SOURCE", work)
            .env("ZIG_GLOBAL_CACHE_DIR", work.join("zig"))
            .env("ZIG_LOCAL_CACHE_DIR", work.join("zig"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONHASHSEED", "0")
            .env("SOURCE_DATE_EPOCH", "315532800")
            .env("LC_ALL", "C");
        for name in ["CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS"] {
            command.env_remove(name);
        }
        if cross {
            // setuptools believes that it runs in the guest's CPython.
            let mut modules = std::ffi::OsString::from(self.folder.join("site"));
            modules.push(":");
            modules.push(self.folder.join("sysconfig"));
            let shared = |name: &str| format!("{} -shared", bin.join(name).display());
            command
                .env("PYTHONPATH", modules)
                .env("_PYTHON_SYSCONFIGDATA_NAME", SYSCONFIG)
                .env("_PYTHON_HOST_PLATFORM", "wasi-wasm32")
                .env("CC", bin.join("cc"))
                .env("CXX", bin.join("c++"))
                .env("AR", bin.join("ar"))
                .env("LDSHARED", shared("cc"))
                .env("LDCXXSHARED", shared("c++"));
        }
        command
    }
}

const SYSCONFIG: &str = "_sysconfigdata__wasi_wasm32-wasi";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_embedded() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/recipes/tools");
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name != "__pycache__").collect();
        names.sort();
        let embedded = FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        assert_eq!(names, embedded);
    }

    #[test]
    fn the_description_names_pinned_versions() {
        let (_, pins) = FILES
            .iter()
            .find(|(name, _)| *name == "requirements.txt")
            .unwrap();
        let pins = std::str::from_utf8(pins).unwrap();
        for part in DESCRIPTION.split(", ") {
            let pin = format!("{} \\", part.replace(' ', "=="));
            assert!(pins.contains(&pin), "{part} is not pinned");
        }
    }
}
