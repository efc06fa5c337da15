//! Tests how the replaced functions are found.

use super::*;
use wasm_encoder::{ConstExpr, DataSection, Module};

const NAMES: u32 = 0x1000;
const METHODS: u32 = 0x2004;

/// Returns a memory with method definitions, each a name, an address and flags.
fn module(methods: &[(&str, u32, u32)]) -> Vec<u8> {
    let mut names = Vec::new();
    let mut table = Vec::new();
    for (name, function, flags) in methods {
        // Linkers can make one string the suffix of another.
        names.extend(b"sys.");
        let address = NAMES + names.len() as u32;
        for word in [address, *function, *flags, 0] {
            table.extend(word.to_le_bytes());
        }
        names.extend(name.as_bytes());
        names.push(0);
    }
    // The data of a snapshot do not end with zeros.
    while table.last() == Some(&0) {
        table.pop();
    }
    names.pop();
    let mut data = DataSection::new();
    data.active(0, &ConstExpr::i32_const(NAMES as i32), names);
    data.active(0, &ConstExpr::i32_const(METHODS as i32), table);
    let mut module = Module::new();
    module.section(&data);
    module.finish()
}

#[test]
fn install_replaces_only_the_addresses() {
    let methods = [
        ("remote_exec", 77, 0x82),
        ("remote_exec_at", 78, 0x82),
        ("activate_stack_trampoline", 79, 0x08),
    ];
    let mut bytes = module(&methods);
    install(&mut bytes, [501, 502]).unwrap();
    let replaced = [
        ("remote_exec", 501, 0x82),
        ("remote_exec_at", 78, 0x82),
        ("activate_stack_trampoline", 502, 0x08),
    ];
    assert_eq!(bytes, module(&replaced));
}

#[test]
fn a_missing_or_ambiguous_method_is_an_error() {
    let good = ("activate_stack_trampoline", 79, 0x08);
    for bad in [
        ("remote_exe", 77, 0x82),
        ("remote_exec", 77, 0x80),
        ("remote_exec", 0, 0x82),
    ] {
        let mut bytes = module(&[bad, good]);
        let error = install(&mut bytes, [501, 502]).unwrap_err().to_string();
        assert_eq!(error, "CPython's `sys.remote_exec` was not found");
    }
    let twice = ("remote_exec", 77, 0x82);
    assert!(install(&mut module(&[twice, twice, good]), [501, 502]).is_err());
}
