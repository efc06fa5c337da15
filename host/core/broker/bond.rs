//! Bonds of messages to their senders.

use super::{Parcel, PartyId};

/// The party whose removal orphans a message, if any. The bond is set when the message is sent and cleared
/// when the message becomes an orphan: a message is orphaned at most once.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) struct Bond(pub(super) PartyId);

impl Bond {
    /// The bond of a message that outlives its sender. The host is never removed, so its number can represent
    /// this.
    pub(super) const NONE: Self = Self(PartyId::HOST);

    #[inline]
    pub(super) fn of<M: Parcel>(message: &M, sender: PartyId) -> Self {
        if message.outlives_sender() || sender.is_reserved() {
            Self::NONE
        } else {
            Self(sender)
        }
    }

    #[inline]
    pub(super) fn sender(self) -> Option<PartyId> {
        (self != Self::NONE).then_some(self.0)
    }
}
