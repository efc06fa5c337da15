//! The context in which interpreters are created.

use super::images::{Images, LoadedImage};
use super::shared::Shared;
use std::ops::Deref;
use std::sync::Arc;

/// An image, and the state that all interpreters of its runtime share.
pub(crate) struct Context {
    pub(crate) image: Arc<LoadedImage>,
    /// All images of the runtime.
    pub(crate) images: Arc<Images>,
    /// Everything else; instances refer to it, too.
    pub(crate) shared: Arc<Shared>,
}

impl Context {
    /// Returns the context of another image in the same runtime.
    pub(crate) fn with_image(&self, image: Arc<LoadedImage>) -> Arc<Context> {
        Arc::new(Context {
            image,
            images: self.images.clone(),
            shared: self.shared.clone(),
        })
    }
}

impl Deref for Context {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}
