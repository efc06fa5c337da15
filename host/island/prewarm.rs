//! Prewarmed instances, made before interpreters need them.

use super::context::Context;
use super::family::Family;
use super::images::LoadedImage;
use super::{Instance, Island, Settings};
use crate::lock::lock;
use crate::output::Output;
use archipel_core::error::Result;
use archipel_core::limits::Limits;
use archipel_core::policy::Policy;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// The prewarmed instances of one image in a runtime.
///
/// No code has run in them, so an interpreter cannot tell a prewarmed instance from one made for
/// it.
pub(crate) struct Prewarmed {
    wanted: usize,
    #[expect(
        clippy::vec_box,
        reason = "instances keep their addresses when they change hands"
    )]
    instances: Mutex<Vec<Box<Instance>>>,
    /// True while a task makes instances.
    filling: AtomicBool,
    /// The placeholder that owns the instances.
    holder: Arc<Island>,
}

impl Prewarmed {
    /// Starts keeping `wanted` instances. When it returns, the first of them are being made.
    pub(crate) fn keep(context: &Arc<Context>, wanted: usize) -> Result<Arc<Self>> {
        let settings = Settings {
            policy: Policy::new(),
            limits: Limits::new(),
            stdout: Output::discarded(),
            stderr: Output::discarded(),
            name: None,
            trusted: false,
        };
        let family = Family::new(context.next_family());
        let ready = Arc::new(Prewarmed {
            wanted,
            instances: Mutex::default(),
            filling: AtomicBool::new(false),
            holder: Island::without_instance(context, &family, settings)?,
        });
        ready.fill();
        Ok(ready)
    }

    #[expect(
        clippy::vec_box,
        reason = "instances keep their addresses when they change hands"
    )]
    fn instances(&self) -> MutexGuard<'_, Vec<Box<Instance>>> {
        lock(&self.instances)
    }

    /// Returns those of `image` among `all`.
    pub(crate) fn find<'a>(
        all: &'a [Arc<Self>],
        image: &Arc<LoadedImage>,
    ) -> Option<&'a Arc<Self>> {
        all.iter()
            .find(|ready| Arc::ptr_eq(&ready.holder.context.image, image))
    }

    /// Takes an instance, if there is one, and starts replacing it.
    pub(crate) fn take(self: &Arc<Self>) -> Option<Box<Instance>> {
        let taken = self.instances().pop();
        self.fill();
        taken
    }

    pub(crate) fn count(&self) -> usize {
        self.instances().len()
    }

    /// Spawns a task that makes the missing instances, unless one runs.
    fn fill(self: &Arc<Self>) {
        if self.instances().len() >= self.wanted || self.filling.swap(true, Ordering::AcqRel) {
            return;
        }
        // The task ends when the last runtime handle is dropped.
        let ready = Arc::downgrade(self);
        let filling = async move {
            while let Some(ready) = ready.upgrade() {
                if ready.instances().len() >= ready.wanted {
                    ready.filling.store(false, Ordering::Release);
                    // An instance may have been taken in between.
                    ready.fill();
                    break;
                }
                match ready.holder.instantiate().await {
                    Ok(instance) => ready.instances().push(instance),
                    Err(error) => {
                        // A new interpreter then makes its own instance, and gets the error.
                        tracing::debug!("cannot prewarm an instance: {error}");
                        ready.filling.store(false, Ordering::Release);
                        break;
                    }
                }
                // Other tasks come first.
                drop(ready);
                tokio::task::yield_now().await;
            }
        };
        self.holder.context.workers.spawn(filling).detach();
    }
}
