//! Interleaving tests: threads use a broker under a lock, as the exchange does, in random schedules. Each
//! message is received exactly once, even if receivers abandon waits or are removed.

use std::future::poll_fn;
use std::task::Poll;

use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::{Arc, Mutex};
use shuttle::{future::block_on, thread};

use super::tests::Note;
use super::*;

const WAIT: Blocking = Blocking::Wait { timed: true };

/// The number of messages that each of the two senders sends.
const SENT: u32 = 4;

const SENDERS: [PartyId; 2] = [PartyId(1), PartyId(2)];
const RECEIVERS: [PartyId; 3] = [PartyId(3), PartyId(4), PartyId(5)];

/// A broker under a lock. Wakers are called after unlocking, as in the exchange.
#[derive(Clone)]
struct Shared(Arc<Mutex<Broker<Note>>>);

impl Shared {
    fn with<R>(&self, act: impl FnOnce(&mut Broker<Note>, &mut Effects<Note>) -> R) -> R {
        let mut effects = Effects::new();
        let result = act(&mut self.0.lock().unwrap(), &mut effects);
        assert_eq!(effects.apply(), [], "a message was discarded");
        result
    }

    /// Performs the case. Returns `None` if the party is gone or, unless `patient`, if the wait was randomly
    /// abandoned.
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

/// Receives until the channel is closed or the party is gone. Randomly abandons waits and redelivers messages.
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
            // Messages put back after all other receivers had ended.
            taken.extend(receive(&shared, PartyId::HOST, channel));
            taken.sort_unstable();
            let sent: Vec<u32> = (SENT..3 * SENT).collect();
            assert_eq!(taken, sent);
        },
        200,
    );
}
