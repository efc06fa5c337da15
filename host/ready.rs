//! Instances that are made ahead of need.

use crate::family::Family;
use crate::island::{Instance, Island, Settings};
use crate::output::Output;
use crate::runtime::Context;
use archipel_core::error::Result;
use archipel_core::limits::Limits;
use archipel_core::policy::Policy;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Instances that belong to nobody yet.
///
/// Nothing has run in them, so that whoever is given one cannot tell it from one made for him.
pub(crate) struct Ready {
    wanted: usize,
    #[expect(
        clippy::vec_box,
        reason = "they stay where they are as they change hands"
    )]
    instances: Mutex<Vec<Box<Instance>>>,
    /// Whether somebody is making more of them.
    filling: AtomicBool,
    /// Whose they are meanwhile.
    holder: Arc<Island>,
}

impl Ready {
    /// Keeps `wanted` instances ready, the first of which are being made when this returns.
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
        let ready = Arc::new(Ready {
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
        reason = "they stay where they are as they change hands"
    )]
    fn instances(&self) -> MutexGuard<'_, Vec<Box<Instance>>> {
        self.instances
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// One of them, if there is one; another takes its place.
    pub(crate) fn take(self: &Arc<Self>) -> Option<Box<Instance>> {
        let taken = self.instances().pop();
        self.fill();
        taken
    }

    pub(crate) fn count(&self) -> usize {
        self.instances().len()
    }

    /// Has the workers make what is missing.
    fn fill(self: &Arc<Self>) {
        if self.instances().len() >= self.wanted || self.filling.swap(true, Ordering::AcqRel) {
            return;
        }
        // Whoever drops the last runtime ends this too.
        let ready = Arc::downgrade(self);
        let filling = async move {
            while let Some(ready) = ready.upgrade() {
                if ready.instances().len() >= ready.wanted {
                    ready.filling.store(false, Ordering::Release);
                    // Somebody may have taken one in between.
                    ready.fill();
                    break;
                }
                match ready.holder.instantiate().await {
                    Ok(instance) => ready.instances().push(instance),
                    Err(error) => {
                        // Whoever needs one makes it himself, and is told why he cannot.
                        tracing::debug!("no interpreter can be made ahead of need: {error}");
                        ready.filling.store(false, Ordering::Release);
                        break;
                    }
                }
                // Whoever has something to do comes first.
                drop(ready);
                tokio::task::yield_now().await;
            }
        };
        self.holder.context.workers.spawn(filling).detach();
    }
}
