//! Queries about channels.

use super::channel::Channel;
use super::{Broker, Capacity, ChannelId, Parcel, PartyId, Side};

/// A snapshot of a channel's state.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Info {
    /// The number of messages that the channel can queue.
    pub capacity: Capacity,
    /// The number of queued messages, excluding those of waiting senders.
    pub len: usize,
    /// The number of waiting sends. A wait with several sends to the channel counts once for each.
    pub waiting_senders: usize,
    /// True if the channel accepts no more messages.
    pub closed: bool,
    /// True if the channel has ever had a [user](Broker::set_user).
    pub used: bool,
    /// The users of senders, in ascending order.
    pub senders: Vec<PartyId>,
    /// The users of receivers, in ascending order.
    pub receivers: Vec<PartyId>,
}

impl<M> Channel<M> {
    fn users_of(&self, wanted: Side) -> Vec<PartyId> {
        let of_side = self.users.iter().filter(|(side, _)| *side == wanted);
        of_side.map(|(_, party)| *party).collect()
    }
}

impl<M: Parcel> Broker<M> {
    /// Returns the channel's state, or `None` if there is no such channel.
    pub fn info(&self, channel: ChannelId) -> Option<Info> {
        let state = self.channels.get(channel.0)?;
        Some(Info {
            capacity: state.capacity,
            len: state.queue.len(),
            waiting_senders: state.senders.len(),
            closed: state.closed,
            used: state.used,
            senders: state.users_of(Side::Sender),
            receivers: state.users_of(Side::Receiver),
        })
    }

    /// Returns the number of queued messages, or `None` if there is no such channel. Messages of waiting
    /// senders do not count, so a rendezvous has none unless messages were put back.
    pub fn len(&self, channel: ChannelId) -> Option<usize> {
        Some(self.channels.get(channel.0)?.queue.len())
    }

    /// Returns the channel's capacity, or `None` if there is no such channel.
    pub fn capacity(&self, channel: ChannelId) -> Option<Capacity> {
        Some(self.channels.get(channel.0)?.capacity)
    }

    /// Returns whether the channel accepts no more messages, or `None` if there is no such channel.
    #[cfg(test)]
    pub fn is_closed(&self, channel: ChannelId) -> Option<bool> {
        Some(self.channels.get(channel.0)?.closed)
    }

    /// Returns the holders of that side and the number of ends of each, in ascending order, or nothing if
    /// there is no such channel.
    #[cfg(test)]
    pub fn holders(
        &self,
        channel: ChannelId,
        side: Side,
    ) -> impl Iterator<Item = (PartyId, usize)> + '_ {
        self.channels
            .get(channel.0)
            .into_iter()
            .flat_map(move |state| {
                state
                    .ends(side)
                    .iter()
                    .map(|(&party, &count)| (party, count))
            })
    }
}
