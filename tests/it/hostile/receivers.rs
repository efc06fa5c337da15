//! Hostile cases of receivers that fail around the moment at which a message reaches them.

use super::lane::Lane;
use archipel::{Binding, Capacity, Error, Interpreter, Limits, Policy, TryRecvError, Value};
use std::time::Duration;

/// What no receiver has room for that has 64 MiB.
const LARGE: usize = 40 << 20;

fn large() -> Value {
    Value::Bytes(vec![7; LARGE])
}

/// Its ways to receive: one that waits for this channel alone, and one among several.
const WAYS: [&str; 2] = ["inbox.recv()", "archipel.select(inbox, archipel.after(60))"];

fn has_no_memory(outcome: &Result<(), Error>) -> bool {
    matches!(outcome, Err(Error::Raised(raised)) if raised.name == "MemoryError")
}

fn too_small(lane: &Lane) -> Interpreter {
    let limits = Limits::new().memory(64 << 20).unwrap();
    lane.runtime.interpreter().limits(limits).build().unwrap()
}

/// X-18, S-9: Many receivers fail one after the other, each while the same message is put into its memory.
///
/// Outcome: RAISE(MemoryError); the message is received once, before what was sent after it.
#[test]
fn x_18_no_room_for_what_it_receives() {
    let lane = Lane::new();
    for capacity in [
        Capacity::Rendezvous,
        Capacity::Bounded(2),
        Capacity::Unbounded,
    ] {
        let (sender, receiver) = lane.runtime.channel(capacity).unwrap();
        let later = sender.clone();
        let sends = std::thread::spawn(move || {
            later.send(large()).unwrap();
            for number in 0..3 {
                later.send(number).unwrap();
            }
        });
        for way in WAYS.iter().cycle().take(6) {
            let victim = too_small(&lane);
            victim
                .prepare_main([("inbox", Binding::from(receiver.clone()))])
                .unwrap();
            let outcome = victim.exec(format!("import archipel\n{way}"));
            assert!(has_no_memory(&outcome), "{way}: {outcome:?}");
        }
        let got = receiver.recv().unwrap();
        assert_eq!(got, large());
        for number in 0..3 {
            assert_eq!(receiver.recv().unwrap(), number);
        }
        sends.join().unwrap();
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    }
    lane.is_as_before().unwrap();
}

/// A receiver has no room for a message, and is the last who could receive it.
///
/// Outcome: RAISE(MemoryError); the message goes with the receiver, and whoever holds the other end is told.
#[test]
fn x_18_the_last_receiver_has_no_room() {
    let lane = Lane::new();
    let (sender, receiver) = lane.runtime.channel(Capacity::Unbounded).unwrap();
    sender.send(large()).unwrap();
    let victim = too_small(&lane);
    victim
        .prepare_main([("inbox", Binding::from(receiver))])
        .unwrap();
    let outcome = victim.exec("inbox.recv()");
    assert!(has_no_memory(&outcome), "{outcome:?}");
    assert_eq!(lane.runtime.metrics().queued_messages, 1);
    drop(victim);
    assert!(sender.send(1).is_err());
    assert_eq!(lane.runtime.metrics().queued_bytes, 0);
    drop(sender);
    lane.is_as_before().unwrap();
}

/// A receiver is stopped after a message has reached its memory, though it told nobody of it.
///
/// Outcome: LIMIT(cpu); the message was received, and nobody else receives it.
#[test]
fn x_18_stopped_with_what_it_received() {
    let lane = Lane::new();
    let cpu = Limits::new().cpu(Duration::from_millis(300)).unwrap();
    for way in WAYS {
        let (sender, receiver) = lane.runtime.channel(Capacity::Unbounded).unwrap();
        sender.send("once").unwrap();
        let victim = lane.runtime.interpreter().limits(cpu).build().unwrap();
        victim
            .prepare_main([("inbox", Binding::from(receiver.clone()))])
            .unwrap();
        let outcome = victim.exec(format!("import archipel\n{way}\nwhile True: pass"));
        assert!(
            matches!(outcome, Err(Error::LimitExceeded { .. })),
            "{outcome:?}"
        );
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty), "{way}");
    }
    lane.is_as_before().unwrap();
}

/// A receiver is killed after it has acted on a message.
///
/// Outcome: CANCELLED; the message was received, and nobody else receives it.
#[test]
fn x_18_killed_once_it_has_received() {
    let lane = Lane::new();
    for way in WAYS {
        let (sender, receiver) = lane.runtime.channel(Capacity::Unbounded).unwrap();
        let (told, tells) = lane.runtime.channel(Capacity::Unbounded).unwrap();
        sender.send("once").unwrap();
        let victim = lane.interpreter(Policy::new());
        victim
            .prepare_main([
                ("inbox", Binding::from(receiver.clone())),
                ("told", told.clone().into()),
            ])
            .unwrap();
        let runner = victim.clone();
        let source = format!("import archipel\n{way}\ntold.send(1)\nwhile True: pass");
        let thread = std::thread::spawn(move || runner.exec(source));
        tells.recv().unwrap();
        victim.kill();
        assert!(matches!(thread.join().unwrap(), Err(Error::Killed)));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty), "{way}");
    }
    lane.is_as_before().unwrap();
}
