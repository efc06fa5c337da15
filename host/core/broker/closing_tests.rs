//! Tests of closing and destroying channels, and of channel info.

use std::num::NonZeroUsize;

use super::info::Info;
use super::tests::*;
use super::*;

/// Receives without waiting. Returns `None` if the receive would block.
fn receive(t: &mut Bench, channel: ChannelId) -> Option<Outcome<Note>> {
    match t.one(B, Case::Receive(channel), Blocking::Try) {
        Begin::Done(done) => Some(done.outcome),
        _ => None,
    }
}

#[test]
fn destroying_a_channel_discards_its_queue_at_once() {
    // Both for open and for closed channels.
    for close in [false, true] {
        let mut t = Bench::new();
        let ch = t.channel(2);
        assert!(t.put(ch, 1) && t.put(ch, REMOVED));
        let send = t.wait(C, Case::Send(ch, note(3)));
        if close {
            assert!(t.broker.close(ch, &mut t.effects));
        }
        assert!(t.broker.destroy(ch, &mut t.effects));
        assert_eq!(t.result(send), Some(Outcome::Closed(Some(note(3)))));
        assert_eq!(receive(&mut t, ch), Some(Outcome::Closed(None)));
        assert!(!t.put(ch, 4));
        assert_eq!(t.effects.discarded, [note(1), note(REMOVED)]);
        assert!(t.broker.parties.bound(A).unwrap().is_empty());
        let counts = t.broker.counts();
        assert_eq!((counts.queued_messages, counts.queued_bytes), (0, 0));
        assert!(t.broker.destroy(ch, &mut t.effects));
        assert!(t.broker.close(ch, &mut t.effects));
        assert_eq!(t.effects.discarded.len(), 2);
        // The channel still has ends, like any other.
        assert!(t.broker.acquire(ch, Side::Receiver, B));
        assert!(t.broker.remove_party(A, &mut t.effects));
        assert!(t.broker.remove_party(B, &mut t.effects));
        assert!(!t.broker.destroy(ch, &mut t.effects));
    }
}

#[test]
fn messages_put_back_into_a_destroyed_channel_are_discarded() {
    let mut t = Bench::new();
    let ch = t.channel(1);
    let waits = [B, B, C].map(|party| t.wait(party, Case::Receive(ch)));
    assert!(t.put(ch, 1) && t.put(ch, 2));
    assert!(t.broker.destroy(ch, &mut t.effects));
    // Assigned messages are delivered; other waits end as closed.
    assert_eq!(t.result(waits[0]), Some(Outcome::Received(note(1))));
    assert_eq!(t.result(waits[2]), Some(Outcome::Closed(None)));
    assert_eq!(t.abandon(waits[1]), Some(vec![]));
    t.broker.give_back(ch, note(1), &mut t.effects);
    assert_eq!(t.effects.discarded, [note(2), note(1)]);
    assert_eq!(receive(&mut t, ch), Some(Outcome::Closed(None)));
    assert_eq!(t.broker.len(ch), Some(0));
}

#[test]
fn close_if_empty_closes_only_empty_channels() {
    let mut t = Bench::new();
    let close = |t: &mut Bench, ch| t.broker.close_if_empty(ch, &mut t.effects);
    let ch = t.channel(2);
    assert!(t.put(ch, 1));
    assert_eq!(close(&mut t, ch), Some(false));
    assert!(t.put(ch, 2));
    let send = t.wait(C, Case::Send(ch, note(3)));
    assert_eq!((t.get(ch), t.get(ch)), (Some(1), Some(2)));
    assert_eq!(close(&mut t, ch), Some(false));
    assert_eq!(t.result(send), Some(Outcome::Sent));
    assert_eq!(t.get(ch), Some(3));
    let wait = t.wait(B, Case::Receive(ch));
    assert_eq!(close(&mut t, ch), Some(true));
    assert_eq!(t.result(wait), Some(Outcome::Closed(None)));
    assert!(!t.put(ch, 4));
    assert_eq!(close(&mut t, ch), Some(true));

    // A sender that waits at a rendezvous prevents closing.
    let ch = t.channel(0);
    let send = t.wait(C, Case::Send(ch, note(1)));
    assert_eq!(close(&mut t, ch), Some(false));
    assert_eq!(t.result(send), None);
    assert_eq!(t.get(ch), Some(1));
    assert_eq!(close(&mut t, ch), Some(true));

    // A closed channel with queued messages is not empty.
    let ch = t.channel(1);
    assert!(t.put(ch, 1) && t.broker.close(ch, &mut t.effects));
    assert_eq!(close(&mut t, ch), Some(false));
    assert_eq!(t.get(ch), Some(1));
    assert_eq!(close(&mut t, ch), Some(true));
    t.release(ch, Side::Sender, A);
    t.release(ch, Side::Receiver, A);
    assert_eq!(close(&mut t, ch), None);
}

#[test]
fn info_reports_users_lengths_and_waiting_senders() {
    let mut t = Bench::new();
    let ch = t.channel(1);
    for party in [C, PartyId::FLIGHT, B, C, PartyId::HOST] {
        assert!(t.broker.acquire(ch, Side::Receiver, party));
    }
    assert!(t.put(ch, 1));
    let cases = vec![Case::Send(ch, note(2)), Case::Send(ch, note(3))];
    let select = t.select(B, cases);
    let wait = t.wait(C, Case::Send(ch, note(4)));
    for (side, party) in [(Side::Sender, A), (Side::Receiver, C), (Side::Receiver, B)] {
        t.broker.set_user(ch, side, party, true);
    }
    // A party without an end of the side cannot become its user.
    t.broker.set_user(ch, Side::Sender, C, true);
    let mut info = Info {
        capacity: Capacity::Bounded(NonZeroUsize::MIN),
        len: 1,
        waiting_senders: 3,
        closed: false,
        used: true,
        senders: vec![A],
        receivers: vec![B, C],
    };
    assert_eq!(t.broker.info(ch).as_ref(), Some(&info));
    t.abandon(select);
    info.waiting_senders = 1;
    assert_eq!(t.broker.info(ch).as_ref(), Some(&info));
    t.release(ch, Side::Sender, A);
    assert_eq!(t.result(wait), Some(Outcome::Closed(Some(note(4)))));
    info.waiting_senders = 0;
    info.closed = true;
    info.senders.clear();
    assert_eq!(t.broker.info(ch).as_ref(), Some(&info));
    t.broker.set_user(ch, Side::Receiver, B, false);
    info.receivers = vec![C];
    assert_eq!(t.broker.info(ch), Some(info));
    for party in [A, B, C, C, PartyId::FLIGHT, PartyId::HOST] {
        assert!(t.release(ch, Side::Receiver, party));
    }
    assert_eq!(t.broker.info(ch), None);
}
