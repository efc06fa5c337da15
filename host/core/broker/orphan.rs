//! Orphans: messages whose sender was removed before they were received.

use super::bond::Bond;
use super::channel::Item;
use super::line::Load;
use super::{Broker, ChannelId, Effects, Parcel, PartyId};

/// The fate of an orphan.
#[derive(Clone, Eq, PartialEq, Debug)]
pub enum Orphaned<M> {
    /// It stays unchanged.
    Keep,
    /// It is removed from its channel as if it had not been sent.
    Remove,
    /// This message replaces it. The charge is that of the new message, but at most that of the old one.
    Replace(M),
}

impl<M: Parcel> Broker<M> {
    /// Returns what remains of a message after its sender was removed.
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

    /// Orphans all queued messages that are bound to the party, without settling.
    pub(super) fn orphan_all(&mut self, party: PartyId, effects: &mut Effects<M>) {
        for (channel, count) in self.parties.take_bound(party) {
            self.orphan_in(channel, Bond(party), count, effects);
        }
    }

    /// Orphans the `count` messages with that bond in the channel's queue.
    fn orphan_in(&mut self, id: ChannelId, bond: Bond, mut count: usize, effects: &mut Effects<M>) {
        let Some(channel) = self.channels.get_mut(id.0) else {
            return;
        };
        let (length, bytes) = (channel.queue.len(), channel.bytes);
        // Rotates the queue in place, up to its last message with that bond.
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
