//! Tests of sends, receives, selects and events.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Wake, Waker};

use super::*;

/// A message with a word and a size.
#[derive(Clone, Eq, PartialEq, Debug)]
pub(super) struct Note(pub(super) u32, pub(super) usize);

/// Words from here on do not outlive their sender and are kept.
pub(super) const KEPT: u32 = 1000;
/// Words from here on are removed with their sender.
pub(super) const REMOVED: u32 = 2000;
/// Words from here on are replaced with marks.
pub(super) const REPLACED: u32 = 3000;
/// Words from here on are marks.
pub(super) const MARK: u32 = 4000;

impl Parcel for Note {
    fn size(&self) -> usize {
        self.1
    }

    fn outlives_sender(&self) -> bool {
        self.0 < KEPT
    }

    fn orphaned(&self) -> Orphaned<Self> {
        match self.0 {
            KEPT..REMOVED => Orphaned::Keep,
            REMOVED..REPLACED => Orphaned::Remove,
            REPLACED..MARK => Orphaned::Replace(Note(self.0 - REPLACED + MARK, 0)),
            _ => panic!("{self:?}"),
        }
    }
}

pub(super) const A: PartyId = PartyId(1);
pub(super) const B: PartyId = PartyId(2);
pub(super) const C: PartyId = PartyId(3);
pub(super) const WAIT: Blocking = Blocking::Wait { timed: false };
pub(super) const TIMED: Blocking = Blocking::Wait { timed: true };
pub(super) const ROOM: usize = 1 << 20;

pub(super) struct Bench {
    pub(super) broker: Broker<Note>,
    pub(super) effects: Effects<Note>,
}

pub(super) type One = Begin<Note, Case<Note>>;

impl Bench {
    /// Creates a broker with the running parties A, B and C.
    pub(super) fn new() -> Self {
        let mut bench = Self {
            broker: Broker::new(7),
            effects: Effects::new(),
        };
        for party in [A, B, C] {
            bench.start(party);
        }
        bench
    }

    pub(super) fn start(&mut self, party: PartyId) {
        assert!(self.broker.add_party(party, true, None));
        assert!(self.broker.set_running(party, true, &mut self.effects));
    }

    pub(super) fn channel(&mut self, places: usize) -> ChannelId {
        self.channel_of(A, places, ROOM)
    }

    pub(super) fn channel_of(&mut self, party: PartyId, places: usize, bytes: usize) -> ChannelId {
        let capacity = match NonZeroUsize::new(places) {
            None => Capacity::Rendezvous,
            Some(NonZeroUsize::MAX) => Capacity::Unbounded,
            Some(places) => Capacity::Bounded(places),
        };
        self.broker.create(capacity, bytes, party).unwrap()
    }

    pub(super) fn one(&mut self, party: PartyId, case: Case<Note>, blocking: Blocking) -> One {
        self.broker
            .begin_one(party, case, blocking, &mut self.effects)
    }

    /// Tries to send. Returns whether the message was sent.
    pub(super) fn put(&mut self, channel: ChannelId, word: u32) -> bool {
        match self.one(A, Case::Send(channel, Note(word, 1)), Blocking::Try) {
            Begin::Done(done) => done.outcome == Outcome::Sent,
            _ => false,
        }
    }

    /// Tries to receive.
    pub(super) fn get(&mut self, channel: ChannelId) -> Option<u32> {
        match self.one(B, Case::Receive(channel), Blocking::Try) {
            Begin::Done(Done {
                outcome: Outcome::Received(note),
                ..
            }) => Some(note.0),
            _ => None,
        }
    }

    pub(super) fn wait(&mut self, party: PartyId, case: Case<Note>) -> WaitId {
        waiting(self.one(party, case, WAIT))
    }

    pub(super) fn select(&mut self, party: PartyId, cases: Vec<Case<Note>>) -> WaitId {
        waiting(self.broker.begin(party, cases, WAIT, &mut self.effects))
    }

    pub(super) fn result(&mut self, wait: WaitId) -> Option<Outcome<Note>> {
        match self.broker.poll(wait, Waker::noop()) {
            Poll::Ready(done) => Some(done.unwrap().outcome),
            Poll::Pending => None,
        }
    }

    pub(super) fn deadlock(&mut self, wait: WaitId) -> String {
        match self.result(wait) {
            Some(Outcome::Deadlock(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn abandon(&mut self, wait: WaitId) -> Option<Vec<Note>> {
        self.broker.abandon(wait, &mut self.effects)
    }

    pub(super) fn release(&mut self, channel: ChannelId, side: Side, party: PartyId) -> bool {
        self.broker.release(channel, side, party, &mut self.effects)
    }

    /// Transfers one end of a side from A to the party.
    pub(super) fn hand(&mut self, channel: ChannelId, side: Side, party: PartyId) {
        assert!(self.broker.acquire(channel, side, party));
        assert!(self.release(channel, side, A));
    }
}

pub(super) fn waiting<B: std::fmt::Debug>(begin: Begin<Note, B>) -> WaitId {
    match begin {
        Begin::Waiting(wait) => wait,
        other => panic!("{other:?}"),
    }
}

pub(super) fn note(word: u32) -> Note {
    Note(word, 1)
}

#[test]
fn the_choices_of_a_seeded_party_depend_on_its_seed_only() {
    let choices = |broker_seed, seed| {
        let mut broker: Broker<Note> = Broker::new(broker_seed);
        let party = PartyId(7);
        let effects = &mut Effects::default();
        broker.add_party(party, true, None);
        broker.seed_party(party, seed);
        let channels: Vec<ChannelId> = (0..4)
            .filter_map(|_| broker.create(Capacity::Unbounded, 1 << 20, party))
            .collect();
        let mut chosen = Vec::new();
        for _ in 0..40 {
            let cases = channels
                .iter()
                .map(|id| Case::Send(*id, Note(1, 8)))
                .collect();
            match broker.begin(party, cases, Blocking::Try, effects) {
                Begin::Done(done) => chosen.push(done.case),
                _ => panic!("each case is ready"),
            }
        }
        chosen
    };
    assert_eq!(choices(1, 5), choices(2, 5));
    assert_ne!(choices(1, 5), choices(1, 6));
}

#[test]
fn rendezvous_needs_both_sides() {
    let mut t = Bench::new();
    let ch = t.channel(0);
    assert!(!t.put(ch, 1));
    assert_eq!(t.get(ch), None);
    let send = t.wait(A, Case::Send(ch, note(2)));
    assert_eq!(t.result(send), None);
    assert_eq!(t.get(ch), Some(2));
    assert_eq!(t.result(send), Some(Outcome::Sent));
    let receive = t.wait(B, Case::Receive(ch));
    assert!(t.put(ch, 3));
    assert_eq!(t.result(receive), Some(Outcome::Received(note(3))));
}

#[test]
fn queues_are_bounded_in_messages() {
    for (places, fits) in [(1, 1), (3, 3), (usize::MAX, 10)] {
        let mut t = Bench::new();
        let ch = t.channel(places);
        let sent = (0..10).take_while(|&i| t.put(ch, i)).count();
        assert_eq!(sent, fits, "{places}");
        assert_eq!(t.broker.len(ch), Some(fits));
        for i in 0..fits {
            assert_eq!(t.get(ch), Some(i as u32));
        }
        assert_eq!(t.get(ch), None);
    }
}

#[test]
fn queues_are_bounded_in_bytes() {
    const LEAST: usize = Broker::<Note>::MIN_CHARGE;
    // Message sizes, and how many of these messages fit into a budget of 4000 bytes.
    for (sizes, fits) in [
        (vec![0; 40], 15),
        (vec![LEAST; 40], 15),
        (vec![2000, 2000, 0], 2),
        (vec![4000, 1], 1),
        (vec![4001 - LEAST, 1], 1),
        (vec![4000 - LEAST, 1], 2),
    ] {
        let mut t = Bench::new();
        let ch = t.channel_of(A, usize::MAX, 4000);
        let sent = sizes
            .iter()
            .take_while(|&&size| {
                matches!(
                    t.one(A, Case::Send(ch, Note(0, size)), Blocking::Try),
                    Begin::Done(_)
                )
            })
            .count();
        assert_eq!(sent, fits, "{sizes:?}");
    }
    let mut t = Bench::new();
    let ch = t.channel_of(A, 0, 1000);
    let Begin::Done(done) = t.one(A, Case::Send(ch, Note(5, usize::MAX)), WAIT) else {
        panic!();
    };
    let message = Note(5, usize::MAX);
    let (limit, size) = (1000, usize::MAX);
    assert_eq!(
        done.outcome,
        Outcome::TooLarge {
            limit,
            size,
            message
        }
    );
}

/// Many parties wait for one channel.
///
/// Outcome: OK, in order of arrival.
#[test]
fn a_large_waiting_message_is_not_overtaken_unless_abandoned() {
    let mut t = Bench::new();
    let ch = t.channel_of(A, usize::MAX, 4000);
    let send = |t: &mut Bench, size| t.one(A, Case::Send(ch, Note(size as u32, size)), WAIT);
    assert!(matches!(send(&mut t, 3600), Begin::Done(_)));
    let large = waiting(send(&mut t, 3990));
    let small = waiting(send(&mut t, 300));
    assert!(!t.put(ch, 1));
    assert_eq!(t.abandon(large), Some(vec![Note(3990, 3990)]));
    assert_eq!(t.result(small), Some(Outcome::Sent));
    assert_eq!((t.get(ch), t.get(ch)), (Some(3600), Some(300)));
}

#[test]
fn receivers_drain_closed_channels() {
    // By closing it, or by releasing the last sender.
    for close in [true, false] {
        let mut t = Bench::new();
        let ch = t.channel(2);
        assert!(t.put(ch, 1) && t.put(ch, 2));
        let send = t.wait(A, Case::Send(ch, note(3)));
        if close {
            assert!(t.broker.close(ch, &mut t.effects));
        } else {
            assert!(t.release(ch, Side::Sender, A));
            assert!(!t.broker.acquire(ch, Side::Sender, A));
        }
        assert_eq!(t.result(send), Some(Outcome::Closed(Some(note(3)))));
        assert!(!t.put(ch, 4));
        assert_eq!((t.get(ch), t.get(ch)), (Some(1), Some(2)));
        let Begin::Done(done) = t.one(B, Case::Receive(ch), WAIT) else {
            panic!();
        };
        assert_eq!(done.outcome, Outcome::Closed(None));
    }
}

#[test]
fn releasing_the_last_end_of_a_side_ends_waits_at_the_other() {
    let mut t = Bench::new();
    let ch = t.channel(1);
    let waits = [B, C].map(|party| t.wait(party, Case::Receive(ch)));
    t.release(ch, Side::Sender, A);
    for wait in waits {
        assert_eq!(t.result(wait), Some(Outcome::Closed(None)));
    }
    let ch = t.channel(1);
    assert!(t.put(ch, 1));
    let send = t.wait(B, Case::Send(ch, note(2)));
    t.release(ch, Side::Receiver, A);
    assert_eq!(t.result(send), Some(Outcome::Closed(Some(note(2)))));
    assert_eq!(t.effects.discarded, [note(1)]);
    assert!(!t.release(ch, Side::Receiver, A));
    t.release(ch, Side::Sender, A);
    assert_eq!(t.broker.len(ch), None);
    assert_eq!(t.broker.counts().queued_bytes, 0);
}

#[test]
fn stale_ids_are_rejected() {
    let mut t = Bench::new();
    let old = t.channel(1);
    t.release(old, Side::Sender, A);
    t.release(old, Side::Receiver, A);
    let new = t.channel(1);
    assert_ne!(old, new);
    assert!(!t.put(old, 1));
    assert!(!t.broker.acquire(old, Side::Sender, A));
    assert!(!t.release(old, Side::Sender, A));
    assert!(!t.broker.close(old, &mut t.effects));
    assert_eq!(t.broker.holders(old, Side::Sender).count(), 0);
    assert_eq!(t.broker.holders(new, Side::Sender).next(), Some((A, 1)));
    assert_eq!(t.broker.is_closed(new), Some(false));
    assert_eq!(t.broker.len(old), None);

    let wait = t.wait(A, Case::Receive(new));
    assert_eq!(t.abandon(wait), Some(vec![]));
    assert_eq!(t.abandon(wait), None);
    assert_eq!(t.broker.poll(wait, Waker::noop()), Poll::Ready(None));
    let event = t.broker.create_event(A).unwrap();
    assert!(t.broker.release_event(event, &mut t.effects));
    assert!(!t.broker.fire(event, &mut t.effects));
}

#[test]
fn select_chooses_among_ready_cases_evenly() {
    let mut t = Bench::new();
    let [x, y, z] = [1, 1, 1].map(|places| t.channel(places));
    let event = t.broker.create_event(A).unwrap();
    t.broker.fire(event, &mut t.effects);
    let mut seen = [0; 4];
    for _ in 0..400 {
        t.put(x, 1);
        t.get(y);
        let cases = vec![
            Case::Receive(x),
            Case::Receive(z),
            Case::Send(y, note(1)),
            Case::Event(event),
        ];
        let Begin::Done(done) = t.broker.begin(A, cases, WAIT, &mut t.effects) else {
            panic!();
        };
        assert_eq!(done.unsent.len(), usize::from(done.case != 2));
        seen[done.case] += 1;
    }
    assert_eq!(seen[1], 0);
    assert!([0, 2, 3].iter().all(|&i| seen[i] > 80), "{seen:?}");
}

#[test]
fn select_completes_one_case_and_leaves_all_lines() {
    let mut t = Bench::new();
    let [x, y] = [0, 0].map(|places| t.channel(places));
    let select = t.select(
        A,
        vec![
            Case::Receive(x),
            Case::Send(y, note(1)),
            Case::Send(x, note(2)),
        ],
    );
    assert_eq!(t.get(y), Some(1));
    assert!(!t.put(x, 9));
    let Poll::Ready(Some(done)) = t.broker.poll(select, Waker::noop()) else {
        panic!();
    };
    assert_eq!((done.case, done.outcome), (1, Outcome::Sent));
    assert_eq!(done.unsent, [note(2)]);
    // No entries remain in lines that nothing serves.
    for _ in 0..100 {
        let wait = t.select(A, vec![Case::Receive(x), Case::Receive(y)]);
        assert!(t.abandon(wait).is_some());
    }
    assert_eq!(t.broker.entries.len(), 0);
    assert!(t.broker.entries.has_room(u32::MAX as usize - 4));
}

/// A wait is abandoned after a message was assigned to it.
///
/// Outcome: the message returns to its place.
#[test]
fn abandoned_results_return_to_the_queue_in_order() {
    for places in [0, 3] {
        for order in [[0, 1], [1, 0]] {
            let mut t = Bench::new();
            let ch = t.channel(places);
            let waits = [B, C].map(|party| t.wait(party, Case::Receive(ch)));
            assert!(t.put(ch, 1) && t.put(ch, 2));
            for index in order {
                assert_eq!(t.abandon(waits[index]), Some(vec![]));
            }
            let charge = Broker::<Note>::MIN_CHARGE;
            assert_eq!(t.broker.counts().queued_bytes, 2 * charge);
            assert_eq!((t.get(ch), t.get(ch)), (Some(1), Some(2)));
        }
    }
    let mut t = Bench::new();
    let ch = t.channel(0);
    let first = t.wait(B, Case::Receive(ch));
    assert!(t.put(ch, 1));
    let second = t.wait(C, Case::Receive(ch));
    t.abandon(first);
    assert_eq!(t.result(second), Some(Outcome::Received(note(1))));
    t.broker.give_back(ch, note(1), &mut t.effects);
    assert_eq!(t.get(ch), Some(1));
    let third = t.wait(B, Case::Receive(ch));
    assert!(t.put(ch, 2));
    t.release(ch, Side::Receiver, A);
    t.abandon(third);
    assert_eq!(t.effects.discarded, [note(2)]);
}

/// Many parties wait, and a message wakes one of them.
///
/// Outcome: only parties that can continue are woken.
#[test]
fn only_waiters_with_results_are_woken() {
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let mut t = Bench::new();
    let ch = t.channel(1);
    let counts = [B, C].map(|party| {
        let wait = t.wait(party, Case::Receive(ch));
        let count = Arc::new(Count(AtomicUsize::new(0)));
        for _ in 0..2 {
            let polled = t.broker.poll(wait, &Waker::from(count.clone()));
            assert_eq!(polled, Poll::Pending);
        }
        count
    });
    let woken = |t: &mut Bench| {
        drop(std::mem::take(&mut t.effects).apply());
        counts.each_ref().map(|c| c.0.load(Ordering::Relaxed))
    };
    assert!(t.put(ch, 1));
    assert_eq!(woken(&mut t), [1, 0]);
    assert!(t.put(ch, 1));
    assert_eq!(woken(&mut t), [1, 1]);
    assert!(t.put(ch, 1));
    assert_eq!(woken(&mut t), [1, 1]);
}

#[test]
fn fired_events_stay_fired() {
    let mut t = Bench::new();
    let event = t.broker.create_event(B).unwrap();
    let wait = t.wait(A, Case::Event(event));
    assert!(t.broker.fire(event, &mut t.effects));
    assert!(t.broker.fire(event, &mut t.effects));
    assert_eq!(t.result(wait), Some(Outcome::Fired));
    assert!(matches!(t.one(A, Case::Event(event), WAIT), Begin::Done(_)));
    assert!(t.broker.release_event(event, &mut t.effects));
    assert!(!t.broker.release_event(event, &mut t.effects));
    let event = t.broker.create_event(B).unwrap();
    let wait = t.wait(A, Case::Event(event));
    t.broker.release_event(event, &mut t.effects);
    assert_eq!(t.result(wait), Some(Outcome::Closed(None)));
}

#[test]
fn waits_are_limited_and_removed_with_their_party() {
    let mut t = Bench::new();
    let ch = t.channel(0);
    for word in 0..Broker::<Note>::MAX_WAITS {
        t.wait(B, Case::Send(ch, note(word as u32)));
    }
    let refused = t.one(B, Case::Send(ch, note(99)), WAIT);
    assert_eq!(refused, Begin::Refused(Case::Send(ch, note(99))));
    let receive = t.one(C, Case::Receive(ch), WAIT);
    assert!(matches!(receive, Begin::Done(_)));
    assert!(t.broker.remove_party(B, &mut t.effects));
    assert!(!t.broker.remove_party(B, &mut t.effects));
    assert_eq!(t.effects.discarded.len(), Broker::<Note>::MAX_WAITS - 1);
    assert_eq!(t.get(ch), None);
    assert!(matches!(
        t.one(B, Case::Receive(ch), WAIT),
        Begin::Refused(_)
    ));
    let wait = t.wait(C, Case::Receive(ch));
    assert!(t.broker.remove_party(A, &mut t.effects));
    assert_eq!(t.result(wait), Some(Outcome::Closed(None)));
    assert!(t.broker.remove_party(C, &mut t.effects));
    assert_eq!(t.broker.counts(), Counts::default());
}
