//! An image to compile.

use super::{EXPORT, GIVEN_BYTES, REBUILD, refused, unreadable};
use crate::engine::cache;
use archipel_core::error::{Error, Result};
use archipel_guest::Description;
use std::borrow::Cow;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

/// An image to compile.
#[derive(Debug)]
pub(crate) struct Source {
    /// The image's name in the cache of compiled images.
    pub(crate) key: String,
    contents: Contents,
    description: Option<Arc<Description>>,
    /// The advice in an error about the image.
    fix: &'static str,
}

#[derive(Debug)]
enum Contents {
    File(PathBuf),
    Bytes(Arc<Cow<'static, [u8]>>),
}

/// Returns the key of an image in bytes.
pub(super) fn key_of(bytes: &[u8]) -> String {
    format!("bytes-{:032x}", xxh3_128(bytes))
}

fn fix_of(description: Option<&Arc<Description>>) -> &'static str {
    match description {
        Some(_) => REBUILD,
        None => EXPORT,
    }
}

impl Source {
    /// The standard guest, as it was built in the cache.
    pub(super) fn standard(built: archipel_guest::Built) -> Self {
        Source {
            key: built.key,
            contents: Contents::File(built.path),
            description: None,
            fix: "delete it with `archipel cache clear`",
        }
    }

    /// The image in a file that the program named.
    pub(super) fn file(path: &Path, description: Option<Arc<Description>>) -> Result<Self> {
        let state = cache::state(path).map_err(|error| unreadable(path, error))?;
        Ok(Source {
            key: format!("given-{}", state.replace(' ', "-")),
            contents: Contents::File(path.to_owned()),
            fix: fix_of(description.as_ref()),
            description,
        })
    }

    /// The image in bytes of the program.
    pub(super) fn bytes(
        key: String,
        bytes: Arc<Cow<'static, [u8]>>,
        description: Option<Arc<Description>>,
    ) -> Self {
        Source {
            key,
            contents: Contents::Bytes(bytes),
            fix: fix_of(description.as_ref()),
            description,
        }
    }

    /// Returns the bytes of the component, after checking that a described one is intact.
    pub(super) fn read(&self) -> Result<Cow<'_, [u8]>> {
        let bytes = match &self.contents {
            Contents::File(path) => match std::fs::read(path) {
                Ok(bytes) => bytes.into(),
                Err(error) => return Err(unreadable(path, error)),
            },
            Contents::Bytes(bytes) => Cow::Borrowed(&***bytes),
        };
        if let Some(description) = &self.description {
            let intact = description.verify(&bytes);
            intact.map_err(|why| self.refused("a damaged image", &why))?;
        }
        Ok(bytes)
    }

    /// The error of a file that is not a valid component.
    pub(super) fn invalid(&self, why: &dyn Display) -> Error {
        self.refused("not a valid WebAssembly component", why)
    }

    /// The error of a component that is not an image, or one of another version.
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
