//! Random sequences of operations, compared with a plain model of what must come of them.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroUsize;
use std::task::{Poll, Waker};

use proptest::prelude::*;

use super::*;

const PARTIES: u64 = 3;
const CHANNELS: usize = 3;
const BUDGET: usize = 400;
const SIZES: [usize; 5] = [0, 1, 100, 250, 401];

/// A message that counts up over the test.
#[derive(Clone, Eq, PartialEq, Debug)]
struct Note {
    serial: u32,
    size: usize,
}

impl Parcel for Note {
    fn size(&self) -> usize {
        self.size
    }
}

/// A case with the channel's number, and the size of what is sent, if anything is.
type Wish = (usize, Option<usize>);

/// The same with the message itself.
type Wished = (usize, Option<Note>);

#[derive(Clone, Debug)]
enum Step {
    Begin(u64, Vec<Wish>, bool),
    Poll(usize),
    Abandon(usize),
    Close(usize),
    Release(usize, bool, u64),
}

fn step() -> impl Strategy<Value = Step> {
    let wish = (
        0..CHANNELS,
        prop::option::of(prop::sample::select(&SIZES[..])),
    );
    let wishes = prop::collection::vec(wish, 1..4);
    prop_oneof![
        40 => (1..=PARTIES, wishes, any::<bool>())
            .prop_map(|(party, wishes, wait)| Step::Begin(party, wishes, wait)),
        15 => any::<usize>().prop_map(Step::Poll),
        15 => any::<usize>().prop_map(Step::Abandon),
        1 => (0..CHANNELS).prop_map(Step::Close),
        2 => (0..CHANNELS, any::<bool>(), 1..=PARTIES)
            .prop_map(|(channel, sender, party)| Step::Release(channel, sender, party)),
    ]
}

/// What is known of a message.
#[derive(Clone, Copy, Eq, PartialEq, Debug)]
enum Fate {
    /// On its way: held by a wait that sends it, queued, or received and not taken.
    Accepted,
    /// Taken, given back or discarded: it must not be seen again.
    Gone,
}

struct World {
    broker: Broker<Note>,
    effects: Effects<Note>,
    channels: Vec<ChannelId>,
    /// By serial number: the fate, and the channel that the message was meant for.
    fates: BTreeMap<u32, (Fate, usize)>,
    /// The waits that are neither taken nor abandoned, and what they wish for.
    waits: Vec<(WaitId, Vec<Wished>)>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut broker = Broker::new(seed);
        let mut effects = Effects::new();
        for party in 1..=PARTIES {
            broker.add_party(PartyId(party), true, None);
            broker.set_running(PartyId(party), true, &mut effects);
        }
        let two = NonZeroUsize::new(2).map_or(Capacity::Unbounded, Capacity::Bounded);
        let channels = [Capacity::Rendezvous, two, Capacity::Unbounded].map(|capacity| {
            let channel = broker.create(capacity, BUDGET, PartyId(1)).unwrap();
            for party in 2..=PARTIES {
                for side in [Side::Sender, Side::Receiver] {
                    assert!(broker.acquire(channel, side, PartyId(party)));
                }
            }
            channel
        });
        Self {
            broker,
            effects,
            channels: channels.to_vec(),
            fates: BTreeMap::new(),
            waits: Vec::new(),
        }
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Begin(party, wishes, wait) => self.begin(party, &wishes, wait),
            Step::Poll(pick) if !self.waits.is_empty() => {
                let pick = pick % self.waits.len();
                let wait = self.waits[pick].0;
                if let Poll::Ready(done) = self.broker.poll(wait, Waker::noop()) {
                    let (_, wishes) = self.waits.swap_remove(pick);
                    self.ended(wishes, done.unwrap());
                }
            }
            Step::Abandon(pick) if !self.waits.is_empty() => {
                let pick = pick % self.waits.len();
                let (wait, _) = self.waits.swap_remove(pick);
                for note in self.broker.abandon(wait, &mut self.effects).unwrap() {
                    self.gone(&note);
                }
                assert_eq!(self.broker.poll(wait, Waker::noop()), Poll::Ready(None));
            }
            Step::Close(channel) => {
                self.broker.close(self.channels[channel], &mut self.effects);
            }
            Step::Release(channel, sender, party) => {
                let side = if sender { Side::Sender } else { Side::Receiver };
                let channel = self.channels[channel];
                self.broker
                    .release(channel, side, PartyId(party), &mut self.effects);
            }
            Step::Poll(_) | Step::Abandon(_) => {}
        }
        self.check();
    }

    fn begin(&mut self, party: u64, wishes: &[Wish], wait: bool) {
        let wishes: Vec<_> = wishes
            .iter()
            .map(|&(channel, size)| {
                let note = size.map(|size| {
                    let serial = self.fates.len() as u32;
                    self.fates.insert(serial, (Fate::Accepted, channel));
                    Note { serial, size }
                });
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
            // Timed, lest the broker report the deadlocks that random waits run into.
            Blocking::Wait { timed: true }
        } else {
            Blocking::Try
        };
        let party = PartyId(party);
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
            Begin::Done(done) => self.ended(wishes, done),
            Begin::Waiting(wait) => self.waits.push((wait, wishes)),
            Begin::WouldBlock(cases) | Begin::Refused(cases) => {
                let back: Vec<_> = cases.into_iter().map(Case::into_message).collect();
                assert!(back.iter().eq(wishes.iter().map(|(_, note)| note)));
                for note in back.into_iter().flatten() {
                    self.gone(&note);
                }
            }
        }
    }

    /// The message leaves the model, for the first time.
    fn gone(&mut self, note: &Note) {
        let (fate, _) = self.fates.get_mut(&note.serial).unwrap();
        assert_eq!(*fate, Fate::Accepted, "{note:?}");
        *fate = Fate::Gone;
    }

    fn ended(&mut self, mut wishes: Vec<Wished>, done: Done<Note>) {
        let (channel, wish) = wishes.remove(done.case);
        match done.outcome {
            Outcome::Received(note) => {
                assert_eq!(wish, None);
                assert_eq!(self.fates[&note.serial].1, channel);
                self.gone(&note);
            }
            Outcome::Sent => assert!(wish.is_some()),
            Outcome::Closed(back) => {
                assert_eq!(back, wish);
                if let Some(note) = back {
                    self.gone(&note);
                }
            }
            Outcome::TooLarge { limit, message, .. } => {
                assert!(message.size > limit);
                self.gone(&message);
            }
            Outcome::Fired | Outcome::Deadlock(_) => unreachable!(),
        }
        let unsent: Vec<_> = wishes.into_iter().filter_map(|(_, note)| note).collect();
        assert_eq!(done.unsent, unsent);
        for note in unsent {
            self.gone(&note);
        }
    }

    /// What must hold after each step.
    fn check(&mut self) {
        for note in std::mem::take(&mut self.effects).discarded {
            self.gone(&note);
        }
        let mut messages = 0;
        let mut bytes = 0;
        for (channel, id) in self.channels.iter().enumerate() {
            let Some(state) = self.broker.channels.get(id.0) else {
                continue;
            };
            let charges = state
                .queue
                .iter()
                .map(|item| item.load.message.size.max(64));
            assert_eq!(state.bytes, charges.sum::<usize>());
            messages += state.queue.len();
            bytes += state.bytes;
            assert!(state.queue.iter().is_sorted_by_key(|item| item.order));
            if state.receivers.first().is_some() {
                assert!(state.queue.is_empty() && !state.closed);
            }
            for item in &state.queue {
                let serial = item.load.message.serial;
                assert_eq!(self.fates[&serial], (Fate::Accepted, channel));
            }
        }
        let counts = self.broker.counts();
        assert_eq!(
            (counts.queued_messages, counts.queued_bytes),
            (messages, bytes)
        );
        assert_eq!(counts.waits, self.waits.len());
        assert!(self.broker.unblocked.is_empty());
    }

    /// Takes the world down; nothing may be left.
    fn end(mut self) {
        for party in 1..=PARTIES {
            assert!(self.broker.remove_party(PartyId(party), &mut self.effects));
        }
        self.waits.clear();
        self.check();
        assert_eq!(self.broker.counts(), Counts::default());
        assert_eq!(self.broker.entries.len(), 0);
        let lost: Vec<_> = self
            .fates
            .iter()
            .filter(|(_, (fate, _))| *fate != Fate::Gone)
            .collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_message_ends_once(
        seed in any::<u64>(),
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut world = World::new(seed);
        for step in steps {
            world.run(step);
        }
        world.end();
    }

    /// One channel, one sender at a time, many receivers whose waits end in any way: what is taken
    /// comes in the order in which it was sent.
    #[test]
    fn one_channel_is_first_in_first_out(
        places in 0..3usize,
        steps in prop::collection::vec((0..4u8, any::<usize>()), 1..200),
    ) {
        let mut broker = Broker::new(1);
        let mut fx = Effects::new();
        let capacity = NonZeroUsize::new(places).map_or(Capacity::Rendezvous, Capacity::Bounded);
        let channel = broker.create(capacity, BUDGET, PartyId::HOST).unwrap();
        let wait = Blocking::Wait { timed: true };
        // The model: what was sent and not taken, and the waits, each side in order.
        let mut sent = VecDeque::new();
        let mut receives: VecDeque<WaitId> = VecDeque::new();
        let mut serial = 0;
        for (kind, pick) in steps {
            match kind {
                0 => {
                    let note = Note { serial, size: 0 };
                    let case = Case::Send(channel, note);
                    match broker.begin_one(PartyId::HOST, case, Blocking::Try, &mut fx) {
                        Begin::Done(_) => sent.push_back(serial),
                        other => prop_assert!(matches!(other, Begin::WouldBlock(_))),
                    }
                    serial += 1;
                }
                1 => match broker.begin_one(PartyId::HOST, Case::Receive(channel), wait, &mut fx) {
                    Begin::Waiting(wait) => receives.push_back(wait),
                    // With earlier waits unanswered, nothing comes past them.
                    Begin::Done(Done { outcome: Outcome::Received(note), .. }) => {
                        let first = sent.iter().position(|&s| s == note.serial);
                        let held = receives.iter().filter(|w| ready(&broker, **w)).count();
                        prop_assert!(first.is_some_and(|first| first <= held));
                        sent.retain(|&s| s != note.serial);
                    }
                    other => prop_assert!(false, "{other:?}"),
                },
                2 if !receives.is_empty() => {
                    let wait = receives.remove(pick % receives.len());
                    broker.abandon(wait.unwrap(), &mut fx);
                }
                // Taking the results in the order of the waits takes the messages in theirs,
                // because waits are served in that order and put back in that order.
                3 => if let Some(&first) = receives.front()
                    && let Poll::Ready(Some(done)) = broker.poll(first, Waker::noop())
                {
                    receives.pop_front();
                    let Outcome::Received(note) = done.outcome else { panic!() };
                    prop_assert!(sent.contains(&note.serial));
                    sent.retain(|&s| s != note.serial);
                },
                _ => {}
            }
            prop_assert!(fx.discarded.is_empty());
        }
        // All abandoned, in any order: what is left is all there, and in order.
        while let Some(wait) = receives.pop_back() {
            broker.abandon(wait, &mut fx);
        }
        for expected in sent {
            let case = Case::Receive(channel);
            match broker.begin_one(PartyId::HOST, case, Blocking::Try, &mut fx) {
                Begin::Done(Done { outcome: Outcome::Received(note), .. }) => {
                    prop_assert_eq!(note.serial, expected);
                }
                other => prop_assert!(false, "{other:?}"),
            }
        }
        prop_assert_eq!(broker.counts().queued_bytes, 0);
    }
}

fn ready(broker: &Broker<Note>, wait: WaitId) -> bool {
    broker
        .waits
        .get(wait.0)
        .is_some_and(|state| state.has_result())
}
