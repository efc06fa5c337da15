//! Loading images into a runtime.

use super::Runtime;
use crate::exec::thread::on_thread;
use crate::image::{Image, Progress, Source};
use crate::island::context::Context;
use crate::island::images::{Images, LoadedImage};
use crate::island::shared::Shared;
use archipel_core::error::{ConfigKind, Error, Result};
use archipel_core::policy::Policy;
use std::sync::Arc;

/// Loads `image`, and returns the context of its interpreters. Blocks.
pub(super) fn load(
    images: &Arc<Images>,
    shared: &Arc<Shared>,
    image: &Image,
    progress: &mut dyn FnMut(Progress),
) -> Result<Arc<Context>> {
    let context = |image: Arc<LoadedImage>| {
        Arc::new(Context {
            image,
            images: images.clone(),
            shared: shared.clone(),
        })
    };
    let check = |loaded: &Arc<LoadedImage>, source: &Source| {
        if !image.is_given() {
            return Ok(());
        }
        // Mismatched types only show when an instance is made.
        let trial = Runtime(context(loaded.clone()), Arc::new([]))
            .interpreter()
            .build();
        trial.map(drop).map_err(|error| match error {
            Error::Internal(cause) => source.unfit(&cause),
            other => other,
        })
    };
    let loaded = images.load(&shared.engine, image, progress, &check)?;
    Ok(context(loaded))
}

impl Runtime {
    /// Loads an image into the runtime, and blocks until interpreters can start from it. It is then available to
    /// [`InterpreterBuilder::image`] without delay, and under its name to interpreters whose policy grants it
    /// ([`Policy::image`]). If several images have the same name, the name stands for the one loaded last.
    ///
    /// If the cache has the compiled form of the image, this takes milliseconds. Otherwise the image is compiled, in
    /// some seconds on all processors, while interpreters continue to run. The runtime keeps the image until it ends.
    ///
    /// # Errors
    ///
    /// [`Error::Guest`] if the image cannot be read or compiled, is damaged, or belongs to another version of Archipel;
    /// [`Error::Capacity`] if the runtime has no slot left to try it; and [`Error::NoMemory`] or [`Error::Exhausted`]
    /// if the system refuses memory, threads or files.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use archipel::{Image, Policy, Runtime};
    ///
    /// let runtime = Runtime::new()?;
    /// runtime.load(&Image::open("science.wasm")?)?;
    /// let policy = Policy::new().children(8, 1)?.image("science")?;
    /// let interpreter = runtime.interpreter().policy(policy).build()?;
    /// interpreter.exec("import archipel; child = archipel.create(image='science')")?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    ///
    /// [`InterpreterBuilder::image`]: crate::InterpreterBuilder::image
    pub fn load(&self, image: &Image) -> Result<()> {
        load(&self.0.images, &self.0.shared, image, &mut |_| {}).map(drop)
    }

    /// Loads an image as [`load`](Self::load) does, on a thread of its own. Any executor can poll the future. Dropping
    /// it does not stop that thread, which completes the load.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn start(runtime: archipel::Runtime) -> archipel::Result<()> {
    /// runtime.load_async(&archipel::Image::open("science.wasm")?).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn load_async(&self, image: &Image) -> Result<()> {
        let (runtime, image) = (self.clone(), image.clone());
        on_thread("archipel-load", move || runtime.load(&image)).await
    }

    /// Returns the context of an interpreter with this image and policy, if all that they need is loaded.
    fn ready(&self, image: Option<&Image>, policy: &Policy) -> Option<Arc<Context>> {
        let images = &self.0.images;
        let mut granted = policy.parts().images.iter();
        if !granted.all(|name| images.named(name).is_some()) {
            return None;
        }
        match image {
            None => Some(self.0.clone()),
            Some(image) => Some(self.0.with_image(images.ready(image)?)),
        }
    }

    /// Returns the context of an interpreter with this image and policy, after loading the images. Blocks.
    pub(crate) fn prepare(&self, image: Option<&Image>, policy: &Policy) -> Result<Arc<Context>> {
        if let Some(context) = self.ready(image, policy) {
            return Ok(context);
        }
        let context = match image {
            None => self.0.clone(),
            Some(image) => load(&self.0.images, &self.0.shared, image, &mut |_| {})?,
        };
        for name in policy.parts().images {
            if self.0.images.named(name).is_none() {
                let found = self.0.images.find(name);
                let found = found.map_err(|error| match error {
                    Error::Guest(why) => Error::config(
                        ConfigKind::Grant,
                        format!("cannot grant the image {name}: {why}"),
                    ),
                    other => other,
                })?;
                self.load(&found)?;
            }
        }
        Ok(context)
    }

    /// Prepares as [`prepare`](Self::prepare) does, on a thread of its own if something must be loaded. Dropping the
    /// future does not stop that thread.
    pub(crate) async fn prepare_async(
        &self,
        image: Option<&Image>,
        policy: &Policy,
    ) -> Result<Arc<Context>> {
        if let Some(context) = self.ready(image, policy) {
            return Ok(context);
        }
        let (runtime, image, policy) = (self.clone(), image.cloned(), policy.clone());
        let prepare = move || runtime.prepare(image.as_ref(), &policy);
        on_thread("archipel-load", prepare).await
    }
}
