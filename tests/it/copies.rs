//! Tests copying and resetting interpreters from the host.

use crate::runtime;
use archipel::policy::Access;
use archipel::{Binding, Capacity, Error, Interpreter, Limits, Policy, Runtime, Value};

fn build() -> Interpreter {
    runtime().interpreter().build().unwrap()
}

#[track_caller]
fn seen(interpreter: &Interpreter, expression: &str) -> String {
    interpreter.eval::<Value>(expression).unwrap().to_string()
}

#[test]
fn a_copy_has_the_state_and_runs_independently() {
    let original = build();
    original.exec(python!("copies/state.py")).unwrap();
    let copy = original.fork().unwrap();
    let state = "[str(decimal.Decimal(1) / 3), digest.hexdigest()[:8], next(counter), \
                 pattern.findall('a1b22'), list(queue), next(steps), len(large), loop[0] is loop]";
    let expected = "['0.33333', 'ca978112', 8, ['1', '22'], [1, 2], 1, 5000000, True]";
    assert_eq!(seen(&copy, state), expected);
    copy.exec("large[4_999_999] = 0; queue.append(3); digest.update(b'b'); del pattern")
        .unwrap();
    assert_eq!(seen(&original, state), expected);
    original.close().unwrap();
    assert_eq!(seen(&copy, "[large[-1], list(queue)]"), "[0, [2, 3]]");
    let again = copy.fork().unwrap().fork().unwrap();
    assert_eq!(seen(&again, "[large[-1], list(queue)]"), "[0, [2, 3]]");
}

#[test]
fn copying_a_running_or_closed_interpreter_is_refused() {
    let original = build();
    let (sender, receiver) = runtime().channel(Capacity::Rendezvous).unwrap();
    let (ready, is_ready) = runtime().channel(Capacity::Rendezvous).unwrap();
    let ends = [("r", Binding::from(receiver)), ("s", Binding::from(ready))];
    original.prepare_main(ends).unwrap();
    let runner = original.clone();
    let busy = std::thread::spawn(move || runner.exec("s.send(1); r.recv()"));
    is_ready.recv().unwrap();
    assert!(matches!(original.fork(), Err(Error::Running)));
    assert!(matches!(original.reset(), Err(Error::Running)));
    sender.send(1).unwrap();
    busy.join().unwrap().unwrap();
    original.fork().unwrap();
    original.close().unwrap();
    assert!(matches!(original.fork(), Err(Error::Closed)));
    assert!(matches!(original.reset(), Err(Error::Closed)));
}

#[test]
fn a_copy_and_its_original_both_hold_the_channel_ends() {
    let (sender, receiver) = runtime().channel(Capacity::Unbounded).unwrap();
    let (to_one, from_host) = runtime().channel(Capacity::Unbounded).unwrap();
    let original = build();
    let ends = [
        ("s", Binding::from(sender)),
        ("r", Binding::from(from_host)),
    ];
    original.prepare_main(ends).unwrap();
    original
        .exec("import interpreters; mine, my = interpreters.create_channel(3); my.send('mine')")
        .unwrap();
    let copy = original.fork().unwrap();
    for (interpreter, name) in [(&original, "original"), (&copy, "copy")] {
        to_one.send(name).unwrap();
        interpreter.exec("s.send(r.recv())").unwrap();
        assert_eq!(receiver.recv().unwrap().as_str(), Some(name));
    }
    // Both hold the same channel.
    assert_eq!(seen(&copy, "mine.recv()"), "'mine'");
    copy.exec("my.send('from the copy')").unwrap();
    original.exec("del my").unwrap();
    assert_eq!(seen(&original, "mine.recv()"), "'from the copy'");
    original.close().unwrap();
    copy.exec("s.send(1); del s").unwrap();
    assert_eq!(receiver.recv().unwrap().as_i64(), Some(1));
    // This was the last sender. No finalizer has closed an end of the other interpreter.
    assert!(receiver.recv().is_err());
    to_one.send(2).unwrap();
    assert_eq!(seen(&copy, "r.recv()"), "2");
}

#[test]
fn files_are_closed_in_a_copy_and_their_descriptors_are_not_reused() {
    let folder = std::env::temp_dir().join(format!("archipel-copies-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("read"), "to be read").unwrap();
    let policy = Policy::new()
        .dir(&folder, "/data", Access::ReadWrite)
        .unwrap();
    let original = runtime().interpreter().policy(policy).build().unwrap();
    original.exec(python!("copies/open_files.py")).unwrap();
    let copy = original.fork().unwrap();
    copy.exec(python!("copies/closed_files.py")).unwrap();
    // Output that the original had not flushed belongs to the original only.
    original
        .exec("file.close(); assert reader.read() == b'to be read'")
        .unwrap();
    let written = std::fs::read_to_string(folder.join("written")).unwrap();
    assert_eq!(written, "flushed later");
    original
        .exec("names = os.scandir('/data'); next(names)")
        .unwrap();
    assert!(matches!(original.fork(), Err(Error::NotCopyable(_))));
    original.exec("names.close()").unwrap();
    original.fork().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_copy_has_its_own_entropy_and_clocks() {
    let original = build();
    original
        .exec("import os, random, secrets, tempfile, time, uuid\nnames = tempfile._get_candidate_names()\nuuid.getnode(); begin = time.monotonic()")
        .unwrap();
    let copies = [original.fork().unwrap(), original.fork().unwrap(), original];
    for source in [
        "random.random()",
        "random.getrandbits(64)",
        "next(tempfile._get_candidate_names())",
        "uuid.getnode()",
        "str(uuid.uuid4())",
        "secrets.token_hex()",
    ] {
        let [a, b, c] = copies.each_ref().map(|copy| seen(copy, source));
        assert!(a != b && b != c && a != c, "{source}: {a} {b} {c}");
    }
    for copy in &copies {
        assert_eq!(seen(copy, "0 <= time.monotonic() - begin < 60"), "True");
    }
}

#[test]
fn the_memory_limit_applies_to_a_copy() {
    let limits = Limits::new().memory(64 << 20);
    let original = runtime().interpreter().limits(limits).build().unwrap();
    original.exec("kept = bytearray(12 << 20)").unwrap();
    let copy = original.fork().unwrap();
    let raised = copy.exec("more = bytearray(40 << 20)").unwrap_err();
    assert!(matches!(raised, Error::Raised(raised) if raised.name == "MemoryError"));
    assert_eq!(seen(&copy, "len(kept)"), (12 << 20).to_string());
}

#[test]
fn a_copy_beyond_the_capacity_is_refused() {
    let runtime = Runtime::builder().max_interpreters(2).build().unwrap();
    let original = runtime.interpreter().build().unwrap();
    original.exec("x = 1").unwrap();
    let copy = original.fork().unwrap();
    assert!(matches!(original.fork(), Err(Error::Capacity { .. })));
    assert_eq!(seen(&original, "x"), "1");
    // A reset needs no additional room.
    copy.reset().unwrap();
    assert!(copy.eval::<Value>("x").is_err());
    drop(copy);
    original.fork().unwrap();
}

#[test]
fn copies_by_the_host_do_not_count_as_children() {
    let policy = Policy::new().children(1, 1).unwrap();
    let original = runtime().interpreter().policy(policy).build().unwrap();
    let copies = [original.fork().unwrap(), original.fork().unwrap()];
    let create = "import interpreters; child = interpreters.create()";
    // Each copy has the policy of the original and its own account.
    for interpreter in [&copies[1], &original] {
        interpreter.exec(create).unwrap();
        let another = create.replace("child", "another");
        assert!(interpreter.exec(another).is_err());
    }
}

#[test]
fn a_reset_interpreter_is_like_a_new_one() {
    let policy = Policy::new().children(4, 1).unwrap();
    let (sender, receiver) = runtime().channel(Capacity::Unbounded).unwrap();
    let interpreter = runtime().interpreter().policy(policy).build().unwrap();
    interpreter
        .prepare_main([("s", Binding::from(sender))])
        .unwrap();
    interpreter
        .exec("import interpreters, sys; children = [interpreters.create() for _ in range(4)]")
        .unwrap();
    let other = build();
    interpreter.reset().unwrap();
    assert!(
        receiver.recv().is_err(),
        "a reset interpreter still holds its ends"
    );
    let names = "[sorted(globals()), len(sys.modules)]";
    for interpreter in [&interpreter, &other] {
        interpreter.exec("import sys").unwrap();
    }
    assert_eq!(seen(&interpreter, names), seen(&other, names));
    interpreter
        .exec("import interpreters; children = [interpreters.create() for _ in range(4)]")
        .unwrap();
}
