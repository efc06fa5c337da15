//! Orphans: messages that nobody received before their sender was removed.

use super::channel::Item;
use super::line::Load;
use super::{Broker, ChannelId, Effects, Parcel, PartyId};

/// What becomes of a message whose sender was removed before anybody received it.
#[derive(Clone, Eq, PartialEq, Debug)]
pub enum Orphaned<M> {
    /// It stays what it is.
    Keep,
    /// It is taken out of its channel, as if it had not been sent.
    Remove,
    /// This message takes its place. It is charged for its own size, but for no more than the one
    /// that it replaces.
    Replace(M),
}

/// Whose removal makes an orphan of a message, if anybody's does. It is settled when the message is
/// sent, and void once the message is an orphan: nothing is orphaned twice.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) struct Bond(PartyId);

impl Bond {
    /// The bond of what outlives its sender. The host is never removed, so its number is free to
    /// mean this.
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

impl<M: Parcel> Broker<M> {
    /// What is left of a message now that its sender is gone.
    #[cold]
    pub(super) fn orphan(mut load: Load<M>, effects: &mut Effects<M>) -> Option<Load<M>> {
        load.bond = Bond::NONE;
        match load.message.orphaned() {
            Orphaned::Keep => Some(load),
            Orphaned::Remove => {
                effects.discarded.push(load.message);
                None
            }
            Orphaned::Replace(message) => {
                load.charge = load.charge.min(Self::charge(&message));
                effects
                    .discarded
                    .push(std::mem::replace(&mut load.message, message));
                Some(load)
            }
        }
    }

    /// Makes orphans of all queued messages that are bound to the party, without settling.
    pub(super) fn orphan_all(&mut self, party: PartyId, effects: &mut Effects<M>) {
        for (channel, count) in self.parties.take_bound(party) {
            self.orphan_in(channel, Bond(party), count, effects);
        }
    }

    /// Makes orphans of the messages with that bond in the channel's queue, of which there are
    /// `count`.
    fn orphan_in(&mut self, id: ChannelId, bond: Bond, mut count: usize, effects: &mut Effects<M>) {
        let Some(channel) = self.channels.get_mut(id.0) else {
            return;
        };
        let (length, bytes) = (channel.queue.len(), channel.bytes);
        // The queue is turned, not rebuilt, as far as its last message with that bond.
        let mut turned = 0;
        for _ in 0..length {
            if count == 0 {
                break;
            }
            let Some(Item { mut load, order }) = channel.queue.pop_front() else {
                break;
            };
            if load.bond == bond {
                count -= 1;
                channel.bytes -= load.charge;
                let Some(rest) = Self::orphan(load, effects) else {
                    continue;
                };
                load = rest;
                channel.bytes += load.charge;
            }
            channel.queue.push_back(Item { load, order });
            turned += 1;
        }
        channel.queue.rotate_right(turned);
        channel.trim();
        self.queued_messages -= length - channel.queue.len();
        self.queued_bytes = self.queued_bytes.wrapping_sub(bytes - channel.bytes);
        if !channel.senders.is_empty() {
            self.unblocked.push(id);
        }
    }
}
