//! Ids of the objects in a broker.

use super::slab::Key;

macro_rules! key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug)]
        pub struct $name(pub(super) Key);
    };
}

key! {
    /// The id of a channel. Ids of freed channels are never reused.
    ChannelId
}
key! {
    /// The id of an event. Ids of released events are never reused.
    EventId
}
key! {
    /// The id of a wait. It is valid until the wait's result is taken or the wait is abandoned.
    WaitId
}

/// The id of a party: a holder of channel ends that can wait, normally one interpreter. The caller chooses the
/// number. Texts show its lower half; the upper half separates families.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug)]
pub struct PartyId(pub u64);

impl PartyId {
    /// The host program. It always exists, is always able to act, and has no limit on its waits.
    pub const HOST: Self = Self(u64::MAX);

    /// The holder of the ends that travel in messages. It always exists and never waits.
    pub const FLIGHT: Self = Self(u64::MAX - 1);

    /// Returns the number that texts show.
    pub(super) fn shown(self) -> u32 {
        self.0 as u32
    }

    /// Returns whether this is one of the broker's constants and not an added party.
    pub fn is_reserved(self) -> bool {
        self == Self::HOST || self == Self::FLIGHT
    }
}
