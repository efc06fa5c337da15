//! What there is to know about a channel.

use super::channel::Channel;
use super::{Broker, Capacity, ChannelId, Parcel, PartyId, Side};

/// A channel as it is at one moment.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Info {
    /// How many messages it queues.
    pub capacity: Capacity,
    /// How many messages are queued. Those of waiting senders do not count.
    pub len: usize,
    /// How many sends wait. A wait over several sends to the channel counts as often.
    pub waiting_senders: usize,
    /// Whether nothing can be sent any more.
    pub closed: bool,
    /// Whether anybody ever was a [user](Broker::set_user).
    pub used: bool,
    /// Who uses the senders, in the order of the parties.
    pub senders: Vec<PartyId>,
    /// Who uses the receivers, in the order of the parties.
    pub receivers: Vec<PartyId>,
}

impl<M> Channel<M> {
    fn users_of(&self, wanted: Side) -> Vec<PartyId> {
        let of_side = self.users.iter().filter(|(side, _)| *side == wanted);
        of_side.map(|(_, party)| *party).collect()
    }
}

impl<M: Parcel> Broker<M> {
    /// All that there is to know about the channel, or `None` if there is no such channel.
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

    /// How many messages are queued, or `None` if there is no such channel. The messages of
    /// waiting senders do not count, hence a rendezvous has none unless some were put back.
    pub fn len(&self, channel: ChannelId) -> Option<usize> {
        Some(self.channels.get(channel.0)?.queue.len())
    }

    /// How much the channel may queue, or `None` if there is no such channel.
    pub fn capacity(&self, channel: ChannelId) -> Option<Capacity> {
        Some(self.channels.get(channel.0)?.capacity)
    }

    /// Whether nothing can be sent on the channel any more, or `None` if there is no such channel.
    #[cfg(test)]
    pub fn is_closed(&self, channel: ChannelId) -> Option<bool> {
        Some(self.channels.get(channel.0)?.closed)
    }

    /// Who holds ends of that side, and how many each, in the order of the parties. There are none
    /// if there is no such channel.
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
