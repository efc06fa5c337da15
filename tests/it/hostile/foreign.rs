//! Hostile cases in which the guest is not our Python at all, but a component that calls the imports of
//! our world as no compiler would.

use super::foreign_guest::{Import, component};
use archipel::{
    Binding, Capacity, Error, Interpreter, LimitKind, Limits, RecvError, Runtime, Value,
};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::cell::Cell;
use std::time::{Duration, Instant};

/// How long whatever has to be given back may take; on a machine that works it takes no time.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug)]
enum Ends {
    /// The import returns this: 0 for a result, else one more than the number of the error's case.
    Tells(u8),
    /// The guest dies, and this is in the text.
    Dies(&'static str),
}
use Ends::{Dies, Tells};

const UNKNOWN: &str = "unknown handle index";
const WRONG: &str = "handle index";
const OUTSIDE: &str = "out of bounds";
const CASE: &str = "discriminant";

/// The first is what the sibling does.
const ATTACKS: &[(&str, Ends, &str)] = &[
    (
        "none: it sends and receives",
        Tells(0),
        "(call $make)
        (if (call $send (i32.const 0x100) (i32.const 1) (i32.const 1)) (then unreachable))
        (if (call $receive) (then unreachable))
        (if (i32.ne (i32.load8_u (i32.load (i32.const 0x608))) (i32.const 78)) (then unreachable))
        (call $channels.drop-sender (global.get $s))
        (call $channels.drop-receiver (global.get $r))
        (i32.const 0)",
    ),
    (
        "a handle that there is not",
        Dies(UNKNOWN),
        "(drop (call $channels.sender.id (i32.const 99))) (i32.const 0)",
    ),
    (
        "the handle 0",
        Dies(UNKNOWN),
        "(call $make) (drop (call $channels.sender.id (i32.const 0))) (i32.const 0)",
    ),
    (
        "the largest handle",
        Dies(UNKNOWN),
        "(call $make) (call $channels.sender.close (i32.const -1)) (i32.const 0)",
    ),
    (
        "a sender as a receiver",
        Dies(WRONG),
        "(call $make) (drop (call $channels.receiver.length (global.get $s))) (i32.const 0)",
    ),
    (
        "a receiver as a sender",
        Dies(WRONG),
        "(call $make) (call $channels.sender.close (global.get $r)) (i32.const 0)",
    ),
    (
        "a sender as an interpreter",
        Dies(WRONG),
        "(call $make) (call $interpreters.interpreter.kill (global.get $s)) (i32.const 0)",
    ),
    (
        "a sender as a task",
        Dies(WRONG),
        "(call $make) (call $interpreters.drop-task (global.get $s)) (i32.const 0)",
    ),
    (
        "dropped twice",
        Dies(UNKNOWN),
        "(call $make) (call $channels.drop-sender (global.get $s)) (call $channels.drop-sender (global.get $s)) (i32.const 0)",
    ),
    (
        "dropped as what it is not",
        Dies(WRONG),
        "(call $make) (call $channels.drop-receiver (global.get $s)) (i32.const 0)",
    ),
    (
        "used after it was dropped",
        Dies(UNKNOWN),
        "(call $make) (call $channels.drop-receiver (global.get $r)) (call $receive)",
    ),
    (
        "used by the number of what was dropped before",
        Tells(0),
        "(call $make) (call $channels.drop-sender (global.get $s)) (call $channels.drop-receiver (global.get $r)) (call $make) (call $send (i32.const 0x100) (i32.const 1) (i32.const 1))",
    ),
    (
        "a body that ends outside of memory",
        Dies(OUTSIDE),
        "(call $make) (call $send (i32.const 0x1fffff) (i32.const 2) (i32.const 1))",
    ),
    (
        "a body that lies outside of memory",
        Dies(OUTSIDE),
        "(call $make) (call $send (i32.const 0xfffffff0) (i32.const 8) (i32.const 1))",
    ),
    (
        "a body whose end wraps around",
        Dies(OUTSIDE),
        "(call $make) (call $send (i32.const 0x100) (i32.const -1) (i32.const 1))",
    ),
    (
        "a body of 1 GiB that is not there",
        Dies(OUTSIDE),
        "(call $make) (call $send (i32.const 0x100) (i32.const 0x40000000) (i32.const 1))",
    ),
    (
        "a body that is too large",
        Tells(6),
        "(call $make) (drop (memory.grow (i32.const 1100))) (call $send (i32.const 0x100) (i32.const 0x4000001) (i32.const 1))",
    ),
    (
        "a body that is not even copied",
        Dies("fuel"),
        "(call $make) (drop (memory.grow (i32.const 1200))) (call $send (i32.const 0x100) (i32.const 0x4800000) (i32.const 1))",
    ),
    (
        "a body without data",
        Tells(5),
        "(call $make) (call $send (i32.const 0x100) (i32.const 0) (i32.const 1))",
    ),
    (
        "a body that is no data",
        Tells(5),
        "(call $make) (call $send (i32.const 0x120) (i32.const 3) (i32.const 1))",
    ),
    (
        "a body with something behind the data",
        Tells(5),
        "(call $make) (call $send (i32.const 0x100) (i32.const 2) (i32.const 1))",
    ),
    (
        "bytes that it does not vouch for",
        Tells(4),
        "(call $make) (call $send (i32.const 0x110) (i32.const 6) (i32.const 0))",
    ),
    (
        "a bool of 0x80000000",
        Tells(0),
        "(call $make) (call $send (i32.const 0x100) (i32.const 1) (i32.const 0x80000000))",
    ),
    (
        "a capacity of no case",
        Dies(CASE),
        "(call $channels.create (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 0x400)) (i32.const 0)",
    ),
    (
        "an enum of no case",
        Dies(CASE),
        "(call $channels.create (i32.const 2) (i32.const 0) (i32.const 4) (i32.const 0x400)) (i32.const 0)",
    ),
    (
        "a result outside of memory",
        Dies(OUTSIDE),
        "(call $channels.create (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0xfffffff8)) (i32.const 0)",
    ),
    (
        "a result that is not aligned",
        Dies("align"),
        "(call $channels.create (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0x401)) (i32.const 0)",
    ),
    (
        "a form of no case",
        Dies(CASE),
        "(call $make) (call $send_with (i32.const 200) (i32.const 0) (i32.const 0) (i32.const 0))",
    ),
    (
        "an unbound of no case",
        Dies(CASE),
        "(call $make) (call $send_with (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 77))",
    ),
    (
        "what only the host says: unbound",
        Tells(5),
        "(call $make) (call $send_with (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 0))",
    ),
    (
        "ends outside of memory",
        Dies(OUTSIDE),
        "(call $make) (call $send_with (i32.const 1) (i32.const 0x1ffff8) (i32.const 1) (i32.const 0))",
    ),
    (
        "more ends than there is memory",
        Dies(OUTSIDE),
        "(call $make) (call $send_with (i32.const 1) (i32.const 0x200) (i32.const 0x10000000) (i32.const 0))",
    ),
    (
        "ends that are not aligned",
        Dies("align"),
        "(call $make) (call $send_with (i32.const 1) (i32.const 0x201) (i32.const 1) (i32.const 0))",
    ),
    (
        "an end of no kind",
        Dies(CASE),
        "(call $make) (call $send_with (i32.const 1) (i32.const 0x210) (i32.const 1) (i32.const 0))",
    ),
    (
        "an end that it does not have",
        Dies(UNKNOWN),
        "(call $make) (call $send_with (i32.const 1) (i32.const 0x200) (i32.const 1) (i32.const 0))",
    ),
    (
        "a number of no interpreter in a message",
        Tells(2),
        "(call $make) (call $send_with (i32.const 1) (i32.const 0x220) (i32.const 1) (i32.const 0))",
    ),
    (
        "a name that is no UTF-8",
        Dies("utf-8"),
        "(call $aliases.call (i32.const 0x120) (i32.const 3) (i32.const 0x100) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0x400)) (call $code (i32.const 0x400))",
    ),
    (
        "a name with surrogates in it",
        Dies("utf-8"),
        "(call $aliases.call (i32.const 0x130) (i32.const 7) (i32.const 0x100) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0x400)) (call $code (i32.const 0x400))",
    ),
    (
        "an alias that it does not have",
        Tells(1),
        "(call $aliases.call (i32.const 0x140) (i32.const 6) (i32.const 0x100) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0x400)) (call $code (i32.const 0x400))",
    ),
    (
        "an answer to no call",
        Tells(0),
        "(call $aliases.reply (i32.const 77) (i32.const 0) (i32.const 0x100) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0x400)) (call $code (i32.const 0x400))",
    ),
    (
        "two inboxes, and an answer to nothing in between",
        Tells(1),
        "(drop (call $aliases.inbox)) (global.set $r (call $aliases.inbox)) (call $aliases.reply (i32.const 0) (i32.const 1) (i32.const 0x140) (i32.const 6) (i32.const 0x140) (i32.const 6) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0x400)) (call $receive)",
    ),
    (
        "holdings that nobody asked for",
        Tells(0),
        "(call $make) (i32.store (i32.const 0x300) (global.get $s)) (call $holdings.tell (i32.const 0x300) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const -1)) (i32.const 0)",
    ),
    (
        "holdings that it does not have",
        Dies(UNKNOWN),
        "(i32.store (i32.const 0x300) (i32.const 50)) (call $holdings.tell (i32.const 0) (i32.const 0) (i32.const 0x300) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)) (i32.const 0)",
    ),
    (
        "more holdings than there is memory",
        Dies(OUTSIDE),
        "(call $holdings.tell (i32.const 0) (i32.const 0x7fffffff) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)) (i32.const 0)",
    ),
    (
        "the number of no interpreter",
        Tells(1),
        "(call $interpreters.get (i64.const -1) (i32.const 0x400)) (call $code (i32.const 0x400))",
    ),
    (
        "waiting for nothing",
        Tells(1),
        "(call $wait (i32.const 0) (i32.const 0))",
    ),
    (
        "waiting for more than there is memory",
        Dies(OUTSIDE),
        "(call $wait (i32.const 0) (i32.const 0x8000000))",
    ),
    (
        "waiting for something of no kind",
        Dies(CASE),
        "(call $wait (i32.const 0x210) (i32.const 1))",
    ),
    (
        "waiting at an end that it does not have",
        Dies(UNKNOWN),
        "(i32.store (i32.const 0x304) (i32.const 50)) (call $wait (i32.const 0x300) (i32.const 1))",
    ),
    (
        "waiting for a sender to receive",
        Dies(WRONG),
        "(call $make) (i32.store (i32.const 0x304) (global.get $s)) (call $wait (i32.const 0x300) (i32.const 1))",
    ),
    (
        "the inbox is closed under it",
        Tells(2),
        "(global.set $r (call $aliases.inbox)) (call $channels.receiver.destroy (global.get $r)) (call $receive)",
    ),
    (
        "endless recursion",
        Dies("call stack exhausted"),
        "(global.set $mode (i32.const 6)) (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 1))",
    ),
    (
        "the end",
        Dies("status 255"),
        "(call $process.exit (i32.const 255)) (i32.const 0)",
    ),
];

/// What the tests do besides, in this order after the attacks: to receive in the mode that is named, to
/// wait for ever; and then there is what does anything.
const OTHERS: &[&str] = &[
    "(global.set $mode (i32.sub (i32.load8_u (local.get 0)) (i32.const 48))) (call $receive)",
    "(call $make) (call $channels.receiver.receive (global.get $r) (i32.const 1) (i64.const -1) (i32.const 0x600)) (i32.const 0)",
];

/// A runtime of such guests, with one that does no harm.
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
        let path = folder.join("guest.wasm");
        let attacks: Vec<_> = ATTACKS.iter().map(|(.., body)| *body).collect();
        let all: Vec<_> = attacks.iter().chain(OTHERS).copied().collect();
        let (bytes, imports) = component(crate::root(), &all);
        std::fs::write(&path, bytes).unwrap();
        let builder = Runtime::builder().interpreters(16).workers(2);
        let runtime = builder.cache_dir(&folder).guest(&path).build();
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
        let limits = Limits::new().memory(256 << 20).unwrap();
        let limits = limits.wall(Duration::from_secs(20)).unwrap();
        self.runtime.interpreter().limits(limits).build().unwrap()
    }

    /// The sibling answers, and everything that is counted is as it was.
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
                return Err(format!(
                    "{now:?} is left, where there was {:?}",
                    self.before
                ));
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

/// The program that runs the attack with that number.
fn program(attack: usize, rest: &str) -> String {
    let attack = u8::try_from(attack).ok().filter(u8::is_ascii).unwrap();
    format!("{}{rest}", char::from(attack))
}

/// H-1, H-2, G-2: A component calls the imports with forged handles, places, lengths and cases, and in the wrong order.
///
/// Outcome: DIED(trap) or a typed error, as it is written for each; a sibling answers.
#[test]
fn h_1_forged_arguments() {
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
            (Dies(of), Err(Error::Died(text))) => text.contains(of),
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

/// S-9, M-15: A component allocates memory for a message outside of its own, or traps, loops or calls the host instead.
///
/// Outcome: DIED(trap) or LIMIT(wall); the message is received by the next one.
#[test]
fn s_9_traps_in_a_host_call() {
    let world = World::new("realloc");
    let (sender, receiver) = world.runtime.channel(Capacity::Unbounded).unwrap();
    let message = Value::Bytes(vec![1; 100]);
    sender.send(message.clone()).unwrap();
    for mode in ['1', '2', '3', '4', '5', '6', '7'] {
        let limits = Limits::new().memory(256 << 20).unwrap();
        let limits = limits.wall(Duration::from_secs(1)).unwrap();
        let guest = world.runtime.interpreter().limits(limits).build().unwrap();
        guest
            .prepare_main([("r", Binding::from(receiver.clone()))])
            .unwrap();
        let outcome = guest.exec(program(ATTACKS.len(), &mode.to_string()));
        let as_expected = match mode {
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
    assert_eq!(receiver.try_recv(), Err(RecvError::Empty));
    drop((sender, receiver));
    world.is_as_before().unwrap();
}

/// C-18: A component waits for as long as a number of 64 bits can say.
///
/// Outcome: LIMIT(wall)
#[test]
fn c_18_the_longest_wait() {
    let world = World::new("longest");
    let limits = Limits::new().wall(Duration::from_millis(100)).unwrap();
    let guest = world.runtime.interpreter().limits(limits).build().unwrap();
    let outcome = guest.exec(program(ATTACKS.len() + 1, ""));
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

/// One call: which import, and for each argument what it would be and whether it is rather another.
type Call = (prop::sample::Index, Vec<(u8, bool)>);

fn call() -> impl Strategy<Value = Call> {
    // Small numbers are handles and cases; the others lead to odd numbers.
    let argument = prop_oneof![4 => 0..6_u8, 1 => 6..96_u8, 2 => 96..128_u8];
    let odd = prop::bool::weighted(0.02);
    (
        any::<prop::sample::Index>(),
        prop::collection::vec((argument, odd), 17),
    )
}

/// The bytes of the program that stand for 0x100, where data is, and 0x400, where there is room.
const DATA: u8 = 102;
const ROOM: u8 = 110;

/// The part of the program that makes the call, mostly with arguments that make sense.
fn written(imports: &[Import], (which, arguments): &Call) -> String {
    let which = which.index(imports.len());
    let import = &imports[which];
    let mut text = String::from(char::from(u8::try_from(which).unwrap()));
    let last = import.parameters.len() - usize::from(!import.parameters.is_empty());
    for (place, (is_short, (number, odd))) in import.parameters.iter().zip(arguments).enumerate() {
        // Two channels are made at first, whose ends are the handles 1 to 4; the guest itself is the
        // handle 5, and a task the handle 6.
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

/// H-1, G-2: A component calls any imports in any order with any arguments.
///
/// Outcome: OK, DIED(trap) or a limit, and never an error of the host's own.
#[test]
fn g_2_any_calls() {
    let world = World::new("any");
    let any = ATTACKS.len() + OTHERS.len();
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
        match guest.exec(program(any, &calls.collect::<String>())) {
            Ok(()) => went_through.set(went_through.get() + 1),
            Err(Error::Died(_) | Error::LimitExceeded { .. } | Error::Killed) => {}
            Err(Error::Cancelled(_)) => {}
            Err(other) => return Err(TestCaseError::fail(format!("{other:?}"))),
        }
        drop(guest);
        world.is_as_before().map_err(TestCaseError::fail)
    });
    tested.unwrap();
    // Or it would be the same few traps again and again.
    assert!(went_through.get() > 100, "{went_through:?}");
}
