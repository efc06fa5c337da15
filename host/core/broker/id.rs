//! The names of things that a broker keeps.

use super::slab::Key;

macro_rules! key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug)]
        pub struct $name(pub(super) Key);
    };
}

key! {
    /// Names a channel. The id of a channel that was freed never names another one.
    ChannelId
}
key! {
    /// Names an event. The id of an event that was released never names another one.
    EventId
}
key! {
    /// Names a wait, until its result is taken or it is abandoned.
    WaitId
}

/// Names a party: whoever holds channel ends and waits, normally one interpreter. The caller picks
/// the numbers, of which texts show the lower half: the upper half keeps families apart.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug)]
pub struct PartyId(pub u64);

impl PartyId {
    /// The host program. It always exists, is always able to act, and may have any number of
    /// waits.
    pub const HOST: Self = Self(u64::MAX);

    /// Holds the ends that travel inside messages. It always exists and never waits.
    pub const FLIGHT: Self = Self(u64::MAX - 1);

    /// The number that texts show.
    pub(super) fn shown(self) -> u32 {
        self.0 as u32
    }

    /// Whether this is a constant of the broker's and not a party that was added.
    pub fn is_reserved(self) -> bool {
        self == Self::HOST || self == Self::FLIGHT
    }
}
