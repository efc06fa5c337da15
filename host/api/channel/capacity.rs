//! The capacity of a channel.

use archipel_core::broker;

/// The number of messages that a channel queues before a send waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capacity {
    /// None: a send waits until a receiver takes the message.
    Rendezvous,
    /// At most this number. `Bounded(0)` is a rendezvous.
    Bounded(usize),
    /// Any number, up to 256 MiB of message bodies.
    Unbounded,
}

impl From<Capacity> for broker::Capacity {
    fn from(capacity: Capacity) -> Self {
        match capacity {
            Capacity::Rendezvous => broker::Capacity::Rendezvous,
            Capacity::Unbounded => broker::Capacity::Unbounded,
            Capacity::Bounded(n) => match n.try_into() {
                Ok(n) => broker::Capacity::Bounded(n),
                Err(_) => broker::Capacity::Rendezvous,
            },
        }
    }
}
