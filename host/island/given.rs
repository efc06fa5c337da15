//! The interpreters that a guest received in messages, which it can name from then on.

use super::Island;
use super::state::State;
use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Weak};

/// An interpreter that arrived in a message.
#[derive(Clone)]
pub(crate) struct Given {
    island: Weak<Island>,
    /// Keeps it alive until the guest holds a reference.
    kept: Option<Arc<Island>>,
}

impl State {
    /// Lets the guest name an interpreter that arrived in a message, and returns its number.
    pub(crate) fn give(&mut self, carried: Arc<dyn Any + Send + Sync>) -> u64 {
        let (Ok(island), Some(own)) = (carried.downcast::<Island>(), self.island.upgrade()) else {
            return u64::MAX;
        };
        if !Arc::ptr_eq(&own.family, &island.family) {
            // In another family its number means another interpreter.
            return u64::MAX;
        }
        let id = island.id;
        // Interpreters can name their descendants anyway, but never an ancestor.
        if !island.may_name(&own) {
            if self.given.len() as u64 >= self.handles {
                self.given.retain(|_, given| {
                    given.kept = None;
                    given.island.strong_count() > 0
                });
            }
            if (self.given.len() as u64) < self.handles {
                let given = Given {
                    island: Arc::downgrade(&island),
                    kept: Some(island),
                };
                self.given.insert(id, given);
            }
        }
        id
    }

    /// Returns the interpreters that arrived in messages, for a copy of the guest.
    pub(crate) fn given(&self) -> HashMap<u64, Given> {
        self.given.clone()
    }

    /// Sets the interpreters that arrived in messages, for a copy.
    pub(crate) fn set_given(&mut self, given: HashMap<u64, Given>) {
        self.given = given;
    }

    /// Returns whether that interpreter arrived in a message.
    pub(crate) fn was_given(&self, island: &Arc<Island>) -> bool {
        let given = self.given.get(&island.id);
        given.is_some_and(|given| std::ptr::eq(given.island.as_ptr(), Arc::as_ptr(island)))
    }

    /// Records that the guest holds a reference.
    pub(crate) fn taken(&mut self, id: u64) {
        if let Some(given) = self.given.get_mut(&id) {
            given.kept = None;
        }
    }
}
