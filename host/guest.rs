//! The guest: the component that interpreters are instances of.

mod compile;
mod source;
mod standard;

use archipel_core::error::{Error, Result};
use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use compile::Progress;
pub(crate) use compile::compile;
pub(crate) use source::Source;

/// A guest: CPython and its standard library as a WebAssembly component, which all interpreters of a
/// runtime are instances of.
///
/// A guest belongs to one version of Archipel, and works on every machine. The runtime compiles it
/// for its machine, in some seconds, and caches the result in the folder of
/// [`RuntimeBuilder::cache_dir`]. Clones are the same guest.
///
/// | guest | use |
/// |---|---|
/// | [`standard`](Self::standard) | the guest in the cache, or a built one; the default |
/// | [`open`](Self::open) | a file, for machines that cannot or must not build a guest |
/// | [`from_bytes`](Self::from_bytes) | a guest that is part of the program |
///
/// `archipel guest export PATH` writes the standard guest of its version to a file. The guest is not
/// trusted: a forged one can do no more than a script can.
///
/// # Examples
///
/// ```no_run
/// use archipel::{Guest, Runtime};
///
/// let guest = Guest::open("/usr/share/my-program/python.wasm")?;
/// let runtime = Runtime::builder().guest(guest).build()?;
/// # Ok::<(), archipel::Error>(())
/// ```
///
/// [`RuntimeBuilder::cache_dir`]: crate::RuntimeBuilder::cache_dir
#[derive(Clone, Default)]
pub struct Guest(Kind);

#[derive(Clone, Default)]
enum Kind {
    #[default]
    Standard,
    File(PathBuf),
    Bytes(Arc<Cow<'static, [u8]>>),
}

impl Guest {
    /// Returns the standard guest of this version.
    ///
    /// It is looked up when the runtime is built, in the folder of [`RuntimeBuilder::cache_dir`]; the
    /// default is [`default_cache_dir`]. `archipel guest build` adds it to that folder. If it is not
    /// there, building the runtime
    ///
    /// - without the feature `build` fails with [`Error::Guest`];
    /// - with the feature `build` builds the guest, which takes about a minute. It needs Python 3.10
    ///   or newer with pip, and access to PyPI; with Node and npm, or an installed `wasm-opt`, the
    ///   guest is optimised. If the folder is not writable or not private to the user, the guest is
    ///   built in the system's temporary folder.
    ///
    /// The environment variable `ARCHIPEL_OPTIMISE=0` selects the variant that is built without
    /// optimisation. `ARCHIPEL_GUEST` has no effect on the library: only the `archipel` command reads
    /// it.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use archipel::{Guest, Runtime};
    ///
    /// let builder = Runtime::builder().cache_dir("/var/cache/my-program");
    /// let runtime = builder.guest(Guest::standard()).build()?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    ///
    /// [`RuntimeBuilder::cache_dir`]: crate::RuntimeBuilder::cache_dir
    /// [`default_cache_dir`]: crate::default_cache_dir
    #[must_use]
    pub fn standard() -> Self {
        Guest(Kind::Standard)
    }

    /// Returns the guest in a file.
    ///
    /// Only the first bytes of the file are read. Building a runtime reads the rest, unless the cache
    /// has the compiled form of this file: with the same size, inode and time of change.
    ///
    /// # Errors
    ///
    /// [`Error::Guest`] if the file cannot be read, or does not begin as a component does. Building
    /// a runtime returns it for all other files that are not guests of this version.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// let guest = archipel::Guest::open("python.wasm")?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        // The runtime can be built later, and in another current folder.
        let absolute = path
            .canonicalize()
            .map_err(|error| unreadable(path, error))?;
        let mut start = Vec::new();
        let file = File::open(&absolute).map_err(|error| unreadable(path, error))?;
        file.take(HEADER)
            .read_to_end(&mut start)
            .map_err(|error| unreadable(path, error))?;
        check_header(&start, &path.display())?;
        Ok(Guest(Kind::File(absolute)))
    }

    /// Returns the guest in `bytes`, such as those of `include_bytes!`.
    ///
    /// Building a runtime hashes all of them (some milliseconds) to find their compiled form in the
    /// cache.
    ///
    /// # Errors
    ///
    /// [`Error::Guest`] if the bytes do not begin as a component does. Building a runtime returns it
    /// for all other bytes that are not a guest of this version.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn read() -> Vec<u8> { Vec::new() }
    /// use archipel::{Guest, Runtime};
    ///
    /// let downloaded: Vec<u8> = read();
    /// let runtime = Runtime::builder().guest(Guest::from_bytes(downloaded)?).build()?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn from_bytes(bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self> {
        let bytes = bytes.into();
        check_header(&bytes, &GIVEN_BYTES)?;
        Ok(Guest(Kind::Bytes(Arc::new(bytes))))
    }

    /// Returns whether the program supplied this guest.
    pub(crate) fn is_given(&self) -> bool {
        !matches!(self.0, Kind::Standard)
    }

    /// Returns the guest to compile, and builds it if necessary and possible.
    pub(crate) fn source(
        &self,
        cache: Option<&Path>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Source> {
        match &self.0 {
            Kind::Standard => standard::source(cache, progress),
            Kind::File(path) => Source::file(path),
            Kind::Bytes(bytes) => Ok(Source::bytes(bytes.clone())),
        }
    }
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Standard => f.write_str("Guest::standard()"),
            Kind::File(path) => write!(f, "Guest::open({path:?})"),
            Kind::Bytes(bytes) => write!(f, "Guest::from_bytes({} bytes)", bytes.len()),
        }
    }
}

/// The name of a guest that was given as bytes, in errors.
const GIVEN_BYTES: &str = "the given bytes";

/// The length of a component's header, in bytes.
const HEADER: u64 = 8;

/// The fix for a given guest that does not fit.
const EXPORT: &str = "use a file that `archipel guest export` of this version wrote";

/// Checks the start of a guest for the header of a component.
fn check_header(start: &[u8], name: &dyn fmt::Display) -> Result<()> {
    let kind = match start.get(..8) {
        Some(b"\0asm\x0d\0\x01\0") => return Ok(()),
        Some(b"\0asm\x01\0\0\0") => "a core module and not a WebAssembly component",
        _ => "not a WebAssembly component",
    };
    Err(refused(format!("{kind}: {name} ({EXPORT})")))
}

/// The error of a guest that cannot be used.
fn refused(text: String) -> Error {
    Error::Guest(text.into())
}

/// The error of a guest's file that cannot be read.
fn unreadable(path: &Path, error: std::io::Error) -> Error {
    let text = format!("cannot read the guest {}", path.display());
    Error::Guest(anyhow::Error::new(error).context(text).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_bytes_accepts_only_the_header_of_a_component() {
        for (bytes, text) in [
            (
                &b""[..],
                "guest cannot be prepared: not a WebAssembly component: the given bytes",
            ),
            (b"\0asm\x0d", "not a WebAssembly component: the given bytes"),
            (
                b"#!/bin/sh\nexit",
                "not a WebAssembly component: the given bytes",
            ),
            (
                b"\0asm\x01\0\0\0",
                "a core module and not a WebAssembly component: the given",
            ),
        ] {
            let error = Guest::from_bytes(bytes).unwrap_err().to_string();
            assert!(error.contains(text) && !error.contains('\n'), "{error}");
        }
        assert!(Guest::from_bytes(b"\0asm\x0d\0\x01\0").is_ok());
    }

    #[test]
    fn open_names_the_file_that_it_refuses() {
        let folder = std::env::temp_dir().join(format!("archipel-open-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let text = folder.join("readme.txt");
        std::fs::write(&text, "not wasm").unwrap();
        for path in [&text, &folder, &folder.join("absent.wasm")] {
            let error = Guest::open(path).unwrap_err().to_string();
            assert!(error.contains(path.to_str().unwrap()), "{error}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
