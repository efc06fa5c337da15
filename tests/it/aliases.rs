//! Tests host aliases and hidden names.

use crate::runtime;
use archipel::{AliasError, Error, Interpreter, Invalid, Limits, Output, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

fn interpreter() -> Interpreter {
    runtime().interpreter().name("plugin").build().unwrap()
}

/// Returns an interpreter with aliases of every kind.
fn equipped() -> Interpreter {
    let interpreter = interpreter();
    interpreter
        .alias("add", |call| {
            let (a, b): (i64, i64) = call.arguments()?;
            a.checked_add(b)
                .map(Value::from)
                .ok_or_else(|| AliasError::new("the sum is too large"))
        })
        .unwrap();
    interpreter
        .alias("echo", |call| {
            let kwargs = call.kwargs.into_iter();
            let named = kwargs.map(|(name, value)| Value::Tuple(vec![name.into(), value]));
            let args = Value::Tuple(call.args);
            Ok(Value::Tuple(vec![args, Value::List(named.collect())]))
        })
        .unwrap();
    interpreter
        .alias("app.fail", |_| {
            Err(std::io::Error::other("/secret/path is not there"))?
        })
        .unwrap();
    interpreter
        .alias("app.panics", |_| panic!("on purpose"))
        .unwrap();
    interpreter
        .alias("app.who", |call| Ok(call.caller.unwrap_or_default().into()))
        .unwrap();
    interpreter
        .alias_blocking("app.blocks", |call| Ok(call.args.len().into()))
        .unwrap();
    interpreter
        .alias_async("app.deep.later", |call| async move {
            tokio::task::yield_now().await;
            Ok(call.alias.into())
        })
        .unwrap();
    interpreter
}

/// It passes arguments of the wrong number, type and size.
///
/// Outcome: RAISE(AliasError) before the function is called.
#[test]
fn calls_return_values_or_raise() {
    let interpreter = equipped();
    let rows = [
        ("add(1, 2)", "3"),
        (
            "add(b'x', 2)",
            "AliasError: argument 1 of add(): expected int, found bytes",
        ),
        ("add(1)", "AliasError: add() takes 2 arguments, not 1"),
        (
            "add(1, b=2)",
            "AliasError: add() takes no keyword argument \"b\"",
        ),
        ("add(2**63 - 1, 1)", "AliasError: the sum is too large"),
        (
            "echo(1, 'x', [b'b', bytearray(b'c')], k=None)",
            "((1, 'x', [b'b', bytearray(b'c')]), [('k', None)])",
        ),
        (
            "echo(object())",
            "NotShareableError: an object of type 'object' is not shareable",
        ),
        ("echo('\\ud800')", "(('\\ud800',), [])"),
        ("echo(float('nan'), -0.0)", "((nan, -0.0), [])"),
        ("app.fail()", "AliasError: the command failed"),
        ("app.panics()", "AliasError: the command failed"),
        ("app.who()", "'plugin'"),
        ("app.blocks(1, 2, 3)", "3"),
        ("app.deep.later()", "'app.deep.later'"),
        (
            "__import__('app').deep.later.__qualname__",
            "'app.deep.later'",
        ),
        ("__import__('app.deep').deep is app.deep", "True"),
        (
            "app.absent()",
            "AttributeError: module 'app' has no attribute 'absent'",
        ),
        (
            "__import__('_island.aliases').aliases.call('nothing', (), {})",
            "NameError: name 'nothing' is not defined",
        ),
        ("echo.__module__, app.fail.__name__", "('builtins', 'fail')"),
    ];
    for (expression, expected) in rows {
        let found = match interpreter.eval::<Value>(expression) {
            Ok(value) => value.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected, "{expression}");
    }
    // Arguments nested too deep are refused before the alias is called.
    let deep = "x = []\nfor _ in range(200): x = [x]\necho(x)";
    let Err(Error::Raised(raised)) = interpreter.exec(deep) else {
        panic!("the arguments are nested too deep");
    };
    assert_eq!(raised.name, "NotShareableError");
}

#[test]
fn alias_and_unalias_add_and_remove_names() {
    let interpreter = interpreter();
    for (name, why) in [
        ("print", "builtin"),
        ("a b", "letters"),
        ("__x__", "reserved"),
    ] {
        let Err(Error::Config(Invalid { text, .. })) = interpreter.alias(name, |_| Ok(().into()))
        else {
            panic!("{name} was accepted as a name");
        };
        assert!(text.contains(why), "{text}");
    }
    interpreter.alias("kv.get", |_| Ok(1.into())).unwrap();
    interpreter.alias("json.extra", |_| Ok(2.into())).unwrap();
    interpreter
        .exec("import kv, json; get = kv.get; assert json.extra() == 2 and json.loads('1') == 1")
        .unwrap();
    assert_eq!(interpreter.aliases(), ["json.extra", "kv.get"]);
    interpreter.alias("kv.get", |_| Ok(3.into())).unwrap();
    assert_eq!(interpreter.eval::<i64>("get()").unwrap(), 3);
    assert!(interpreter.unalias("kv.get") && !interpreter.unalias("kv.get"));
    // A function that a script kept raises the same error as an undefined name.
    let Err(Error::Raised(raised)) = interpreter.eval::<Value>("get()") else {
        panic!("the alias was removed");
    };
    assert_eq!(
        raised.to_string(),
        "NameError: name 'kv.get' is not defined"
    );
    assert!(
        interpreter
            .exec("import sys; assert 'kv' not in sys.modules; del kv; kv")
            .is_err()
    );
    assert!(interpreter.unalias("json.extra"));
    interpreter
        .exec("assert not hasattr(json, 'extra')")
        .unwrap();
    interpreter.reset().unwrap();
    interpreter.alias("again", |_| Ok(4.into())).unwrap();
    interpreter.reset().unwrap();
    assert_eq!(
        interpreter.fork().unwrap().eval::<i64>("again()").unwrap(),
        4
    );
}

#[test]
fn hidden_names_are_undefined_until_exposed() {
    let interpreter = equipped();
    interpreter.exec("import socket, os.path").unwrap();
    for name in ["open", "socket", "os.getcwd", "add", "ctypes.nothing"] {
        interpreter.hide(name).unwrap();
    }
    assert_eq!(
        interpreter.hidden(),
        ["add", "ctypes.nothing", "open", "os.getcwd", "socket"]
    );
    let rows = [
        ("open('x')", "NameError: name 'open' is not defined"),
        (
            "__import__('socket')",
            "ModuleNotFoundError: No module named 'socket'",
        ),
        (
            "__import__('os').getcwd()",
            "AttributeError: module 'os' has no attribute 'getcwd'",
        ),
        ("add(1, 2)", "NameError: name 'add' is not defined"),
        (
            "__import__('no_such')",
            "ModuleNotFoundError: No module named 'no_such'",
        ),
    ];
    for (expression, expected) in rows {
        let error = interpreter.eval::<Value>(expression).unwrap_err();
        assert_eq!(error.to_string(), expected, "{expression}");
    }
    assert_eq!(interpreter.invoke_hidden::<i64>("add", (1, 2)).unwrap(), 3);
    let folder = interpreter
        .invoke_hidden::<String>("os.getcwd", ())
        .unwrap();
    assert_eq!(folder, "/");
    let named = interpreter
        .invoke_hidden::<i64>("socket.htons", (1,))
        .unwrap();
    assert_eq!(named, 256);
    let error = interpreter.invoke_hidden::<i64>("len", ("x",)).unwrap_err();
    assert_eq!(error.to_string(), "NameError: 'len' is not hidden");
    // An alias can replace a hidden builtin.
    interpreter.alias("open", |_| Ok("ours".into())).unwrap();
    assert_eq!(interpreter.eval::<String>("open('x')").unwrap(), "ours");
    assert!(interpreter.expose("open").is_err());
    interpreter.unalias("open");
    for name in ["open", "socket", "os.getcwd", "add"] {
        assert!(interpreter.expose(name).unwrap(), "{name}");
    }
    interpreter
        .exec("import os, socket; assert add(1, 2) == 3 and os.getcwd() and open and socket.htons")
        .unwrap();
    assert!(interpreter.hide("a b").is_err() && !interpreter.expose("print").unwrap());
}

/// A host function calls the interpreter that called it.
///
/// Outcome: a typed error: the interpreter is running.
#[test]
fn an_alias_can_run_another_interpreter_but_not_its_own() {
    let (caller, other) = (interpreter(), interpreter());
    let itself = caller.clone();
    caller
        .alias("ask", move |call| {
            let (source,): (String,) = call.arguments()?;
            Ok(other.eval::<Value>(source)?)
        })
        .unwrap();
    caller
        .alias("myself", move |_| match itself.exec("pass") {
            Err(Error::Running) => Ok("running".into()),
            other => Err(AliasError::new(format!("{other:?}"))),
        })
        .unwrap();
    assert_eq!(caller.eval::<i64>("ask('6 * 7')").unwrap(), 42);
    assert_eq!(caller.eval::<String>("myself()").unwrap(), "running");
    // Its clone in the alias would keep the interpreter alive.
    caller.unalias("myself");
}

#[test]
fn oversized_arguments_are_refused_before_the_call() {
    let calls = Arc::new(AtomicU32::new(0));
    let limits = Limits::new().message(1000);
    let interpreter = runtime().interpreter().limits(limits).build().unwrap();
    let counted = calls.clone();
    interpreter
        .alias("count", move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok(vec![0_u8; 2000].into())
        })
        .unwrap();
    let error = interpreter.exec("count('x' * 1000)").unwrap_err();
    assert_eq!(
        error.to_string(),
        "ValueError: too large: the limit is 1000"
    );
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    assert_eq!(interpreter.eval::<i64>("len(count())").unwrap(), 2000);
}

#[test]
fn call_and_get_find_dotted_names() {
    let output = Output::captured(100);
    let interpreter = runtime()
        .interpreter()
        .stdout(output.clone())
        .build()
        .unwrap();
    interpreter
        .exec("class C:\n    @staticmethod\n    def f(*a): print(a); return len(a)\nn = {'a': [1]}")
        .unwrap();
    assert_eq!(interpreter.call::<i64>("C.f", ("x", "y")).unwrap(), 2);
    assert_eq!(output.take().text(), "('x', 'y')\n");
    assert_eq!(
        interpreter.get::<Value>("n").unwrap().to_string(),
        "{'a': [1]}"
    );
    assert!(matches!(
        interpreter.get::<Value>("n; import os"),
        Err(Error::Config(_))
    ));
    for name in ["absent", "C.absent", "", "C..f"] {
        assert!(
            matches!(interpreter.call::<Value>(name, ()), Err(Error::Raised(_))),
            "{name}"
        );
    }
}
