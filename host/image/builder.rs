//! Building images.

use super::Image;
use crate::exec::thread::on_thread;
use archipel_core::error::{ConfigKind, Error, Result};
use archipel_guest::Plan;
use std::path::PathBuf;
use std::time::Duration;

/// The settings of a new image; [`build`](Self::build) builds it. It exists with the feature `build`.
///
/// pip resolves the packages to wheels. Wheels of pure Python are used as they are; other packages need a wheel for the
/// guest, such as those that recipes build. Nothing of a package runs on the host: its modules are imported, and the set-up
/// script runs, in a WebAssembly instance without network, files or environment, within a limit on time and memory.
///
/// # Examples
///
/// ```no_run
/// use archipel::{ImageBuilder, Runtime};
///
/// let image = ImageBuilder::new()
///     .packages(["attrs==25.1.0", "click"])
///     .import("attr")
///     .name("tools")
///     .build()?;
/// let interpreter = Runtime::new()?.interpreter().image(&image).build()?;
/// interpreter.exec("import attr, click")?;
/// # Ok::<(), archipel::Error>(())
/// ```
#[must_use]
pub struct ImageBuilder {
    plan: Plan,
    cache_dir: Option<PathBuf>,
    output: Option<PathBuf>,
    progress: Box<dyn FnMut(&'static str) + Send>,
}

impl Default for ImageBuilder {
    fn default() -> Self {
        ImageBuilder::new()
    }
}

impl std::fmt::Debug for ImageBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ImageBuilder")
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

impl ImageBuilder {
    /// Creates a builder for an image without packages, with 10 minutes and 4 GiB for its imports and its set-up
    /// script.
    pub fn new() -> Self {
        ImageBuilder {
            plan: Plan::default(),
            cache_dir: None,
            output: None,
            progress: Box::new(|_| {}),
        }
    }

    /// Adds packages, as pip's requirements: `numpy`, `attrs==25.1.0`.
    pub fn packages<P: Into<String>>(mut self, packages: impl IntoIterator<Item = P>) -> Self {
        self.plan
            .packages
            .extend(packages.into_iter().map(Into::into));
        self
    }

    /// Adds the packages in a requirements file.
    pub fn requirements(mut self, file: impl Into<PathBuf>) -> Self {
        self.plan.requirements.push(file.into());
        self
    }

    /// Adds a module to import before the image is stored, so that scripts import it without delay.
    pub fn import(mut self, module: impl Into<String>) -> Self {
        self.plan.imports.push(module.into());
        self
    }

    /// Sets a script to run before the image is stored. Every interpreter starts with what the script defines in
    /// `__main__`. The script must close what it opens.
    pub fn setup(mut self, script: impl Into<PathBuf>) -> Self {
        self.plan.setup = Some(script.into());
        self
    }

    /// Sets the name of the image: up to 64 letters, digits, dots, underscores and hyphens. The default is the name of
    /// the first package.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.plan.name = Some(name.into());
        self
    }

    /// Sets a file to which the image is written, in addition to the cache.
    pub fn output(mut self, path: impl Into<PathBuf>) -> Self {
        self.output = Some(path.into());
        self
    }

    /// Sets the longest time for making the image's snapshot, in which modules are imported and the set-up script runs.
    /// It includes the time for compiling the guest. The default is 10 minutes.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.plan.time = time;
        self
    }

    /// Sets the memory that imports and the set-up script may take, in bytes. The default is 4 GiB. Only Unix systems
    /// enforce it.
    pub fn max_memory(mut self, bytes: u64) -> Self {
        self.plan.memory = bytes;
        self
    }

    /// Sets the folder that caches images, packages and tools. The default is
    /// [`default_cache_dir`](crate::default_cache_dir).
    pub fn cache_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache_dir = Some(folder.into());
        self
    }

    /// Sets a callback for the steps of the build, which receives a description of each.
    pub fn progress(mut self, progress: impl FnMut(&'static str) + Send + 'static) -> Self {
        self.progress = Box::new(progress);
        self
    }

    /// Builds the image, stores it in the cache under its name, and returns it. Blocks for about a minute.
    ///
    /// An image that the cache has from the same inputs is not built again. The image replaces another one of the same
    /// name; runtimes that have loaded that one keep it.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] if the name is missing or invalid, and [`Error::Guest`] if the packages cannot be resolved or
    /// used, if an import or the set-up script fails, exceeds a limit or leaves something open, if a required tool is
    /// missing, or if the cache folder or the output cannot be written. The text has one line.
    pub fn build(mut self) -> Result<Image> {
        let name = self.plan.image_name();
        name.map_err(|error| Error::config(ConfigKind::Runtime, error.to_string()))?;
        let cache = self
            .cache_dir
            .or_else(crate::engine::cache::default_cache_dir);
        let cache = cache.ok_or_else(|| {
            super::refused("this system has no cache folder (set ARCHIPEL_CACHE_DIR)".to_owned())
        })?;
        crate::engine::cache::open_private(&cache).map_err(|error| {
            let text = "cannot use the cache folder (set ARCHIPEL_CACHE_DIR to one of your own)";
            Error::Guest(anyhow::Error::new(error).context(text).into())
        })?;
        let progress = &mut self.progress;
        let built = archipel_guest::build_image(&self.plan, &cache, &mut |step| {
            progress(step.describe());
        });
        let (path, _) = built.map_err(|error| Error::Guest(error.into()))?;
        if let Some(output) = self.output {
            std::fs::copy(&path, &output).map_err(|error| {
                let text = format!("cannot write the image to {}", output.display());
                Error::Guest(anyhow::Error::new(error).context(text).into())
            })?;
        }
        Image::open(path)
    }

    /// Builds the image as [`build`](Self::build) does, on a thread of its own. Any executor can poll the future.
    /// Dropping it does not stop that thread, which completes the image in the cache.
    ///
    /// # Errors
    ///
    /// As for [`build`](Self::build).
    pub async fn build_async(self) -> Result<Image> {
        on_thread("archipel-image", move || self.build()).await
    }
}
