//! Tests of the deadlock analysis.

use std::task::{Poll, Waker};

use super::tests::*;
use super::*;

/// Makes A and B wait for each other.
fn cross(t: &mut Bench) -> [WaitId; 2] {
    let [x, y] = [t.channel_of(A, 1, ROOM), t.channel_of(B, 1, ROOM)];
    assert!(t.broker.set_label(x, 70) && t.broker.set_label(y, 80));
    [t.wait(B, Case::Receive(x)), t.wait(A, Case::Receive(y))]
}

#[test]
fn two_parties_that_wait_for_each_other_are_deadlocked() {
    let mut t = Bench::new();
    let waits = cross(&mut t);
    assert_eq!(waits.map(|wait| t.result(wait)), [None, None]);
    // C is awake, so no analysis has run yet.
    assert_eq!(t.broker.check_deadlock(&mut t.effects), 2);
    let text = "interpreter 1 waits to receive from channel 80; \
                interpreter 2 waits to receive from channel 70";
    assert_eq!(waits.map(|wait| t.deadlock(wait)), [text, text]);
    assert_eq!(t.broker.check_deadlock(&mut t.effects), 0);
}

#[test]
fn the_last_party_to_fall_asleep_triggers_the_analysis() {
    let mut t = Bench::new();
    let waits = cross(&mut t);
    let other = t.channel(1);
    t.hand(other, Side::Sender, PartyId::HOST);
    let fine = t.wait(C, Case::Receive(other));
    assert_eq!(t.deadlock(waits[0]), t.deadlock(waits[1]));
    assert_eq!(t.result(fine), None);
}

#[test]
fn a_party_that_waits_for_itself_is_deadlocked_and_gets_its_messages_back() {
    let mut t = Bench::new();
    t.broker.remove_party(B, &mut t.effects);
    t.broker.remove_party(C, &mut t.effects);
    let [x, y] = [0, 1].map(|places| t.channel(places));
    let wait = t.select(A, vec![Case::Send(x, note(1)), Case::Receive(y)]);
    let Poll::Ready(Some(done)) = t.broker.poll(wait, Waker::noop()) else {
        panic!();
    };
    assert!(matches!(done.outcome, Outcome::Deadlock(_)));
    assert_eq!(done.unsent, [note(1)]);
    let wait = t.select(A, vec![]);
    assert_eq!(t.deadlock(wait), "interpreter 1 waits for nothing");
    let event = t.broker.create_event(A).unwrap();
    let wait = t.wait(A, Case::Event(event));
    assert_eq!(
        t.deadlock(wait),
        "interpreter 1 waits for interpreter 1 to finish"
    );
}

#[test]
fn a_wait_that_some_party_can_end_is_not_a_deadlock() {
    type Arrange = fn(&mut Bench, ChannelId);
    let arrangements: [(&str, Arrange); 7] = [
        ("the host holds the end", |t, x| {
            t.hand(x, Side::Sender, PartyId::HOST)
        }),
        ("the end is in flight", |t, x| {
            t.hand(x, Side::Sender, PartyId::FLIGHT)
        }),
        ("an awake party holds the end", |t, x| {
            t.hand(x, Side::Sender, C)
        }),
        ("a party in a timed wait does", |t, x| {
            t.hand(x, Side::Sender, C);
            let case = Case::Receive(x);
            waiting(t.one(C, case, TIMED));
        }),
        ("an idle party that the host can run does", |t, x| {
            t.hand(x, Side::Sender, C);
            t.broker.set_running(C, false, &mut t.effects);
        }),
        ("an idle party of an awake one does", |t, x| {
            let idle = PartyId(9);
            assert!(t.broker.add_party(idle, false, Some(C)));
            t.hand(x, Side::Sender, idle);
        }),
        ("a party that can be served does", |t, x| {
            t.hand(x, Side::Sender, C);
            let other = t.channel(1);
            t.hand(other, Side::Sender, PartyId::HOST);
            t.wait(C, Case::Receive(other));
        }),
    ];
    for (name, arrange) in arrangements {
        let mut t = Bench::new();
        t.broker.remove_party(B, &mut t.effects);
        let x = t.channel(1);
        arrange(&mut t, x);
        let wait = t.wait(A, Case::Receive(x));
        assert_eq!(t.broker.check_deadlock(&mut t.effects), 0, "{name}");
        assert_eq!(t.result(wait), None, "{name}");
    }
}

#[test]
fn an_idle_party_counts_as_able_to_act_only_if_it_can_be_run() {
    let mut t = Bench::new();
    t.broker.remove_party(B, &mut t.effects);
    let idle = PartyId(9);
    t.broker.add_party(idle, false, Some(C));
    let x = t.channel(1);
    t.hand(x, Side::Sender, idle);
    let wait = t.wait(A, Case::Receive(x));
    assert_eq!(t.broker.check_deadlock(&mut t.effects), 0);
    let event = t.broker.create_event(A).unwrap();
    let parent = t.wait(C, Case::Event(event));
    assert_eq!(t.deadlock(wait), t.deadlock(parent));
    // Without its parent, the idle party can never be run.
    let wait = t.wait(A, Case::Receive(x));
    t.broker.remove_party(C, &mut t.effects);
    t.deadlock(wait);
}

#[test]
fn waiting_for_a_deadlocked_party_is_not_itself_a_deadlock() {
    let mut t = Bench::new();
    t.broker.remove_party(C, &mut t.effects);
    let event = t.broker.create_event(B).unwrap();
    let outer = t.wait(A, Case::Event(event));
    let ch = t.channel_of(B, 0, ROOM);
    let inner = t.wait(B, Case::Receive(ch));
    assert_eq!(t.result(outer), None);
    t.deadlock(inner);
    t.broker.fire(event, &mut t.effects);
    assert_eq!(t.result(outer), Some(Outcome::Fired));
}

#[test]
fn waiting_for_a_task_that_has_not_started_is_not_a_deadlock() {
    let mut t = Bench::new();
    t.broker.remove_party(C, &mut t.effects);
    t.broker.set_running(B, false, &mut t.effects);
    let event = t.broker.create_event(B).unwrap();
    let wait = t.wait(A, Case::Event(event));
    assert_eq!(t.result(wait), None);
}

#[test]
fn releasing_an_end_can_complete_a_deadlock() {
    let mut t = Bench::new();
    t.broker.remove_party(C, &mut t.effects);
    t.broker.remove_party(B, &mut t.effects);
    let x = t.channel(1);
    t.broker.acquire(x, Side::Sender, PartyId::HOST);
    let wait = t.wait(A, Case::Receive(x));
    assert_eq!(t.result(wait), None);
    t.release(x, Side::Sender, PartyId::HOST);
    t.deadlock(wait);
}

#[test]
fn deadlock_texts_are_bounded() {
    let mut t = Bench::new();
    for party in [A, B, C] {
        t.broker.remove_party(party, &mut t.effects);
    }
    let (_, waits) = ring(&mut t, 1000);
    let text = t.deadlock(waits[0]);
    assert!(text.ends_with("; and 996 more"), "{text}");
    assert!(waits[1..].iter().all(|&wait| t.deadlock(wait) == text));
}

/// Creates parties that each wait to receive from the previous one. The first one falls asleep last.
fn ring(t: &mut Bench, size: u64) -> (Vec<ChannelId>, Vec<WaitId>) {
    let parties: Vec<_> = (0..size).map(|i| PartyId(100 + i)).collect();
    for &party in &parties {
        t.start(party);
    }
    let channels: Vec<_> = parties.iter().map(|&p| t.channel_of(p, 1, ROOM)).collect();
    let waits = (0..parties.len()).map(|i| {
        let before = (i + parties.len() - 1) % parties.len();
        t.wait(parties[i], Case::Receive(channels[before]))
    });
    let waits = waits.collect();
    (channels, waits)
}

#[test]
fn a_token_in_a_large_ring_takes_constant_search_steps_per_hop() {
    let mut t = Bench::new();
    t.broker.remove_party(B, &mut t.effects);
    t.broker.remove_party(C, &mut t.effects);
    let size = 1000;
    let (channels, mut waits) = ring(&mut t, size);
    assert!(t.put(channels[0], 1));
    // From here on, one party of the ring holds the token, and A sleeps too.
    let host = t.channel(1);
    t.hand(host, Side::Sender, PartyId::HOST);
    t.wait(A, Case::Receive(host));
    let rounds = 50;
    let before_searching = t.broker.searched.get();
    for hop in 0..rounds * waits.len() {
        let at = (hop + 1) % waits.len();
        let party = PartyId(100 + at as u64);
        assert_eq!(t.result(waits[at]), Some(Outcome::Received(note(1))));
        let send = t.one(party, Case::Send(channels[at], note(1)), WAIT);
        assert!(matches!(send, Begin::Done(_)));
        let before = (at + waits.len() - 1) % waits.len();
        waits[at] = t.wait(party, Case::Receive(channels[before]));
    }
    // A search along the whole ring at each hop would take a thousand times as many steps.
    let steps = t.broker.searched.get() - before_searching;
    let hops = rounds * waits.len();
    assert!(steps <= 4 * hops, "{steps} steps in {hops} hops");
    assert_eq!(t.broker.check_deadlock(&mut t.effects), 0);
}

/// Returns the stuck parties, found by a plain fixpoint: parties that an active party could serve are removed
/// from the candidates until none is left.
fn stuck_plainly(
    broker: &Broker<Note>,
    asks: &[(PartyId, Vec<(ChannelId, Side)>)],
) -> Vec<PartyId> {
    let mut candidates: Vec<PartyId> = asks.iter().map(|(party, _)| *party).collect();
    loop {
        let served = asks.iter().find(|(party, needs)| {
            candidates.contains(party)
                && needs.iter().any(|&(channel, side)| {
                    let mut holders = broker.holders(channel, side);
                    holders.any(|(holder, _)| !candidates.contains(&holder))
                })
        });
        match served {
            Some((party, _)) => candidates.retain(|other| other != party),
            None => return candidates,
        }
    }
}

#[test]
fn exactly_the_deadlocks_of_random_graphs_are_found() {
    let mut found = [0, 0];
    for seed in 1..3000u64 {
        let mut t = Bench::new();
        t.broker.random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let roll = |t: &mut Bench, sides: u64| t.broker.random_for(PartyId::HOST) % sides;
        let parties: Vec<_> = (0..6).map(|i| PartyId(10 + i)).collect();
        let channels: Vec<_> = (0..6).map(|_| t.channel(0)).collect();
        for &party in &parties {
            t.start(party);
        }
        for &channel in &channels {
            for side in [Side::Sender, Side::Receiver] {
                // A stays awake, so waits for its ends are served.
                let mut holder = parties[roll(&mut t, 6) as usize];
                if roll(&mut t, 8) == 0 {
                    holder = A;
                }
                assert!(t.broker.acquire(channel, side, holder));
                if roll(&mut t, 2) == 0 {
                    let holder = parties[roll(&mut t, 6) as usize];
                    assert!(t.broker.acquire(channel, side, holder));
                }
                t.release(channel, side, A);
                if holder == A {
                    assert!(t.broker.acquire(channel, side, A));
                }
            }
        }
        let mut asks = Vec::new();
        let mut waits = Vec::new();
        for &party in &parties {
            // Each channel is used in one direction only, so that no two waits meet.
            let count = 1 + roll(&mut t, 2);
            let picks: Vec<_> = (0..count).map(|_| roll(&mut t, 6) as usize).collect();
            let case = |pick: usize| match pick % 2 {
                0 => (
                    Case::Receive(channels[pick]),
                    (channels[pick], Side::Sender),
                ),
                _ => (
                    Case::Send(channels[pick], note(0)),
                    (channels[pick], Side::Receiver),
                ),
            };
            let (cases, needs) = picks.into_iter().map(case).unzip();
            waits.push(t.select(party, cases));
            asks.push((party, needs));
        }
        let stuck = stuck_plainly(&t.broker, &asks);
        let told = t.broker.check_deadlock(&mut t.effects);
        assert_eq!(told == 0, stuck.is_empty(), "{seed}");
        found[usize::from(told > 0)] += 1;
        for (&party, &wait) in parties.iter().zip(&waits) {
            assert!(t.result(wait).is_none() || stuck.contains(&party), "{seed}");
        }
    }
    assert!(found.iter().all(|&count| count > 100), "{found:?}");
}

#[test]
fn a_party_with_an_untaken_result_or_a_timed_wait_is_awake() {
    let mut t = Bench::new();
    let x = t.channel(1);
    let event = t.broker.create_event(B).unwrap();
    let stuck = t.wait(A, Case::Receive(x));
    let other = t.wait(A, Case::Event(event));
    let timed = waiting(t.one(A, Case::Receive(x), TIMED));
    assert!(t.broker.fire(event, &mut t.effects));
    assert_eq!(t.broker.check_deadlock(&mut t.effects), 0);
    assert_eq!(t.abandon(timed), Some(vec![]));
    assert_eq!(t.broker.check_deadlock(&mut t.effects), 0);
    assert_eq!(t.result(other), Some(Outcome::Fired));
    assert_eq!(t.broker.check_deadlock(&mut t.effects), 1);
    t.deadlock(stuck);
}
