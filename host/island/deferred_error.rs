//! Errors of short calls, which cannot report them.

use super::bindings::archipel::island::channels::Error;
use archipel_core::broker::Side;

/// The error of a `put` or `take`, kept for the `send` or `receive` with the same handle that
/// follows.
#[derive(Default)]
pub(crate) struct DeferredError(Option<(Side, u32, Error)>);

impl DeferredError {
    pub(crate) fn keep(&mut self, side: Side, handle: u32, error: Error) {
        self.0 = Some((side, handle, error));
    }

    /// Takes the kept error. A call with another handle discards it.
    pub(crate) fn take_for(&mut self, side: Side, handle: u32) -> Option<Error> {
        let (s, h, error) = self.0.take()?;
        ((s, h) == (side, handle)).then_some(error)
    }
}
