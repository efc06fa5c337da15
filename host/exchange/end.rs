//! Channel ends that release themselves.

use super::Exchange;
use super::channel_meta::ChannelMeta;
use archipel_core::broker::{ChannelId, PartyId, Side};
use std::sync::Arc;

/// One end of a channel, held by a party until it is dropped.
#[derive(Debug)]
pub(crate) struct End {
    exchange: Arc<Exchange>,
    pub(crate) channel: ChannelId,
    pub(crate) side: Side,
    pub(crate) meta: Arc<ChannelMeta>,
    party: PartyId,
    /// True if the broker has the party as a user of the end.
    used: bool,
}

impl End {
    /// Takes over an end that `party` already holds.
    pub(crate) fn held(
        exchange: &Arc<Exchange>,
        channel: ChannelId,
        side: Side,
        meta: Arc<ChannelMeta>,
        party: PartyId,
    ) -> Self {
        End {
            exchange: exchange.clone(),
            channel,
            side,
            meta,
            party,
            used: false,
        }
    }

    /// Creates another such end, held by `party`. Returns `None` if the channel or the party is gone.
    pub(crate) fn duplicate(&self, party: PartyId) -> Option<Self> {
        let (channel, side) = (self.channel, self.side);
        let acquired = self
            .exchange
            .with(|broker, _| broker.acquire(channel, side, party));
        acquired.then(|| End::held(&self.exchange, channel, side, self.meta.clone(), party))
    }

    /// Records that the party uses the end.
    pub(crate) fn note_use(&mut self) {
        if !self.used {
            self.set_used(true);
        }
    }

    /// Records that the party no longer uses the end, though it still holds it.
    pub(crate) fn note_release(&mut self) {
        self.set_used(false);
    }

    fn set_used(&mut self, used: bool) {
        self.used = used;
        self.exchange
            .with(|broker, _| broker.set_user(self.channel, self.side, self.party, used));
    }

    /// Returns the holder.
    pub(crate) fn party(&self) -> PartyId {
        self.party
    }

    /// Returns the exchange of the channel.
    pub(crate) fn exchange(&self) -> &Arc<Exchange> {
        &self.exchange
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.exchange.with(|broker, effects| {
            broker.release(self.channel, self.side, self.party, effects);
        });
    }
}
