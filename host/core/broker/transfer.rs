//! Moving messages into and out of channels.

use std::collections::VecDeque;

use super::bond::Bond;
use super::channel::{Channel, Item};
use super::line::Load;
use super::wait::Origin;
use super::{Broker, Capacity, Case, ChannelId, Effects, Outcome, Parcel, PartyId};

/// The result of a case, and the place a received message came from.
type Ended<M> = (Outcome<M>, Option<Origin>);

/// The capacity, in messages, above which an empty queue frees its storage.
const ROOM_KEPT: usize = 1024;

impl<M> Channel<M> {
    /// Returns whether the queue has room for a message of that charge, ignoring waiting senders.
    pub(super) fn fits(&self, charge: usize) -> bool {
        let has_place = match self.capacity {
            Capacity::Rendezvous => false,
            Capacity::Bounded(places) => self.queue.len() < places.get(),
            Capacity::Unbounded => true,
        };
        has_place && charge <= self.max_bytes.saturating_sub(self.bytes)
    }

    /// Returns whether a new message is queued at once. A message that fits still waits behind earlier
    /// senders; otherwise a large message might never find room.
    fn admits(&self, charge: usize) -> bool {
        self.senders.is_empty() && self.fits(charge)
    }

    fn append(&mut self, load: Load<M>) {
        self.bytes += load.charge;
        let order = self.take_order();
        self.queue.push_back(Item { load, order });
    }

    fn take_order(&mut self) -> u64 {
        let order = self.next_order;
        self.next_order += 1;
        order
    }

    fn pop(&mut self) -> Option<Item<M>> {
        let item = self.queue.pop_front()?;
        self.bytes -= item.load.charge;
        self.trim();
        Some(item)
    }

    /// Frees the storage of an empty queue that was long.
    #[inline]
    pub(super) fn trim(&mut self) {
        if self.queue.is_empty() && self.queue.capacity() > ROOM_KEPT {
            self.queue = VecDeque::new();
        }
    }
}

impl<M: Parcel> Broker<M> {
    pub(super) fn charge(message: &M) -> usize {
        message.size().max(Self::MIN_CHARGE)
    }

    /// Returns whether the case would complete at once.
    pub(super) fn is_ready(&self, case: &Case<M>) -> bool {
        match case {
            Case::Receive(id) => self.channels.get(id.0).is_none_or(|channel| {
                !channel.queue.is_empty() || channel.senders.first().is_some() || channel.closed
            }),
            Case::Send(id, message) => self.channels.get(id.0).is_none_or(|channel| {
                let charge = Self::charge(message);
                channel.closed
                    || charge > channel.max_bytes
                    || !channel.receivers.is_empty()
                    || channel.admits(charge)
            }),
            Case::Event(id) => self.events.get(id.0).is_none_or(|event| event.fired),
        }
    }

    /// Completes the party's case now, or returns it.
    #[inline]
    pub(super) fn attempt(
        &mut self,
        party: PartyId,
        case: Case<M>,
        effects: &mut Effects<M>,
    ) -> Result<Ended<M>, Case<M>> {
        match case {
            Case::Receive(id) => self.receive_now(id, effects).ok_or(Case::Receive(id)),
            Case::Send(id, message) => self
                .send_now(party, id, message, effects)
                .map(|outcome| (outcome, None))
                .map_err(|message| Case::Send(id, message)),
            Case::Event(id) => match self.events.get(id.0) {
                None => Ok((Outcome::Closed(None), None)),
                Some(event) if event.fired => Ok((Outcome::Fired, None)),
                Some(_) => Err(Case::Event(id)),
            },
        }
    }

    #[inline]
    fn send_now(
        &mut self,
        party: PartyId,
        id: ChannelId,
        message: M,
        effects: &mut Effects<M>,
    ) -> Result<Outcome<M>, M> {
        let Some(channel) = self.channels.get_mut(id.0).filter(|c| !c.closed) else {
            return Ok(Outcome::Closed(Some(message)));
        };
        let size = message.size();
        let charge = size.max(Self::MIN_CHARGE);
        let limit = channel.max_bytes;
        if charge > limit {
            return Ok(Outcome::TooLarge {
                limit,
                size,
                message,
            });
        }
        let bond = Bond::of(&message, party);
        if let Some(first) = channel.receivers.first() {
            let order = channel.take_order();
            let origin = Origin {
                channel: id,
                order,
                charge,
                bond,
            };
            self.complete(first, Outcome::Received(message), Some(origin), effects);
            return Ok(Outcome::Sent);
        }
        if !channel.admits(charge) {
            return Err(message);
        }
        let is_orphan = !self.parties.bind(bond, id);
        let load = Load {
            message,
            charge,
            bond,
        };
        if is_orphan {
            self.queue_orphan(id, load, effects);
            return Ok(Outcome::Sent);
        }
        self.enqueue(id, load);
        Ok(Outcome::Sent)
    }

    /// Queues what remains of a message whose sender does not exist.
    #[cold]
    fn queue_orphan(&mut self, id: ChannelId, load: Load<M>, effects: &mut Effects<M>) {
        if let Some(load) = Self::orphan(load, effects) {
            self.enqueue(id, load);
        }
    }

    /// Appends a message to the channel's queue.
    #[inline]
    fn enqueue(&mut self, id: ChannelId, load: Load<M>) {
        if let Some(channel) = self.channels.get_mut(id.0) {
            self.queued_messages += 1;
            self.queued_bytes = self.queued_bytes.wrapping_add(load.charge);
            channel.append(load);
            self.suspect(id);
        }
    }

    #[inline]
    fn receive_now(&mut self, id: ChannelId, effects: &mut Effects<M>) -> Option<Ended<M>> {
        let Some(channel) = self.channels.get_mut(id.0) else {
            return Some((Outcome::Closed(None), None));
        };
        if let Some(item) = channel.pop() {
            let origin = item.load.origin(id, item.order);
            self.queued_messages -= 1;
            self.queued_bytes = self.queued_bytes.wrapping_sub(item.load.charge);
            self.parties.unbind(item.load.bond, id);
            if !channel.senders.is_empty() {
                self.promote(id, effects);
            }
            return Some((Outcome::Received(item.load.message), Some(origin)));
        }
        // The queue is empty and any message fits an empty queue, so a waiting sender is at a rendezvous.
        if let Some(first) = channel.senders.first() {
            let order = channel.take_order();
            let load = self.entries.at_mut(first)?.load.take()?;
            let origin = load.origin(id, order);
            self.complete(first, Outcome::Sent, None, effects);
            return Some((Outcome::Received(load.message), Some(origin)));
        }
        channel.closed.then_some((Outcome::Closed(None), None))
    }

    /// Queues the messages of waiting senders in order, as long as they fit.
    pub(super) fn promote(&mut self, id: ChannelId, effects: &mut Effects<M>) {
        while let Some(channel) = self.channels.get_mut(id.0) {
            let Some(first) = channel.senders.first() else {
                return;
            };
            let Some(entry) = self.entries.at_mut(first) else {
                return;
            };
            let Some(load) = entry.load.take_if(|load| channel.fits(load.charge)) else {
                return;
            };
            self.parties.bind(load.bond, id);
            self.enqueue(id, load);
            self.complete(first, Outcome::Sent, None, effects);
        }
    }

    /// Puts a received but undelivered message back in its place, as if the wait that received it had been
    /// [abandoned](Self::abandon). The usual reason is that the receiver died before delivery. If the sender
    /// was removed in the meantime, the message becomes an orphan. If the channel has no receivers or was
    /// [destroyed](Self::destroy), the message is discarded.
    ///
    /// Must be called at most once for each received message.
    pub fn redeliver(&mut self, origin: Origin, message: M, effects: &mut Effects<M>) {
        self.put_back(origin, message, effects);
        self.settle(effects);
    }

    /// Puts a message that was received at the front of its channel. The next receiver gets it, even at a
    /// rendezvous, and even if it exceeds the channel's capacity or budget. If the channel has no receivers or
    /// was [destroyed](Self::destroy), the message is discarded.
    ///
    /// The message now counts as sent by the host, so it never becomes an orphan.
    ///
    /// Of several messages that are given back, the last one comes first.
    pub fn give_back(&mut self, channel: ChannelId, message: M, effects: &mut Effects<M>) {
        let origin = Origin {
            channel,
            order: 0,
            charge: Self::charge(&message),
            bond: Bond::NONE,
        };
        self.put_back(origin, message, effects);
        self.settle(effects);
    }

    pub(super) fn put_back(&mut self, origin: Origin, message: M, effects: &mut Effects<M>) {
        let Origin {
            channel: id,
            order,
            charge,
            bond,
        } = origin;
        let Some(channel) = self
            .channels
            .get_mut(id.0)
            .filter(|channel| !channel.destroyed)
        else {
            effects.discarded.push(message);
            return;
        };
        let mut load = Load {
            message,
            charge,
            bond,
        };
        if self.parties.has_left(bond) {
            let Some(rest) = Self::orphan(load, effects) else {
                return;
            };
            load = rest;
        }
        if let Some(first) = channel.receivers.first() {
            let origin = Origin {
                charge: load.charge,
                bond: load.bond,
                ..origin
            };
            let outcome = Outcome::Received(load.message);
            self.complete(first, outcome, Some(origin), effects);
            return;
        }
        // The budget does not bound messages that are put back, so the sum could overflow.
        load.charge = load.charge.min(usize::MAX - channel.bytes);
        channel.bytes += load.charge;
        self.queued_bytes = self.queued_bytes.wrapping_add(load.charge);
        self.queued_messages += 1;
        self.parties.bind(load.bond, id);
        let place = channel.queue.partition_point(|item| item.order < order);
        channel.queue.insert(place, Item { load, order });
        self.suspect(id);
    }
}
