//! Tests of the search for unreachable channels.

use std::collections::BTreeSet;
use std::task::{Poll, Waker};

use proptest::prelude::*;

use super::tests::{A, B, TIMED};
use super::*;

type End = (ChannelId, Side);

/// A message that consists only of ends.
#[derive(Clone, Eq, PartialEq, Debug)]
struct Letter(Vec<End>);

impl Parcel for Letter {
    fn size(&self) -> usize {
        0
    }

    fn each_end(&self, visit: &mut dyn FnMut(ChannelId)) {
        for (channel, _) in &self.0 {
            visit(*channel);
        }
    }
}

/// A broker with parties A and B.
struct Post {
    broker: Broker<Letter>,
    effects: Effects<Letter>,
}

impl Post {
    fn new() -> Self {
        let mut broker = Broker::new(3);
        assert!(broker.add_party(A, true, None) && broker.add_party(B, true, None));
        Self {
            broker,
            effects: Effects::new(),
        }
    }

    fn channel(&mut self, places: usize) -> ChannelId {
        let capacity = std::num::NonZeroUsize::new(places);
        let capacity = capacity.map_or(Capacity::Rendezvous, Capacity::Bounded);
        self.broker.create(capacity, usize::MAX, A).unwrap()
    }

    fn write(&mut self, ends: &[End]) -> Option<Letter> {
        let mut held = Vec::new();
        for &(channel, side) in ends {
            if self.broker.acquire(channel, side, PartyId::FLIGHT) {
                held.push((channel, side));
            }
        }
        Some(Letter(held)).filter(|letter| letter.0.len() == ends.len() || !letter.0.is_empty())
    }

    fn send(&mut self, party: PartyId, channel: ChannelId, ends: &[End]) -> Option<WaitId> {
        let case = Case::Send(channel, self.write(ends)?);
        match self.broker.begin_one(party, case, TIMED, &mut self.effects) {
            Begin::Waiting(wait) => Some(wait),
            Begin::Done(Done {
                outcome: Outcome::Closed(Some(letter)),
                ..
            }) => {
                self.effects.discarded.push(letter);
                None
            }
            Begin::Done(_) => None,
            other => panic!("{other:?}"),
        }
    }

    fn receive(&mut self, party: PartyId, channel: ChannelId) -> Option<(Letter, Origin)> {
        let case = Case::Receive(channel);
        match self
            .broker
            .begin_one(party, case, Blocking::Try, &mut self.effects)
        {
            Begin::Done(Done {
                outcome: Outcome::Received(letter),
                origin,
                ..
            }) => Some((letter, origin.unwrap())),
            _ => None,
        }
    }

    /// Releases the ends in discarded messages, as the exchange does.
    fn settle(&mut self) {
        while let Some(letter) = self.effects.discarded.pop() {
            self.drop_letter(letter);
        }
    }

    fn drop_letter(&mut self, letter: Letter) {
        for (channel, side) in letter.0 {
            assert!(
                self.broker
                    .release(channel, side, PartyId::FLIGHT, &mut self.effects)
            );
        }
    }

    fn forget(&mut self, party: PartyId, channel: ChannelId) {
        for side in [Side::Sender, Side::Receiver] {
            while self.broker.release(channel, side, party, &mut self.effects) {}
        }
        self.settle();
    }

    fn channels(&self) -> usize {
        self.broker.counts().channels
    }
}

fn both(channel: ChannelId) -> [End; 2] {
    [(channel, Side::Sender), (channel, Side::Receiver)]
}

#[test]
fn a_channel_in_its_own_queue_is_collected_when_released() {
    for ends in 1..3 {
        let mut t = Post::new();
        let x = t.channel(3);
        let receivers = [(x, Side::Receiver), (x, Side::Sender)];
        assert_eq!(t.send(A, x, &receivers[..ends]), None);
        assert_eq!(t.send(A, x, &[]), None);
        assert_eq!(t.channels(), 1);
        t.forget(A, x);
        assert_eq!(t.broker.counts().queued_bytes, 0);
        assert_eq!(t.channels(), 0);
    }
}

#[test]
fn a_ring_of_channels_is_collected_when_the_last_one_is_unreachable() {
    let mut t = Post::new();
    let ring: Vec<_> = (0..5).map(|_| t.channel(1)).collect();
    for (index, &channel) in ring.iter().enumerate() {
        t.send(A, channel, &both(ring[(index + 1) % 5]));
    }
    // A channel that leads into the ring but is not part of it.
    let entrance = t.channel(1);
    t.send(A, entrance, &both(ring[2]));
    for &channel in &ring {
        t.forget(A, channel);
        assert_eq!(t.channels(), 6);
    }
    let (letter, _) = t.receive(A, entrance).unwrap();
    assert_eq!(letter.0, both(ring[2]));
    t.forget(A, entrance);
    assert_eq!(t.channels(), 5, "the received letter keeps them");
    t.drop_letter(letter);
    t.settle();
    assert_eq!(t.channels(), 0);
}

#[test]
fn waits_and_received_messages_keep_channels_alive() {
    let mut t = Post::new();
    let [x, y] = [(); 2].map(|()| t.channel(1));
    t.send(A, x, &both(x));
    // This message does not fit, so the sender waits with an end of x.
    assert!(t.broker.acquire(y, Side::Receiver, B));
    t.send(A, y, &[]);
    let wait = t.send(A, y, &[(x, Side::Receiver)]).unwrap();
    t.forget(A, x);
    assert_eq!(t.channels(), 2);
    let (nothing, _) = t.receive(B, y).unwrap();
    assert_eq!(nothing.0, []);
    assert!(matches!(
        t.broker.poll(wait, Waker::noop()),
        Poll::Ready(Some(_))
    ));
    assert_eq!(t.channels(), 2, "the letter is queued");
    let (letter, origin) = t.receive(B, y).unwrap();
    assert_eq!(t.channels(), 2);
    t.broker.redeliver(origin, letter, &mut t.effects);
    assert_eq!(t.channels(), 2);
    assert!(t.broker.remove_party(B, &mut t.effects));
    t.forget(A, y);
    assert_eq!(t.channels(), 0);
}

#[test]
fn redelivery_into_an_unreachable_channel_collects_it() {
    let mut t = Post::new();
    let x = t.channel(1);
    t.send(A, x, &both(x));
    let (letter, origin) = t.receive(A, x).unwrap();
    t.forget(A, x);
    assert_eq!(t.channels(), 1);
    t.broker.redeliver(origin, letter, &mut t.effects);
    t.settle();
    assert_eq!(t.channels(), 0);

    // The same, with an abandoned wait instead of a redelivery.
    let x = t.channel(0);
    let case = Case::Receive(x);
    let Begin::Waiting(wait) = t.broker.begin_one(A, case, TIMED, &mut t.effects) else {
        panic!("the receive did not wait");
    };
    t.send(A, x, &both(x));
    t.forget(A, x);
    assert_eq!(t.channels(), 1);
    t.broker.abandon(wait, &mut t.effects);
    t.settle();
    assert_eq!(t.channels(), 0);
}

#[test]
fn a_receive_whose_sender_is_collected_ends_as_closed() {
    let mut t = Post::new();
    let [x, y] = [(); 2].map(|()| t.channel(1));
    t.send(A, x, &[(x, Side::Receiver), (y, Side::Sender)]);
    assert!(t.broker.acquire(y, Side::Receiver, B));
    t.forget(A, y);
    let case = Case::Receive(y);
    let Begin::Waiting(wait) = t.broker.begin_one(B, case, TIMED, &mut t.effects) else {
        panic!("the receive did not wait");
    };
    t.forget(A, x);
    let Poll::Ready(Some(done)) = t.broker.poll(wait, Waker::noop()) else {
        panic!("the receive did not end");
    };
    assert_eq!(done.outcome, Outcome::Closed(None));
}

#[test]
fn the_cost_of_searches_is_bounded_with_many_reachable_channels() {
    const MANY: usize = 3000;
    let mut t = Post::new();
    // Many channels that are reachable only through a message that was received.
    let hub = t.channel(MANY);
    for _ in 0..MANY {
        let x = t.channel(1);
        t.send(A, hub, &both(x));
        t.forget(A, x);
    }
    let letter = t.write(&both(hub)).unwrap();
    t.forget(A, hub);
    t.broker.searched.set(0);
    for _ in 0..MANY {
        // Each cycle leads into these channels and is collected.
        let x = t.channel(1);
        let mut ends = both(x).to_vec();
        ends.push((hub, Side::Sender));
        t.send(A, x, &ends);
        t.forget(A, x);
    }
    let searched = t.broker.searched.get();
    assert!(searched < 200 * MANY, "{searched}");
    assert!(t.channels() < 2 * MANY, "{}", t.channels());
    t.broker.collect(&mut t.effects);
    t.settle();
    assert_eq!(t.channels(), MANY + 1);
    t.drop_letter(letter);
    t.broker.collect(&mut t.effects);
    t.settle();
    assert_eq!(t.channels(), 0);
}

#[derive(Clone, Debug)]
enum Step {
    Create(bool),
    /// Party, channel, ends.
    Send(bool, usize, Vec<(usize, bool)>),
    Receive(bool, usize),
    /// The next three: drop a received message, put it back, or let a party acquire its ends.
    Drop(usize),
    Redeliver(usize),
    Take(usize, bool),
    Abandon(usize),
    Forget(bool, usize, bool),
}

fn step() -> impl Strategy<Value = Step> {
    let end = (any::<usize>(), any::<bool>());
    prop_oneof![
        3 => any::<bool>().prop_map(Step::Create),
        8 => (any::<bool>(), any::<usize>(), prop::collection::vec(end, 0..3))
            .prop_map(|(party, channel, ends)| Step::Send(party, channel, ends)),
        4 => (any::<bool>(), any::<usize>()).prop_map(|(p, c)| Step::Receive(p, c)),
        1 => any::<usize>().prop_map(Step::Drop),
        2 => any::<usize>().prop_map(Step::Redeliver),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(p, b)| Step::Take(p, b)),
        1 => any::<usize>().prop_map(Step::Abandon),
        8 => (any::<bool>(), any::<usize>(), any::<bool>())
            .prop_map(|(p, c, s)| Step::Forget(p, c, s)),
    ]
}

#[derive(Default)]
struct Hands {
    letters: Vec<(Letter, Origin)>,
    waits: Vec<WaitId>,
    all: Vec<ChannelId>,
}

impl Hands {
    fn run(&mut self, t: &mut Post, step: Step) {
        let party = |first: bool| if first { A } else { B };
        let side = |first: bool| if first { Side::Sender } else { Side::Receiver };
        let pick = |number: usize, from: usize| number.checked_rem(from);
        match step {
            Step::Create(rendezvous) => {
                let channel = t.channel(if rendezvous { 0 } else { 2 });
                self.all.push(channel);
            }
            Step::Send(by, channel, ends) => {
                let Some(channel) = pick(channel, self.all.len()) else {
                    return;
                };
                let ends: Vec<_> = ends
                    .into_iter()
                    .filter_map(|(c, s)| Some((self.all[pick(c, self.all.len())?], side(s))))
                    .collect();
                // A party can only send ends that it holds.
                let holds = |(c, s): &End| t.broker.holders(*c, *s).any(|(p, _)| p == party(by));
                if ends.iter().all(holds) {
                    self.waits
                        .extend(t.send(party(by), self.all[channel], &ends));
                }
            }
            Step::Receive(by, channel) => {
                if let Some(channel) = pick(channel, self.all.len()) {
                    self.letters.extend(t.receive(party(by), self.all[channel]));
                }
            }
            Step::Drop(which) => {
                if let Some(which) = pick(which, self.letters.len()) {
                    let (letter, _) = self.letters.swap_remove(which);
                    t.drop_letter(letter);
                }
            }
            Step::Redeliver(which) => {
                if let Some(which) = pick(which, self.letters.len()) {
                    let (letter, origin) = self.letters.swap_remove(which);
                    t.broker.redeliver(origin, letter, &mut t.effects);
                }
            }
            Step::Take(which, by) => {
                if let Some(which) = pick(which, self.letters.len()) {
                    let (letter, _) = self.letters.swap_remove(which);
                    for &(channel, side) in &letter.0 {
                        t.broker.acquire(channel, side, party(by));
                    }
                    t.drop_letter(letter);
                }
            }
            Step::Abandon(which) => {
                if let Some(which) = pick(which, self.waits.len()) {
                    let wait = self.waits.swap_remove(which);
                    let unsent = t.broker.abandon(wait, &mut t.effects);
                    t.effects.discarded.extend(unsent.into_iter().flatten());
                }
            }
            Step::Forget(by, channel, s) => {
                if let Some(channel) = pick(channel, self.all.len()) {
                    t.broker
                        .release(self.all[channel], side(s), party(by), &mut t.effects);
                }
            }
        }
        t.settle();
    }

    /// Returns the reachable channels, found by a plain walk.
    fn reachable(&self, t: &Post) -> BTreeSet<ChannelId> {
        let held = |c: &&ChannelId| {
            [Side::Sender, Side::Receiver].iter().any(|&side| {
                let mut holders = t.broker.holders(**c, side);
                holders.any(|(party, _)| party != PartyId::FLIGHT)
            })
        };
        let mut ahead: Vec<ChannelId> = self.all.iter().filter(held).copied().collect();
        let in_hand = self.letters.iter().flat_map(|(letter, _)| &letter.0);
        ahead.extend(in_hand.map(|(channel, _)| *channel));
        for wait in &self.waits {
            // The messages that a wait sends or could not send.
            let state = t.broker.waits.get(wait.0).unwrap();
            let mut next = state.entries;
            while let Some(entry) = t.broker.entries.at(next) {
                next = entry.sibling;
                let ends = entry.load.iter().flat_map(|load| &load.message.0);
                ahead.extend(ends.map(|(channel, _)| *channel));
            }
            if let Some(Outcome::Closed(Some(letter))) = state.done.as_ref().map(|d| &d.outcome) {
                ahead.extend(letter.0.iter().map(|(channel, _)| *channel));
            }
        }
        let mut found = BTreeSet::new();
        while let Some(channel) = ahead.pop() {
            if found.insert(channel)
                && let Some(state) = t.broker.channels.get(channel.0)
            {
                let ends = state.queue.iter().flat_map(|item| &item.load.message.0);
                ahead.extend(ends.map(|(channel, _)| *channel));
            }
        }
        found
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..Default::default() })]

    #[test]
    fn exactly_the_unreachable_channels_are_collected(
        steps in prop::collection::vec(step(), 1..150),
    ) {
        let mut t = Post::new();
        let mut hands = Hands::default();
        for step in steps {
            hands.run(&mut t, step);
            let reachable = hands.reachable(&t);
            for channel in &hands.all {
                let Some(state) = t.broker.channels.get(channel.0) else {
                    continue;
                };
                prop_assert!(reachable.contains(channel), "an unreachable channel was not collected");
                // A channel is destroyed if it has no receivers. A search destroys only unreachable channels.
                prop_assert_eq!(state.destroyed, state.ends(Side::Receiver).is_empty());
            }
        }
    }
}

#[test]
fn waiting_for_an_end_in_the_waiters_own_queue_is_a_deadlock() {
    for others in [false, true] {
        let mut post = Post::new();
        for party in [A, B] {
            assert!(post.broker.set_running(party, true, &mut post.effects));
        }
        let [carrier, answer] = [1, 1].map(|places| post.channel(places));
        assert!(post.send(A, carrier, &[(answer, Side::Sender)]).is_none());
        assert!(
            post.broker
                .release(answer, Side::Sender, A, &mut post.effects)
        );
        if others {
            assert!(post.broker.acquire(carrier, Side::Receiver, PartyId::HOST));
        }
        let case = Case::Receive(answer);
        let untimed = Blocking::Wait { timed: false };
        let Begin::Waiting(wait) = post.broker.begin_one(A, case, untimed, &mut post.effects)
        else {
            panic!();
        };
        // While B is awake, it can open the channel by its number.
        assert_eq!(post.broker.check_deadlock(&mut post.effects), 0);
        assert!(post.broker.poll(wait, Waker::noop()).is_pending());
        assert!(post.broker.set_running(B, false, &mut post.effects));
        match post.broker.poll(wait, Waker::noop()) {
            Poll::Pending => assert!(others),
            Poll::Ready(done) => {
                let outcome = done.unwrap().outcome;
                assert!(matches!(outcome, Outcome::Deadlock(_)), "{outcome:?}");
                assert!(!others);
            }
        }
    }
}
