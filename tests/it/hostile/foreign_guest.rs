//! Builds a guest that is not CPython: a component of our world, generated as text, that calls the imports with
//! arbitrary arguments.
//!
//! The source text that it is asked to run is its program: the first character selects the attack, and the rest is
//! the attack's input.

use std::fmt::Write;
use std::path::Path;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::abi::{AbiVariant, WasmSignature, WasmType};
use wit_parser::{Function, InterfaceId, Resolve, TypeDefKind, WorldId, WorldItem};

/// The common code of all attacks. The result of an import begins with an error flag, and the error's case is 8
/// bytes behind it.
const COMMON: &str = r#"
(memory (export "memory") 32)
(global $bump (mut i32) (i32.const 0x10000))
(global $mode (mut i32) (i32.const 0))
(global $s (mut i32) (i32.const 0))
(global $r (mut i32) (i32.const 0))
(global $pc (mut i32) (i32.const 0))
(global $end (mut i32) (i32.const 0))
(type $attack (func (param i32 i32) (result i32)))
;; Data; bytes; invalid data; invalid UTF-8; a name.
(data (i32.const 0x100) "N")
(data (i32.const 0x110) "s\01\00\00\00x")
(data (i32.const 0x120) "\ff\fe\fd")
(data (i32.const 0x130) "a\ed\a0\80b\c0\80")
(data (i32.const 0x140) "absent")
;; Ends: a missing sender; an end of an invalid kind; a missing interpreter.
(data (i32.const 0x200) "\00\00\00\00\00\00\00\00\63\00\00\00\00\00\00\00")
(data (i32.const 0x210) "\09\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00")
(data (i32.const 0x220) "\02\00\00\00\00\00\00\00\ff\ff\ff\ff\ff\ff\ff\ff")
;; Numbers that are unusual as handles, addresses and lengths.
(data (i32.const 0x1000) "\ff\ff\ff\ff\ff\ff\ff\7f\00\00\00\80\00\00\20\00\ff\ff\1f\00\f8\ff\1f\00\00\01\00\00\10\01\00\00\20\01\00\00\30\01\00\00\40\01\00\00\00\02\00\00\10\02\00\00\20\02\00\00\00\04\00\00\00\00\01\00\00\00\10\00\00\00\00\04\01\00\00\04\00\00\00\10\00\10\00\00\01\04\00\00\07\00\00\00\00\05\00\00\00\06\00\00\00\07\00\00\00\08\00\00\01\08\00\00\02\08\00\00\fc\ff\ff\ff\f8\ff\ff\ff\00\00\00\40")

(func $realloc (export "cabi_realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32)
  (local $at i32) (local $missing i32)
  (if (i32.eq (global.get $mode) (i32.const 1)) (then (return (i32.const 0xfffffff0))))
  (if (i32.eq (global.get $mode) (i32.const 2)) (then (return (i32.const 0x1fffff))))
  (if (i32.eq (global.get $mode) (i32.const 3)) (then unreachable))
  (if (i32.eq (global.get $mode) (i32.const 4)) (then (loop $forever (br $forever))))
  (if (i32.eq (global.get $mode) (i32.const 5)) (then (call $make)))
  (if (i32.eq (global.get $mode) (i32.const 6)) (then
    (loop $deeper (drop (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 1))) (br $deeper))))
  (if (i32.eq (global.get $mode) (i32.const 7)) (then
    (loop $more (br_if $more (i32.ne (memory.grow (i32.const 64)) (i32.const -1)))) unreachable))
  (local.set $at (i32.and (i32.add (global.get $bump) (i32.sub (local.get $align) (i32.const 1)))
    (i32.sub (i32.const 0) (local.get $align))))
  (global.set $bump (i32.add (local.get $at) (local.get $size)))
  (local.set $missing (i32.sub (i32.shr_u (i32.add (global.get $bump) (i32.const 0xffff)) (i32.const 16)) (memory.size)))
  (if (i32.gt_s (local.get $missing) (i32.const 0)) (then
    (if (i32.eq (memory.grow (local.get $missing)) (i32.const -1)) (then unreachable))))
  (local.get $at))

;; Returns 0 for a result, or one plus the number of the error's case.
(func $code (param $at i32) (result i32)
  (if (result i32) (i32.load8_u (local.get $at))
    (then (i32.add (i32.const 1) (i32.load8_u (i32.add (local.get $at) (i32.const 8)))))
    (else (i32.const 0))))

(func $make
  (call $channels.create (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0x400))
  (if (call $code (i32.const 0x400)) (then unreachable))
  (global.set $s (i32.load (i32.const 0x408)))
  (global.set $r (i32.load (i32.const 0x40c))))

(func $send (param $body i32) (param $length i32) (param $exact i32) (result i32)
  (call $channels.sender.send (global.get $s) (local.get $body) (local.get $length) (local.get $exact)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
    (i32.const 1) (i64.const 0) (i32.const 0x500))
  (call $code (i32.const 0x500)))

(func $send_with (param $form i32) (param $ends i32) (param $count i32) (param $unbound i32) (result i32)
  (call $channels.sender.send (global.get $s) (i32.const 0x100) (i32.const 1) (i32.const 1)
    (i32.const 1) (local.get $form) (local.get $ends) (local.get $count) (i32.const 1) (local.get $unbound)
    (i32.const 1) (i64.const 0) (i32.const 0x500))
  (call $code (i32.const 0x500)))

(func $receive (result i32)
  (call $channels.receiver.receive (global.get $r) (i32.const 1) (i64.const 0) (i32.const 0x600))
  (call $code (i32.const 0x600)))

(func $wait (param $cases i32) (param $count i32) (result i32)
  (call $waiting.wait (local.get $cases) (local.get $count) (i32.const 1) (i64.const 0) (i32.const 0x700))
  (call $code (i32.const 0x700)))

;; A file in `/tmp`, opened with these flags.
(func $file (param $flags i32) (result i32)
  (call $preopens.get-directories (i32.const 0x420))
  (call $types.descriptor.open-at (i32.load (i32.load (i32.const 0x420))) (i32.const 0) (i32.const 0x140) (i32.const 6)
    (i32.const 1) (local.get $flags) (i32.const 0x430))
  (if (i32.load8_u (i32.const 0x430)) (then unreachable))
  (i32.load (i32.const 0x434)))

;; Locks every second byte from 0 on exclusively, a hundred thousand times; the result is that of the last.
(func $lock_many (param $file i32) (result i32)
  (local $byte i64) (local $outcome i32)
  (loop $next
    (local.set $outcome (call $locks.set (local.get $file) (i32.const 1) (local.get $byte) (i64.const 1)))
    (local.set $byte (i64.add (local.get $byte) (i64.const 2)))
    (br_if $next (i64.lt_u (local.get $byte) (i64.const 200000))))
  (local.get $outcome))

(func $exec (param $at i32) (param $length i32) (result i32)
  (local $code i32)
  (local.set $code (call_indirect (type $attack)
    (i32.add (local.get $at) (i32.const 1)) (i32.sub (local.get $length) (i32.const 1))
    (i32.load8_u (local.get $at))))
  (if (local.get $code) (then
    ;; Raise an exception with a message of one character.
    (i32.store8 (i32.const 0x800) (i32.const 1))
    (i32.store8 (i32.const 0x900) (i32.add (local.get $code) (i32.const 48)))
    (i32.store (i32.const 0x81c) (i32.const 0x900))
    (i32.store (i32.const 0x820) (i32.const 1))))
  (i32.const 0x800))

;; Stores the one end that arrives in the message.
(func $bind (param i32 i32 i32 i32) (param $ends i32) (param i32) (result i32)
  (if (i32.load8_u (local.get $ends))
    (then (global.set $r (i32.load (i32.add (local.get $ends) (i32.const 8)))))
    (else (global.set $s (i32.load (i32.add (local.get $ends) (i32.const 8))))))
  (i32.const 0x800))

(func $alarm (result i32)
  (i32.store (i32.const 0xa00) (i32.const 0xa20))
  (i32.store (i32.const 0xa04) (i32.const 4))
  (i32.store (i32.const 0xa08) (i32.const 0xa40))
  (i32.store (i32.const 0xa0c) (i32.const 24))
  (i32.store (i32.const 0xa10) (i32.const 0xa00))
  (i32.store (i32.const 0xa14) (i32.const 0x10000))
  (i32.const 0xa00))

(func $byte (result i32)
  (if (i32.ge_u (global.get $pc) (global.get $end)) (then (return (i32.const 0))))
  (global.set $pc (i32.add (global.get $pc) (i32.const 1)))
  (i32.load8_u (i32.sub (global.get $pc) (i32.const 1))))
(func $number (result i32)
  (local $byte i32)
  (local.set $byte (call $byte))
  (if (result i32) (i32.lt_u (local.get $byte) (i32.const 96))
    (then (local.get $byte))
    (else (i32.load (i32.add (i32.const 0xe80) (i32.shl (local.get $byte) (i32.const 2)))))))
(func $long (result i64)
  (i64.mul (i64.extend_i32_u (call $byte)) (i64.const 1000)))
"#;

/// The part of WASI's filesystem interface that the attacks use.
const FILES: &str = "package wasi:filesystem@0.2.9;
    interface types {
        flags path-flags { symlink-follow }
        flags open-flags { create, directory, exclusive, truncate }
        flags descriptor-flags {
            read, write, file-integrity-sync, data-integrity-sync, requested-write-sync, mutate-directory
        }
        enum error-code {
            access, would-block, already, bad-descriptor, busy, deadlock, quota, exist, file-too-large,
            illegal-byte-sequence, in-progress, interrupted, invalid, io, is-directory, loop, too-many-links,
            message-size, name-too-long, no-device, no-entry, no-lock, insufficient-memory, insufficient-space,
            not-directory, not-empty, not-recoverable, unsupported, no-tty, no-such-device, overflow, not-permitted,
            pipe, read-only, invalid-seek, text-file-busy, cross-device
        }
        resource descriptor {
            open-at: func(path-flags: path-flags, path: string, open-flags: open-flags, %flags: descriptor-flags)
                -> result<descriptor, error-code>;
        }
    }
    interface preopens {
        use types.{descriptor};
        get-directories: func() -> list<tuple<descriptor, string>>;
    }";

/// Returns the component and the imports that a program can call. The attacks are functions with these bodies,
/// whose parameters are the address and the length of their input. One more function calls the imports that its
/// input selects.
pub fn component(root: &Path, attacks: &[&str]) -> (Vec<u8>, Vec<Import>) {
    let (resolve, world) = world(root);
    let imports = imports(&resolve, world);
    let mut text = "(module\n".to_owned();
    for import in &imports {
        writeln!(text, "{}", import.declaration).unwrap();
    }
    text.push_str(COMMON);
    for (name, signature) in exports(&resolve, world) {
        let known = match name.rsplit_once('#').map_or("", |(_, name)| name) {
            "exec" => Some("$exec"),
            "bind" => Some("$bind"),
            "alarm" => Some("$alarm"),
            _ => None,
        };
        match known {
            Some(known) => writeln!(text, "(export {name:?} (func {known}))"),
            None => writeln!(text, "(func (export {name:?}) {signature} unreachable)"),
        }
        .unwrap();
    }
    let mut any = "(global.set $pc (local.get 0))
        (global.set $end (i32.add (local.get 0) (local.get 1)))
        (call $make) (call $make)
        (call $interpreters.get (call $interpreters.current) (i32.const 0x400))
        (drop (call $interpreters.interpreter.watch (i32.load (i32.const 0x408))))
        (loop $next (local.set $op (call $byte))"
        .to_owned();
    for (index, import) in imports.iter().enumerate() {
        let call = &import.call;
        writeln!(
            any,
            "(if (i32.eq (local.get $op) (i32.const {index})) (then {call}))"
        )
        .unwrap();
    }
    any.push_str("(br_if $next (i32.lt_u (global.get $pc) (global.get $end)))) (i32.const 0)");
    let bodies = attacks.iter().copied().chain([&*any]);
    let mut count = 0;
    let mut elements = String::new();
    for (index, body) in bodies.enumerate() {
        writeln!(
            text,
            "(func $a{index} (param i32 i32) (result i32) (local $op i32) {body})"
        )
        .unwrap();
        write!(elements, " $a{index}").unwrap();
        count += 1;
    }
    writeln!(
        text,
        "(table {count} {count} funcref)\n(elem (i32.const 0){elements}))"
    )
    .unwrap();
    let mut module = wat::parse_str(&text).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let encoder = ComponentEncoder::default().module(&module).unwrap();
    (encoder.validate(true).encode().unwrap(), imports)
}

fn world(root: &Path) -> (Resolve, WorldId) {
    let mut resolve = Resolve::default();
    resolve.push_dir(root.join("wit")).unwrap();
    let image = std::fs::read_to_string(root.join("guest/src/image.wit")).unwrap();
    resolve.push_str("image.wit", &image).unwrap();
    resolve.push_str("files.wit", FILES).unwrap();
    let locks = std::fs::read_to_string(root.join("guest/src/locks.wit")).unwrap();
    resolve.push_str("locks.wit", &locks).unwrap();
    let own = "package archipel:foreign;
        world foreign {
            include archipel:island/island@0.1.0;
            import wasi:filesystem/preopens@0.2.9;
            import archipel:locks/locks@0.1.0;
            export archipel:image/image@0.1.0;
        }";
    let package = resolve.push_str("foreign.wit", own).unwrap();
    let world = resolve.select_world(&[package], Some("foreign")).unwrap();
    (resolve, world)
}

/// A function that the guest can call.
#[derive(Debug)]
pub struct Import {
    /// The names of its interface, of its resource if it belongs to one, and of itself.
    pub name: String,
    /// For each parameter, whether it has 32 bits. The last parameter can be the address of the result.
    pub parameters: Vec<bool>,
    declaration: String,
    /// The instructions that call it with arguments from the program.
    call: String,
}

fn interface(item: &WorldItem) -> Option<InterfaceId> {
    match item {
        WorldItem::Interface { id, .. } => Some(*id),
        _ => None,
    }
}

fn imports(resolve: &Resolve, world: WorldId) -> Vec<Import> {
    let mut imports = Vec::new();
    for (key, item) in &resolve.worlds[world].imports {
        let Some(id) = interface(item) else { continue };
        let module = resolve.name_world_key(key);
        let interface = &resolve.interfaces[id];
        let short = interface.name.as_deref().unwrap_or_default();
        let mut add = |name: &str, id: &str, params: &[WasmType], results: &[WasmType]| {
            let types = types(params, results);
            let args: String = params.iter().map(|kind| argument(*kind)).collect();
            let drops = "(drop ".repeat(results.len());
            let ends = ")".repeat(results.len());
            imports.push(Import {
                name: format!("{short}.{id}"),
                parameters: params.iter().map(|kind| core(*kind) == "i32").collect(),
                declaration: format!("(import {module:?} {name:?} (func ${short}.{id} {types}))"),
                call: format!("{drops}(call ${short}.{id}{args}){ends}"),
            });
        };
        for function in interface.functions.values() {
            let WasmSignature {
                params, results, ..
            } = resolve.wasm_signature(AbiVariant::GuestImport, function);
            let id = function
                .name
                .rsplit_once(']')
                .map_or(&*function.name, |(_, id)| id);
            add(&function.name, id, &params, &results);
        }
        for (name, id) in &interface.types {
            if matches!(resolve.types[*id].kind, TypeDefKind::Resource) {
                let import = format!("[resource-drop]{name}");
                add(&import, &format!("drop-{name}"), &[WasmType::I32], &[]);
            }
        }
    }
    imports
}

fn exports(resolve: &Resolve, world: WorldId) -> Vec<(String, String)> {
    let mut exports = Vec::new();
    for (key, item) in &resolve.worlds[world].exports {
        let Some(id) = interface(item) else { continue };
        let module = resolve.name_world_key(key);
        let functions = resolve.interfaces[id].functions.values();
        exports.extend(functions.map(|function: &Function| {
            let signature = resolve.wasm_signature(AbiVariant::GuestExport, function);
            let types = types(&signature.params, &signature.results);
            (format!("{module}#{}", function.name), types)
        }));
    }
    exports
}

fn core(kind: WasmType) -> &'static str {
    match kind {
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
        WasmType::I32 | WasmType::Pointer | WasmType::Length => "i32",
    }
}

fn argument(kind: WasmType) -> &'static str {
    match core(kind) {
        "i64" => " (call $long)",
        "f32" => " (f32.const nan)",
        "f64" => " (f64.const nan)",
        _ => " (call $number)",
    }
}

fn types(params: &[WasmType], results: &[WasmType]) -> String {
    let list = |word: &str, kinds: &[WasmType]| {
        let kinds = kinds.iter().map(|kind| format!("({word} {})", core(*kind)));
        kinds.collect::<String>()
    };
    list("param", params) + &list("result", results)
}
