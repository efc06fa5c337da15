//! The broker under a lock, as the exchange has it, in threads that take turns in any way: each message
//! is received once, whatever becomes of those who wait for it.

use std::future::poll_fn;
use std::task::Poll;

use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::{Arc, Mutex};
use shuttle::{future::block_on, thread};

use super::tests::Note;
use super::*;

const WAIT: Blocking = Blocking::Wait { timed: true };

/// How many messages each of the two senders sends.
const SENT: u32 = 4;

const SENDERS: [PartyId; 2] = [PartyId(1), PartyId(2)];
const RECEIVERS: [PartyId; 3] = [PartyId(3), PartyId(4), PartyId(5)];

/// As the exchange: nobody is woken under the lock.
#[derive(Clone)]
struct Shared(Arc<Mutex<Broker<Note>>>);

impl Shared {
    fn with<R>(&self, act: impl FnOnce(&mut Broker<Note>, &mut Effects<Note>) -> R) -> R {
        let mut effects = Effects::new();
        let result = act(&mut self.0.lock().unwrap(), &mut effects);
        assert_eq!(effects.apply(), [], "nothing is thrown away");
        result
    }

    /// Does it, or gives up, sometimes: `None` then, and when the party is gone.
    fn one(&self, party: PartyId, case: Case<Note>, patient: bool) -> Option<Done<Note>> {
        let begun = self.with(|broker, effects| broker.begin_one(party, case, WAIT, effects));
        let wait = match begun {
            Begin::Done(done) => return Some(done),
            Begin::Waiting(wait) => wait,
            Begin::WouldBlock(_) | Begin::Refused(_) => return None,
        };
        if !patient && thread_rng().gen_bool(0.5) {
            self.with(|broker, effects| broker.abandon(wait, effects));
            return None;
        }
        block_on(poll_fn(|context| {
            match self.with(|broker, _| broker.poll(wait, context.waker())) {
                Poll::Ready(done) => Poll::Ready(done),
                Poll::Pending => Poll::Pending,
            }
        }))
    }

    fn exists(&self, party: PartyId) -> bool {
        self.with(|broker, _| broker.parties.exists(party))
    }
}

/// What a receiver does until there is nothing more, or it is gone: it takes messages, gives up waits, and
/// dies of messages, which go back then.
fn receive(shared: &Shared, party: PartyId, channel: ChannelId) -> Vec<u32> {
    let mut taken = Vec::new();
    loop {
        match shared.one(party, Case::Receive(channel), false) {
            None if shared.exists(party) => {}
            None => return taken,
            Some(done) => match (done.outcome, done.origin) {
                (Outcome::Received(note), Some(origin)) if thread_rng().gen_bool(0.3) => {
                    shared.with(|broker, effects| broker.redeliver(origin, note, effects));
                }
                (Outcome::Received(note), _) => taken.push(note.0),
                _ => return taken,
            },
        }
    }
}

#[test]
fn each_message_is_received_once() {
    shuttle::check_random(
        || {
            let places = thread_rng().gen_range(0..3);
            let shared = Shared(Arc::new(Mutex::new(Broker::new(1))));
            let channel = shared.with(|broker, effects| {
                let places = std::num::NonZeroUsize::new(places);
                let capacity = places.map_or(Capacity::Rendezvous, Capacity::Bounded);
                let channel = broker.create(capacity, 1 << 20, PartyId::HOST).unwrap();
                for party in SENDERS.into_iter().chain(RECEIVERS) {
                    broker.add_party(party, true, None);
                    broker.set_running(party, true, effects);
                    let side = match SENDERS.contains(&party) {
                        true => Side::Sender,
                        false => Side::Receiver,
                    };
                    assert!(broker.acquire(channel, side, party));
                }
                broker.release(channel, Side::Sender, PartyId::HOST, effects);
                channel
            });
            let senders = SENDERS.map(|party| {
                let shared = shared.clone();
                thread::spawn(move || {
                    for number in 0..SENT {
                        let word = party.0 as u32 * SENT + number;
                        let done = shared.one(party, Case::Send(channel, Note(word, 0)), true);
                        assert_eq!(done.unwrap().outcome, Outcome::Sent);
                    }
                    shared.with(|broker, effects| broker.remove_party(party, effects));
                })
            });
            let receivers = RECEIVERS.map(|party| {
                let shared = shared.clone();
                thread::spawn(move || receive(&shared, party, channel))
            });
            let killer = {
                let shared = shared.clone();
                thread::spawn(move || {
                    shared.with(|broker, effects| broker.remove_party(RECEIVERS[0], effects));
                })
            };
            let mut taken: Vec<u32> = Vec::new();
            for receiver in receivers {
                taken.extend(receiver.join().unwrap());
            }
            killer.join().unwrap();
            senders
                .into_iter()
                .for_each(|sender| sender.join().unwrap());
            // What went back after everybody else had left.
            taken.extend(receive(&shared, PartyId::HOST, channel));
            taken.sort_unstable();
            let sent: Vec<u32> = (SENT..3 * SENT).collect();
            assert_eq!(taken, sent);
        },
        200,
    );
}
