//! Hostile cases of receivers that fail at the moment when a message reaches them.

use super::lane::Lane;
use archipel::{Binding, Capacity, Error, Interpreter, Limits, Policy, TryRecvError, Value};
use std::time::Duration;

/// The size of a message that does not fit into an interpreter of 64 MiB.
const LARGE: usize = 40 << 20;

fn large() -> Value {
    Value::Bytes(vec![7; LARGE])
}

/// Two ways to receive: a wait for this channel only, and a wait for several.
const WAYS: [&str; 2] = ["inbox.recv()", "archipel.select(inbox, archipel.after(60))"];

fn has_no_memory(outcome: &Result<(), Error>) -> bool {
    matches!(outcome, Err(Error::Raised(raised)) if raised.name == "MemoryError")
}

fn too_small(lane: &Lane) -> Interpreter {
    let limits = Limits::new().memory(64 << 20);
    lane.runtime.interpreter().limits(limits).build().unwrap()
}

/// X-18, S-9: Many receivers fail in sequence, each while the same message is copied into its memory.
///
/// Outcome: RAISE(MemoryError); the message is received once, before later ones.
#[test]
fn x_18_a_message_survives_receivers_without_memory() {
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

/// The last receiver of a channel has no memory for a message.
///
/// Outcome: RAISE(MemoryError); the message is dropped with the receiver, and the sender gets an error.
#[test]
fn x_18_a_message_is_dropped_with_the_last_receiver() {
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

/// A receiver is stopped after a message reached its memory, before it acts on it.
///
/// Outcome: LIMIT(cpu); the message was received, and is not delivered again.
#[test]
fn x_18_a_message_is_received_once_if_its_receiver_is_stopped() {
    let lane = Lane::new();
    let cpu = Limits::new().cpu(Duration::from_millis(300));
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
/// Outcome: CANCELLED; the message was received, and is not delivered again.
#[test]
fn x_18_a_message_is_received_once_if_its_receiver_is_killed() {
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
