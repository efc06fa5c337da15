//! A guest to compile.

use super::{EXPORT, GIVEN_BYTES, refused, unreadable};
use crate::engine::cache;
use archipel_core::error::{Error, Result};
use std::borrow::Cow;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

/// A guest to compile.
#[derive(Debug)]
pub(crate) struct Source {
    /// The guest's name in the cache of compiled guests.
    pub(crate) key: String,
    contents: Contents,
    /// The advice in an error about the guest.
    fix: &'static str,
}

#[derive(Debug)]
enum Contents {
    File(PathBuf),
    Bytes(Arc<Cow<'static, [u8]>>),
}

impl Source {
    /// The standard guest, as it was built in the cache.
    pub(super) fn standard(built: archipel_guest::Built) -> Self {
        Source {
            key: built.key,
            contents: Contents::File(built.path),
            fix: "delete it with `archipel cache clear`",
        }
    }

    /// The guest in a file that the program named.
    pub(super) fn file(path: &Path) -> Result<Self> {
        let state = cache::state(path).map_err(|error| unreadable(path, error))?;
        Ok(Source {
            key: format!("given-{}", state.replace(' ', "-")),
            contents: Contents::File(path.to_owned()),
            fix: EXPORT,
        })
    }

    /// The guest in bytes of the program.
    pub(super) fn bytes(bytes: Arc<Cow<'static, [u8]>>) -> Self {
        Source {
            key: format!("bytes-{:032x}", xxh3_128(&bytes)),
            contents: Contents::Bytes(bytes),
            fix: EXPORT,
        }
    }

    /// Returns the bytes of the component.
    pub(super) fn read(&self) -> Result<Cow<'_, [u8]>> {
        match &self.contents {
            Contents::File(path) => match std::fs::read(path) {
                Ok(bytes) => Ok(bytes.into()),
                Err(error) => Err(unreadable(path, error)),
            },
            Contents::Bytes(bytes) => Ok(Cow::Borrowed(&***bytes)),
        }
    }

    /// The error of a file that is not a valid component.
    pub(super) fn invalid(&self, why: &dyn Display) -> Error {
        self.refused("not a valid WebAssembly component", why)
    }

    /// The error of a component that is not a guest, or one of another version.
    pub(crate) fn unfit(&self, why: &dyn Display) -> Error {
        let what = concat!("not a guest of Archipel ", env!("CARGO_PKG_VERSION"));
        self.refused(what, why)
    }

    fn refused(&self, what: &str, why: &dyn Display) -> Error {
        let name: &dyn Display = match &self.contents {
            Contents::File(path) => &path.display(),
            Contents::Bytes(_) => &GIVEN_BYTES,
        };
        // Some texts of wasmtime have several lines.
        let why = format!("{why:#}");
        let why: Vec<&str> = why.split_whitespace().collect();
        refused(format!("{what}: {name}: {} ({})", why.join(" "), self.fix))
    }
}
