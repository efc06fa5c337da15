//! The standard guest: from the cache or, with the feature `build`, built.

use super::{Progress, Source};
use crate::engine::cache::check_private;
use archipel_core::error::Result;
use archipel_guest::Variant;
use std::path::Path;

/// Returns the standard guest in the folder `cache`, and builds it if necessary and possible.
pub(super) fn source(cache: Option<&Path>, progress: &mut dyn FnMut(Progress)) -> Result<Source> {
    match cache.and_then(cached) {
        Some(source) => Ok(source),
        None => build(cache, progress),
    }
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
    use crate::engine::cache::open_private;
    use archipel_core::error::Error;

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
