//! Tests linking of small handwritten components.

use super::*;
use wasmparser::Operator;

/// Two modules as dynamic linking produces them. The second has its address of `data` in a global and calls the
/// first, which calls the host. One more function is unreachable.
pub(super) const COMPONENT: &str = r#"
    (component
      (import "host" (func $host (param "n" u32)))
      (core func $host (canon lower (func $host)))
      (core module $memory
        (memory (export "memory") 1)
        (table (export "table") 4 funcref)
        (global (export "got-data") (mut i32) (i32.const 1024))
        (global (export "stack") (mut i32) (i32.const 512)))
      (core instance $env (instantiate $memory))
      (core module $library
        (import "world" "host" (func $host (param i32)))
        (import "env" "memory" (memory 1))
        (import "env" "table" (table 4 funcref))
        (global $base i32 (i32.const 2))
        (elem (global.get $base) func $tell)
        (func $tell (export "tell") (param i32) (call $host (local.get 0)))
        (func (export "idle") (param i32)))
      (core instance $library (instantiate $library
        (with "world" (instance (export "host" (func $host))))
        (with "env" (instance $env))))
      (core module $main
        (import "env" "got-data" (global $data (mut i32)))
        (import "env" "stack" (global $stack (mut i32)))
        (import "env" "memory" (memory 1))
        (import "library" "tell" (func $tell (param i32)))
        (data (i32.const 16) "bytes")
        (func (export "run")
          (global.set $stack (i32.sub (global.get $stack) (i32.const 16)))
          (call $tell (i32.add (global.get $data) (i32.load (global.get $stack))))))
      (core instance $main (instantiate $main
        (with "env" (instance $env))
        (with "library" (instance $library))))
      (func (export "run") (canon lift (core func $main "run"))))
"#;

const ALL: Options = Options {
    copied: true,
    keep_names: true,
};

fn link_text(text: &str) -> Result<(Vec<u8>, Report)> {
    let bytes = wat::parse_str(text).unwrap();
    link(&Component::read(&bytes)?, &World::read(&bytes)?, ALL)
}

#[test]
fn two_modules_become_one() {
    let (bytes, report) = link_text(COMPONENT).unwrap();
    wasmparser::validate(&bytes).unwrap();
    assert_eq!(
        report,
        Report {
            modules: 3,
            functions: 2,
            dropped_functions: 1,
            folded_globals: 2,
            intrinsics: None,
            extensions: 0
        }
    );
    let module = Module::read(&bytes).unwrap();
    let imports: Vec<_> = module
        .function_imports
        .iter()
        .map(|(import, _)| (import.module, import.name))
        .collect();
    assert_eq!(imports, [("world", "host")]);
    // Only the assigned global remains, and the address became a constant.
    assert_eq!(module.globals.len(), 1);
    assert_eq!((module.tables.len(), module.memories.len()), (1, 1));
    assert_eq!(module.tables[0].maximum, Some(4));
    assert_eq!(module.exports.len(), 1);
    let (_, run) = module.exports["run"];
    let body = &module.bodies[run as usize - module.function_imports.len()];
    let constants: Vec<i32> = body
        .get_operators_reader()
        .unwrap()
        .into_iter()
        .filter_map(|operator| match operator.unwrap() {
            Operator::I32Const { value } => Some(value),
            _ => None,
        })
        .collect();
    assert_eq!(constants, [16, 1024]);
}

#[test]
fn only_extension_modules_have_further_globals_and_these_are_zero() {
    let name =
        r#"(global (export "/1/a.cpython-314-wasm32-wasi.so:memory_base") i32 (i32.const 0))"#;
    for (value, extension, fits) in [(0, name, true), (0, "", false), (1, name, false)] {
        let state = format!("(global $state (mut i32) (i32.const {value})) {extension}");
        let text = COMPONENT
            .replace("\"stack\"", "\"__stack_pointer\"")
            .replace("(global $base", &format!("{state} (global $base"))
            .replace(
                "(call $host",
                "(global.set $state (i32.const 2)) (call $host",
            );
        let bytes = wat::parse_str(text).unwrap();
        let component = Component::read(&bytes).unwrap();
        let linker = Linker::new(&component).unwrap();
        let constants = linker.constants(&linker.reach().unwrap()).unwrap();
        match linker.check_state(&constants) {
            Ok(()) => assert!(fits, "{value} {extension}"),
            Err(error) => assert!(!fits && error.to_string().ends_with("found 2"), "{error:#}"),
        }
    }
}

#[test]
fn unlinkable_components_are_errors() {
    let start = COMPONENT.replace(
        "(func (export \"idle\")",
        "(start $s) (func $s) (func (export \"idle\")",
    );
    let missing = COMPONENT.replace("(export \"tell\")", "(export \"tall\")");
    let twice = COMPONENT.replace(
        "(core instance $env (instantiate $memory))",
        "(core instance $env (instantiate $memory)) (core instance (instantiate $memory))",
    );
    for (text, why) in [(start, "start function"), (twice, "instantiated twice")] {
        let error = format!("{:#}", link_text(&text).unwrap_err());
        assert!(error.contains(why), "{error}");
    }
    assert!(link_text(&missing).is_err());
}

#[test]
fn damaged_components_do_not_panic() {
    let bytes = wat::parse_str(COMPONENT).unwrap();
    for place in 8..bytes.len() {
        for value in [0, 0x7f, 0xff, bytes[place] ^ 1] {
            let mut damaged = bytes.clone();
            damaged[place] = value;
            // Damage can be an error, but never a panic.
            let _ = Component::read(&damaged).and_then(|c| link(&c, &World::read(&damaged)?, ALL));
        }
    }
    for length in 0..bytes.len() {
        let bytes = &bytes[..length];
        let _ = Component::read(bytes).and_then(|c| link(&c, &World::read(bytes)?, ALL));
    }
}
