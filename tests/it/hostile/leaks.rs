//! Hostile cases of resources that an interpreter leaves in the host, and of information that it gains there.

use super::lane::Lane;
use crate::runtime;
use archipel::{Error, LimitKind, Output, Policy, Value};
use std::process::{Command, Stdio};

/// M-11: An interpreter allocates much memory and frees it in Python.
///
/// Outcome: OK; its account shows its peak, and the next interpreter starts with the initial size.
#[test]
fn m_11_freed_memory_is_still_counted() {
    let lane = Lane::new();
    let interpreter = lane.interpreter(Policy::new());
    let memory =
        |interpreter: &archipel::Interpreter| interpreter.usage().of(LimitKind::Memory).own;
    let at_first = memory(&interpreter);
    interpreter.exec("block = bytes(100 << 20)").unwrap();
    let then = memory(&interpreter);
    assert!(then - at_first >= 99 << 20, "{at_first} {then}");
    interpreter.exec("del block").unwrap();
    assert_eq!(memory(&interpreter), then);
    drop(interpreter);
    assert_eq!(memory(&lane.interpreter(Policy::new())), at_first);
    lane.is_as_before().unwrap();
}

/// M-13: An interpreter makes the host store texts: of errors, names, reasons, and output.
///
/// Outcome: RAISE(ValueError) or truncated, each at its own limit.
#[test]
fn m_13_stored_texts_are_bounded() {
    let lane = Lane::new();
    let output = Output::captured(1000);
    let interpreter = lane
        .runtime
        .interpreter()
        .stdout(output.clone())
        .build()
        .unwrap();
    let Err(Error::Raised(raised)) = interpreter.exec("raise ValueError('x' * 10**7)") else {
        panic!("it raises");
    };
    assert!(raised.message.len() < 70_000 && raised.traceback.len() < 70_000);
    let name = "raise type('E' * 10**7, (Exception,), {})";
    let Err(Error::Raised(raised)) = interpreter.exec(name) else {
        panic!("it raises");
    };
    assert!(raised.name.len() < 70_000 && raised.qualified_name.len() < 70_000);
    interpreter.exec("print('x' * 10**6)").unwrap();
    let captured = output.take();
    assert_eq!((captured.bytes.len(), captured.dropped), (1000, 999_001));
    interpreter
        .exec(python!("hostile/leaks/poison_with_a_long_reason.py"))
        .unwrap();
    assert_eq!(interpreter.eval::<String>("found").unwrap(), "ValueError");
    drop(interpreter);
    lane.is_as_before().unwrap();
}

/// E-3: An environment is granted with zero bytes, equals signs, empty names, and a mebibyte of text.
///
/// Outcome: a typed error when the policy is made.
#[test]
fn e_3_invalid_variables_are_refused() {
    let huge = "x".repeat(1 << 20);
    let rows = [
        ("", "x"),
        ("A=B", "x"),
        ("A\0", "x"),
        ("A", "x\0y"),
        ("A", &huge),
        (&huge, "x"),
    ];
    for (name, value) in rows {
        let refused = Policy::new().env(name, value);
        assert!(matches!(refused, Err(Error::Config(_))), "{refused:?}");
    }
}

/// E-10: The errors for missing objects and for objects of other interpreters are compared.
///
/// Outcome: the same error with the same text.
#[test]
fn e_10_missing_and_foreign_objects_raise_the_same_error() {
    let lane = Lane::new();
    let policy = Policy::new().children(4, 1).unwrap();
    let stranger = lane.interpreter(policy.clone());
    stranger
        .exec("import archipel; kept = [archipel.create() for _ in range(3)]")
        .unwrap();
    let interpreter = lane.interpreter(policy);
    interpreter
        .exec(python!("hostile/leaks/errors_about_others.py"))
        .unwrap();
    assert_eq!(interpreter.eval::<i64>("len(texts)").unwrap(), 1);
    interpreter.alias("hidden", |_| Ok(Value::None)).unwrap();
    interpreter.hide("hidden").unwrap();
    interpreter
        .exec(python!("hostile/leaks/errors_about_hidden_commands.py"))
        .unwrap();
    assert_eq!(interpreter.eval::<i64>("len(names)").unwrap(), 1);
    drop((interpreter, stranger));
    lane.is_as_before().unwrap();
}

/// E-11: A child requests the usage of others and the list of interpreters.
///
/// Outcome: OK; it sees only itself and its descendants.
#[test]
fn e_11_a_child_sees_only_its_descendants() {
    let lane = Lane::new();
    let policy = Policy::new().children(4, 2).unwrap();
    let interpreter = lane.interpreter(policy);
    interpreter
        .exec(python!("hostile/leaks/usage_of_others.py"))
        .unwrap();
    let told = interpreter
        .eval::<Value>("child.call(eval, 'told')")
        .unwrap();
    assert_eq!(told.to_string(), "(True, 1)");
    drop(interpreter);
    lane.is_as_before().unwrap();
}

/// O-9: An interpreter's output is not read, and its reader is closed.
///
/// Outcome: RAISE(BrokenPipeError) once the reader is closed; TIMEOUT while it sleeps.
#[cfg(unix)]
#[test]
fn o_9_unread_output_ends_by_limit_or_error() {
    runtime();
    let program = |timeout: &str| {
        Command::new(env!("CARGO_BIN_EXE_archipel"))
            .args([
                "run",
                "--timeout",
                timeout,
                "-c",
                "while True: print('x' * 1000)",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    // The pipe fills up and is never emptied.
    let mut sleeping = program("1s");
    assert_eq!(sleeping.wait().unwrap().code(), Some(124));
    let mut gone = program("60s");
    drop(gone.stdout.take());
    let status = gone.wait().unwrap();
    assert!(!status.success() && status.code() != Some(124), "{status}");
}

/// D-7: Random numbers are drawn without a grant.
///
/// Outcome: OK; they come from the system, so that `secrets` is secure unless the host chooses a seed.
#[test]
fn d_7_random_numbers_differ_without_a_seed() {
    let lane = Lane::new();
    let source = "__import__('secrets').token_hex(16)";
    let tokens: Vec<String> = (0..4)
        .map(|_| {
            lane.interpreter(Policy::new())
                .eval::<Value>(source)
                .unwrap()
                .to_string()
        })
        .collect();
    let mut once = tokens.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), tokens.len());
    lane.is_as_before().unwrap();
}
