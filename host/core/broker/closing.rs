//! Closing, closing if empty, and destroying channels.

use super::{Broker, ChannelId, Effects, Outcome, Parcel};

impl<M: Parcel> Broker<M> {
    /// Closes the channel, regardless of who holds its ends. Waiting and later sends end with
    /// [`Outcome::Closed`]; receivers drain the queue and then see the same. Closing a closed channel has no
    /// effect. Returns whether the channel exists.
    pub fn close(&mut self, channel: ChannelId, effects: &mut Effects<M>) -> bool {
        let exists = self.channels.get(channel.0).is_some();
        self.shut(channel, effects);
        self.settle(effects);
        exists
    }

    /// Closes the channel if its queue is empty and no sender waits, so that no sent message remains to be
    /// received.
    ///
    /// Returns whether the channel is now closed and empty, which includes channels that already were. If it
    /// returns `Some(false)`, the channel is unchanged. Returns `None` if there is no such channel.
    pub fn close_if_empty(&mut self, channel: ChannelId, effects: &mut Effects<M>) -> Option<bool> {
        let state = self.channels.get(channel.0)?;
        if !state.queue.is_empty() || !state.senders.is_empty() {
            return Some(false);
        }
        self.shut(channel, effects);
        self.settle(effects);
        Some(true)
    }

    /// Closes the channel, regardless of who holds its ends, and discards its queue. Waiting and later sends
    /// and receives end with [`Outcome::Closed`] at once. A message that a wait has already received counts as
    /// delivered; if that wait is abandoned, the message is discarded. Destroying a destroyed channel has no
    /// effect. Returns whether the channel exists.
    pub fn destroy(&mut self, channel: ChannelId, effects: &mut Effects<M>) -> bool {
        let exists = self.channels.get(channel.0).is_some();
        self.ruin(channel, effects);
        self.settle(effects);
        exists
    }

    /// Closes the channel for senders and ends all waits on it, without settling.
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

    /// Closes the channel as `shut` does and discards its queue permanently.
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
