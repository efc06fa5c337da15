//! Channels and who holds their ends.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::num::NonZeroUsize;

use super::line::{Line, Load};
use super::{Broker, ChannelId, Effects, Parcel, PartyId};

/// How many messages a channel queues.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Capacity {
    /// None: a send ends when a receiver takes the message, as with Go's unbuffered channels.
    Rendezvous,
    /// This many.
    Bounded(NonZeroUsize),
    /// Any number, within the channel's byte budget.
    Unbounded,
}

/// One side of a channel.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug)]
pub enum Side {
    /// Where messages are put in.
    Sender,
    /// Where messages are taken out.
    Receiver,
}

/// A queued message.
#[derive(Debug)]
pub(super) struct Item<M> {
    pub(super) load: Load<M>,
    /// Ascends along the queue, so that a message that is put back finds its old place.
    pub(super) order: u64,
}

/// A channel.
///
/// At rest, receivers wait only while the queue is empty, and senders wait only while the first of
/// them does not fit. Both can wait at once only at a rendezvous, and only if they belong to one
/// wait, which cannot meet itself.
#[derive(Debug)]
pub(super) struct Channel<M> {
    pub(super) capacity: Capacity,
    pub(super) max_bytes: usize,
    pub(super) queue: VecDeque<Item<M>>,
    pub(super) bytes: usize,
    /// Nothing can be sent any more.
    pub(super) closed: bool,
    /// Nothing can be received any more either, and what is put back is discarded. A channel
    /// without receivers is destroyed.
    pub(super) destroyed: bool,
    pub(super) next_order: u64,
    pub(super) label: u64,
    pub(super) senders: Line,
    pub(super) receivers: Line,
    sender_ends: BTreeMap<PartyId, usize>,
    receiver_ends: BTreeMap<PartyId, usize>,
    /// Whether anybody ever was a user.
    pub(super) used: bool,
    /// Who uses which side, of those who hold it.
    pub(super) users: BTreeSet<(Side, PartyId)>,
}

impl<M> Channel<M> {
    /// Who holds ends of a side, and how many each.
    pub(super) fn ends(&self, side: Side) -> &BTreeMap<PartyId, usize> {
        match side {
            Side::Sender => &self.sender_ends,
            Side::Receiver => &self.receiver_ends,
        }
    }

    fn ends_mut(&mut self, side: Side) -> &mut BTreeMap<PartyId, usize> {
        match side {
            Side::Sender => &mut self.sender_ends,
            Side::Receiver => &mut self.receiver_ends,
        }
    }

    fn line(&self, side: Side) -> &Line {
        match side {
            Side::Sender => &self.senders,
            Side::Receiver => &self.receivers,
        }
    }
}

impl<M: Parcel> Broker<M> {
    /// Makes a channel and gives the party one end of each side. Queued messages may take
    /// `max_bytes` bytes in sum, each counted with its size or [`MIN_CHARGE`](Self::MIN_CHARGE),
    /// whichever is more; the budget is at least that for one empty message. Beyond it, as beyond
    /// the capacity, senders wait. The message of a waiting sender is not charged: there is one
    /// for each waiting send, and the number of waits is limited.
    ///
    /// Returns `None` when there is no such party, or when there are too many channels to number,
    /// which is beyond four billion.
    pub fn create(
        &mut self,
        capacity: Capacity,
        max_bytes: usize,
        party: PartyId,
    ) -> Option<ChannelId> {
        if !self.parties.exists(party) {
            return None;
        }
        let key = self.channels.insert(Channel {
            capacity,
            max_bytes: max_bytes.max(Self::MIN_CHARGE),
            queue: VecDeque::new(),
            bytes: 0,
            closed: false,
            destroyed: false,
            // Zero is left for messages that are put in front of all others.
            next_order: 1,
            label: 0,
            senders: Line::new(),
            receivers: Line::new(),
            sender_ends: BTreeMap::from([(party, 1)]),
            receiver_ends: BTreeMap::from([(party, 1)]),
            used: false,
            users: BTreeSet::new(),
        })?;
        let channel = ChannelId(key);
        self.set_label(channel, u64::from(key.index));
        self.parties.note_end(party, channel, Side::Sender);
        self.parties.note_end(party, channel, Side::Receiver);
        Some(channel)
    }

    /// Sets the number that texts about deadlocks use for the channel. Until then it is one that
    /// later channels may share. Returns whether the channel exists.
    pub fn set_label(&mut self, channel: ChannelId, label: u64) -> bool {
        let state = self.channels.get_mut(channel.0);
        state.map(|state| state.label = label).is_some()
    }

    /// Gives the party one more end. To hand an end over, let the new holder acquire it before the
    /// old one releases it.
    ///
    /// Returns `false`, and changes nothing, when the channel or the party does not exist or when
    /// nobody holds that side: a side that was given up stays given up.
    pub fn acquire(&mut self, channel: ChannelId, side: Side, party: PartyId) -> bool {
        if !self.parties.exists(party) {
            return false;
        }
        let Some(state) = self.channels.get_mut(channel.0) else {
            return false;
        };
        let ends = state.ends_mut(side);
        if ends.is_empty() {
            return false;
        }
        let count = ends.entry(party).or_insert(0);
        let Some(more) = count.checked_add(1) else {
            return false;
        };
        *count = more;
        if more == 1 {
            self.parties.note_end(party, channel, side);
        }
        true
    }

    /// Notes that the party uses that side, which PEP 554 calls being associated with the channel,
    /// or that it does no more. It is forgotten when the party's last end of the side is released.
    pub fn set_user(&mut self, channel: ChannelId, side: Side, party: PartyId, uses: bool) {
        let Some(state) = self.channels.get_mut(channel.0) else {
            return;
        };
        if !uses {
            state.users.remove(&(side, party));
        } else if state.ends(side).contains_key(&party) {
            state.used = true;
            state.users.insert((side, party));
        }
    }

    /// Takes one end from the party. When it was the last sender, receivers drain the queue and
    /// then see the channel closed. When it was the last receiver, waiting and later senders see
    /// it closed, and queued messages are discarded. When both sides are gone the channel is freed.
    ///
    /// Returns `false`, and changes nothing, when the party holds no such end.
    pub fn release(
        &mut self,
        channel: ChannelId,
        side: Side,
        party: PartyId,
        effects: &mut Effects<M>,
    ) -> bool {
        let released = self.drop_ends(channel, side, party, 1, effects);
        self.settle(effects);
        released
    }

    /// Takes up to `number` ends from the party, without settling.
    pub(super) fn drop_ends(
        &mut self,
        channel: ChannelId,
        side: Side,
        party: PartyId,
        number: usize,
        effects: &mut Effects<M>,
    ) -> bool {
        let Some(state) = self.channels.get_mut(channel.0) else {
            return false;
        };
        let ends = state.ends_mut(side);
        let Some(count) = ends.get_mut(&party) else {
            return false;
        };
        *count = count.saturating_sub(number);
        if *count > 0 {
            if party == PartyId::FLIGHT {
                self.suspect(channel);
            }
            return true;
        }
        ends.remove(&party);
        let side_is_gone = ends.is_empty();
        state.users.remove(&(side, party));
        let opposite = match side {
            Side::Sender => Side::Receiver,
            Side::Receiver => Side::Sender,
        };
        if !side_is_gone && !state.line(opposite).is_empty() {
            // They may have waited for just this party.
            self.parties.suspect_all();
        }
        let free = side_is_gone && state.ends(opposite).is_empty();
        self.parties.forget_end(party, channel, side);
        if side_is_gone {
            match side {
                Side::Sender => self.shut(channel, effects),
                Side::Receiver => self.ruin(channel, effects),
            }
        }
        if free {
            self.channels.remove(channel.0);
        } else {
            self.suspect(channel);
        }
        true
    }
}
