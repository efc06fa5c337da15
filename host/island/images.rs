//! The images of a runtime, compiled and linked with the imports.

use super::bindings::{IslandIndices, IslandPre};
use super::state::State;
use crate::engine::cache::CompiledCache;
use crate::engine::guest_memory::GuestMemory;
use crate::image::{self, Image, Progress, Source};
use crate::lock::lock;
use archipel_core::error::Result;
use std::collections::HashMap;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use wasmtime::Engine;
use wasmtime::component::Linker;

/// A compiled image, from which instances are made.
pub(crate) struct LoadedImage {
    pub(crate) guest: IslandPre<State>,
    pub(crate) indices: IslandIndices,
    pub(crate) memory: GuestMemory,
    /// Its name, if it has one.
    pub(crate) name: Option<Arc<str>>,
    /// The number of its instances.
    instances: AtomicUsize,
}

/// An image that an instance was made from and is counted in.
pub(crate) struct InUse(Arc<LoadedImage>);

impl InUse {
    pub(crate) fn by_one_more(image: &Arc<LoadedImage>) -> Self {
        image.instances.fetch_add(1, Ordering::Relaxed);
        InUse(image.clone())
    }
}

impl Deref for InUse {
    type Target = Arc<LoadedImage>;

    fn deref(&self) -> &Arc<LoadedImage> {
        &self.0
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.instances.fetch_sub(1, Ordering::Relaxed);
    }
}

impl LoadedImage {
    /// Returns the number of its instances, prewarmed ones among them.
    pub(crate) fn instances(&self) -> usize {
        self.instances.load(Ordering::Relaxed)
    }
}

/// The images that a runtime has loaded, and the means to load more.
pub(crate) struct Images {
    linker: Linker<State>,
    /// The folder of standard guests and named images.
    folder: Option<PathBuf>,
    compiled: Option<CompiledCache>,
    loaded: Mutex<Loaded>,
    /// Held while an image is being loaded, so that none is compiled twice.
    loading: Mutex<()>,
}

#[derive(Default)]
struct Loaded {
    by_key: HashMap<String, Arc<LoadedImage>>,
    by_name: HashMap<Arc<str>, Arc<LoadedImage>>,
}

impl Images {
    pub(crate) fn new(
        linker: Linker<State>,
        folder: Option<PathBuf>,
        compiled: Option<CompiledCache>,
    ) -> Self {
        Images {
            linker,
            folder,
            compiled,
            loaded: Mutex::default(),
            loading: Mutex::default(),
        }
    }

    fn loaded(&self) -> MutexGuard<'_, Loaded> {
        lock(&self.loaded)
    }

    /// Returns the image that was loaded last under this name.
    pub(crate) fn named(&self, name: &str) -> Option<Arc<LoadedImage>> {
        self.loaded().by_name.get(name).cloned()
    }

    /// Returns all images, each once.
    pub(crate) fn all(&self) -> Vec<Arc<LoadedImage>> {
        self.loaded().by_key.values().cloned().collect()
    }

    /// Returns the image if it is loaded already. This never compiles anything.
    pub(crate) fn ready(&self, image: &Image) -> Option<Arc<LoadedImage>> {
        let key = image.key_if_known(self.folder.as_deref())?;
        self.loaded().by_key.get(&key).cloned()
    }

    /// Loads an image, and compiles it if the cache lacks its compiled form. An image that is new to the runtime must
    /// pass `check`. Blocks.
    pub(crate) fn load(
        &self,
        engine: &Engine,
        image: &Image,
        progress: &mut dyn FnMut(Progress),
        check: &dyn Fn(&Arc<LoadedImage>, &Source) -> Result<()>,
    ) -> Result<Arc<LoadedImage>> {
        let _loading = lock(&self.loading);
        let source = image.source(self.folder.as_deref(), progress)?;
        let known = self.loaded().by_key.get(&source.key).cloned();
        let made = match known {
            Some(made) => made,
            None => {
                let made = Arc::new(self.link(engine, &source, image, progress)?);
                check(&made, &source)?;
                made
            }
        };
        let mut loaded = self.loaded();
        if let Some(name) = &made.name {
            loaded.by_name.insert(name.clone(), made.clone());
        }
        loaded.by_key.insert(source.key, made.clone());
        Ok(made)
    }

    /// Returns the image with this name in the runtime's cache folder.
    pub(crate) fn find(&self, name: &str) -> Result<Image> {
        Image::named(name, self.folder.as_deref())
    }

    fn link(
        &self,
        engine: &Engine,
        source: &Source,
        image: &Image,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<LoadedImage> {
        let component = image::compile(engine, source, self.compiled.as_ref(), progress)?;
        let guest = self
            .linker
            .instantiate_pre(&component)
            .and_then(IslandPre::new)
            .map_err(|error| source.unfit(&error))?;
        let indices =
            IslandIndices::new(guest.instance_pre()).map_err(|error| source.unfit(&error))?;
        let memory = GuestMemory::find(&component)
            .ok_or_else(|| source.unfit(&"it lacks the functions of image.wit"))?;
        Ok(LoadedImage {
            guest,
            indices,
            memory,
            name: image.name().map(Arc::from),
            instances: AtomicUsize::new(0),
        })
    }
}
