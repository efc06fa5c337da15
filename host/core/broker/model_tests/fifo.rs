//! One channel compared with a plain queue.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::task::{Poll, Waker};

use proptest::prelude::*;

use super::super::tests::Note;
use super::super::*;

const BUDGET: usize = 1600;

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..Default::default() })]

    /// One channel, one sender at a time, and many receivers that abandon waits and redeliver messages:
    /// messages arrive in the order in which they were sent.
    #[test]
    fn one_channel_is_fifo(
        places in 0..3usize,
        steps in prop::collection::vec((0..5u8, any::<usize>()), 1..200),
    ) {
        let mut broker = Broker::new(1);
        let mut fx = Effects::new();
        let capacity = NonZeroUsize::new(places).map_or(Capacity::Rendezvous, Capacity::Bounded);
        let channel = broker.create(capacity, BUDGET, PartyId::HOST).unwrap();
        let wait = Blocking::Wait { timed: true };
        // The model: messages that were sent and not taken, and pending waits, both in order.
        let mut sent = VecDeque::new();
        let mut receives: VecDeque<WaitId> = VecDeque::new();
        let mut serial = 0;
        for (kind, pick) in steps {
            match kind {
                0 => {
                    let note = Note(serial, 0);
                    let case = Case::Send(channel, note);
                    match broker.begin_one(PartyId::HOST, case, Blocking::Try, &mut fx) {
                        Begin::Done(_) => sent.push_back(serial),
                        other => prop_assert!(matches!(other, Begin::WouldBlock(_))),
                    }
                    serial += 1;
                }
                1 => match broker.begin_one(PartyId::HOST, Case::Receive(channel), wait, &mut fx) {
                    Begin::Waiting(wait) => receives.push_back(wait),
                    // Only messages that earlier waits have received come first.
                    Begin::Done(Done { outcome: Outcome::Received(note), .. }) => {
                        let first = sent.iter().position(|&s| s == note.0);
                        let held = receives.iter().filter(|w| ready(&broker, **w)).count();
                        prop_assert!(first.is_some_and(|first| first <= held));
                        sent.retain(|&s| s != note.0);
                    }
                    other => prop_assert!(false, "{other:?}"),
                },
                2 if !receives.is_empty() => {
                    let wait = receives.remove(pick % receives.len());
                    broker.abandon(wait.unwrap(), &mut fx);
                }
                // Taking results in the order of the waits takes the messages in order, because waits are
                // served and put back in that order.
                3 => if let Some(&first) = receives.front()
                    && let Poll::Ready(Some(done)) = broker.poll(first, Waker::noop())
                {
                    receives.pop_front();
                    let Outcome::Received(note) = done.outcome else { panic!() };
                    prop_assert!(sent.contains(&note.0));
                    sent.retain(|&s| s != note.0);
                },
                // The same, but the message is redelivered, as if it had not been taken.
                4 => {
                    let taken = match receives.front() {
                        Some(&first) => match broker.poll(first, Waker::noop()) {
                            Poll::Ready(done) => {
                                receives.pop_front();
                                done
                            }
                            Poll::Pending => None,
                        },
                        None => match broker.begin_one(
                            PartyId::HOST,
                            Case::Receive(channel),
                            Blocking::Try,
                            &mut fx,
                        ) {
                            Begin::Done(done) => Some(done),
                            _ => None,
                        },
                    };
                    if let Some(Done { outcome: Outcome::Received(note), origin, .. }) = taken {
                        prop_assert!(sent.contains(&note.0));
                        broker.redeliver(origin.unwrap(), note, &mut fx);
                    }
                }
                _ => {}
            }
            prop_assert!(fx.discarded.is_empty());
        }
        // After all waits are abandoned, in any order, the remaining messages are complete and in order.
        while let Some(wait) = receives.pop_back() {
            broker.abandon(wait, &mut fx);
        }
        for expected in sent {
            let case = Case::Receive(channel);
            match broker.begin_one(PartyId::HOST, case, Blocking::Try, &mut fx) {
                Begin::Done(Done { outcome: Outcome::Received(note), .. }) => {
                    prop_assert_eq!(note.0, expected);
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
