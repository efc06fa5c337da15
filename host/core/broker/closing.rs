//! Closing channels, gently or not.

use super::{Broker, ChannelId, Effects, Outcome, Parcel};

impl<M: Parcel> Broker<M> {
    /// Closes the channel, whoever holds ends of it: waiting and later sends end with
    /// [`Outcome::Closed`], receivers drain the queue and then see the same. Closing it again
    /// changes nothing. Returns whether the channel exists.
    pub fn close(&mut self, channel: ChannelId, effects: &mut Effects<M>) -> bool {
        let exists = self.channels.get(channel.0).is_some();
        self.shut(channel, effects);
        self.settle(effects);
        exists
    }

    /// Closes the channel if nothing is queued and no sender waits, so that nothing that was sent
    /// is left for receivers to drain.
    ///
    /// Returns whether the channel is closed and empty now, which it may have been before;
    /// otherwise it is as it was. Returns `None` when there is no such channel.
    pub fn close_if_empty(&mut self, channel: ChannelId, effects: &mut Effects<M>) -> Option<bool> {
        let state = self.channels.get(channel.0)?;
        if !state.queue.is_empty() || !state.senders.is_empty() {
            return Some(false);
        }
        self.shut(channel, effects);
        self.settle(effects);
        Some(true)
    }

    /// Closes the channel, whoever holds ends of it, and discards what is queued: waiting and later
    /// sends and receives end with [`Outcome::Closed`] at once. A message that a wait received
    /// before counts as delivered; if that wait is abandoned the message is discarded too.
    /// Destroying it again changes nothing. Returns whether the channel exists.
    pub fn destroy(&mut self, channel: ChannelId, effects: &mut Effects<M>) -> bool {
        let exists = self.channels.get(channel.0).is_some();
        self.ruin(channel, effects);
        self.settle(effects);
        exists
    }

    /// Closes the channel for senders and ends all waits for it, without settling.
    pub(super) fn shut(&mut self, channel: ChannelId, effects: &mut Effects<M>) {
        let Some(state) = self.channels.get_mut(channel.0) else {
            return;
        };
        state.closed = true;
        while let Some(first) = self
            .channels
            .get(channel.0)
            .and_then(|state| state.senders.first())
        {
            let load = self
                .entries
                .at_mut(first)
                .and_then(|entry| entry.load.take());
            let message = load.map(|load| load.message);
            self.complete(first, Outcome::Closed(message), None, effects);
        }
        while let Some(first) = self
            .channels
            .get(channel.0)
            .and_then(|state| state.receivers.first())
        {
            self.complete(first, Outcome::Closed(None), None, effects);
        }
    }

    /// Does what `shut` does and discards the queue, for good.
    pub(super) fn ruin(&mut self, channel: ChannelId, effects: &mut Effects<M>) {
        self.shut(channel, effects);
        let Some(state) = self.channels.get_mut(channel.0) else {
            return;
        };
        state.destroyed = true;
        let queue = std::mem::take(&mut state.queue);
        self.queued_messages -= queue.len();
        self.queued_bytes = self.queued_bytes.wrapping_sub(state.bytes);
        state.bytes = 0;
        effects.discarded.reserve(queue.len());
        for item in queue {
            self.parties.unbind(item.load.bond, channel);
            effects.discarded.push(item.load.message);
        }
    }
}
