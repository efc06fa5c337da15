//! Adds two functions that send and receive a plain value in one step.
//!
//! A host call through `componentize-py` takes some microseconds, mostly to convert Python's arguments one by one.
//! Almost every message is a plain value that `marshal` can write, which needs no conversion: these functions call
//! CPython's `marshal` and the host's function directly.
//!
//! This build has no C compiler, so the functions are written as instructions. The snapshot of an interpreter
//! cannot be extended, so they replace two functions of its `sys` that are useless in a guest.
//! `_island/intrinsics.py` keeps references to them and defines other functions under these names in `sys`.

use crate::emit::Output;
use crate::memory::Memory;
use anyhow::{Context, Result, ensure};
use wasm_encoder as enc;
use wasm_encoder::{BlockType, Instruction as I, MemArg};
use wasmparser::ValType;

/// The names of the CPython functions used here.
pub(crate) const NEEDED: [&str; 8] = [
    "PyMarshal_WriteObjectToString",
    "PyMarshal_ReadObjectFromString",
    "PyBytes_AsString",
    "PyLong_AsLong",
    "PyBool_FromLong",
    "Py_IncRef",
    "Py_DecRef",
    "PyErr_NoMemory",
];

/// The interface of the host's functions, and their names.
const CHANNELS: &str = "archipel:island/channels@0.1.0";
const PUT: &str = "[method]sender.put";
const TAKE: &str = "[method]receiver.take";

/// The replaced functions: names, and the flags with which CPython calls them (`METH_FASTCALL | METH_KEYWORDS`, and
/// `METH_O`).
const REPLACED: [(&str, u32); 2] = [("remote_exec", 0x82), ("activate_stack_trampoline", 0x08)];

// Offsets of the fields of a `PyMethodDef`.
const FUNCTION: u32 = 4;
const FLAGS: u32 = 8;

// Offset of the size of a bytes object.
const SIZE: u64 = 8;

/// The version of the format that `marshal` writes.
const VERSION: i32 = 4;

/// The size of the host's result in memory: whether there is a body, its address and its length.
const FRAME: i32 = 16;

const WORD: MemArg = MemArg {
    offset: 0,
    align: 2,
    memory_index: 0,
};

const fn word_at(offset: u64) -> MemArg {
    MemArg { offset, ..WORD }
}

/// The functions whose bodies are written after all others, and their addresses.
pub(crate) struct Intrinsics {
    bodies: Vec<enc::Function>,
    pub(crate) addresses: [u32; 2],
}

impl Intrinsics {
    /// Announces the functions. `needed` are the indices of [`NEEDED`], `free` is the index of libc's `free`, and
    /// Announces the functions, if the module has the imports that they need. `needed` are the indices of
    /// [`NEEDED`], `free` is the index of libc's `free`, and `room` returns whether an allocation of a given size
    /// would succeed.
    ///
    /// # Errors
    ///
    /// Returns an error if the module has state outside of its memory other than the stack pointer.
    pub(crate) fn announce(
        out: &mut Output<'_, '_>,
        needed: [u32; NEEDED.len()],
        free: u32,
        room: Option<u32>,
    ) -> Result<Option<Intrinsics>> {
        let (Some((put, _)), Some((take, _))) = (
            out.host_import(CHANNELS, PUT),
            out.host_import(CHANNELS, TAKE),
        ) else {
            return Ok(None);
        };
        ensure!(
            out.global_count() == 1,
            "expected one global, the stack pointer, found {}",
            out.global_count()
        );
        let functions = [
            (4, putting(put, needed, room)),
            (2, taking(take, needed, free)),
        ];
        let mut bodies = Vec::new();
        let mut addresses = [0; 2];
        for ((parameters, body), address) in functions.into_iter().zip(&mut addresses) {
            let parameters = vec![ValType::I32; parameters];
            let index = out.announce(&parameters, &[ValType::I32])?;
            *address = out.announce_element(index);
            bodies.push(body);
        }
        Ok(Some(Intrinsics { bodies, addresses }))
    }

    /// Writes the bodies of the announced functions.
    pub(crate) fn finish(&self, out: &mut Output<'_, '_>) {
        for body in &self.bodies {
            out.add_announced(body);
        }
    }
}

/// Builds `put(handle, obj)`, which sends a plain object and returns whether it did, and raises ValueError if
/// `marshal` cannot write the object.
///
/// `put(size)` raises MemoryError if that many bytes cannot be allocated now.
fn putting(put: u32, needed: [u32; NEEDED.len()], room: Option<u32>) -> enc::Function {
    let [write, _, bytes, long, bool_from, _, dec_ref, no_memory] = needed;
    const ARGUMENTS: u32 = 1;
    const COUNT: u32 = 2;
    const KEYWORDS: u32 = 3;
    const BODY: u32 = 4;
    const SENT: u32 = 5;
    let looked = match room {
        Some(room) => I::Call(room),
        // Without the function, every allocation is assumed to succeed.
        None => I::Nop,
    };
    function(
        2,
        &[
            I::LocalGet(COUNT),
            I::I32Const(1),
            I::I32Eq,
            I::LocalGet(KEYWORDS),
            I::I32Eqz,
            I::I32And,
            I::If(BlockType::Empty),
            I::LocalGet(ARGUMENTS),
            I::I32Load(WORD),
            I::Call(long),
            looked,
            I::If(BlockType::Empty),
            I::I32Const(1),
            I::Call(bool_from),
            I::Return,
            I::End,
            I::Call(no_memory),
            I::Return,
            I::End,
            // A script found the function and called it in another way.
            I::LocalGet(COUNT),
            I::I32Const(2),
            I::I32Ne,
            I::LocalGet(KEYWORDS),
            I::I32Or,
            I::If(BlockType::Empty),
            I::I32Const(0),
            I::Call(bool_from),
            I::Return,
            I::End,
            I::LocalGet(ARGUMENTS),
            I::I32Load(word_at(4)),
            I::I32Const(VERSION),
            I::Call(write),
            I::LocalTee(BODY),
            I::I32Eqz,
            I::If(BlockType::Empty),
            I::I32Const(0),
            I::Return,
            I::End,
            I::LocalGet(ARGUMENTS),
            I::I32Load(WORD),
            I::Call(long),
            I::LocalGet(BODY),
            I::Call(bytes),
            I::LocalGet(BODY),
            I::I32Load(word_at(SIZE)),
            I::Call(put),
            I::LocalSet(SENT),
            I::LocalGet(BODY),
            I::Call(dec_ref),
            I::LocalGet(SENT),
            I::Call(bool_from),
        ],
    )
}

/// Builds `take(handle)`, which receives an object. If the message is absent or not plain, it returns the
/// function's own module, which a message can never contain.
fn taking(take: u32, needed: [u32; NEEDED.len()], free: u32) -> enc::Function {
    let [_, read, _, long, _, inc_ref, _, _] = needed;
    const MODULE: u32 = 0;
    const HANDLE: u32 = 1;
    const FOUND: u32 = 2;
    const BODY: u32 = 3;
    const LENGTH: u32 = 4;
    const OBJECT: u32 = 5;
    let stack = 0;
    function(
        4,
        &[
            I::GlobalGet(stack),
            I::I32Const(FRAME),
            I::I32Sub,
            I::LocalTee(FOUND),
            I::GlobalSet(stack),
            I::LocalGet(HANDLE),
            I::Call(long),
            I::LocalGet(FOUND),
            I::Call(take),
            I::LocalGet(FOUND),
            I::I32Load(word_at(4)),
            I::LocalSet(BODY),
            I::LocalGet(FOUND),
            I::I32Load(word_at(8)),
            I::LocalSet(LENGTH),
            I::LocalGet(FOUND),
            I::I32Const(FRAME),
            I::I32Add,
            I::GlobalSet(stack),
            I::LocalGet(FOUND),
            I::I32Load8U(MemArg { align: 0, ..WORD }),
            I::I32Eqz,
            I::If(BlockType::Empty),
            I::LocalGet(MODULE),
            I::Call(inc_ref),
            I::LocalGet(MODULE),
            I::Return,
            I::End,
            I::LocalGet(BODY),
            I::LocalGet(LENGTH),
            I::Call(read),
            I::LocalSet(OBJECT),
            I::LocalGet(BODY),
            I::Call(free),
            I::LocalGet(OBJECT),
        ],
    )
}

/// Returns a function with the given number of locals.
fn function(locals: u32, instructions: &[I<'_>]) -> enc::Function {
    let mut function = enc::Function::new([(locals, enc::ValType::I32)]);
    for instruction in instructions {
        function.instruction(instruction);
    }
    function.instruction(&I::End);
    function
}

/// Makes CPython call the functions at `addresses`.
///
/// # Errors
///
/// Returns an error if the replaced functions do not match CPython 3.14.
pub(crate) fn install(module: &mut [u8], addresses: [u32; 2]) -> Result<()> {
    let memory = Memory::read(module)?;
    for ((name, flags), address) in REPLACED.into_iter().zip(addresses) {
        let method = find(module, &memory, name, flags)
            .with_context(|| format!("CPython's `sys.{name}` was not found"))?;
        memory.set_word(module, method + FUNCTION, address);
    }
    Ok(())
}

/// Returns the `PyMethodDef` with this name and these flags, if there is exactly one.
fn find(module: &[u8], memory: &Memory, name: &str, flags: u32) -> Option<u32> {
    let word = |address: u32| memory.word_or_zero(module, address);
    let mut found = None;
    for text in memory.find_all(module, name.as_bytes()) {
        if word(text + name.len() as u32) & 0xff != 0 {
            continue;
        }
        // Data segments omit zeros at their ends, where addresses can have them.
        let address = text.to_le_bytes();
        let length = address.iter().rposition(|byte| *byte != 0)? + 1;
        for method in memory.find_all(module, &address[..length]) {
            let is_method = method % 4 == 0
                && word(method) == text
                && word(method + FUNCTION) != 0
                && word(method + FLAGS) == flags;
            if is_method && found.replace(method).is_some() {
                return None;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
