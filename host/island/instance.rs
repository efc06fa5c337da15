//! Instances of the guest, with their stores.

use super::bindings;
use super::images::InUse;
use super::state::State;
use crate::engine::guest_memory::Guest;
use wasmtime::{Store, component};

/// An instance of the guest.
pub(crate) struct Instance {
    pub(crate) store: Store<State>,
    pub(crate) exports: bindings::Island,
    pub(crate) raw: component::Instance,
    /// The image that it was made from.
    pub(crate) image: InUse,
}

impl Instance {
    /// Returns the instance for access to its memory.
    pub(crate) fn guest(&mut self) -> Guest<'_, State> {
        Guest {
            store: &mut self.store,
            instance: &self.raw,
        }
    }
}
