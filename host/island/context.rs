//! The context in which the interpreters of a runtime are created.

use super::bindings::{IslandIndices, IslandPre};
use super::shared::Shared;
use super::state::State;
use std::ops::Deref;
use std::sync::Arc;

/// The guest of a runtime, and the state that its interpreters share.
pub(crate) struct Context {
    pub(crate) guest: IslandPre<State>,
    pub(crate) indices: IslandIndices,
    /// Everything else; instances refer to it, too.
    pub(crate) shared: Arc<Shared>,
}

impl Deref for Context {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}
