//! Hostile cases with a guest that is not CPython, but a component that calls the imports of our world in ways that
//! no compiler would.

use super::foreign_attacks::{
    ANYTHING, ATTACKS,
    Ends::{Dies, Tells},
    OTHERS, RECEIVE, TAKE, WAIT,
};
use super::foreign_guest::{Import, component};
use archipel::{
    Binding, Capacity, Error, Image, Interpreter, LimitKind, Limits, Runtime, TryRecvError, Value,
};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::cell::Cell;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The time limit for releasing everything, which takes no time if it works.
const PATIENCE: Duration = Duration::from_secs(10);

/// A runtime with such guests, one of which is harmless.
struct World {
    runtime: Runtime,
    sibling: Interpreter,
    before: [u64; 4],
    imports: Vec<Import>,
}

impl World {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("archipel-foreign-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let attacks: Vec<_> = ATTACKS.iter().map(|(.., body)| *body).collect();
        let all: Vec<_> = attacks.iter().chain(OTHERS).copied().collect();
        let (bytes, imports) = component(crate::root(), &all);
        let guest = Image::from_bytes(bytes).unwrap();
        let builder = Runtime::builder().max_interpreters(16).workers(2);
        let runtime = builder.cache_dir(&folder).image(guest).build();
        std::fs::remove_dir_all(&folder).unwrap();
        let runtime = runtime.unwrap();
        let sibling = runtime.interpreter().build().unwrap();
        let before = counters(&runtime);
        World {
            runtime,
            sibling,
            before,
            imports,
        }
    }

    fn guest(&self) -> Interpreter {
        let limits = Limits::new().memory(256 << 20);
        let limits = limits.wall(Duration::from_secs(20));
        self.runtime.interpreter().limits(limits).build().unwrap()
    }

    /// Checks that the sibling answers and all counters have their initial values.
    fn is_as_before(&self) -> Result<(), String> {
        let echo = self.sibling.exec("\0");
        echo.map_err(|error| format!("the sibling: {error:?}"))?;
        let begun = Instant::now();
        loop {
            let now = counters(&self.runtime);
            if now == self.before {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("the counters are {now:?}, not {:?}", self.before));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn counters(runtime: &Runtime) -> [u64; 4] {
    let metrics = runtime.metrics();
    [
        metrics.interpreters as u64,
        metrics.channels as u64,
        metrics.queued_messages as u64,
        metrics.queued_bytes as u64,
    ]
}

/// Returns the program that runs the attack of this number.
fn program(attack: usize, rest: &str) -> String {
    let attack = u8::try_from(attack).ok().filter(u8::is_ascii).unwrap();
    format!("{}{rest}", char::from(attack))
}

/// H-1, H-2, G-2: A component calls the imports with forged handles, addresses, lengths and cases, and in the wrong
/// order.
///
/// Outcome: DIED(trap) or a typed error, as declared for each; a sibling answers.
#[test]
fn h_1_forged_arguments_trap_or_are_errors() {
    let world = World::new("forged");
    let mut wrong = Vec::new();
    for (number, (name, ends, _)) in ATTACKS.iter().enumerate() {
        let guest = world.guest();
        let outcome = guest.exec(program(number, ""));
        let as_expected = match (ends, &outcome) {
            (Tells(0), Ok(())) => true,
            (Tells(case), Err(Error::Raised(raised))) => {
                raised.message == char::from(b'0' + case).to_string()
            }
            (Dies(of), Err(Error::Died(death))) => death.reason.contains(of),
            _ => false,
        };
        if !as_expected {
            wrong.push(format!("{name}: {outcome:?}, not {ends:?}"));
        }
        if matches!(outcome, Err(Error::Died(_))) {
            let after = guest.exec("\0");
            let gone = matches!(after, Err(Error::Died(_) | Error::Closed));
            assert!(gone, "{name}: {after:?}");
        }
        drop(guest);
        world
            .is_as_before()
            .unwrap_or_else(|what| panic!("{name}: {what}"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// S-9, M-15: A component's allocator returns an address outside of memory for a message, or traps, loops or calls
/// the host.
///
/// Outcome: DIED(trap) or LIMIT(wall); the next receiver gets the message.
#[test]
fn s_9_a_message_survives_a_trap_of_its_receiver() {
    let world = World::new("realloc");
    let (sender, receiver) = world.runtime.channel(Capacity::Unbounded).unwrap();
    let message = Value::Bytes(vec![1; 100]);
    sender.send(message.clone()).unwrap();
    let modes = ['1', '2', '3', '4', '5', '6', '7'];
    for (way, mode) in modes
        .iter()
        .flat_map(|mode| [(RECEIVE, mode), (TAKE, mode)])
    {
        let limits = Limits::new().memory(256 << 20);
        let limits = limits.wall(Duration::from_secs(1));
        let guest = world.runtime.interpreter().limits(limits).build().unwrap();
        guest
            .prepare_main([("r", Binding::from(receiver.clone()))])
            .unwrap();
        let outcome = guest.exec(program(way, &mode.to_string()));
        let as_expected = match mode {
            '1' | '2' => matches!(outcome, Err(Error::Raised(_))),
            '4' => matches!(
                outcome,
                Err(Error::LimitExceeded {
                    kind: LimitKind::Wall,
                    ..
                })
            ),
            _ => matches!(outcome, Err(Error::Died(_))),
        };
        assert!(as_expected, "{mode}: {outcome:?}");
        drop(guest);
        assert_eq!(world.runtime.metrics().queued_messages, 1, "{mode}");
    }
    assert_eq!(receiver.try_recv(), Ok(message));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    drop((sender, receiver));
    world.is_as_before().unwrap();
}

/// An operation on a channel.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The host sends.
    Send,
    /// A guest fails in this mode while it receives.
    Fails(char),
    /// A guest receives, and passes the message on.
    Receives,
    /// The host receives.
    Takes,
}

/// X-18, S-9: Some receivers die, in any order among others, while senders continue.
///
/// Outcome: DIED(trap); each message arrives once, in the order of sending.
#[test]
fn x_18_each_message_arrives_exactly_once() {
    let world = World::new("once");
    let step = prop_oneof![
        4 => Just(Step::Send),
        4 => prop::sample::select(&['1', '2', '3', '5', '6'][..]).prop_map(Step::Fails),
        2 => Just(Step::Receives),
        1 => Just(Step::Takes),
    ];
    let steps = (0..4_usize, prop::collection::vec(step, 1..16));
    let config = ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let tested = TestRunner::new(config).run(&steps, |(places, steps)| {
        let capacity = match places {
            0 => Capacity::Unbounded,
            places => Capacity::Bounded(places),
        };
        let (sender, receiver) = world.runtime.channel(capacity).unwrap();
        let (out, arrives) = world.runtime.channel(Capacity::Unbounded).unwrap();
        let mut sent = VecDeque::new();
        let mut next = 0_i64;
        for step in steps {
            // The paths alternate. An empty channel is tried with the slow one.
            let way = [RECEIVE, TAKE][sent.len() % 2];
            let guest = |mode: char| {
                let guest = world.guest();
                for (name, end) in [
                    ("r", Binding::from(receiver.clone())),
                    ("s", out.clone().into()),
                ] {
                    guest.prepare_main([(name, end)]).unwrap();
                }
                guest.exec(program(way, &mode.to_string()))
            };
            match step {
                Step::Send => {
                    if sender.try_send(next).is_ok() {
                        sent.push_back(next);
                        next += 1;
                    } else {
                        prop_assert!(places > 0 && sent.len() >= places);
                    }
                }
                Step::Fails(mode) => {
                    let outcome = guest(mode);
                    let dies = match mode {
                        // These modes report a lack of memory.
                        '1' | '2' => false,
                        _ => !sent.is_empty(),
                    };
                    let as_expected = match &outcome {
                        Err(Error::Died(_)) => dies,
                        Err(Error::Raised(_)) => !dies,
                        _ => sent.is_empty(),
                    };
                    prop_assert!(as_expected, "{}: {:?}", mode, outcome);
                }
                Step::Receives => {
                    prop_assert_eq!(guest('0').is_ok(), !sent.is_empty());
                    let arrived = arrives.try_recv().ok().map(|value| value.as_i64());
                    prop_assert_eq!(arrived, sent.pop_front().map(Some));
                }
                Step::Takes => {
                    let taken = receiver.try_recv().ok().map(|value| value.as_i64());
                    prop_assert_eq!(taken, sent.pop_front().map(Some));
                }
            }
            prop_assert_eq!(world.runtime.metrics().queued_messages, sent.len());
        }
        drop((sender, receiver, out, arrives));
        world.is_as_before().map_err(TestCaseError::fail)
    });
    tested.unwrap();
}

/// C-18: A component waits with the largest 64-bit timeout.
///
/// Outcome: LIMIT(wall)
#[test]
fn c_18_a_limit_ends_the_longest_wait() {
    let world = World::new("longest");
    let limits = Limits::new().wall(Duration::from_millis(100));
    let guest = world.runtime.interpreter().limits(limits).build().unwrap();
    let outcome = guest.exec(program(WAIT, ""));
    assert!(
        matches!(
            outcome,
            Err(Error::LimitExceeded {
                kind: LimitKind::Wall,
                ..
            })
        ),
        "{outcome:?}"
    );
    drop(guest);
    world.is_as_before().unwrap();
}

/// A call: an import, and for each argument a number and whether to use it instead of a sensible value.
type Call = (prop::sample::Index, Vec<(u8, bool)>);

fn call() -> impl Strategy<Value = Call> {
    // Small numbers are handles and cases; the others produce unusual values.
    let argument = prop_oneof![4 => 0..6_u8, 1 => 6..96_u8, 2 => 96..128_u8];
    let odd = prop::bool::weighted(0.02);
    (
        any::<prop::sample::Index>(),
        prop::collection::vec((argument, odd), 17),
    )
}

/// The program bytes for 0x100, the address of data, and 0x400, the address of free memory.
const DATA: u8 = 102;
const ROOM: u8 = 110;

/// Encodes the call as a part of the program, mostly with sensible arguments.
fn written(imports: &[Import], (which, arguments): &Call) -> String {
    let which = which.index(imports.len());
    let import = &imports[which];
    let mut text = String::from(char::from(u8::try_from(which).unwrap()));
    let last = import.parameters.len() - usize::from(!import.parameters.is_empty());
    for (place, (is_short, (number, odd))) in import.parameters.iter().zip(arguments).enumerate() {
        // Two channels are created first, with the handles 1 to 4. Handle 5 is the guest itself, and handle 6 a
        // task.
        let sensible = match (place, &*import.name) {
            (0, name) if name.contains("sender") => 1 + number % 2 * 2,
            (0, name) if name.contains("receiver") => 2 + number % 2 * 2,
            (0, name) if name.contains("interpreter.") => 5,
            (0, name) if name.contains("task") => 6,
            (place, _) if place == last && last > 0 && *is_short => ROOM,
            _ => [0, 1, 2, DATA, 1, 0][usize::from(number % 6)],
        };
        text.push(char::from(if *odd { *number } else { sensible }));
    }
    text
}

/// G-2, H-1: A component calls random imports in random order with random arguments.
///
/// Outcome: OK, DIED(trap) or a limit, and never an internal error of the host.
#[test]
fn g_2_random_calls_never_cause_an_internal_error() {
    let world = World::new("any");
    let config = ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let mut runner = TestRunner::new(config);
    let calls = prop::collection::vec(call(), 1..24);
    let went_through = Cell::new(0);
    let tested = runner.run(&calls, |calls| {
        let calls = calls.iter().map(|call| written(&world.imports, call));
        let guest = world.guest();
        match guest.exec(program(ANYTHING, &calls.collect::<String>())) {
            Ok(()) => went_through.set(went_through.get() + 1),
            Err(Error::Died(_) | Error::LimitExceeded { .. } | Error::Killed) => {}
            Err(Error::Cancelled(_)) => {}
            // An import overwrote the guest's result.
            Err(Error::Raised(_)) => {}
            Err(other) => return Err(TestCaseError::fail(format!("{other:?}"))),
        }
        drop(guest);
        world.is_as_before().map_err(TestCaseError::fail)
    });
    tested.unwrap();
    // Otherwise the calls would always cause the same few traps.
    assert!(went_through.get() > 100, "{went_through:?}");
}
