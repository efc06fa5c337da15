//! Images: the components that interpreters are instances of.

#[cfg(feature = "build")]
mod builder;
mod compile;
mod source;
mod standard;

use archipel_core::error::{Error, Result};
use archipel_guest::Description;
use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

#[cfg(feature = "build")]
pub use builder::ImageBuilder;
pub use compile::Progress;
pub(crate) use compile::compile;
pub(crate) use source::Source;
pub use standard::supply_standard_guest;

/// The start of interpreters: CPython, its standard library, and perhaps packages and state, as one WebAssembly
/// component.
///
/// An image belongs to one version of Archipel, and works on every machine. A runtime compiles it for its machine, in
/// some seconds, and caches the result in the folder of [`RuntimeBuilder::cache_dir`]. Clones are the same image.
///
/// | image | use |
/// |---|---|
/// | [`standard`](Self::standard) | the standard guest, without packages; the default |
/// | [`named`](Self::named) | an image that `archipel image build` stored in the cache |
/// | [`open`](Self::open) | a file, for machines that cannot or must not build an image |
/// | [`from_bytes`](Self::from_bytes) | an image that is part of the program |
///
/// `archipel image build -o PATH` writes an image to a file, and `archipel guest export PATH` the standard guest. With
/// the feature `build`, `ImageBuilder` builds images. An image is not trusted: a forged one can do no more than a
/// script can.
///
/// [`RuntimeBuilder::image`] sets the image of a runtime's interpreters, and [`InterpreterBuilder::image`] that of one
/// interpreter. A runtime can have several images at a time.
///
/// # Examples
///
/// ```no_run
/// use archipel::{Image, Runtime};
///
/// let science = Image::open("/usr/share/my-program/science.wasm")?;
/// let runtime = Runtime::new()?;
/// let plain = runtime.interpreter().build()?;
/// let numeric = runtime.interpreter().image(&science).build()?;
/// numeric.exec("import numpy")?;
/// # Ok::<(), archipel::Error>(())
/// ```
///
/// [`InterpreterBuilder::image`]: crate::InterpreterBuilder::image
/// [`RuntimeBuilder::cache_dir`]: crate::RuntimeBuilder::cache_dir
/// [`RuntimeBuilder::image`]: crate::RuntimeBuilder::image
#[derive(Clone, Default)]
pub struct Image {
    kind: Kind,
    description: Option<Arc<Description>>,
}

#[derive(Clone, Default)]
enum Kind {
    #[default]
    Standard,
    File(PathBuf),
    Bytes(Arc<Given>),
}

/// Bytes of the program, and their key once it is needed.
struct Given {
    bytes: Arc<Cow<'static, [u8]>>,
    key: OnceLock<String>,
}

/// A package in an image, as [`Image::packages`] lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Package {
    /// The normalised name of the distribution.
    pub name: String,
    /// The version.
    pub version: String,
    /// The SHA-256 of its wheel, in hexadecimal digits.
    pub sha256: String,
}

impl Image {
    /// Returns the standard guest of this version.
    ///
    /// It is looked up when the runtime is built, in the folder of [`RuntimeBuilder::cache_dir`]; the
    /// default is [`default_cache_dir`]. `archipel guest build` adds it to that folder. If it is not
    /// there, and the program does not [supply](crate::supply_standard_guest) it, building the runtime
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
    /// use archipel::{Image, Runtime};
    ///
    /// let builder = Runtime::builder().cache_dir("/var/cache/my-program");
    /// let runtime = builder.image(Image::standard()).build()?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    ///
    /// [`RuntimeBuilder::cache_dir`]: crate::RuntimeBuilder::cache_dir
    /// [`default_cache_dir`]: crate::default_cache_dir
    #[must_use]
    pub fn standard() -> Self {
        Image::default()
    }

    /// Returns the image that `archipel image build --name NAME` stored in the cache folder `cache`, or in
    /// [`default_cache_dir`](crate::default_cache_dir) if that is `None`. The name `standard` stands for
    /// [`Image::standard`].
    ///
    /// # Errors
    ///
    /// [`Error::Guest`] if the cache has no image of that name, and for the reasons of [`Image::open`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// let science = archipel::Image::named("science", None)?;
    /// assert_eq!(science.name(), Some("science"));
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn named(name: &str, cache: Option<&Path>) -> Result<Self> {
        if name == STANDARD {
            return Ok(Image::standard());
        }
        let default = match cache {
            Some(_) => None,
            None => crate::engine::cache::default_cache_dir(),
        };
        let Some(cache) = cache.or(default.as_deref()) else {
            return Err(refused(
                "this system has no cache folder (set ARCHIPEL_CACHE_DIR)".to_owned(),
            ));
        };
        let path = archipel_guest::image_path(cache, name).filter(|path| path.exists());
        let path = path.ok_or_else(|| {
            refused(format!(
                "no image named {name:?} in {} (`archipel image list` has those that exist; build it with `archipel \
                 image build`)",
                cache.display()
            ))
        })?;
        Image::open(path)
    }

    /// Returns the image in a file.
    ///
    /// Only the start of the file is read. A runtime reads the rest, unless the cache has the compiled form of this
    /// file: with the same size, inode and time of change.
    ///
    /// # Errors
    ///
    /// [`Error::Guest`] if the file cannot be read, does not begin as a component does, has a damaged description, or
    /// was built by another version of Archipel. Building a runtime returns it for all other files that are not images
    /// of this version.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// let image = archipel::Image::open("python.wasm")?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        // The runtime can be built later, and in another current folder.
        let absolute = path
            .canonicalize()
            .map_err(|error| unreadable(path, error))?;
        let file = File::open(&absolute).map_err(|error| unreadable(path, error))?;
        let description = check_start(BufReader::new(file), &path.display())?;
        Ok(Image {
            kind: Kind::File(absolute),
            description,
        })
    }

    /// Returns the image in `bytes`, such as those of `include_bytes!`.
    ///
    /// The first use hashes all of them (some milliseconds) to find their compiled form in the cache.
    ///
    /// # Errors
    ///
    /// [`Error::Guest`] for the reasons of [`Image::open`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn read() -> Vec<u8> { Vec::new() }
    /// use archipel::{Image, Runtime};
    ///
    /// let downloaded: Vec<u8> = read();
    /// let runtime = Runtime::builder().image(Image::from_bytes(downloaded)?).build()?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn from_bytes(bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self> {
        let bytes = Arc::new(bytes.into());
        let description = check_start(&**bytes, &GIVEN_BYTES)?;
        Ok(Image {
            kind: Kind::Bytes(Arc::new(Given {
                bytes,
                key: OnceLock::new(),
            })),
            description,
        })
    }

    /// Returns the name of the image. A guest that `archipel guest export` wrote has none.
    ///
    /// ```
    /// assert_eq!(archipel::Image::standard().name(), Some("standard"));
    /// ```
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match &self.description {
            Some(description) => Some(&description.name),
            None => matches!(self.kind, Kind::Standard).then_some(STANDARD),
        }
    }

    /// Returns the packages in the image, sorted by name.
    ///
    /// ```
    /// assert!(archipel::Image::standard().packages().is_empty());
    /// ```
    #[must_use]
    pub fn packages(&self) -> Vec<Package> {
        let packages = self.description.iter().flat_map(|d| &d.packages);
        packages
            .map(|package| Package {
                name: package.name.clone(),
                version: package.version.clone(),
                sha256: package.sha256.clone(),
            })
            .collect()
    }

    /// Returns whether the program supplied this image.
    pub(crate) fn is_given(&self) -> bool {
        !matches!(self.kind, Kind::Standard)
    }

    /// Returns the image's key among those that a runtime has loaded, if it can be known without building anything.
    pub(crate) fn key_if_known(&self, cache: Option<&Path>) -> Option<String> {
        match &self.kind {
            Kind::Standard => standard::key(cache),
            Kind::File(path) => Source::file(path, None).ok().map(|source| source.key),
            Kind::Bytes(given) => Some(given.key().to_owned()),
        }
    }

    /// Returns the component to compile, and builds it if necessary and possible.
    pub(crate) fn source(
        &self,
        cache: Option<&Path>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Source> {
        let description = self.description.clone();
        match &self.kind {
            Kind::Standard => standard::source(cache, progress),
            Kind::File(path) => Source::file(path, description),
            Kind::Bytes(given) => Ok(Source::bytes(
                given.key().to_owned(),
                given.bytes.clone(),
                description,
            )),
        }
    }
}

impl Given {
    fn key(&self) -> &str {
        self.key.get_or_init(|| source::key_of(&self.bytes))
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Standard => f.write_str("Image::standard()"),
            Kind::File(path) => write!(f, "Image::open({path:?})"),
            Kind::Bytes(given) => write!(f, "Image::from_bytes({} bytes)", given.bytes.len()),
        }
    }
}

/// The name of the standard guest.
const STANDARD: &str = "standard";

/// The name of an image that was given as bytes, in errors.
const GIVEN_BYTES: &str = "the given bytes";

/// The length of a component's header, in bytes.
const HEADER: usize = 8;

/// The fix for a given guest that does not fit.
const EXPORT: &str = "use a file that `archipel guest export` of this version wrote";

/// The fix for an image that does not fit.
const REBUILD: &str = "build it again with `archipel image build`";

/// Checks the start of an image for the header of a component, and returns the description that it has.
fn check_start(mut bytes: impl Read, name: &dyn fmt::Display) -> Result<Option<Arc<Description>>> {
    let mut start = Vec::new();
    let failed = |error: std::io::Error| {
        let text = format!("cannot read the image {name}");
        Error::Guest(anyhow::Error::new(error).context(text).into())
    };
    (&mut bytes)
        .take(HEADER as u64)
        .read_to_end(&mut start)
        .map_err(failed)?;
    let kind = match start.get(..HEADER) {
        Some(b"\0asm\x0d\0\x01\0") => None,
        Some(b"\0asm\x01\0\0\0") => Some("a core module and not a WebAssembly component"),
        _ => Some("not a WebAssembly component"),
    };
    if let Some(kind) = kind {
        return Err(refused(format!("{kind}: {name} ({EXPORT})")));
    }
    let description = Description::read((&start[..]).chain(bytes))
        .map_err(|why| refused(format!("the image {name} is damaged: {why} ({REBUILD})")))?;
    if let Some(why) = description.as_ref().and_then(Description::mismatch) {
        return Err(refused(format!("the image {name} {why} ({REBUILD})")));
    }
    Ok(description.map(Arc::new))
}

/// The error of an image that cannot be used.
fn refused(text: String) -> Error {
    Error::Guest(text.into())
}

/// The error of an image's file that cannot be read.
fn unreadable(path: &Path, error: std::io::Error) -> Error {
    let text = format!("cannot read the image {}", path.display());
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
            let error = Image::from_bytes(bytes).unwrap_err().to_string();
            assert!(error.contains(text) && !error.contains('\n'), "{error}");
        }
        let bare = Image::from_bytes(b"\0asm\x0d\0\x01\0").unwrap();
        assert_eq!((bare.name(), bare.packages().len()), (None, 0));
    }

    #[test]
    fn a_description_of_another_version_or_cut_off_is_refused() {
        let section = |json: &str| {
            let name = b"archipel-image";
            let size = u8::try_from(1 + name.len() + json.len()).unwrap();
            let head = b"\0asm\x0d\0\x01\0\x00";
            // Sizes of two bytes in LEB128.
            let size = [size | 0x80, size >> 7];
            [&head[..], &size, &[14], name, json.as_bytes()].concat()
        };
        let other = r#"{"name":"n","archipel":"0.0.1","python":"3","packages":[],"inputs":"","built":"","content":""}"#;
        for (bytes, text) in [
            (section(other), "was built by Archipel 0.0.1, and this is"),
            (
                section(&other.replace("0.0.1", env!("CARGO_PKG_VERSION"))),
                "has version 0 of the interface to Archipel, and this is",
            ),
            (section("{}"), "is damaged: its description is invalid"),
            (
                section(other)[..60].to_vec(),
                "is damaged: its description is cut off",
            ),
        ] {
            let error = Image::from_bytes(bytes).unwrap_err().to_string();
            let fix = "archipel image build";
            assert!(error.contains(text) && error.contains(fix), "{error}");
        }
    }

    #[test]
    fn open_names_the_file_that_it_refuses() {
        let folder = std::env::temp_dir().join(format!("archipel-open-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let text = folder.join("readme.txt");
        std::fs::write(&text, "not wasm").unwrap();
        for path in [&text, &folder, &folder.join("absent.wasm")] {
            let error = Image::open(path).unwrap_err().to_string();
            assert!(error.contains(path.to_str().unwrap()), "{error}");
        }
        let error = Image::named("../etc", Some(&folder))
            .unwrap_err()
            .to_string();
        assert!(error.contains("no image named \"../etc\""), "{error}");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
