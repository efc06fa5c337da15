//! Linking of a libc and an SQLite that have nothing but what locks need.

use crate::component::Component;
use crate::interfaces::LOCKS;
use crate::link::{self, Options};
use crate::lists::World;
use crate::module::Module;
use anyhow::Result;
use wasmparser::Operator;

/// SQLite announces its file systems with whatever `call` does, and compares texts in another function, too.
fn component(call: &str) -> String {
    format!(
        r#"
    (component
      (core module $memory
        (memory (export "memory") 1)
        (table (export "table") 1 funcref))
      (core instance $env (instantiate $memory))
      (core module $libc
        (import "env" "memory" (memory 1))
        (func (export "fcntl") (param i32 i32 i32) (result i32) (i32.const 111))
        (func (export "descriptor_table_get_ref") (param i32) (result i32) (i32.const 0))
        (func (export "__errno_location") (result i32) (i32.const 16))
        (func (export "strcmp") (param i32 i32) (result i32) (i32.const 222)))
      (core instance $libc (instantiate $libc (with "env" (instance $env))))
      (core module $sqlite
        (import "env" "memory" (memory 1))
        (import "env" "table" (table 1 funcref))
        (import "libc" "fcntl" (func $fcntl (param i32 i32 i32) (result i32)))
        (import "libc" "strcmp" (func $strcmp (param i32 i32) (result i32)))
        (elem (i32.const 0) func $fcntl)
        (func $sqlite3_os_init (export "init") (drop {call}))
        (func (export "compare") (drop (call $strcmp (i32.const 1) (i32.const 2))))
        (func (export "lock") (drop (call $fcntl (i32.const 3) (i32.const 13) (i32.const 0)))))
      (core instance $sqlite (instantiate $sqlite
        (with "env" (instance $env))
        (with "libc" (instance $libc))))
      (func (export "init") (canon lift (core func $sqlite "init")))
      (func (export "compare") (canon lift (core func $sqlite "compare")))
      (func (export "lock") (canon lift (core func $sqlite "lock"))))
"#
    )
}

fn linked(call: &str, copied: bool) -> Result<Vec<u8>> {
    let bytes = wat::parse_str(component(call)).unwrap();
    let options = Options {
        copied,
        keep_names: false,
    };
    let (linked, _) = link::link(&Component::read(&bytes)?, &World::read(&bytes)?, options)?;
    wasmparser::validate(&linked).unwrap();
    Ok(linked)
}

const COMPARES: &str = "(call $strcmp (i32.const 1) (i32.const 2))";

/// The last constant of the function that the one called `name` calls.
fn called(module: &Module<'_>, name: &str) -> i32 {
    let (_, function) = module.exports[name];
    let operators = |function: u32| {
        let body = &module.bodies[function as usize - module.function_imports.len()];
        let operators = body.get_operators_reader().unwrap().into_iter();
        operators.map(Result::unwrap).collect::<Vec<_>>()
    };
    let callee = operators(function)
        .into_iter()
        .find_map(|operator| match operator {
            Operator::Call { function_index } => Some(function_index),
            _ => None,
        });
    let constants = operators(callee.unwrap()).into_iter().rev();
    let mut constants = constants.filter_map(|operator| match operator {
        Operator::I32Const { value } => Some(value),
        _ => None,
    });
    constants.next().unwrap()
}

#[test]
fn fcntl_is_replaced_and_strings_differ_in_one_function() {
    for copied in [true, false] {
        let bytes = linked(COMPARES, copied).unwrap();
        let module = Module::read(&bytes).unwrap();
        assert_eq!(called(&module, "init"), 1);
        assert_eq!(called(&module, "compare"), 222);
        assert_eq!(called(&module, "lock"), 0);
        let imports = module.function_imports.iter();
        let imports: Vec<_> = imports
            .map(|(import, _)| (import.module, import.name))
            .collect();
        match copied {
            true => assert_eq!(
                imports,
                [(LOCKS.full_name, "find"), (LOCKS.full_name, "set")]
            ),
            false => assert_eq!(imports, []),
        }
    }
}

#[test]
fn an_sqlite_that_compares_no_names_is_an_error() {
    let error = format!("{:#}", linked("(i32.const 1)", true).unwrap_err());
    assert!(error.contains("sqlite3_os_init"), "{error}");
}
