//! The entries of a guest's table that belong to the interfaces of `wit/`.

use super::Island;
use crate::exchange::end::End;
use archipel_core::broker::PartyId;
use std::sync::Arc;
use wasmtime::Result;

/// A sender in a guest's table.
pub struct SenderEnd(pub(crate) End);

/// A receiver in a guest's table.
pub struct ReceiverEnd(pub(crate) End);

/// A reference to an interpreter in a guest's table.
pub struct InterpreterRef(pub(crate) Arc<Island>);

/// Duplicates an end for `party`.
pub(crate) fn copy(end: &End, party: PartyId) -> Result<End> {
    end.duplicate(party)
        .ok_or_else(|| wasmtime::format_err!("the caller is gone"))
}
