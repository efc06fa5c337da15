//! Random sequences of operations, compared with a simple model.

mod fifo;
mod records;
mod rest;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::task::{Poll, Waker};

use proptest::prelude::*;

use super::info::Info;
use super::*;
use records::{Kind, Note, Records};

const PARTIES: usize = 3;
const CHANNELS: usize = 3;
const BUDGET: usize = 1600;
const SIZES: [usize; 5] = [0, 1, 400, 1000, 1601];
const KINDS: [Kind; 4] = [Kind::Outlives, Kind::Kept, Kind::Removed, Kind::Replaced];

/// A case: the channel's index and, for a send, the message's size and kind.
type Wish = (usize, Option<(usize, Kind)>);

/// The same with the message itself.
type Wished = (usize, Option<Note>);

/// Parties are given by their slots in the model, which successive parties occupy.
#[derive(Clone, Debug)]
enum Step {
    Begin(usize, Vec<Wish>, bool),
    Poll(usize),
    Abandon(usize),
    /// The next two: a received message arrives, or is redelivered.
    Arrive(usize),
    Redeliver(usize),
    Close(usize),
    CloseIfEmpty(usize),
    Destroy(usize),
    Release(usize, bool, usize),
    Replace(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let what = (
        prop::sample::select(&SIZES[..]),
        prop::sample::select(&KINDS[..]),
    );
    let wishes = prop::collection::vec((0..CHANNELS, prop::option::of(what)), 1..4);
    prop_oneof![
        80 => (0..PARTIES, wishes, any::<bool>())
            .prop_map(|(party, wishes, wait)| Step::Begin(party, wishes, wait)),
        30 => any::<usize>().prop_map(Step::Poll),
        30 => any::<usize>().prop_map(Step::Abandon),
        20 => any::<usize>().prop_map(Step::Arrive),
        20 => any::<usize>().prop_map(Step::Redeliver),
        1 => (0..CHANNELS).prop_map(Step::Close),
        2 => (0..CHANNELS).prop_map(Step::CloseIfEmpty),
        1 => (0..CHANNELS).prop_map(Step::Destroy),
        4 => (0..CHANNELS, any::<bool>(), 0..PARTIES)
            .prop_map(|(channel, sender, party)| Step::Release(channel, sender, party)),
        10 => (0..PARTIES).prop_map(Step::Replace),
    ]
}

/// A wait that is neither taken nor abandoned.
struct Waiting {
    id: WaitId,
    wishes: Vec<Wished>,
    /// True if it had a result after the last step.
    ready: bool,
}

/// The model's state of a channel.
#[derive(Default)]
struct Known {
    closed: bool,
    destroyed: bool,
    senders: BTreeSet<PartyId>,
    receivers: BTreeSet<PartyId>,
}

impl Known {
    fn release(&mut self, sender: bool, party: PartyId) {
        let side = if sender {
            &mut self.senders
        } else {
            &mut self.receivers
        };
        if side.remove(&party) && side.is_empty() {
            self.closed = true;
            self.destroyed |= !sender;
        }
    }
}

struct World {
    broker: Broker<Note>,
    effects: Effects<Note>,
    channels: Vec<ChannelId>,
    known: Vec<Known>,
    parties: [PartyId; PARTIES],
    records: Records,
    waits: Vec<Waiting>,
    /// Received messages that have neither arrived nor been redelivered, with the channel's index.
    in_hand: Vec<(Note, Origin, usize)>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut broker = Broker::new(seed);
        broker.add_party(PartyId(0), true, None);
        let two = NonZeroUsize::new(2).map_or(Capacity::Unbounded, Capacity::Bounded);
        let channels = [Capacity::Rendezvous, two, Capacity::Unbounded]
            .map(|capacity| broker.create(capacity, BUDGET, PartyId(0)).unwrap());
        let founder = || Known {
            senders: [PartyId(0)].into(),
            receivers: [PartyId(0)].into(),
            ..Known::default()
        };
        let mut world = Self {
            broker,
            effects: Effects::new(),
            channels: channels.to_vec(),
            known: channels.map(|_| founder()).into(),
            parties: [PartyId(0); PARTIES],
            records: Records::new(),
            waits: Vec::new(),
            in_hand: Vec::new(),
        };
        for slot in 0..PARTIES {
            world.join(slot, PartyId(1 + slot as u64));
        }
        world.leave(PartyId(0));
        world
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Begin(slot, wishes, wait) => self.begin(self.parties[slot], &wishes, wait),
            Step::Poll(pick) if !self.waits.is_empty() => {
                let pick = pick % self.waits.len();
                let wait = self.waits[pick].id;
                if let Poll::Ready(done) = self.broker.poll(wait, Waker::noop()) {
                    let wait = self.waits.swap_remove(pick);
                    self.ended(wait.wishes, done.unwrap());
                }
            }
            Step::Abandon(pick) if !self.waits.is_empty() => {
                let pick = pick % self.waits.len();
                let wait = self.waits.swap_remove(pick).id;
                for note in self.broker.abandon(wait, &mut self.effects).unwrap() {
                    self.records.gone(&note);
                }
                assert_eq!(self.broker.poll(wait, Waker::noop()), Poll::Ready(None));
            }
            Step::Arrive(pick) if !self.in_hand.is_empty() => {
                let pick = pick % self.in_hand.len();
                let (note, ..) = self.in_hand.swap_remove(pick);
                self.records.gone(&note);
            }
            Step::Redeliver(pick) if !self.in_hand.is_empty() => {
                let pick = pick % self.in_hand.len();
                let (note, origin, channel) = self.in_hand.swap_remove(pick);
                self.records.is_on_its_way(&note, channel);
                self.broker.redeliver(origin, note, &mut self.effects);
            }
            Step::Close(channel) => {
                self.broker.close(self.channels[channel], &mut self.effects);
                self.known[channel].closed = true;
            }
            Step::CloseIfEmpty(channel) => self.close_if_empty(channel),
            Step::Destroy(channel) => {
                let id = self.channels[channel];
                let exists = self.broker.destroy(id, &mut self.effects);
                assert_eq!(exists, self.broker.info(id).is_some());
                self.known[channel].closed = true;
                self.known[channel].destroyed = true;
            }
            Step::Release(channel, sender, slot) => {
                let side = if sender { Side::Sender } else { Side::Receiver };
                let party = self.parties[slot];
                let id = self.channels[channel];
                self.broker.release(id, side, party, &mut self.effects);
                self.known[channel].release(sender, party);
            }
            Step::Replace(slot) => {
                // Add the new party first: without holders, the channels would be freed.
                let old = self.parties[slot];
                self.join(slot, PartyId(old.0 + PARTIES as u64));
                self.leave(old);
            }
            Step::Poll(_) | Step::Abandon(_) | Step::Arrive(_) | Step::Redeliver(_) => {}
        }
        self.check();
    }

    fn join(&mut self, slot: usize, party: PartyId) {
        assert!(self.broker.add_party(party, true, None));
        self.broker.set_running(party, true, &mut self.effects);
        for (&id, known) in self.channels.iter().zip(&mut self.known) {
            for (side, ends) in [
                (Side::Sender, &mut known.senders),
                (Side::Receiver, &mut known.receivers),
            ] {
                assert_eq!(self.broker.acquire(id, side, party), !ends.is_empty());
                if !ends.is_empty() {
                    ends.insert(party);
                }
            }
        }
        self.parties[slot] = party;
    }

    fn leave(&mut self, party: PartyId) {
        let queued = |broker: &Broker<Note>, id: &ChannelId| -> Vec<(u32, PartyId, Kind)> {
            let state = broker.channels.get(id.0);
            let items = state.into_iter().flat_map(|state| &state.queue);
            let notes = items.map(|item| &item.load.message);
            notes.map(|n| (n.serial, n.sender, n.kind)).collect()
        };
        let ids = self.channels.clone();
        let before: Vec<_> = ids.iter().map(|id| queued(&self.broker, id)).collect();
        assert!(self.broker.remove_party(party, &mut self.effects));
        self.records.party_left(party);
        for known in &mut self.known {
            known.release(true, party);
            known.release(false, party);
        }
        let broker = &self.broker;
        self.waits.retain(|w| broker.waits.get(w.id.0).is_some());
        // Messages that were queued before stay queued in order, except for those removed with their sender.
        // New ones were put back or come from waiting senders.
        for ((id, mut before), known) in ids.iter().zip(before).zip(&self.known) {
            let mut after = queued(broker, id);
            after.retain(|(serial, ..)| before.iter().any(|(old, ..)| serial == old));
            before.retain(|note| note.1 != party || note.2 != Kind::Removed);
            for note in before.iter_mut().filter(|note| note.1 == party) {
                if note.2 == Kind::Replaced {
                    note.2 = Kind::Mark;
                }
            }
            if known.destroyed {
                before.clear();
            }
            assert_eq!(after, before);
        }
    }

    fn close_if_empty(&mut self, channel: usize) {
        let id = self.channels[channel];
        let before = self.broker.info(id);
        let closed = self.broker.close_if_empty(id, &mut self.effects);
        let empty = |info: &Info| info.len == 0 && info.waiting_senders == 0;
        assert_eq!(closed, before.as_ref().map(empty));
        if closed == Some(true) {
            self.known[channel].closed = true;
        } else {
            assert_eq!(self.broker.info(id), before);
        }
    }

    fn begin(&mut self, party: PartyId, wishes: &[Wish], wait: bool) {
        let wishes: Vec<_> = wishes
            .iter()
            .map(|&(channel, what)| {
                let note = what.map(|(size, kind)| self.records.note(channel, size, kind, party));
                (channel, note)
            })
            .collect();
        let mut cases: Vec<_> = wishes
            .iter()
            .map(|(channel, note)| match note {
                Some(note) => Case::Send(self.channels[*channel], note.clone()),
                None => Case::Receive(self.channels[*channel]),
            })
            .collect();
        let ready = cases.iter().any(|case| self.broker.is_ready(case));
        let blocking = if wait {
            // Timed, so that the broker does not report the deadlocks of random waits.
            Blocking::Wait { timed: true }
        } else {
            Blocking::Try
        };
        let begun = if cases.len() == 1 {
            let case = cases.remove(0);
            match self
                .broker
                .begin_one(party, case, blocking, &mut self.effects)
            {
                Begin::Done(done) => Begin::Done(done),
                Begin::Waiting(wait) => Begin::Waiting(wait),
                Begin::WouldBlock(case) => Begin::WouldBlock(vec![case]),
                Begin::Refused(case) => Begin::Refused(vec![case]),
            }
        } else {
            self.broker.begin(party, cases, blocking, &mut self.effects)
        };
        assert_eq!(ready, matches!(begun, Begin::Done(_)));
        match begun {
            Begin::Done(done) => {
                if let Outcome::Received(note) = &done.outcome {
                    self.records.is_up_to_date(note);
                    assert!(!self.known[wishes[done.case].0].destroyed);
                }
                self.ended(wishes, done);
            }
            Begin::Waiting(id) => self.waits.push(Waiting {
                id,
                wishes,
                ready: false,
            }),
            Begin::WouldBlock(cases) | Begin::Refused(cases) => {
                let back: Vec<_> = cases.into_iter().map(Case::into_message).collect();
                assert!(back.iter().eq(wishes.iter().map(|(_, note)| note)));
                for note in back.into_iter().flatten() {
                    self.records.gone(&note);
                }
            }
        }
    }

    fn ended(&mut self, mut wishes: Vec<Wished>, done: Done<Note>) {
        let (channel, wish) = wishes.remove(done.case);
        match done.outcome {
            Outcome::Received(note) => {
                assert_eq!(wish, None);
                self.records.is_on_its_way(&note, channel);
                self.in_hand.push((note, done.origin.unwrap(), channel));
            }
            Outcome::Sent => assert!(wish.is_some()),
            Outcome::Closed(back) => {
                assert!(self.known[channel].closed);
                assert_eq!(back, wish);
                if let Some(note) = back {
                    self.records.gone(&note);
                }
            }
            Outcome::TooLarge { limit, message, .. } => {
                assert!(message.size > limit);
                self.records.gone(&message);
            }
            Outcome::Fired | Outcome::Deadlock(_) => unreachable!(),
        }
        let unsent: Vec<_> = wishes.into_iter().filter_map(|(_, note)| note).collect();
        assert_eq!(done.unsent, unsent);
        for note in unsent {
            self.records.gone(&note);
        }
    }

    /// Removes all parties and checks that nothing remains.
    fn end(mut self) {
        for slot in 0..PARTIES {
            self.leave(self.parties[slot]);
            self.check();
        }
        // Received messages can outlive their channels.
        for (note, origin, _) in std::mem::take(&mut self.in_hand) {
            self.broker.redeliver(origin, note, &mut self.effects);
        }
        self.check();
        assert_eq!(self.broker.counts(), Counts::default());
        assert_eq!(self.broker.entries.len(), 0);
        self.records.all_are_gone();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..Default::default() })]

    #[test]
    fn random_operations_agree_with_the_model(
        seed in any::<u64>(),
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut world = World::new(seed);
        for step in steps {
            world.run(step);
        }
        world.end();
    }
}
