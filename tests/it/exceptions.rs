//! Runs modules whose exceptions were lowered, and compares them with the engine's own exceptions.

use archipel_guest::exceptions::lower;
use std::sync::{Arc, Mutex};
use wasmtime::{Caller, Config, Engine, Func, Global, Instance, Module, Store, Table, Trap};

/// The start of each module: tags, a table, and functions that throw.
const START: &str = r#"
    (import "env" "__table_base" (global $base i32))
    (import "env" "__indirect_function_table" (table $table 8 funcref))
    (import "env" "call_back" (func $call_back (param i32) (result i32)))
    (import "env" "told" (func $told (param i32)))
    (import "env" "__cpp_exception" (tag $cpp (param i32)))
    (import "env" "__c_longjmp" (tag $jump (param i32)))
    (type $unary (func (param i32) (result i32)))
    (type $both (func (result i32 exnref)))
    (func (export "archipel_report_exception") (param i32) (call $told (local.get 0)))
    (func (export "archipel_report_longjmp") (param i32)
      (call $told (i32.sub (i32.const 0) (local.get 0))))
    (elem (global.get $base) func $thrower $caller)
    ;; Returns its argument, or throws it if it is odd: as a C++ exception below 4, else as a jump.
    (func $thrower (type $unary)
      (if (i32.and (local.get 0) (i32.const 1))
        (then
          (if (i32.lt_s (local.get 0) (i32.const 4)) (then (throw $cpp (local.get 0))))
          (throw $jump (local.get 0))))
      (local.get 0))
    (func $caller (type $unary) (i32.add (i32.const 100) (call $thrower (local.get 0))))
"#;

/// Bodies of functions of the type `$unary`, whose label 0 is the function itself.
const CASES: &[(&str, &str)] = &[
    (
        "catch by tag, values on the stack across the call",
        r#"(block $handler (result i32)
             (i32.const 10)
             (try_table (result i32) (catch $cpp $handler) (catch $jump $handler)
               (i32.const 20)
               (i32.mul (call $caller (local.get 0))))
             (return (i32.add)))
           (i32.add (i32.const 5000))"#,
    ),
    (
        "the first handler that matches, and one that does not",
        r#"(block $jumped (result i32)
             (block $thrown (result i32)
               (try_table (result i32) (catch $cpp $thrown)
                 (try_table (result i32) (catch $jump $jumped) (call $thrower (local.get 0))))
               (return))
             (return (i32.add (i32.const 200))))
           (i32.add (i32.const 300))"#,
    ),
    (
        "catch_all",
        r#"(block $handler
             (return (try_table (result i32) (catch_all $handler) (call $caller (local.get 0)))))
           (i32.const -1)"#,
    ),
    (
        "catch_ref and throw_ref to an outer handler",
        r#"(local $kept exnref)
           (block $outer (result i32)
             (block $inner (type $both)
               (return (try_table (result i32) (catch_ref $cpp $inner) (catch_ref $jump $inner)
                 (call $thrower (local.get 0)))))
             (local.set $kept)
             (drop)
             (try_table (catch $cpp $outer) (catch $jump $outer) (throw_ref (local.get $kept)))
             (unreachable))
           (i32.add (i32.const 900))"#,
    ),
    (
        "catch_all_ref, a clean-up, and the same exception again",
        r#"(local $kept exnref)
           (block $outer (result i32)
             (block $cleanup (result exnref)
               (return (try_table (result i32) (catch $cpp $outer) (catch $jump $outer)
                 (try_table (result i32) (catch_all_ref $cleanup) (call $caller (local.get 0))))))
             (local.set $kept)
             (local.set 0 (i32.const 1))
             (try_table (catch $cpp $outer) (catch $jump $outer) (throw_ref (local.get $kept)))
             (unreachable))
           (i32.add (local.get 0))"#,
    ),
    (
        "br, br_if and br_table out of a try",
        r#"(block $a (block $b (block $c (block $d
             (try_table (catch_all $d)
               (br_if $a (i32.eqz (local.get 0)))
               (drop (call $thrower (local.get 0)))
               (br_if $b (i32.eq (local.get 0) (i32.const 2)))
               (br_table $a $b $c $d 0 $c (local.get 0)))
             (return (i32.const 1)))
             (return (i32.const 2)))
             (return (i32.const 3)))
             (return (i32.const 4)))
           (i32.const 5)"#,
    ),
    (
        "a loop that catches and goes on",
        r#"(local $sum i32)
           (block $done
             (loop $again
               (br_if $done (i32.lt_s (local.get 0) (i32.const 0)))
               (block $next (result i32)
                 (try_table (result i32) (catch $cpp $next) (catch $jump $next)
                   (call $thrower (local.get 0))
                   (i32.mul (i32.const 1000))))
               (local.set $sum (i32.add (local.get $sum)))
               (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
               (br $again)))
           (local.get $sum)"#,
    ),
    (
        "a throw in a handler",
        r#"(block $outer (result i32)
             (try_table (catch $cpp $outer)
               (block $inner (result i32)
                 (return (try_table (result i32) (catch $cpp $inner) (catch $jump $inner)
                   (call $thrower (local.get 0)))))
               (throw $cpp (i32.add (i32.const 50))))
             (unreachable))
           (i32.mul (i32.const 2))"#,
    ),
    (
        "a call through a pointer",
        r#"(block $handler (result i32)
             (f64.const 1)
             (i32.const 7)
             (try_table (result i32) (catch $cpp $handler) (catch $jump $handler)
               (call_indirect (type $unary) (local.get 0) (i32.add (global.get $base) (i32.const 1))))
             (return (i32.sub)))
           (i32.add (i32.const 70))"#,
    ),
    (
        "a throw to a handler of the same function, in an if",
        r#"(block $handler (result i32)
             (try_table (result i32) (catch $cpp $handler)
               (if (result i32) (local.get 0)
                 (then (throw $cpp (i32.const 40)))
                 (else (i32.const 41)))))
           (i32.add (local.get 0))"#,
    ),
    (
        "no handler",
        "(i32.add (call $caller (local.get 0)) (i32.const 1))",
    ),
    (
        "no handler that matches",
        r#"(block $handler (result i32)
             (try_table (result i32) (catch $cpp $handler) (call $caller (local.get 0))))"#,
    ),
    (
        "a clean-up without a handler",
        r#"(block $cleanup (result exnref)
             (return (try_table (result i32) (catch_all_ref $cleanup) (call $caller (local.get 0)))))
           (throw_ref)"#,
    ),
    (
        "a call back into the module, which catches",
        r#"(i32.add (call $call_back (i32.sub (local.get 0) (i32.const 100))) (i32.const 1))"#,
    ),
];

/// The function that `call_back` calls catches all arguments below 0.
const END: &str = r#"
    (func (export "callee") (type $unary)
      (if (i32.lt_s (local.get 0) (i32.const 0))
        (then
          (block $handler (result i32)
            (try_table (catch $cpp $handler) (throw $cpp (local.get 0)))
            (unreachable))
          (return)))
      (call $caller (local.get 0)))
"#;

/// The result of a call: a number, or the exceptions that were reported.
type Outcome = Result<i32, Vec<i32>>;

fn module(function: &str) -> Vec<u8> {
    let text = format!(r#"(module {START} {END} (func (export "run") (type $unary) {function}))"#);
    wat::parse_str(text).unwrap()
}

/// Calls the exported function `run` with each argument, in the same instance until it traps.
fn run(module: &[u8], arguments: &[i32]) -> Vec<Outcome> {
    let mut config = Config::new();
    config.wasm_exceptions(true);
    let engine = Engine::new(&config).unwrap();
    let module = Module::new(&engine, module).unwrap();
    let mut outcomes = Vec::new();
    let mut started: Option<(Store<()>, Instance)> = None;
    let told = Arc::new(Mutex::new(Vec::new()));
    for argument in arguments {
        let (mut store, instance) = started
            .take()
            .unwrap_or_else(|| start(&engine, &module, &told));
        let run = instance
            .get_typed_func::<i32, i32>(&mut store, "run")
            .unwrap();
        outcomes.push(match run.call(&mut store, *argument) {
            Ok(number) => {
                assert!(told.lock().unwrap().is_empty());
                started = Some((store, instance));
                Ok(number)
            }
            Err(error) => {
                let trap = error.downcast_ref::<Trap>();
                assert!(
                    matches!(trap, None | Some(Trap::UnreachableCodeReached)),
                    "{error:?}"
                );
                Err(std::mem::take(&mut *told.lock().unwrap()))
            }
        });
    }
    outcomes
}

fn start(engine: &Engine, module: &Module, told: &Arc<Mutex<Vec<i32>>>) -> (Store<()>, Instance) {
    use wasmtime::{
        Extern, FuncType, GlobalType, Mutability, RefType, TableType, TagType, ValType,
    };
    let mut store = Store::new(engine, ());
    let told = Arc::clone(told);
    let mut imports: Vec<Extern> = Vec::new();
    for import in module.imports() {
        let value = match import.name() {
            "__table_base" => {
                let ty = GlobalType::new(ValType::I32, Mutability::Const);
                Global::new(&mut store, ty, 3.into()).unwrap().into()
            }
            "__indirect_function_table" => {
                let ty = TableType::new(RefType::FUNCREF, 8, None);
                Table::new(&mut store, ty, wasmtime::Ref::Func(None))
                    .unwrap()
                    .into()
            }
            "call_back" => Func::wrap(&mut store, |mut caller: Caller<'_, ()>, argument: i32| {
                let callee = caller.get_export("callee").and_then(Extern::into_func);
                let callee = callee.unwrap().typed::<i32, i32>(&caller)?;
                callee.call(&mut caller, argument)
            })
            .into(),
            "told" => {
                let told = Arc::clone(&told);
                Func::wrap(&mut store, move |number: i32| {
                    told.lock().unwrap().push(number)
                })
                .into()
            }
            _ => {
                let ty = FuncType::new(engine, [ValType::I32], []);
                let ty = TagType::new(ty);
                wasmtime::Tag::new(&mut store, &ty).unwrap().into()
            }
        };
        imports.push(value);
    }
    let instance = Instance::new(&mut store, module, &imports).unwrap();
    (store, instance)
}

#[test]
fn lowered_exceptions_behave_as_the_engines_own() {
    let arguments: Vec<i32> = (-3..9).chain([1, 0, 5, 2]).collect();
    let mut uncaught = 0;
    for (what, function) in CASES {
        let original = module(function);
        let lowered = lower(&original).unwrap().unwrap();
        let expected = run(&original, &arguments);
        let found = run(&lowered, &arguments);
        for ((argument, expected), found) in arguments.iter().zip(expected).zip(found) {
            match (expected, found) {
                (Ok(expected), found) => assert_eq!(found, Ok(expected), "{what}: {argument}"),
                (Err(_), found) => {
                    // The engine's exception left the module, where the lowered one is reported.
                    let told = if *argument < 4 { *argument } else { -*argument };
                    assert_eq!(found, Err(vec![told]), "{what}");
                    uncaught += 1;
                }
            }
        }
    }
    assert!(uncaught > 0);
}

#[test]
fn an_exception_does_not_pass_a_function_of_another_module() {
    // The caller of `call_back` would catch it.
    let function = r#"
        (block $handler (result i32)
          (try_table (result i32) (catch $cpp $handler) (catch $jump $handler)
            (call $call_back (local.get 0))))"#;
    let lowered = lower(&module(function)).unwrap().unwrap();
    let outcomes = run(&lowered, &[2, -5, 1, 2, 5, 2]);
    assert_eq!(
        outcomes,
        [
            Ok(102),
            Ok(-5),
            Err(vec![1]),
            Ok(102),
            Err(vec![-5]),
            Ok(102)
        ]
    );
    // The same through a pointer: the function is in the table, but not one of the module's own.
    let function = r#"
        (table.set (i32.const 0) (ref.func $call_back))
        (block $handler (result i32)
          (try_table (result i32) (catch $cpp $handler)
            (call_indirect (type $unary) (local.get 0) (i32.const 0))))"#;
    let text = format!(
        r#"(module {START} {END} (elem declare func $call_back) (func (export "run") (type $unary) {function}))"#
    );
    let lowered = lower(&wat::parse_str(text).unwrap()).unwrap().unwrap();
    assert_eq!(
        run(&lowered, &[2, -5, 1, 2]),
        [Ok(102), Ok(-5), Err(vec![1]), Ok(102)]
    );
}

#[test]
fn an_exception_without_a_handler_or_reporter_traps() {
    let text = r#"(module (tag $tag (param i32))
        (func (export "run") (param i32) (result i32) (throw $tag (local.get 0))))"#;
    let lowered = lower(&wat::parse_str(text).unwrap()).unwrap().unwrap();
    assert_eq!(run(&lowered, &[1, 2]), [Err(vec![]), Err(vec![])]);
}

#[test]
fn a_null_reference_to_an_exception_traps() {
    let text = r#"(module (tag $tag (param i32))
        (func (export "run") (param i32) (result i32)
          (block $all
            (try_table (catch_all $all) (throw_ref (ref.null exn))))
          (i32.const 1)))"#;
    let lowered = lower(&wat::parse_str(text).unwrap()).unwrap().unwrap();
    assert_eq!(run(&lowered, &[1]), [Err(vec![])]);
}
