//! Two functions that send and receive a plain value in one step.
//!
//! A call of the host by way of `componentize-py` takes some microseconds, most of it for turning Python's
//! arguments one by one into those of the call.  What almost every message is, a value that `marshal` can
//! write and no more, needs none of that: here CPython's own `marshal` and the host's function are called
//! from one function of machine code.
//!
//! There is no compiler for C in this build, so the functions are written in instructions; and nothing can
//! be added to the snapshot of an interpreter, so they take the place of two functions in its `sys` that are
//! of no use in a guest: `_island/intrinsics.py` keeps them and gives `sys` others of these names.

use crate::emit::Output;
use crate::memory::Memory;
use anyhow::{Context, Result, ensure};
use wasm_encoder as enc;
use wasm_encoder::{BlockType, Instruction as I, MemArg};
use wasmparser::ValType;

/// The functions of CPython that this needs, by their names.
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

/// The interface that the host's functions are in, and their names.
const CHANNELS: &str = "archipel:island/channels@0.1.0";
const PUT: &str = "[method]sender.put";
const TAKE: &str = "[method]receiver.take";

/// Whose places are taken: names, and the flags with which CPython calls them (`METH_FASTCALL |
/// METH_KEYWORDS`, and `METH_O`).
const REPLACED: [(&str, u32); 2] = [("remote_exec", 0x82), ("activate_stack_trampoline", 0x08)];

// Where the fields of a `PyMethodDef` are.
const FUNCTION: u32 = 4;
const FLAGS: u32 = 8;

// Where those of a bytes object are.
const SIZE: u64 = 8;

/// The version of what `marshal` writes.
const VERSION: i32 = 4;

/// What the host returns a body in: whether there is one, its address and its length.
const FRAME: i32 = 16;

const WORD: MemArg = MemArg {
    offset: 0,
    align: 2,
    memory_index: 0,
};

const fn word_at(offset: u64) -> MemArg {
    MemArg { offset, ..WORD }
}

/// The functions whose bodies are written once all others are, and their addresses.
pub(crate) struct Intrinsics {
    bodies: Vec<enc::Function>,
    pub(crate) addresses: [u32; 2],
}

impl Intrinsics {
    /// Announces the functions.  `needed` are the indices of [`NEEDED`], `free` is that of libc, and `room` says
    /// whether so many bytes can be allocated.
    ///
    /// # Errors
    ///
    /// When the module has no such imports, or more state outside of its memory than the stack pointer.
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
            "the guest keeps state in {} globals, where only the stack pointer is expected",
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

/// `put(handle, obj)`: sends the object, unless it is none that is sent in this way; returns whether it
/// did.  Raises ValueError for what `marshal` cannot write.
///
/// `put(size)`: raises MemoryError where so many bytes cannot be allocated now.
fn putting(put: u32, needed: [u32; NEEDED.len()], room: Option<u32>) -> enc::Function {
    let [write, _, bytes, long, bool_from, _, dec_ref, no_memory] = needed;
    const ARGUMENTS: u32 = 1;
    const COUNT: u32 = 2;
    const KEYWORDS: u32 = 3;
    const BODY: u32 = 4;
    const SENT: u32 = 5;
    let looked = match room {
        Some(room) => I::Call(room),
        // Whatever is asked for is said to be there.
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
            // It was called in another way, by who found it.
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

/// `take(handle)`: receives an object; returns the module that the function is from where there was none
/// that is received in this way, since that is what no message can be.
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

/// A function with so many locals of its own.
fn function(locals: u32, instructions: &[I<'_>]) -> enc::Function {
    let mut function = enc::Function::new([(locals, enc::ValType::I32)]);
    for instruction in instructions {
        function.instruction(instruction);
    }
    function.instruction(&I::End);
    function
}

/// Has CPython call the functions at `addresses`.
///
/// # Errors
///
/// When the functions whose places they take are not as they are in CPython 3.14.
pub(crate) fn install(module: &mut [u8], addresses: [u32; 2]) -> Result<()> {
    let memory = Memory::read(module)?;
    for ((name, flags), address) in REPLACED.into_iter().zip(addresses) {
        let method = find(module, &memory, name, flags)
            .with_context(|| format!("CPython's `sys.{name}` cannot be found"))?;
        memory.set_word(module, method + FUNCTION, address);
    }
    Ok(())
}

/// The one `PyMethodDef` of that name with those flags.
fn find(module: &[u8], memory: &Memory, name: &str, flags: u32) -> Option<u32> {
    let word = |address: u32| memory.word_or_zero(module, address);
    let mut found = None;
    for text in memory.find_all(module, name.as_bytes()) {
        if word(text + name.len() as u32) & 0xff != 0 {
            continue;
        }
        // Memory is given without the zeros at its ends, which addresses may have at theirs.
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
