//! Tests how added modules refer to the guest and to each other.

use crate::component::Component;
use crate::link::additions::Addition;
use crate::link::tests::COMPONENT;
use crate::link::{Linker, Options, finish};
use crate::module::Module;
use anyhow::Result;
use wasmparser::Operator;

const FIRST: &str = r#"
    (module
      (import "guest" "memory" (memory 1))
      (import "guest" "table" (table 0 funcref))
      (import "linker" "table_base" (global $table_base i32))
      (import "world" "host" (func $host (param i32)))
      (global $last (export "last") (mut i32) (i32.const 0))
      (elem (global.get $table_base) func $in_table)
      (func $in_table)
      (func (export "host") (param $number i32)
        (global.set $last (global.get $table_base))
        (call $host (local.get $number)))
      (func (export "memory.grow") (param $pages i32) (result i32)
        (memory.grow (local.get $pages))))
"#;

const SECOND: &str = r#"
    (module
      (import "first" "last" (global $last (mut i32)))
      (func (export "unused") (result i32) (i32.const 0))
      (func (export "cabi_last") (result i32) (global.get $last)))
"#;

/// Links the component, which also grows its memory, with additions.
fn linked(additions: &[(&str, &str)]) -> Result<Vec<u8>> {
    let grows = "(drop (memory.grow (i32.const 1))) (call $tell";
    let component = wat::parse_str(COMPONENT.replacen("(call $tell", grows, 1)).unwrap();
    let component = Component::read(&component)?;
    let additions = additions
        .iter()
        .map(|(name, text)| Addition::new(*name, text));
    let additions = additions.collect::<Result<Vec<_>>>()?;
    let (module, _) = finish(Linker::new(&component)?, &additions, Options::default())?;
    wasmparser::validate(&module).unwrap();
    Ok(module)
}

/// Returns the operators of function `index`.
fn operators<'a>(module: &Module<'a>, index: u32) -> Vec<Operator<'a>> {
    let body = &module.bodies[index as usize - module.function_imports.len()];
    let operators = body.get_operators_reader().unwrap().into_iter();
    operators.map(Result::unwrap).collect()
}

/// Returns the functions that function `index` calls.
fn callees(module: &Module<'_>, index: u32) -> Vec<u32> {
    let operators = operators(module, index).into_iter();
    let callees = operators.filter_map(|operator| match operator {
        Operator::Call { function_index } => Some(function_index),
        _ => None,
    });
    callees.collect()
}

#[test]
fn added_functions_replace_those_of_the_guest() {
    let bytes = linked(&[("first", FIRST), ("second", SECOND)]).unwrap();
    let module = Module::read(&bytes).unwrap();
    let mut exports: Vec<_> = module.exports.keys().copied().collect();
    exports.sort_unstable();
    assert_eq!(exports, ["cabi_last", "run"]);
    // The guest's table of four entries has one more.
    assert_eq!(module.tables[0].initial, 5);
    assert_eq!(module.tables[0].maximum, Some(5));

    let has_grow = |index: u32| {
        let operators = operators(&module, index);
        let mut operators = operators.iter();
        operators.any(|operator| matches!(operator, Operator::MemoryGrow { .. }))
    };
    let (_, run) = module.exports["run"];
    let [grow, tell] = callees(&module, run)[..] else {
        panic!("`run` calls two functions");
    };
    assert!(has_grow(grow) && !has_grow(run));
    let [wrapper] = callees(&module, tell)[..] else {
        panic!("`tell` calls one function");
    };
    assert_eq!(callees(&module, wrapper), [0], "the wrapper calls the host");
    let first = operators(&module, wrapper).swap_remove(0);
    assert!(
        matches!(first, Operator::I32Const { value: 4 }),
        "{first:?}"
    );

    let (_, last) = module.exports["cabi_last"];
    let set = operators(&module, wrapper).swap_remove(1);
    let get = operators(&module, last).swap_remove(0);
    match (set, get) {
        (Operator::GlobalSet { global_index: a }, Operator::GlobalGet { global_index: b }) => {
            assert_eq!(a, b);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn imports_that_nothing_provides_are_errors() {
    for (import, error) in [
        (
            r#"(import "libc" "free" (func (param i32)))"#,
            "libc lacks the function `free`",
        ),
        (
            r#"(import "guest" "free" (func))"#,
            "`guest` has no function `free`",
        ),
        (
            r#"(import "host" "missing" (func))"#,
            "the guest does not import `missing`",
        ),
        (
            r#"(import "component" "missing" (func))"#,
            "the component does not export `missing`",
        ),
        (
            r#"(import "world" "host" (func (param i64)))"#,
            "`host` has the type",
        ),
        (
            r#"(import "first" "missing" (func))"#,
            "no added module exports `missing`",
        ),
        (
            r#"(import "linker" "missing" (global i32))"#,
            "no constant is named `missing`",
        ),
        (
            r#"(import "guest" "missing" (global i32))"#,
            "`guest` has no global `missing`",
        ),
        (
            r#"(import "guest" "stack_pointer" (global (mut i32)))"#,
            "the guest has no stack",
        ),
    ] {
        let text = format!("(module {import})");
        let outcome = linked(&[("first", FIRST), ("other", &text)]);
        let found = format!("{:#}", outcome.unwrap_err());
        assert!(found.contains(error), "{import}: {found}");
        assert!(found.contains("cannot add module `other`"), "{found}");
    }
}

#[test]
fn text_that_is_not_a_module_is_an_error() {
    let error = linked(&[("broken", "(module (func (export)))")]).unwrap_err();
    assert!(error.to_string().contains("cannot assemble `broken`"));
}
