//! Tests of modules that are refused or left unchanged, and of calls that are left unchecked. `tests/it/exceptions.rs`
//! runs lowered modules.

use super::*;

fn lowered(text: &str) -> Result<Option<Vec<u8>>> {
    let lowered = lower(&wat::parse_str(text).unwrap())?;
    if let Some(module) = &lowered {
        let features = wasmparser::WasmFeatures::default() - wasmparser::WasmFeatures::EXCEPTIONS;
        wasmparser::Validator::new_with_features(features)
            .validate_all(module)
            .unwrap();
    }
    Ok(lowered)
}

/// Returns the numbers of checks for a pending exception in the functions of a module, without the added ones.
fn checks(text: &str) -> Vec<usize> {
    let module = lowered(text).unwrap().unwrap();
    let mut counts = Vec::new();
    for payload in Parser::new(0).parse_all(&module) {
        if let wasmparser::Payload::CodeSectionEntry(body) = payload.unwrap() {
            let operators = body.get_operators_reader().unwrap().into_iter();
            let is_check = |operator: &wasmparser::Operator<'_>| {
                matches!(operator, wasmparser::Operator::BrIf { .. })
            };
            counts.push(operators.map(|o| o.unwrap()).filter(is_check).count());
        }
    }
    counts.truncate(counts.len() - 4);
    counts
}

#[test]
fn a_module_without_tags_is_left_unchanged() {
    let text = r#"(module (import "env" "x" (func)) (func (call 0)) (func (export "f") (call 1)))"#;
    assert!(lowered(text).unwrap().is_none());
}

#[test]
fn unsupported_modules_are_refused_in_one_line() {
    for (text, why) in [
        (
            "(tag (param i64))",
            "other values than one i32 are not supported",
        ),
        (
            "(tag (param i32)) (func (i32.const 1) (try_table (param i32) (drop)))",
            "try_table with parameters is not supported",
        ),
        (
            "(tag (param i32)) (func try catch_all end)",
            "the legacy encoding of exceptions is not supported",
        ),
        (
            "(tag (param i32)) (func $f (return_call $f))",
            "tail calls and typed references are not supported",
        ),
        (
            "(tag (param i32)) (table 1 funcref) (elem (i32.const 0) func $f) (func $f)",
            "function pointers are not at __table_base",
        ),
        (
            r#"(import "env" "__cpp_exception" (tag (param i32)))
               (func (export "archipel_report_exception"))"#,
            "has another type",
        ),
    ] {
        let error = lowered(&format!("(module {text})"))
            .unwrap_err()
            .to_string();
        assert!(error.contains(why) && !error.contains('\n'), "{error}");
    }
    let error = lower(b"\0asm\x01\0\0\0\x0d\x01\0\x01\x01\0").unwrap_err();
    assert!(!error.to_string().is_empty());
}

#[test]
fn calls_of_functions_that_cannot_throw_are_not_checked() {
    let text = r#"(module
        (import "env" "outside" (func $outside))
        (import "env" "__table_base" (global $base i32))
        (import "env" "table" (table 4 funcref))
        (tag $tag (param i32))
        (elem (global.get $base) func $safe)
        (func $throws (throw $tag (i32.const 1)))
        (func $safe (call $outside))
        (func $catches (block $all (try_table (catch_all $all) (call $throws))))
        (func $rethrows (call $throws) (call $safe))
        (func $calls (call $safe) (call $catches) (call_indirect (i32.const 0)) (call $outside))
        (func $last (call $rethrows) (call $calls)))"#;
    assert_eq!(checks(text), [0, 0, 1, 1, 0, 1]);
    // A call through a pointer is checked as soon as one function in the table throws.
    let text = text.replace("func $safe)", "func $safe $rethrows)");
    assert_eq!(checks(&text), [0, 0, 1, 1, 1, 2]);
}

#[test]
fn tags_their_names_and_reporters_are_removed() {
    let text = r#"(module
        (import "env" "__cpp_exception" (tag $imported (param i32)))
        (tag $tag (export "tag") (param i32))
        (func (export "kept") (throw $tag (i32.const 1)))
        (func (export "archipel_report_exception") (param i32))
        (@custom "target_features" "\00"))"#;
    let module = lowered(text).unwrap().unwrap();
    assert!(lower(&module).unwrap().is_none(), "it has no tags");
    let mut exports = Vec::new();
    for payload in Parser::new(0).parse_all(&module) {
        match payload.unwrap() {
            wasmparser::Payload::ExportSection(section) => {
                exports.extend(section.into_iter().map(|export| export.unwrap().name));
            }
            wasmparser::Payload::CustomSection(section) => {
                assert_eq!(section.name(), "name");
            }
            _ => {}
        }
    }
    assert_eq!(exports, ["kept"]);
}
