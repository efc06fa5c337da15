//! The standard guest: from the cache, from the program or, with the feature `build`, built.

use super::{Progress, Source};
use crate::engine::cache::{check_private, open_private};
use archipel_core::error::{Error, Result};
use archipel_guest::Variant;
use std::borrow::Cow;
use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};

type Supply = dyn Fn() -> io::Result<Option<Vec<u8>>> + Send + Sync;

static SUPPLY: OnceLock<Box<Supply>> = OnceLock::new();

/// Sets a function that returns the standard guest of this version, for programs that contain it. It returns `None` if
/// the program lacks it after all.
///
/// The function is called when the cache folder of a runtime lacks the guest, which is then added to that folder. It
/// applies to the whole process. Only the first call of `supply_standard_guest` has an effect.
///
/// # Examples
///
/// ```no_run
/// archipel::supply_standard_guest(|| std::fs::read("/usr/share/my-program/python.wasm").map(Some));
/// let runtime = archipel::Runtime::new()?;
/// # Ok::<(), archipel::Error>(())
/// ```
pub fn supply_standard_guest(
    supply: impl Fn() -> io::Result<Option<Vec<u8>>> + Send + Sync + 'static,
) {
    let _ = SUPPLY.set(Box::new(supply));
}

/// Returns the standard guest in the folder `cache`. If it is missing, it is supplied by the program, or built if that
/// is possible.
pub(super) fn source(cache: Option<&Path>, progress: &mut dyn FnMut(Progress)) -> Result<Source> {
    match cache.and_then(cached) {
        Some(source) => Ok(source),
        None => match supplied(cache, progress)? {
            Some(source) => Ok(source),
            None => build(cache, progress),
        },
    }
}

/// Returns the guest that the program supplies, and adds it to the folder `cache` if that is usable.
fn supplied(cache: Option<&Path>, progress: &mut dyn FnMut(Progress)) -> Result<Option<Source>> {
    let Some(supply) = SUPPLY.get() else {
        return Ok(None);
    };
    let guest = supply().map_err(|error| {
        let text = "cannot read the guest that the program contains";
        Error::Guest(anyhow::Error::new(error).context(text).into())
    })?;
    let Some(guest) = guest else { return Ok(None) };
    let added = match cache {
        None => Err(io::Error::other("this system has no cache folder")),
        Some(folder) => {
            open_private(folder).and_then(|()| archipel_guest::add(Variant::Island, folder, &guest))
        }
    };
    Ok(Some(match added {
        Ok(added) => Source::standard(added),
        Err(error) => {
            tracing::warn!("cannot cache the guest: {error}");
            progress(Progress::NoCache);
            let key = archipel_guest::key(Variant::Island);
            Source::bytes(key, Arc::new(Cow::Owned(guest)), None)
        }
    }))
}

/// Returns the guest in `folder`, unless another user could replace it.
fn cached(folder: &Path) -> Option<Source> {
    check_private(folder).ok()?;
    archipel_guest::find(Variant::Island, folder).map(Source::standard)
}

/// Returns the key of the standard guest, if it is in the folder `cache`.
pub(super) fn key(cache: Option<&Path>) -> Option<String> {
    cache.and_then(cached).map(|source| source.key)
}

/// Builds the guest in the folder `cache` or, if that is unusable, in the temporary one.
#[cfg(feature = "build")]
fn build(cache: Option<&Path>, progress: &mut dyn FnMut(Progress)) -> Result<Source> {
    let temporary;
    let folder = match cache {
        Some(folder) if open_private(folder).is_ok() && is_writable(folder) => folder,
        _ => {
            temporary = std::env::temp_dir().join("archipel-without-cache");
            progress(Progress::NoCache);
            // Another user who could write to the folder could replace the guest.
            open_private(&temporary).map_err(|error| {
                let text = "no cache folder and no temporary folder (set ARCHIPEL_CACHE_DIR)";
                Error::Guest(anyhow::Error::new(error).context(text).into())
            })?;
            &temporary
        }
    };
    archipel_guest::ensure(Variant::Island, folder, &mut |step| {
        progress(Progress::Build(step.describe()));
    })
    .map(Source::standard)
    .map_err(|error| Error::Guest(error.into()))
}

#[cfg(not(feature = "build"))]
fn build(cache: Option<&Path>, _progress: &mut dyn FnMut(Progress)) -> Result<Source> {
    Err(missing(cache))
}

/// The error of a guest that is missing and cannot be built, with the ways to supply it.
#[cfg(any(test, not(feature = "build")))]
fn missing(cache: Option<&Path>) -> archipel_core::error::Error {
    let reason = match cache.map(|folder| (folder, check_private(folder))) {
        None => "this system has no cache folder".to_owned(),
        Some((_, Err(error))) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            error.to_string()
        }
        Some((folder, _)) => format!("{} has none", folder.display()),
    };
    super::refused(format!(
        "no guest of Archipel {} in the cache: {reason} (run `archipel guest build`, or use Image::open with a file \
         from `archipel guest export`, or enable the feature `build`)",
        env!("CARGO_PKG_VERSION")
    ))
}

#[cfg(all(feature = "build", unix))]
fn is_writable(folder: &Path) -> bool {
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(all(feature = "build", not(unix)))]
fn is_writable(_folder: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_a_missing_guest_names_the_remedies() {
        let absent = std::env::temp_dir().join(format!("archipel-empty-{}", std::process::id()));
        for (cache, reason) in [
            (None, "no cache folder"),
            (Some(&*absent), absent.to_str().unwrap()),
        ] {
            let text = missing(cache).to_string();
            for part in [
                reason,
                "archipel guest build",
                "Image::open",
                "feature `build`",
            ] {
                assert!(text.contains(part), "{text}");
            }
            assert!(!absent.exists());
        }
    }
}
