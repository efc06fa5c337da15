//! What must hold whenever the broker is at rest.

use std::collections::BTreeMap;

use super::{Broker, Note, PARTIES, Side, World};

impl World {
    /// Checks what must hold after each step.
    pub(super) fn check(&mut self) {
        self.ledger.learn();
        for note in std::mem::take(&mut self.effects).discarded {
            self.ledger.gone(&note);
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
                self.ledger.is_on_its_way(note, channel);
                self.ledger.is_up_to_date(note);
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

    /// What waits have received since the last step is what it has to be. Later it may be what its
    /// sender's leaving has not touched.
    fn check_waits(&mut self) {
        for wait in &mut self.waits {
            let state = self.broker.waits.get(wait.id.0).unwrap();
            if state.has_result()
                && !std::mem::replace(&mut wait.ready, true)
                && let Some(note) = state.received()
            {
                self.ledger.is_up_to_date(note);
            }
        }
    }

    /// What is told of a channel is what the model knows of it.
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

    /// Each party knows where its bound messages are queued, and knows nothing else.
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
