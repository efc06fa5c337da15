//! The attacks of a component that is not CPython, as text: each with its expected outcome.

/// The expected outcome of an attack.
#[derive(Clone, Copy, Debug)]
pub enum Ends {
    /// The import returns this: 0 for a result, or one plus the number of the error's case.
    Tells(u8),
    /// The guest dies with an error that contains this text.
    Dies(&'static str),
}
use Ends::{Dies, Tells};

const UNKNOWN: &str = "unknown handle index";
const WRONG: &str = "handle index";
const OUTSIDE: &str = "out of bounds";
const CASE: &str = "discriminant";

/// The first attack is the sibling's behaviour.
pub const ATTACKS: &[(&str, Ends, &str)] = &[
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
        "a missing handle",
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
        "a handle dropped as another type",
        Dies(WRONG),
        "(call $make) (call $channels.drop-receiver (global.get $s)) (i32.const 0)",
    ),
    (
        "a handle used after it was dropped",
        Dies(UNKNOWN),
        "(call $make) (call $channels.drop-receiver (global.get $r)) (call $receive)",
    ),
    (
        "a handle with the number of a dropped one",
        Tells(0),
        "(call $make) (call $channels.drop-sender (global.get $s)) (call $channels.drop-receiver (global.get $r)) (call $make) (call $send (i32.const 0x100) (i32.const 1) (i32.const 1))",
    ),
    (
        "a body that ends outside of memory",
        Dies(OUTSIDE),
        "(call $make) (call $send (i32.const 0x1fffff) (i32.const 2) (i32.const 1))",
    ),
    (
        "a body outside of memory",
        Dies(OUTSIDE),
        "(call $make) (call $send (i32.const 0xfffffff0) (i32.const 8) (i32.const 1))",
    ),
    (
        "a body whose end wraps around",
        Dies(OUTSIDE),
        "(call $make) (call $send (i32.const 0x100) (i32.const -1) (i32.const 1))",
    ),
    (
        "a body of 1 GiB, larger than memory",
        Dies(OUTSIDE),
        "(call $make) (call $send (i32.const 0x100) (i32.const 0x40000000) (i32.const 1))",
    ),
    (
        "a body that is too large",
        Tells(6),
        "(call $make) (drop (memory.grow (i32.const 1100))) (call $send (i32.const 0x100) (i32.const 0x4000001) (i32.const 1))",
    ),
    (
        "a body refused before it is copied",
        Dies("fuel"),
        "(call $make) (drop (memory.grow (i32.const 1200))) (call $send (i32.const 0x100) (i32.const 0x4800000) (i32.const 1))",
    ),
    (
        "a body without data",
        Tells(5),
        "(call $make) (call $send (i32.const 0x100) (i32.const 0) (i32.const 1))",
    ),
    (
        "a body that is not marshalled data",
        Tells(5),
        "(call $make) (call $send (i32.const 0x120) (i32.const 3) (i32.const 1))",
    ),
    (
        "a body with trailing bytes",
        Tells(5),
        "(call $make) (call $send (i32.const 0x100) (i32.const 2) (i32.const 1))",
    ),
    (
        "a buffer that is not vouched for",
        Tells(4),
        "(call $make) (call $send (i32.const 0x110) (i32.const 6) (i32.const 0))",
    ),
    (
        "a bool of 0x80000000",
        Tells(0),
        "(call $make) (call $send (i32.const 0x100) (i32.const 1) (i32.const 0x80000000))",
    ),
    (
        "an invalid case of a capacity",
        Dies(CASE),
        "(call $channels.create (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 0x400)) (i32.const 0)",
    ),
    (
        "an invalid case of an enum",
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
        "an invalid case of a form",
        Dies(CASE),
        "(call $make) (call $send_with (i32.const 200) (i32.const 0) (i32.const 0) (i32.const 0))",
    ),
    (
        "an invalid case of unbound",
        Dies(CASE),
        "(call $make) (call $send_with (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 77))",
    ),
    (
        "the form that only the host uses: unbound",
        Tells(5),
        "(call $make) (call $send_with (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 0))",
    ),
    (
        "ends outside of memory",
        Dies(OUTSIDE),
        "(call $make) (call $send_with (i32.const 1) (i32.const 0x1ffff8) (i32.const 1) (i32.const 0))",
    ),
    (
        "more ends than fit in memory",
        Dies(OUTSIDE),
        "(call $make) (call $send_with (i32.const 1) (i32.const 0x200) (i32.const 0x10000000) (i32.const 0))",
    ),
    (
        "ends that are not aligned",
        Dies("align"),
        "(call $make) (call $send_with (i32.const 1) (i32.const 0x201) (i32.const 1) (i32.const 0))",
    ),
    (
        "an end of an invalid kind",
        Dies(CASE),
        "(call $make) (call $send_with (i32.const 1) (i32.const 0x210) (i32.const 1) (i32.const 0))",
    ),
    (
        "a missing end",
        Dies(UNKNOWN),
        "(call $make) (call $send_with (i32.const 1) (i32.const 0x200) (i32.const 1) (i32.const 0))",
    ),
    (
        "an invalid interpreter number in a message",
        Tells(2),
        "(call $make) (call $send_with (i32.const 1) (i32.const 0x220) (i32.const 1) (i32.const 0))",
    ),
    (
        "a name that is not valid UTF-8",
        Dies("utf-8"),
        "(call $aliases.call (i32.const 0x120) (i32.const 3) (i32.const 0x100) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0x400)) (call $code (i32.const 0x400))",
    ),
    (
        "a name with surrogates in it",
        Dies("utf-8"),
        "(call $aliases.call (i32.const 0x130) (i32.const 7) (i32.const 0x100) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0x400)) (call $code (i32.const 0x400))",
    ),
    (
        "a missing alias",
        Tells(1),
        "(call $aliases.call (i32.const 0x140) (i32.const 6) (i32.const 0x100) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0x400)) (call $code (i32.const 0x400))",
    ),
    (
        "an answer without a call",
        Tells(0),
        "(call $aliases.reply (i32.const 77) (i32.const 0) (i32.const 0x100) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0x400)) (call $code (i32.const 0x400))",
    ),
    (
        "two inboxes, and an answer without a call",
        Tells(1),
        "(drop (call $aliases.inbox)) (global.set $r (call $aliases.inbox)) (call $aliases.reply (i32.const 0) (i32.const 1) (i32.const 0x140) (i32.const 6) (i32.const 0x140) (i32.const 6) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0x400)) (call $receive)",
    ),
    (
        "unrequested holdings",
        Tells(0),
        "(call $make) (i32.store (i32.const 0x300) (global.get $s)) (call $holdings.tell (i32.const 0x300) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const -1)) (i32.const 0)",
    ),
    (
        "holdings with missing handles",
        Dies(UNKNOWN),
        "(i32.store (i32.const 0x300) (i32.const 50)) (call $holdings.tell (i32.const 0) (i32.const 0) (i32.const 0x300) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)) (i32.const 0)",
    ),
    (
        "more holdings than fit in memory",
        Dies(OUTSIDE),
        "(call $holdings.tell (i32.const 0) (i32.const 0x7fffffff) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)) (i32.const 0)",
    ),
    (
        "an invalid interpreter number",
        Tells(1),
        "(call $interpreters.get (i64.const -1) (i32.const 0x400)) (call $code (i32.const 0x400))",
    ),
    (
        "a wait without cases",
        Tells(1),
        "(call $wait (i32.const 0) (i32.const 0))",
    ),
    (
        "a wait with more cases than fit in memory",
        Dies(OUTSIDE),
        "(call $wait (i32.const 0) (i32.const 0x8000000))",
    ),
    (
        "a wait for an invalid kind of case",
        Dies(CASE),
        "(call $wait (i32.const 0x210) (i32.const 1))",
    ),
    (
        "a wait at a missing end",
        Dies(UNKNOWN),
        "(i32.store (i32.const 0x304) (i32.const 50)) (call $wait (i32.const 0x300) (i32.const 1))",
    ),
    (
        "a receiving wait at a sender",
        Dies(WRONG),
        "(call $make) (i32.store (i32.const 0x304) (global.get $s)) (call $wait (i32.const 0x300) (i32.const 1))",
    ),
    (
        "an inbox closed while in use",
        Tells(2),
        "(global.set $r (call $aliases.inbox)) (call $channels.receiver.destroy (global.get $r)) (call $receive)",
    ),
    (
        "a hundred thousand locks on a file",
        Tells(5),
        "(call $lock_many (call $file (i32.const 3)))",
    ),
    (
        "locks on a file once others were removed",
        Tells(0),
        "(local.set $op (call $file (i32.const 3)))
        (if (i32.ne (call $lock_many (local.get $op)) (i32.const 5)) (then unreachable))
        (if (call $locks.set (local.get $op) (i32.const 2) (i64.const 0) (i64.const 0)) (then unreachable))
        (call $locks.set (local.get $op) (i32.const 1) (i64.const 9) (i64.const 1))",
    ),
    (
        "a lock through another descriptor of the same file",
        Tells(0),
        "(if (call $locks.set (call $file (i32.const 1)) (i32.const 0) (i64.const 0) (i64.const 0)) (then unreachable))
        (call $locks.set (call $file (i32.const 3)) (i32.const 1) (i64.const 9) (i64.const 1))",
    ),
    (
        "an exclusive lock on a file for reading",
        Tells(2),
        "(call $locks.set (call $file (i32.const 1)) (i32.const 1) (i64.const 0) (i64.const 1))",
    ),
    (
        "a lock on a folder",
        Tells(2),
        "(call $preopens.get-directories (i32.const 0x420))
        (call $locks.set (i32.load (i32.load (i32.const 0x420))) (i32.const 0) (i64.const 0) (i64.const 1))",
    ),
    (
        "a lock past the end of all files",
        Tells(4),
        "(call $locks.set (call $file (i32.const 3)) (i32.const 1) (i64.const 0x7fffffffffffffff) (i64.const 2))",
    ),
    (
        "a lock on more than there is",
        Tells(4),
        "(call $locks.set (call $file (i32.const 3)) (i32.const 1) (i64.const 1) (i64.const -1))",
    ),
    (
        "looking for no lock",
        Tells(4),
        "(call $locks.find (call $file (i32.const 3)) (i32.const 2) (i64.const 0) (i64.const 1))",
    ),
    (
        "a lock of no kind",
        Dies(CASE),
        "(call $locks.set (call $file (i32.const 3)) (i32.const 3) (i64.const 0) (i64.const 1))",
    ),
    (
        "a lock on a sender",
        Dies(WRONG),
        "(call $make) (call $locks.set (global.get $s) (i32.const 0) (i64.const 0) (i64.const 1))",
    ),
    (
        "a lock on what was dropped",
        Dies(UNKNOWN),
        "(local.set $op (call $file (i32.const 3)))
        (call $types.drop-descriptor (local.get $op))
        (call $locks.set (local.get $op) (i32.const 0) (i64.const 0) (i64.const 1))",
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

/// Receives while the allocator behaves in the given mode, and passes on the message.
pub const RECEIVE: usize = ATTACKS.len();
/// The same by the fast paths.
pub const TAKE: usize = RECEIVE + 1;
/// Waits forever.
pub const WAIT: usize = TAKE + 1;
/// Executes the rest of the program.
pub const ANYTHING: usize = WAIT + 1;

/// The first three of these.
pub const OTHERS: &[&str] = &[
    "(global.set $mode (i32.sub (i32.load8_u (local.get 0)) (i32.const 48)))
    (local.set $op (call $receive))
    (if (local.get $op) (then (return (local.get $op))))
    (call $send (i32.load (i32.const 0x608)) (i32.load (i32.const 0x60c)) (i32.const 1))",
    "(global.set $mode (i32.sub (i32.load8_u (local.get 0)) (i32.const 48)))
    (call $channels.receiver.take (global.get $r) (i32.const 0x600))
    (if (i32.eqz (i32.load8_u (i32.const 0x600))) (then (return (i32.const 9))))
    (i32.eqz (call $channels.sender.put (global.get $s) (i32.load (i32.const 0x604)) (i32.load (i32.const 0x608))))",
    "(call $make) (call $channels.receiver.receive (global.get $r) (i32.const 1) (i64.const -1) (i32.const 0x600)) (i32.const 0)",
];
