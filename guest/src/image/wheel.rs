//! Wheels: their names, and unpacking them. Nothing of a wheel is run.

pub(super) use crate::packages::PLATFORM;

use super::archive::Archive;
use crate::description::{Package, sha256};
use crate::exceptions;
use crate::module::EXTENSION_SUFFIX;
use crate::packages::normalise;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::io::Write;
use std::path::Path;

/// Ends of native code for other platforms.
const FOREIGN: &[&str] = &[".so", ".pyd", ".dylib", ".dll", ".exe", ".jnilib"];

/// Folders of tests and documentation that some packages put beside their modules, and that the image leaves out.
const LEFT_OUT: &[&str] = &["tests", "test", "docs", "doc", "examples"];

/// Files that would have an effect on the build.
const IGNORED: &[&str] = &["componentize-py.toml", "__pycache__"];

/// The parts of a wheel's file name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// The normalised name of the distribution.
    pub(super) name: String,
    pub(super) version: String,
    platform: String,
}

impl Name {
    /// Parses `NAME-VERSION(-BUILD)-PYTHON-ABI-PLATFORM.whl`.
    pub(super) fn parse(file: &str) -> Result<Self> {
        let stem = file.strip_suffix(".whl").unwrap_or_default();
        let parts: Vec<&str> = stem.split('-').collect();
        let (5 | 6, [name, version, .., platform]) = (parts.len(), parts.as_slice()) else {
            anyhow::bail!("{file} is not the name of a wheel");
        };
        Ok(Name {
            name: normalise(name),
            version: (*version).to_owned(),
            platform: (*platform).to_owned(),
        })
    }

    /// Returns whether the guest can load the wheel's files.
    fn fits(&self) -> bool {
        let mut tags = self.platform.split('.');
        tags.any(|tag| tag == "any" || tag == PLATFORM)
    }

    fn is_native(&self) -> bool {
        self.platform.split('.').any(|tag| tag == PLATFORM)
    }
}

/// Unpacks a wheel into `folder`, where other packages may lie already, and returns its description.
///
/// Scripts, headers, and files that Python would run at its start are left out.
///
/// # Errors
///
/// Returns an error that names the wheel if it is damaged, is for another platform, has entries that are not allowed, or
/// has a file that differs from another package's.
pub(super) fn unpack(wheel: &Path, folder: &Path) -> Result<Package> {
    let file = wheel.file_name().unwrap_or_default().to_string_lossy();
    let name = Name::parse(&file)?;
    ensure!(
        name.fits(),
        "{file} is for another platform: {} (use a wheel for any platform or for {PLATFORM})",
        name.platform
    );
    let bytes = fs::read(wheel).with_context(|| format!("cannot read {}", wheel.display()))?;
    write_files(&bytes, &name, folder)
        .with_context(|| format!("cannot use {file} (get it again, or leave the package out)"))?;
    Ok(Package {
        name: name.name,
        version: name.version,
        wheel: file.into_owned(),
        sha256: sha256(&bytes),
    })
}

fn write_files(bytes: &[u8], name: &Name, folder: &Path) -> Result<()> {
    let archive = Archive::read(bytes)?;
    for entry in &archive.entries {
        let Some(path) = destination(&entry.path) else {
            continue;
        };
        let lower = path.to_ascii_lowercase();
        let is_ours = name.is_native() && path.ends_with(EXTENSION_SUFFIX);
        let is_foreign = FOREIGN.iter().any(|end| lower.ends_with(end)) || lower.contains(".so.");
        ensure!(
            is_ours || !is_foreign,
            "it contains {path:?}, native code for another platform"
        );
        let mut contents = archive.contents(entry)?;
        if is_ours {
            let lowered = exceptions::lower(&contents)
                .with_context(|| format!("its module {path:?} cannot be used"))?;
            contents = lowered.unwrap_or(contents);
        }
        let to = folder.join(path);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        match fs::File::create_new(&to) {
            Ok(mut created) => created.write_all(&contents)?,
            Err(_) if fs::read(&to).is_ok_and(|other| other == contents) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                anyhow::bail!("another package has {path:?}, too")
            }
            Err(error) => return Err(error).with_context(|| format!("cannot write {path:?}")),
        }
    }
    Ok(())
}

/// Returns the path of a wheel's file among the packages, or `None` if it is left out.
fn destination(path: &str) -> Option<&str> {
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let path = match first.strip_suffix(".data") {
        Some(_) => rest
            .strip_prefix("purelib/")
            .or(rest.strip_prefix("platlib/"))?,
        None => path,
    };
    let first = path.split('/').next().unwrap_or_default();
    let ignored = path.split('/').any(|part| IGNORED.contains(&part));
    let is_startup = !path.contains('/') && path.ends_with(".pth");
    (!ignored && !is_startup && !LEFT_OUT.contains(&first)).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::super::archive::tests::zip;
    use super::*;

    fn folder(name: &str) -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("archipel-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn unpacked(name: &str, files: &[(&str, &[u8], u32)]) -> Result<Vec<&'static str>> {
        let folder = folder("wheel");
        let wheel = folder.join(name);
        fs::write(&wheel, zip(files)).unwrap();
        let site = folder.join("site");
        let outcome = unpack(&wheel, &site);
        let known = [
            "a/__init__.py",
            "b.py",
            "start.pth",
            "bin/x",
            "c.py",
            "tests/t.py",
        ];
        let there = known.into_iter().filter(|path| site.join(path).exists());
        let there = there.collect();
        fs::remove_dir_all(&folder).unwrap();
        outcome.map(|_| there)
    }

    #[test]
    fn names_of_wheels_are_parsed() {
        let name = Name::parse("Flask_Cors-6.0.1-py3-none-any.whl").unwrap();
        assert_eq!(
            (name.name.as_str(), name.version.as_str()),
            ("flask-cors", "6.0.1")
        );
        assert!(name.fits() && !name.is_native());
        let name = Name::parse("numpy-2.5.5-1-cp314-cp314-archipel_1_wasm32.whl").unwrap();
        assert!(name.fits() && name.is_native());
        assert!(!Name::parse("a-1-cp314-cp314-win_amd64.whl").unwrap().fits());
        for file in ["a-1.tar.gz", "a.whl", "a-1-any.whl"] {
            assert!(Name::parse(file).is_err(), "{file}");
        }
    }

    #[test]
    fn only_modules_and_data_are_unpacked() {
        let there = unpacked(
            "a-1-py3-none-any.whl",
            &[
                ("a/__init__.py", b"", 0),
                ("start.pth", b"import os", 0),
                ("a-1.data/scripts/x", b"", 0),
                ("a-1.data/purelib/c.py", b"", 0),
                ("tests/t.py", b"", 0),
            ],
        );
        assert_eq!(there.unwrap(), ["a/__init__.py", "c.py"]);
    }

    #[test]
    fn wheels_with_foreign_code_are_refused_by_name() {
        let native = "a/x.cpython-314-wasm32-wasi.so";
        for (wheel, file, why) in [
            ("a-1-py3-none-any.whl", "a/x.so", "a/x.so"),
            ("a-1-py3-none-any.whl", "a/libx.so.1", "a/libx.so.1"),
            ("a-1-py3-none-any.whl", native, native),
            ("a-1-py3-none-any.whl", "a/X.PYD", "a/X.PYD"),
            (
                "a-1-cp314-cp314-archipel_1_wasm32.whl",
                "a/x.abi3.so",
                "a/x.abi3.so",
            ),
            (
                "a-1-cp314-cp314-win_amd64.whl",
                "a/x.py",
                "another platform: win_amd64",
            ),
        ] {
            let error = format!("{:#}", unpacked(wheel, &[(file, b"", 0)]).unwrap_err());
            assert!(error.contains(why) && error.contains(wheel), "{error}");
        }
    }

    #[test]
    fn extension_modules_are_lowered() {
        let native = "a/x.cpython-314-wasm32-wasi.so";
        let folder = folder("lowered");
        let wheel = folder.join("a-1-cp314-cp314-archipel_1_wasm32.whl");
        let unpacked = |module: &[u8]| {
            fs::write(&wheel, zip(&[(native, module, 0)]))?;
            unpack(&wheel, &folder)?;
            let unpacked = fs::read(folder.join(native))?;
            fs::remove_file(folder.join(native))?;
            anyhow::Ok(unpacked)
        };
        let plain = wat::parse_str("(module (func))").unwrap();
        assert_eq!(unpacked(&plain).unwrap(), plain);
        let tags = wat::parse_str("(module (tag (param i32)))").unwrap();
        let lowered = exceptions::lower(&tags).unwrap().unwrap();
        assert_eq!(unpacked(&tags).unwrap(), lowered);
        for (module, why) in [
            (&b"text"[..], "bad magic number"),
            (&wat::parse_str("(module (tag))").unwrap(), "than one i32"),
        ] {
            let error = format!("{:#}", unpacked(module).unwrap_err());
            assert!(error.contains(why) && error.contains(native), "{error}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn packages_may_share_a_file_only_if_it_is_the_same() {
        let folder = folder("shared");
        let site = folder.join("site");
        for (name, contents, fits) in [("a", b"1", true), ("b", b"1", true), ("c", b"2", false)] {
            let wheel = folder.join(format!("{name}-1-py3-none-any.whl"));
            fs::write(&wheel, zip(&[("ns/__init__.py", contents, 0)])).unwrap();
            assert_eq!(unpack(&wheel, &site).is_ok(), fits, "{name}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
