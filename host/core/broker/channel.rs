//! Channels and the holders of their ends.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::num::NonZeroUsize;

use super::line::{Line, Load};
use super::{Broker, ChannelId, Effects, Parcel, PartyId};

/// The number of messages that a channel can queue.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Capacity {
    /// No queue: a send completes when a receiver takes the message, as with Go's unbuffered channels.
    Rendezvous,
    /// At most this many.
    Bounded(NonZeroUsize),
    /// Any number, within the channel's byte budget.
    Unbounded,
}

/// One side of a channel.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug)]
pub enum Side {
    /// The side that messages enter.
    Sender,
    /// The side that messages leave.
    Receiver,
}

/// A queued message.
#[derive(Debug)]
pub(super) struct Item<M> {
    pub(super) load: Load<M>,
    /// The position in the queue, ascending. A message that is put back finds its old place by it.
    pub(super) order: u64,
}

/// A channel.
///
/// Between calls, receivers wait only while the queue is empty, and senders wait only while the message of the
/// first one does not fit. Both sides have waits at once only at a rendezvous, and only if they are cases of
/// one wait, which cannot meet itself.
#[derive(Debug)]
pub(super) struct Channel<M> {
    pub(super) capacity: Capacity,
    pub(super) max_bytes: usize,
    pub(super) queue: VecDeque<Item<M>>,
    pub(super) bytes: usize,
    /// The channel accepts no more messages.
    pub(super) closed: bool,
    /// Receives fail too, and a message that is put back is discarded. A channel without receivers is
    /// destroyed.
    pub(super) destroyed: bool,
    pub(super) next_order: u64,
    pub(super) label: u64,
    pub(super) senders: Line,
    pub(super) receivers: Line,
    sender_ends: BTreeMap<PartyId, usize>,
    receiver_ends: BTreeMap<PartyId, usize>,
    /// True if the channel has ever had a user.
    pub(super) used: bool,
    /// The holders that use a side.
    pub(super) users: BTreeSet<(Side, PartyId)>,
}

impl<M> Channel<M> {
    /// Returns the holders of a side and the number of ends of each.
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
    /// Creates a channel and gives the party one end of each side.
    ///
    /// The charges of the queued messages can add up to `max_bytes`. A message is charged its size, but at
    /// least [`MIN_CHARGE`](Self::MIN_CHARGE), and the budget is at least one such charge. Senders wait while
    /// their message exceeds the budget or the capacity. The message of a waiting sender is not charged: each
    /// waiting send has one, and the number of waits is limited.
    ///
    /// Returns `None` if the party does not exist, or if more than four billion channels exist.
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
            // Zero is reserved for messages that are put in front of all others.
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

    /// Sets the channel's number in deadlock texts. Returns whether the channel exists. The initial number is
    /// not unique over time: later channels can have the same.
    pub fn set_label(&mut self, channel: ChannelId, label: u64) -> bool {
        let state = self.channels.get_mut(channel.0);
        state.map(|state| state.label = label).is_some()
    }

    /// Gives the party one more end. To transfer an end, let the new holder acquire it before the old one
    /// releases it.
    ///
    /// Returns `false` and changes nothing if the channel or the party does not exist, or if the side has no
    /// holders: a side without holders never gets one again.
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

    /// Records whether the party uses that side. PEP 554 calls this being associated with the channel. The
    /// record ends when the party releases its last end of the side.
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

    /// Takes one end from the party. After the last sender is released, receivers drain the queue and then see
    /// the channel closed. After the last receiver is released, waiting and later senders see it closed, and
    /// queued messages are discarded. When both sides are released, the channel is freed.
    ///
    /// Returns `false` and changes nothing if the party holds no such end.
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
            // These waits may have depended on this party alone.
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
