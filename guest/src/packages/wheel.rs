//! The wheels of the wheelhouse, and the hashes beside them.

use crate::description::sha256;
use anyhow::{Context, Result, ensure};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// Returns the file that records the hash of a wheel.
fn record(wheel: &Path) -> PathBuf {
    let mut name = OsString::from(wheel);
    name.push(".sha256");
    name.into()
}

/// Moves a finished wheel from `built` to `wheel`, and records its hash first.
///
/// Both are in folders of the same file system, so that no other process sees a part of the wheel.
pub fn store(built: &Path, wheel: &Path) -> Result<()> {
    let hash = sha256(&fs::read(built)?);
    if let Some(folder) = wheel.parent() {
        fs::create_dir_all(folder)?;
    }
    // The wheelhouse can be on another disk than the cache.
    let unfinished = wheel.with_extension("unfinished");
    fs::copy(built, &unfinished)?;
    fs::write(record(wheel), format!("{hash}\n"))?;
    fs::rename(&unfinished, wheel)?;
    Ok(())
}

/// Checks a wheel against the hash that was recorded when it was built.
///
/// # Errors
///
/// Returns an error if the hashes differ, or a file is missing.
pub fn verify(wheel: &Path) -> Result<()> {
    let record = record(wheel);
    let recorded = fs::read_to_string(&record).with_context(|| {
        format!(
            "{} has no recorded hash (copy {} too, or delete the wheel to build it again)",
            wheel.display(),
            record.display()
        )
    })?;
    let data = fs::read(wheel).with_context(|| format!("cannot read {}", wheel.display()))?;
    ensure!(
        sha256(&data) == recorded.trim(),
        "{} is damaged: its hash is not the recorded one (delete the wheel to build it again)",
        wheel.display()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_wheel_and_one_without_a_record_are_refused() {
        let name = format!("archipel-wheel-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        let (built, wheel) = (folder.join("built"), folder.join("house/a.whl"));
        fs::write(&built, "contents").unwrap();
        store(&built, &wheel).unwrap();
        verify(&wheel).unwrap();
        fs::write(&wheel, "contentz").unwrap();
        let error = verify(&wheel).unwrap_err().to_string();
        assert!(error.contains("is damaged"), "{error}");
        fs::remove_file(record(&wheel)).unwrap();
        let error = verify(&wheel).unwrap_err().to_string();
        assert!(error.contains("no recorded hash"), "{error}");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn hash_is_sha_256() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(b""), empty);
    }
}
