//! The commands for the guest.

use crate::Failure;
use crate::cache::cache_dir;
use crate::prepare::{given_guest, of_given, runtime};
use archipel::{Image, Limits};
use archipel_guest::Variant;
use std::path::{Path, PathBuf};

/// Builds the guest, if necessary, and compiles it for this machine.
pub fn build() -> Result<u8, Failure> {
    runtime(&Limits::new(), None, |builder| builder.max_interpreters(1))?;
    Ok(0)
}

/// Writes the guest component of this `variant` to `path`. An island's is the one that `ARCHIPEL_GUEST` names, if it
/// is set.
pub fn export(variant: Variant, path: &Path) -> Result<u8, Failure> {
    let source = match given_guest().filter(|_| variant == Variant::Island) {
        Some(given) => {
            Image::open(&given).map_err(of_given)?;
            given
        }
        None => component(variant)?,
    };
    std::fs::copy(&source, path).map_err(|error| {
        let from = source.display();
        Failure::failed(format!("cannot copy {from} to {}: {error}", path.display()))
    })?;
    Ok(0)
}

/// Returns the file of the guest in the cache, and builds it if it is missing.
fn component(variant: Variant) -> Result<PathBuf, Failure> {
    let built = archipel_guest::ensure(variant, &cache_dir()?, &mut |step| {
        eprintln!("archipel: {}", step.describe())
    });
    match built {
        Ok(built) => Ok(built.path),
        Err(error) => Err(Failure::failed(format!("{error:#}"))),
    }
}
