//! Invariants that hold between calls.

use std::collections::BTreeMap;

use super::{Broker, Note, PARTIES, Side, World};

impl World {
    /// Checks the invariants after each step.
    pub(super) fn check(&mut self) {
        self.records.learn();
        for note in std::mem::take(&mut self.effects).discarded {
            self.records.gone(&note);
        }
        self.check_waits();
        let mut messages = 0;
        let mut bytes = 0;
        for channel in 0..self.channels.len() {
            let Some(state) = self.broker.channels.get(self.channels[channel].0) else {
                continue;
            };
            let charges = state
                .queue
                .iter()
                .map(|item| item.load.message.size.max(Broker::<Note>::MIN_CHARGE));
            assert_eq!(state.bytes, charges.sum::<usize>());
            messages += state.queue.len();
            bytes += state.bytes;
            assert!(state.queue.iter().is_sorted_by_key(|item| item.order));
            if state.receivers.first().is_some() {
                assert!(state.queue.is_empty() && !state.closed);
            }
            if let Some(first) = state.senders.first() {
                let load = self.broker.entries.at(first).unwrap().load.as_ref();
                assert!(!state.closed && !state.fits(load.unwrap().charge));
            }
            for item in &state.queue {
                let note = &item.load.message;
                self.records.is_on_its_way(note, channel);
                self.records.is_up_to_date(note);
            }
            self.check_info(channel);
        }
        let counts = self.broker.counts();
        assert_eq!(
            (counts.queued_messages, counts.queued_bytes),
            (messages, bytes)
        );
        assert_eq!(counts.waits, self.waits.len());
        assert!(self.broker.unblocked.is_empty());
        self.check_bonds();
    }

    /// Checks the messages that waits have received since the last step. Later they can differ, since a
    /// removed sender does not change messages already received.
    fn check_waits(&mut self) {
        for wait in &mut self.waits {
            let state = self.broker.waits.get(wait.id.0).unwrap();
            if state.has_result()
                && !std::mem::replace(&mut wait.ready, true)
                && let Some(note) = state.received()
            {
                self.records.is_up_to_date(note);
            }
        }
    }

    /// Checks that the channel's info agrees with the model.
    fn check_info(&self, channel: usize) {
        let info = self.broker.info(self.channels[channel]).unwrap();
        let known = &self.known[channel];
        assert_eq!(info.closed, known.closed);
        if known.destroyed {
            assert_eq!(info.len, 0);
        }
        let sends = self
            .waits
            .iter()
            .filter(|wait| !wait.ready)
            .flat_map(|wait| &wait.wishes)
            .filter(|(meant, note)| *meant == channel && note.is_some());
        assert_eq!(info.waiting_senders, sends.count());
        for (side, known) in [
            (Side::Sender, &known.senders),
            (Side::Receiver, &known.receivers),
        ] {
            let told = self.broker.holders(self.channels[channel], side);
            assert!(told.eq(known.iter().map(|&party| (party, 1))));
        }
    }

    /// Checks that each party's record of its bound messages is exact.
    fn check_bonds(&self) {
        for slot in 0..PARTIES {
            let Some(bound) = self.broker.parties.bound(self.parties[slot]) else {
                continue;
            };
            let mut counted = BTreeMap::new();
            for id in &self.channels {
                let state = self.broker.channels.get(id.0);
                let bonds = state.iter().flat_map(|state| &state.queue);
                let bonds = bonds.filter_map(|item| item.load.bond.sender());
                let count = bonds.filter(|&party| party == self.parties[slot]).count();
                if count > 0 {
                    counted.insert(*id, count);
                }
            }
            assert_eq!(*bound, counted);
        }
    }
}
