//! Tests of messages whose sender is removed.

use super::tests::*;
use super::*;

const LEAST: usize = Broker::<Note>::MIN_CHARGE;

/// Creates a channel with ends of A, B and C.
fn shared(t: &mut Bench, places: usize, bytes: usize) -> ChannelId {
    let ch = t.channel_of(A, places, bytes);
    for party in [B, C] {
        for side in [Side::Sender, Side::Receiver] {
            assert!(t.broker.acquire(ch, side, party));
        }
    }
    ch
}

/// Sends the word without waiting. Returns whether it was sent.
fn put_by(t: &mut Bench, party: PartyId, channel: ChannelId, word: u32) -> bool {
    match t.one(party, Case::Send(channel, note(word)), Blocking::Try) {
        Begin::Done(done) => done.outcome == Outcome::Sent,
        _ => false,
    }
}

fn remove(t: &mut Bench, party: PartyId) {
    assert!(t.broker.remove_party(party, &mut t.effects));
}

/// Receives all queued words.
fn drain(t: &mut Bench, channel: ChannelId) -> Vec<u32> {
    std::iter::from_fn(|| t.get(channel)).collect()
}

fn discarded(t: &Bench) -> Vec<u32> {
    t.effects.discarded.iter().map(|note| note.0).collect()
}

#[test]
fn each_kind_of_orphan_is_kept_removed_or_replaced() {
    let mut t = Bench::new();
    let [x, y] = [(); 2].map(|()| shared(&mut t, usize::MAX, ROOM));
    for ch in [x, y] {
        for (party, word) in [
            (A, 1),
            (A, REMOVED),
            (C, REMOVED + 1),
            (A, KEPT),
            (A, REPLACED),
            (C, REPLACED + 1),
            (A, REMOVED + 2),
            (B, 2),
        ] {
            assert!(put_by(&mut t, party, ch, word));
        }
    }
    remove(&mut t, A);
    assert_eq!(
        discarded(&t),
        [REMOVED, REPLACED, REMOVED + 2].repeat(2),
        "once for each channel"
    );
    let counts = t.broker.counts();
    assert_eq!(
        (counts.queued_messages, counts.queued_bytes),
        (12, 12 * LEAST)
    );
    for ch in [x, y] {
        let left = [1, REMOVED + 1, KEPT, MARK, REPLACED + 1, 2];
        assert_eq!(drain(&mut t, ch), left);
    }
    // No message of C is left, so its removal orphans nothing.
    assert!(t.broker.parties.bound(C).unwrap().is_empty());
    t.effects.discarded.clear();
    remove(&mut t, C);
    assert!(discarded(&t).is_empty());
    assert_eq!(t.broker.counts().queued_bytes, 0);
}

#[test]
fn waiting_senders_use_the_room_that_orphans_free() {
    let mut t = Bench::new();
    let ch = shared(&mut t, 2, ROOM);
    assert!(t.put(ch, REMOVED) && t.put(ch, REMOVED));
    let sends = [1, 2, 3].map(|word| t.wait(C, Case::Send(ch, note(word))));
    remove(&mut t, A);
    assert_eq!(t.result(sends[0]), Some(Outcome::Sent));
    assert_eq!(t.result(sends[1]), Some(Outcome::Sent));
    assert_eq!(t.result(sends[2]), None);
    assert_eq!(drain(&mut t, ch), [1, 2, 3]);

    // A replacement keeps its place and frees bytes.
    let mut t = Bench::new();
    let ch = shared(&mut t, usize::MAX, 4000);
    let large = Case::Send(ch, Note(REPLACED, 3600));
    assert!(matches!(t.one(A, large, WAIT), Begin::Done(_)));
    let send = waiting(t.one(C, Case::Send(ch, Note(5, 4000 - LEAST)), WAIT));
    let small = t.wait(C, Case::Send(ch, note(6)));
    remove(&mut t, A);
    assert_eq!(t.result(send), Some(Outcome::Sent));
    assert_eq!(t.result(small), None);
    assert_eq!(t.broker.counts().queued_bytes, 4000);
    assert_eq!(drain(&mut t, ch), [MARK, 5, 6]);
}

#[test]
fn an_assigned_message_becomes_an_orphan_only_if_put_back() {
    for (word, left) in [
        (7, Some(7)),
        (KEPT, Some(KEPT)),
        (REMOVED, None),
        (REPLACED, Some(MARK)),
    ] {
        for places in [0, 3] {
            let mut t = Bench::new();
            let ch = shared(&mut t, places, ROOM);
            let waits = [B, C, B].map(|party| t.wait(party, Case::Receive(ch)));
            assert!(t.put(ch, word) && t.put(ch, word));
            remove(&mut t, A);
            assert_eq!(t.result(waits[0]), Some(Outcome::Received(note(word))));
            // The next waiting receiver gets the orphan.
            t.abandon(waits[1]);
            let next = t.result(waits[2]);
            assert_eq!(next.is_some(), left.is_some());
            if let Some(word) = left {
                assert!(matches!(next, Some(Outcome::Received(note)) if note.0 == word));
            }
            assert_eq!(discarded(&t).len(), usize::from(left != Some(word)));
            assert_eq!(t.broker.counts().queued_bytes, 0);
        }
        // Without waiting receivers, it returns to its old place.
        let mut t = Bench::new();
        let ch = shared(&mut t, 3, ROOM);
        let waits = [B, C, B].map(|party| t.wait(party, Case::Receive(ch)));
        assert!(t.put(ch, 1) && t.put(ch, word) && t.put(ch, 2));
        remove(&mut t, A);
        for wait in waits {
            t.abandon(wait);
        }
        let queue: Vec<_> = [Some(1), left, Some(2)].into_iter().flatten().collect();
        assert_eq!(t.broker.counts().queued_bytes, LEAST * queue.len());
        assert_eq!(drain(&mut t, ch), queue);
    }
}

#[test]
fn a_message_is_orphaned_at_most_once() {
    for (word, left) in [(KEPT, KEPT), (REPLACED, MARK)] {
        let mut t = Bench::new();
        let ch = shared(&mut t, 3, ROOM);
        let waits = [B, C, B].map(|party| t.wait(party, Case::Receive(ch)));
        let large = Case::Send(ch, Note(word, 1000));
        assert!(matches!(t.one(A, large, WAIT), Begin::Done(_)));
        remove(&mut t, A);
        // Through several receivers' waits and finally back into the queue.
        for wait in waits {
            t.abandon(wait);
        }
        let charge = if left == MARK { LEAST } else { 1000 };
        assert_eq!(t.broker.counts().queued_bytes, charge);
        remove(&mut t, C);
        assert_eq!(drain(&mut t, ch), [left]);
        assert_eq!(discarded(&t).len(), usize::from(left == MARK));
    }
}

#[test]
fn a_message_put_back_is_bound_to_its_sender_again() {
    let mut t = Bench::new();
    let ch = shared(&mut t, 1, ROOM);
    let wait = t.wait(B, Case::Receive(ch));
    assert!(t.put(ch, REMOVED));
    t.abandon(wait);
    assert_eq!(t.broker.parties.bound(A).unwrap()[&ch], 1);
    remove(&mut t, A);
    assert_eq!(t.broker.len(ch), Some(0));

    // The removal itself abandons a wait, while another party waits on the same channel.
    let mut t = Bench::new();
    let ch = shared(&mut t, 1, ROOM);
    let own = t.wait(A, Case::Receive(ch));
    let other = t.wait(B, Case::Receive(ch));
    assert!(put_by(&mut t, A, ch, REPLACED));
    remove(&mut t, A);
    assert_eq!(t.broker.abandon(own, &mut t.effects), None);
    let mark = Note(MARK, 0);
    assert_eq!(t.result(other), Some(Outcome::Received(mark)));
}

#[test]
fn messages_of_waiting_senders_are_bound_once_they_are_queued() {
    let mut t = Bench::new();
    let ch = shared(&mut t, 1, ROOM);
    assert!(put_by(&mut t, C, ch, 1));
    let send = t.wait(A, Case::Send(ch, note(REMOVED)));
    assert!(t.broker.parties.bound(A).unwrap().is_empty());
    assert_eq!(t.get(ch), Some(1));
    assert_eq!(t.result(send), Some(Outcome::Sent));
    assert_eq!(t.broker.parties.bound(A).unwrap()[&ch], 1);
    t.wait(A, Case::Send(ch, note(REPLACED)));
    remove(&mut t, A);
    assert_eq!(discarded(&t), [REPLACED, REMOVED]);
    assert_eq!(t.broker.len(ch), Some(0));
}

#[test]
fn messages_of_the_host_and_in_flight_are_never_orphaned() {
    let mut t = Bench::new();
    let ch = shared(&mut t, usize::MAX, ROOM);
    for party in [PartyId::HOST, PartyId::FLIGHT] {
        assert!(put_by(&mut t, party, ch, REMOVED));
        assert!(!t.broker.remove_party(party, &mut t.effects));
        assert_eq!(t.get(ch), Some(REMOVED));
    }
    // A message that was given back counts as the host's.
    assert!(t.put(ch, REMOVED));
    assert_eq!(t.get(ch), Some(REMOVED));
    t.broker.give_back(ch, note(REMOVED), &mut t.effects);
    remove(&mut t, A);
    assert_eq!(t.get(ch), Some(REMOVED));
    assert!(discarded(&t).is_empty());
    // A message of an absent party becomes an orphan when it is queued, and a later party of that number does
    // not own it.
    assert!(put_by(&mut t, A, ch, REMOVED) && put_by(&mut t, A, ch, REPLACED));
    assert_eq!(discarded(&t), [REMOVED, REPLACED]);
    let counts = t.broker.counts();
    assert_eq!((counts.queued_messages, counts.queued_bytes), (1, LEAST));
    t.start(A);
    assert!(put_by(&mut t, A, ch, REMOVED));
    assert_eq!(t.get(ch), Some(MARK));
    assert_eq!(t.broker.parties.bound(A).unwrap()[&ch], 1);
    remove(&mut t, A);
    assert_eq!(t.broker.len(ch), Some(0));
}

#[test]
fn a_queue_without_receivers_is_discarded_without_orphaning() {
    let mut t = Bench::new();
    let ch = t.channel(2);
    assert!(t.broker.acquire(ch, Side::Sender, B));
    assert!(t.put(ch, REPLACED) && t.put(ch, KEPT));
    let send = t.wait(B, Case::Send(ch, note(REMOVED)));
    remove(&mut t, A);
    assert_eq!(discarded(&t), [REPLACED, KEPT]);
    let back = Outcome::Closed(Some(note(REMOVED)));
    assert_eq!(t.result(send), Some(back));
}

#[test]
fn orphaning_a_long_queue_keeps_order_and_frees_its_storage() {
    let mut t = Bench::new();
    let ch = shared(&mut t, usize::MAX, ROOM);
    // Moves the start of the queue to the middle of its storage.
    for word in 0..700 {
        assert!(t.put(ch, word));
        assert_eq!(t.get(ch), Some(word));
    }
    for word in 0..999 {
        assert!(put_by(&mut t, B, ch, word) && t.put(ch, REMOVED + word));
    }
    assert!(put_by(&mut t, B, ch, 999));
    remove(&mut t, A);
    assert_eq!(discarded(&t), (REMOVED..REMOVED + 999).collect::<Vec<_>>());
    assert_eq!(drain(&mut t, ch), (0..1000).collect::<Vec<_>>());

    for word in 0..999 {
        assert!(put_by(&mut t, C, ch, REMOVED + word) && put_by(&mut t, C, ch, REMOVED + word));
    }
    remove(&mut t, C);
    let state = t.broker.channels.get(ch.0).unwrap();
    assert_eq!((state.queue.len(), state.queue.capacity()), (0, 0));
}

#[test]
fn a_sender_that_fits_after_orphaning_is_not_deadlocked() {
    let mut t = Bench::new();
    let [x, y] = [(); 2].map(|()| t.channel(1));
    assert!(t.put(x, REMOVED));
    t.hand(x, Side::Receiver, C);
    t.hand(y, Side::Sender, B);
    // B and C would be deadlocked if the removal of the last awake party did not make room first.
    let send = t.wait(B, Case::Send(x, note(1)));
    let receive = t.wait(C, Case::Receive(y));
    assert!(t.broker.acquire(x, Side::Sender, B) && t.broker.acquire(y, Side::Receiver, C));
    remove(&mut t, A);
    assert_eq!(t.result(send), Some(Outcome::Sent));
    assert_eq!(t.result(receive), None);
    let next = t.wait(B, Case::Send(x, note(2)));
    assert_eq!(t.deadlock(next), t.deadlock(receive));
}

#[test]
fn a_wait_for_a_removed_orphan_is_deadlocked() {
    let mut t = Bench::new();
    let [x, y] = [(); 2].map(|()| shared(&mut t, 1, ROOM));
    let first = t.wait(B, Case::Receive(x));
    assert!(t.put(x, REMOVED));
    remove(&mut t, A);
    let second = t.wait(C, Case::Receive(x));
    // While B is awake or has the message, the wait can end.
    assert_eq!(t.broker.check_deadlock(&mut t.effects), 0);
    t.abandon(first);
    assert_eq!(t.result(second), None);
    let last = t.wait(B, Case::Receive(y));
    assert_eq!(t.deadlock(last), t.deadlock(second));
}

#[test]
fn destroying_a_channel_ends_its_waits_as_closed_not_deadlocked() {
    let mut t = Bench::new();
    let [x, y] = [(); 2].map(|()| shared(&mut t, 1, ROOM));
    t.release(x, Side::Receiver, A);
    assert!(t.put(x, REMOVED));
    let send = t.wait(B, Case::Send(x, note(1)));
    let receive = t.wait(C, Case::Receive(y));
    assert!(t.broker.destroy(x, &mut t.effects));
    remove(&mut t, A);
    assert_eq!(t.result(send), Some(Outcome::Closed(Some(note(1)))));
    assert_eq!(t.result(receive), None);
    let last = t.wait(B, Case::Receive(y));
    assert_eq!(t.deadlock(last), t.deadlock(receive));
}
