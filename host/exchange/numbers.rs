//! Numbers of channels, which reveal nothing about the channels of others.

use super::Exchange;
use super::channel_meta::ChannelMeta;
use super::end::End;
use crate::lock::lock;
use archipel_core::broker::ChannelId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

/// The family's numbers of channels.
#[derive(Default)]
pub(crate) struct ChannelNumbers(Mutex<Numbers>);

#[derive(Default)]
struct Numbers {
    of: HashMap<ChannelId, u64>,
    /// The metas are kept alive by the channel ends.
    known: HashMap<u64, (ChannelId, Weak<ChannelMeta>)>,
    next: u64,
    /// The size at which entries of freed channels are removed.
    clean_at: usize,
}

impl ChannelNumbers {
    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        lock(&self.0)
    }

    /// Returns the family's number for the channel of `end`.
    pub(crate) fn number(&self, exchange: &Exchange, end: &End) -> u64 {
        let mut numbers = self.numbers();
        if let Some(number) = numbers.of.get(&end.channel) {
            return *number;
        }
        if numbers.of.len() >= numbers.clean_at {
            let Numbers { of, known, .. } = &mut *numbers;
            exchange.with(|broker, _| {
                of.retain(|channel, number| {
                    let lives = broker.len(*channel).is_some();
                    if !lives {
                        known.remove(number);
                    }
                    lives
                });
            });
            numbers.clean_at = (2 * numbers.of.len()).max(64);
        }
        let number = numbers.next;
        numbers.next += 1;
        numbers.of.insert(end.channel, number);
        let known = (end.channel, Arc::downgrade(&end.meta));
        numbers.known.insert(number, known);
        number
    }

    /// Returns the channel with the family's number `number`. The channel may be gone.
    pub(crate) fn find(&self, number: u64) -> Option<(ChannelId, Arc<ChannelMeta>)> {
        let numbers = self.numbers();
        let (channel, meta) = numbers.known.get(&number)?;
        Some((*channel, meta.upgrade()?))
    }
}
