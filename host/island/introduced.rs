//! The interpreters that a guest received in messages, which it can name from then on.

use super::Island;
use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Weak};

/// An interpreter that arrived in a message.
#[derive(Clone)]
struct Received {
    island: Weak<Island>,
    /// Keeps it alive until the guest holds a reference.
    kept: Option<Arc<Island>>,
}

/// The interpreters that arrived in messages, by their numbers.
#[derive(Clone, Default)]
pub(crate) struct Introduced(HashMap<u64, Received>);

impl Introduced {
    /// Lets the guest of `own` name an interpreter that arrived in a message, and returns its number. At most `most`
    /// interpreters are kept.
    pub(crate) fn add(
        &mut self,
        carried: Arc<dyn Any + Send + Sync>,
        own: &Arc<Island>,
        most: u64,
    ) -> u64 {
        let Ok(island) = carried.downcast::<Island>() else {
            return u64::MAX;
        };
        if !Arc::ptr_eq(&own.family, &island.family) {
            // In another family its number means another interpreter.
            return u64::MAX;
        }
        let id = island.id;
        // Interpreters can name their descendants anyway, but never an ancestor.
        if !island.may_name(own) {
            if self.0.len() as u64 >= most {
                self.0.retain(|_, received| {
                    received.kept = None;
                    received.island.strong_count() > 0
                });
            }
            if (self.0.len() as u64) < most {
                let received = Received {
                    island: Arc::downgrade(&island),
                    kept: Some(island),
                };
                self.0.insert(id, received);
            }
        }
        id
    }

    /// Returns whether that interpreter arrived in a message.
    pub(crate) fn has(&self, island: &Arc<Island>) -> bool {
        let received = self.0.get(&island.id);
        received.is_some_and(|received| std::ptr::eq(received.island.as_ptr(), Arc::as_ptr(island)))
    }

    /// Records that the guest holds a reference.
    pub(crate) fn note_taken(&mut self, id: u64) {
        if let Some(received) = self.0.get_mut(&id) {
            received.kept = None;
        }
    }
}
