//! Tests which calls bypass the table.

use super::*;

const MODULE: &str = r#"
    (type $binary (func (param i32 i64) (result i64)))
    (type $same (func (param i32 i64) (result i64)))
    (type $nothing (func))
    (import "host" "import" (func $import (type $binary)))
    (func $first (type $binary) (local.get 1))
    (func $second (type $same) (i64.const 2))
    (func $third (type $nothing))
    (func (export "run") (param i32) (result i64)
      (call_indirect (type $binary) (i32.const 0) (i64.const 1) (local.get 0)))
"#;

const TABLE: &str = "(table 9 9 funcref)";
const ELEMENTS: &str =
    "(elem (i32.const 3) func $third $first $second) (elem (i32.const 7) func $import)";

fn rewritten(parts: &[&str]) -> (usize, Vec<u8>, bool) {
    rewritten_with(parts, false)
}

fn rewritten_with(parts: &[&str], adapt: bool) -> (usize, Vec<u8>, bool) {
    let before = wat::parse_str(format!("(module {})", parts.concat())).unwrap();
    let mut after = before.clone();
    let count = call_directly(&mut after, adapt).unwrap();
    wasmparser::validate(&after).unwrap();
    (count, after.clone(), after == before)
}

/// Returns the operators of the last functions of a module, as text.
fn operators(module: &[u8], skip: usize) -> Vec<String> {
    let bodies = Parser::new(0)
        .parse_all(module)
        .filter_map(|payload| match payload.unwrap() {
            Payload::CodeSectionEntry(body) => Some(body),
            _ => None,
        });
    let operators = |body: FunctionBody<'_>| {
        let reader = body.get_operators_reader().unwrap();
        let texts: Vec<_> = reader
            .into_iter()
            .map(|o| format!("{:?}", o.unwrap()))
            .collect();
        texts.join("; ")
    };
    bodies.skip(skip).map(operators).collect()
}

#[test]
fn an_indirect_call_becomes_a_jump_to_all_functions_of_its_type() {
    let (count, module, _) = rewritten(&[MODULE, TABLE, ELEMENTS]);
    assert_eq!(count, 1);
    let [caller, jump] = &operators(&module, 3)[..] else {
        panic!("there is one new function");
    };
    assert!(caller.contains("Call { function_index: 5 }"), "{caller}");
    assert!(!caller.contains("CallIndirect"), "{caller}");
    // Table indices 4 to 7, of which 6 is empty.
    assert!(
        jump.contains(
            "BrTable { targets: BrTable { count: 4, default: 3, targets: [1, 2, 3, 0] } }"
        ),
        "{jump}"
    );
    for target in 0..3 {
        assert!(
            jump.contains(&format!("ReturnCall {{ function_index: {target} }}")),
            "{jump}"
        );
    }
    assert!(!jump.contains("ReturnCall { function_index: 3 }"), "{jump}");
    // The engine handles any other index.
    assert!(jump.contains("CallIndirect"), "{jump}");
}

#[test]
fn a_module_whose_table_can_change_is_left_unchanged() {
    for change in [
        "(func (table.set (i32.const 3) (ref.null func)))",
        "(func (drop (table.grow (ref.null func) (i32.const 1))))",
        "(func (table.fill (i32.const 0) (ref.null func) (i32.const 1)))",
        "(func (table.copy (i32.const 0) (i32.const 1) (i32.const 1)))",
        "(elem func $first)",
        "(export \"table\" (table 0))",
        "(table 1 1 funcref)",
        "(global $at (import \"host\" \"at\") i32) (elem (global.get $at) func $first)",
    ] {
        // Imports have to come first.
        let (imports, others) = match change.starts_with("(global") {
            true => (change, ""),
            false => ("", change),
        };
        let (count, _, same) = rewritten(&[imports, MODULE, TABLE, ELEMENTS, others]);
        assert!(count == 0 && same, "{change}");
    }
    let (count, _, same) = rewritten(&[
        "(import \"host\" \"table\" (table 9 9 funcref))",
        MODULE,
        ELEMENTS,
    ]);
    assert!(count == 0 && same);
}

#[test]
fn a_call_of_a_type_without_functions_stays_indirect() {
    let (count, module, _) = rewritten(&[MODULE, TABLE, "(elem (i32.const 0) func $third)"]);
    assert_eq!(count, 0);
    assert!(operators(&module, 3)[0].contains("CallIndirect"));
}

#[test]
fn adaptation_leaves_the_jump_to_functions_of_the_same_type() {
    let parts = [MODULE, TABLE, ELEMENTS];
    let (plain, adapted) = (rewritten(&parts), rewritten_with(&parts, true));
    let (plain, adapted) = (operators(&plain.1, 4), operators(&adapted.1, 4));
    let tail = |jump: &str| jump.find("; CallIndirect").or(jump.find("; I64ExtendI32S"));
    let (old, new) = (tail(&plain[0]).unwrap(), tail(&adapted[0]).unwrap());
    // Both end with loading the first argument.
    assert_eq!(plain[0][..new], adapted[0][..new]);
    assert!(old >= new, "{} {}", plain[0], adapted[0]);
    assert_eq!(adapted.len(), 2, "the adapter is added");
}

#[test]
fn a_table_with_more_entries_than_a_jump_can_have_is_split() {
    let ends = "(elem (i32.const 1) func $first) (elem (i32.const 70000) func $second)";
    let (count, module, _) = rewritten(&[MODULE, "(table 70001 70001 funcref)", ends]);
    assert_eq!(count, 1);
    let jump = &operators(&module, 4)[0];
    assert_eq!(jump.matches("BrTable { targets").count(), 2, "{jump}");
}

#[test]
fn targets_are_exported_until_the_calls_are_adapted() {
    let text = format!("(module {MODULE} {TABLE} {ELEMENTS})");
    let mut kept = wat::parse_str(text).unwrap();
    keep_targets(&mut kept).unwrap();
    wasmparser::validate(&kept).unwrap();
    let has_export = |module: &[u8]| memchr::memmem::find(module, TARGETS.as_bytes()).is_some();
    assert!(has_export(&kept));
    assert!(call_directly(&mut kept, true).unwrap() > 0);
    assert!(!has_export(&kept));
    assert!(rewritten_with(&[MODULE, TABLE, ELEMENTS], true).1 == kept);
}
