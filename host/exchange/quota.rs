//! Limits on what guests can leave in the host's channels, which bound the host's memory whatever guests do.

use super::Exchange;
use super::message::Message;
use crate::account::{Gauge, fair_share};
use archipel_core::broker::{Broker, Parcel};
use archipel_core::ledger::Account;
use archipel_core::limits::Limits;
use std::sync::Arc;

/// The maximum number of bytes queued in one channel.
pub(crate) const MOST_QUEUED: usize = 256 << 20;

/// The maximum number of bytes queued in all channels of a runtime.
pub(crate) const MOST_QUEUED_IN_ALL: usize = 1 << 30;

/// The maximum number of channels that guests can create in a runtime.
pub(crate) const MOST_CHANNELS: usize = 1 << 20;

/// Returns the number of bytes that a queued message counts.
pub(crate) fn size_of(message: &Message) -> usize {
    message.size().max(Broker::<Message>::MIN_CHARGE)
}

impl Exchange {
    /// Returns the message if the runtime's queues have room for it, with its share of the sender's family.
    ///
    /// Once half of that room is used, a family can queue at most as much as it leaves to others, so that unread
    /// messages of one family do not block all. `family` has the amount that the family has queued since.
    pub(crate) fn with_room(&self, family: &Gauge, mut message: Message) -> Option<Message> {
        let size = size_of(&message);
        let mut share = None;
        let refused = self.is_beyond(|counts| {
            share = fair_share(family, size, counts.queued_bytes, MOST_QUEUED_IN_ALL);
            share.is_none()
        });
        message.share = share?;
        (!refused).then_some(message)
    }
}

/// Returns the account for what a runtime keeps for its guests. It bounds the host's memory, as the
/// limit on queued messages does.
pub(crate) fn account_of_all() -> Arc<Account> {
    let most = Limits::new().queued(MOST_QUEUED_IN_ALL as u64);
    Account::open(None, &most)
}
