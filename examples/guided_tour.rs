//! The library in reading order: `cargo run --example guided_tour`.

#![expect(
    clippy::unwrap_used,
    reason = "an error that does not occur ends the tour"
)]

use archipel::policy::{Access, Profile, Random};
use archipel::value::{from_value, to_value};
use archipel::{
    AliasError, Args, Binding, Capacity, Error, LimitKind, Limits, Output, Policy, Runtime, Value,
};
use std::error::Error as StdError;
use std::time::Duration;

type Result<T = ()> = std::result::Result<T, Box<dyn StdError>>;

/// One part of the tour.
type Stop = fn(&Runtime) -> Result;

fn main() -> Result {
    // A process has one runtime: the compiled guest, and one worker per processor.
    let runtime = Runtime::new()?;
    tour(&runtime)?;
    println!("{:#?}", runtime.metrics());
    Ok(())
}

/// Runs all parts of the tour.
pub fn tour(runtime: &Runtime) -> Result {
    let stops: [(&str, Stop); 12] = [
        ("running code", running_code),
        ("output", output),
        ("values", values),
        ("errors", errors),
        ("policies", policies),
        ("policy files", policy_files),
        ("limits", limits),
        ("aliases", aliases),
        ("channels", channels),
        ("stopping", stopping),
        ("copies", copies),
        ("children", children),
    ];
    for (title, stop) in stops {
        println!("{title}");
        stop(runtime).map_err(|error| format!("{title}: {error}"))?;
    }
    Ok(())
}

fn running_code(runtime: &Runtime) -> Result {
    // An interpreter has its own memory, and is destroyed when its last clone is dropped.
    let interpreter = runtime.interpreter().name("first").build()?;
    // Definitions persist, and expressions return values.
    interpreter.exec("def area(w, h): return w * h")?;
    assert_eq!(interpreter.eval::<i64>("area(6, 7)")?, 42);
    assert_eq!(interpreter.call::<i64>("area", (2, 3))?, 6);
    // Results have the type that is asked for, and arguments can have names.
    interpreter.exec("def volume(a, b, *, height=1): return a * b * height")?;
    let volume: f64 = interpreter.call("volume", (2, 3.5))?;
    assert_eq!(volume, 7.0);
    let args = Args::new((2, 3)).keyword("height", 4);
    assert_eq!(interpreter.call::<i64>("volume", args)?, 24);
    let wrong = interpreter.eval::<i64>("'x'").unwrap_err();
    assert_eq!(
        wrong.to_string(),
        "the result has the wrong type: expected int, found str"
    );
    // Other interpreters do not see them.
    let other = runtime.interpreter().build()?;
    assert!(other.eval::<Value>("area(6, 7)").is_err());
    // A whole script has arguments and an exit status, and prints a traceback on standard error.
    let status = other.run(
        "import sys; sys.exit(len(sys.argv))",
        "script.py",
        ["x".into()],
    )?;
    assert_eq!(status, 2);
    Ok(())
}

fn output(runtime: &Runtime) -> Result {
    // Output is discarded unless it is sent to memory, to the host's own streams, or to a writer.
    let output = Output::captured(1 << 20);
    let interpreter = runtime.interpreter().stdout(output.clone()).build()?;
    interpreter.exec("print('hello')")?;
    assert_eq!(output.take().text(), "hello\n");
    Ok(())
}

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Order {
    id: u64,
    items: Vec<(String, u32)>,
}

fn values(runtime: &Runtime) -> Result {
    let interpreter = runtime.interpreter().build()?;
    // Values are plain data and print as Python prints them.  They convert with From and TryFrom.
    let value = interpreter.eval::<Value>("{'a': (1, 2.5), 'b': [None, b'x']}")?;
    assert_eq!(value.to_string(), "{'a': (1, 2.5), 'b': [None, b'x']}");
    let pair: (i64, f64) = value.get("a").cloned().unwrap_or_default().try_into()?;
    assert_eq!(pair, (1, 2.5));
    // Types that implement serde's traits convert too, in both directions.
    let order = Order {
        id: 7,
        items: vec![("tea".into(), 2)],
    };
    interpreter.prepare_main([("order", Binding::from(to_value(&order)?))])?;
    interpreter.exec("order['items'].append(('cup', 1))")?;
    let order: Order = from_value(interpreter.get("order")?)?;
    assert_eq!(order.items.len(), 2);
    // An error names the place that does not fit.
    let error =
        from_value::<Order>(interpreter.eval::<Value>("{'id': -1, 'items': []}")?).unwrap_err();
    assert_eq!(error.to_string(), "id: expected u64, found the int -1");
    Ok(())
}

fn errors(runtime: &Runtime) -> Result {
    let interpreter = runtime.interpreter().build()?;
    // The script raised: the exception has a type, a message and a traceback, and the interpreter is still usable.
    match interpreter.exec("1 / 0") {
        Err(Error::Raised(raised)) => assert_eq!(raised.name, "ZeroDivisionError"),
        other => return Err(format!("{other:?}").into()),
    }
    // The host refused: the name is not a valid identifier.
    assert!(matches!(
        interpreter.get::<Value>("a b"),
        Err(Error::Config(_))
    ));
    // The interpreter crashed: it no longer exists, and others are not affected.
    let crashed = interpreter.exec("import os; os.abort()").unwrap_err();
    assert!(matches!(crashed, Error::Died(_)) && !crashed.is_recoverable());
    assert!(interpreter.exec("pass").is_err());
    Ok(())
}

fn policies(runtime: &Runtime) -> Result {
    // An interpreter has only the capabilities that its policy grants.
    let folder = std::env::temp_dir().join(format!("archipel-tour-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("notes.txt"), "granted")?;
    let policy = Policy::new()
        .dir(&folder, "/data", Access::ReadOnly)?
        .env("LANG", "C.UTF-8")?
        .random(Random::Seeded(1));
    let interpreter = runtime.interpreter().policy(policy.clone()).build()?;
    assert_eq!(
        interpreter.eval::<String>("open('/data/notes.txt').read()")?,
        "granted"
    );
    assert!(interpreter.exec("open('/data/more.txt', 'w')").is_err());
    assert!(interpreter.exec("open('/etc/passwd')").is_err());
    std::fs::remove_dir_all(&folder)?;
    // A policy is data: it can be printed and compared.
    assert!(policy.to_string().contains("/data"));
    assert!(!Policy::new().diff(&policy).is_empty());
    Ok(())
}

fn policy_files(runtime: &Runtime) -> Result {
    // Policy and limits can come from a file; errors in it are reported with their line.
    let text = "[env]\nNAME = 'Ada'\n[limits]\nmemory = '64MiB'";
    let profile = Profile::from_toml(text)?;
    let builder = runtime.interpreter().policy(profile.policy);
    let interpreter = builder.limits(profile.limits).build()?;
    assert_eq!(
        interpreter.eval::<String>("__import__('os').environ['NAME']")?,
        "Ada"
    );
    let error = Profile::from_toml("[limits]\nmemry = 1").unwrap_err();
    assert!(error.to_string().contains("line 2"), "{error}");
    Ok(())
}

fn limits(runtime: &Runtime) -> Result {
    // A limit stops code without a chance to catch it.
    let limits = Limits::new()
        .memory(64 << 20)
        .cpu(Duration::from_millis(20))
        .output(1 << 20);
    let interpreter = runtime.interpreter().limits(limits).build()?;
    let stopped =
        interpreter.exec("while True:\n try:\n  while True: pass\n except BaseException: pass");
    assert!(matches!(
        stopped,
        Err(Error::LimitExceeded {
            kind: LimitKind::Cpu,
            ..
        })
    ));
    // The usage stays available afterwards.
    assert!(interpreter.usage().of(LimitKind::Cpu).own >= 20_000_000);
    // A handler can raise the limit and let the code continue.
    let interpreter = runtime
        .interpreter()
        .limits(Limits::new().output(4))
        .on_limit(|reached| (reached.limit < 100).then(|| Limits::new().output(100)))
        .build()?;
    interpreter.exec("print('more than four bytes')")?;
    Ok(())
}

fn aliases(runtime: &Runtime) -> Result {
    // An alias lends an interpreter one host function; with a dot in its name it is in a module.
    let interpreter = runtime.interpreter().build()?;
    interpreter.alias("prices.get", |call| {
        let (item,): (String,) = call.arguments()?;
        match item.as_str() {
            "tea" => Ok(3.into()),
            _ => Err(AliasError::new(format!("{item} is not for sale"))),
        }
    })?;
    assert_eq!(interpreter.eval::<i64>("prices.get('tea') * 2")?, 6);
    let error = interpreter.eval::<Value>("prices.get('gold')").unwrap_err();
    assert_eq!(error.to_string(), "AliasError: gold is not for sale");
    // Aliases can be removed at any time, and builtins can be hidden.
    assert!(interpreter.unalias("prices.get"));
    interpreter.hide("open")?;
    assert!(interpreter.eval::<Value>("prices.get('tea')").is_err());
    assert_eq!(interpreter.hidden(), ["open"]);
    Ok(())
}

fn channels(runtime: &Runtime) -> Result {
    // Channels connect interpreters with each other and with host threads.
    let (numbers, inbox) = runtime.channel(Capacity::Bounded(4))?;
    let (outbox, squares) = runtime.channel(Capacity::Unbounded)?;
    let interpreter = runtime.interpreter().build()?;
    interpreter.prepare_main([("inbox", Binding::from(inbox)), ("outbox", outbox.into())])?;
    let worker = std::thread::spawn(move || interpreter.exec("for n in inbox: outbox.send(n * n)"));
    for n in 1..=3 {
        numbers.send(n)?;
    }
    // A channel without senders is closed, so the loop in the interpreter ends.
    drop(numbers);
    worker.join().map_err(|_| "the worker panicked")??;
    let squares: Vec<Value> = squares.iter().collect();
    assert_eq!(Value::from(squares).to_string(), "[1, 4, 9]");
    Ok(())
}

fn stopping(runtime: &Runtime) -> Result {
    // Running code can be stopped from outside: this script reports on a channel that it runs, and is killed.
    let (begun, begins) = runtime.channel(Capacity::Rendezvous)?;
    let interpreter = runtime.interpreter().build()?;
    interpreter.prepare_main([("begun", Binding::from(begun))])?;
    let runner = interpreter.clone();
    let thread = std::thread::spawn(move || runner.exec("begun.send(1)\nwhile True: pass"));
    begins.recv()?;
    assert!(interpreter.is_running());
    interpreter.kill();
    let outcome = thread.join().map_err(|_| "the thread panicked")?;
    assert!(matches!(outcome, Err(Error::Killed)));
    Ok(())
}

fn copies(runtime: &Runtime) -> Result {
    // A prepared interpreter can be forked, which is faster than preparing another.
    let ready = runtime.interpreter().build()?;
    ready.exec("import json; seen = []")?;
    let fork = ready.fork()?;
    fork.exec("seen.append(json.loads('1'))")?;
    assert_eq!(fork.eval::<i64>("len(seen)")?, 1);
    assert_eq!(ready.eval::<i64>("len(seen)")?, 0);
    // It can also be reset to the state of a new one.
    ready.reset()?;
    assert!(ready.eval::<Value>("seen").is_err());
    Ok(())
}

fn children(runtime: &Runtime) -> Result {
    // Scripts can create interpreters too, if their policy allows it, with at most their own capabilities.
    let policy = Policy::new().children(2, 1)?;
    let interpreter = runtime.interpreter().policy(policy).build()?;
    interpreter.exec("import archipel; child = archipel.create(name='worker')")?;
    assert_eq!(interpreter.eval::<i64>("child.call(eval, '6 * 7')")?, 42);
    let children = interpreter.children();
    assert_eq!(children[0].name.as_deref(), Some("worker"));
    // The usage of children counts towards their creator's.
    let memory = interpreter.usage().of(LimitKind::Memory);
    assert!(memory.subtree > memory.own);
    Ok(())
}
