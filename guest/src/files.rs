//! Closes the files of an interpreter in its copy.
//!
//! libc keeps open files in a table of handles that are not valid in the copy. It can reset the whole table, and
//! reopens the standard streams and the granted directories on demand. The descriptors of other files must not be
//! reused for new files, because the copied Python code still refers to them. So each of them gets an entry without
//! methods.

use crate::emit::Output;
use crate::image;
use anyhow::Result;
use wasm_encoder as enc;
use wasm_encoder::{BlockType, Instruction, MemArg};
use wasmparser::ValType;

/// The names of the libc functions used here. The last is used by `lists`.
pub(crate) const NEEDED: [&str; 5] = [
    "__wasilibc_reset_preopens",
    "descriptor_table_get_ref",
    "descriptor_table_insert",
    "descriptor_table_remove",
    "free",
];

/// The name of libc's allocation function.
pub(crate) const MALLOC: [&str; 1] = ["malloc"];

/// An upper bound of descriptors: the host allows 4096 handles, and libc assigns the lowest free number.
const MOST: i32 = 4104;

/// The number of standard streams, which have the lowest descriptors.
const STREAMS: i32 = 3;

/// An upper bound of the size of a method table.
const METHODS: i32 = 256;

/// The size of the stack frame: a byte for each descriptor, and one entry.
const FRAME: i32 = MOST + 24;

// Indices of locals.
const FILE: u32 = 0;
const LAST: u32 = 1;
const OPEN: u32 = 2;
const DEAD: u32 = 3;

/// The indices of the called functions.
pub(crate) struct Libc {
    pub(crate) allocator: u32,
    pub(crate) malloc: u32,
    /// The functions named in [`NEEDED`].
    pub(crate) functions: [u32; 5],
}

/// The addresses of the methods of a closed file.
pub(crate) struct Methods {
    free: u32,
    failing: u32,
}

/// The offsets of the methods that libc calls without a null check, and of those for reading and writing, which
/// fail as for a file that is not open. A test tries every file operation of Python.
const FREE: u64 = 0;
const FAILING: [u64; 3] = [4, 8, 16];

/// Announces the methods of a closed file, and returns their bodies.
pub(crate) fn announce_methods(
    out: &mut Output<'_, '_>,
    libc: &Libc,
) -> Result<(Methods, [enc::Function; 2])> {
    let [_, get, ..] = libc.functions;
    let free = out.announce(&[ValType::I32], &[])?;
    let fail = out.announce(&[ValType::I32; 2], &[ValType::I32])?;
    let methods = Methods {
        free: out.announce_element(free),
        failing: out.announce_element(fail),
    };
    // Looking up a missing descriptor sets the right `errno`.
    let failing = image::body(&[
        Instruction::I32Const(-1),
        Instruction::Call(get),
        Instruction::Drop,
        Instruction::I32Const(-1),
    ]);
    Ok((methods, [image::body(&[]), failing]))
}

/// Returns the body of the function that closes all files.
pub(crate) fn close_all(libc: &Libc, stack: u32, methods: &Methods) -> enc::Function {
    let [forget, get, insert, remove, _] = libc.functions;
    let byte = MemArg {
        offset: 0,
        align: 0,
        memory_index: 0,
    };
    let word = |offset| MemArg {
        offset,
        align: 2,
        memory_index: 0,
    };
    let mut function = enc::Function::new([(4, enc::ValType::I32)]);
    let mut add = |instructions: &[Instruction<'_>]| {
        for instruction in instructions {
            function.instruction(instruction);
        }
    };
    add(&[
        Instruction::GlobalGet(stack),
        Instruction::I32Const(FRAME),
        Instruction::I32Sub,
        Instruction::LocalTee(OPEN),
        Instruction::GlobalSet(stack),
        // Find the open descriptors, and the last of them.
        Instruction::I32Const(STREAMS - 1),
        Instruction::LocalSet(LAST),
        Instruction::Loop(BlockType::Empty),
        Instruction::LocalGet(OPEN),
        Instruction::LocalGet(FILE),
        Instruction::I32Add,
        Instruction::LocalGet(FILE),
        Instruction::Call(get),
        Instruction::I32Const(0),
        Instruction::I32Ne,
        Instruction::LocalTee(DEAD),
        Instruction::I32Store8(byte),
        Instruction::LocalGet(FILE),
        Instruction::LocalGet(LAST),
        Instruction::LocalGet(DEAD),
        Instruction::LocalGet(FILE),
        Instruction::I32Const(STREAMS),
        Instruction::I32GeS,
        Instruction::I32And,
        Instruction::Select,
        Instruction::LocalSet(LAST),
    ]);
    add(&next_until(
        Instruction::I32Const(MOST),
        Instruction::I32LtS,
    ));
    add(&[
        Instruction::Call(forget),
        Instruction::I32Const(STREAMS),
        Instruction::LocalSet(FILE),
        Instruction::LocalGet(LAST),
        Instruction::I32Const(STREAMS),
        Instruction::I32GeS,
        Instruction::If(BlockType::Empty),
        // An entry is a data pointer, here null, and the address of its methods.
        Instruction::I32Const(0),
        Instruction::I32Const(0),
        Instruction::I32Const(4),
        Instruction::I32Const(METHODS),
        Instruction::Call(libc.allocator),
        Instruction::LocalTee(DEAD),
        Instruction::I32Const(0),
        Instruction::I32Const(METHODS),
        Instruction::MemoryFill(0),
        Instruction::LocalGet(DEAD),
        Instruction::I32Const(methods.free as i32),
        Instruction::I32Store(word(FREE)),
    ]);
    for place in FAILING {
        add(&[
            Instruction::LocalGet(DEAD),
            Instruction::I32Const(methods.failing as i32),
            Instruction::I32Store(word(place)),
        ]);
    }
    add(&[
        Instruction::LocalGet(OPEN),
        Instruction::I32Const(0),
        Instruction::I32Store(word(MOST as u64)),
        Instruction::LocalGet(OPEN),
        Instruction::LocalGet(DEAD),
        Instruction::I32Store(word(MOST as u64 + 4)),
        Instruction::Loop(BlockType::Empty),
        Instruction::LocalGet(OPEN),
        Instruction::I32Const(MOST),
        Instruction::I32Add,
        Instruction::Call(insert),
        Instruction::Drop,
    ]);
    add(&next_until(
        Instruction::LocalGet(LAST),
        Instruction::I32LeS,
    ));
    add(&[
        Instruction::End,
        // Close again the descriptors that were closed before, standard streams included.
        Instruction::I32Const(0),
        Instruction::LocalSet(FILE),
        Instruction::Loop(BlockType::Empty),
        Instruction::LocalGet(OPEN),
        Instruction::LocalGet(FILE),
        Instruction::I32Add,
        Instruction::I32Load8U(byte),
        Instruction::I32Eqz,
        Instruction::If(BlockType::Empty),
        Instruction::LocalGet(FILE),
        Instruction::Call(remove),
        Instruction::Drop,
        Instruction::End,
    ]);
    add(&next_until(
        Instruction::LocalGet(LAST),
        Instruction::I32LeS,
    ));
    add(&[
        Instruction::LocalGet(OPEN),
        Instruction::I32Const(FRAME),
        Instruction::I32Add,
        Instruction::GlobalSet(stack),
        Instruction::End,
    ]);
    function
}

/// Returns the end of a loop over the descriptors.
fn next_until<'a>(limit: Instruction<'a>, compare: Instruction<'a>) -> [Instruction<'a>; 8] {
    [
        Instruction::LocalGet(FILE),
        Instruction::I32Const(1),
        Instruction::I32Add,
        Instruction::LocalTee(FILE),
        limit,
        compare,
        Instruction::BrIf(0),
        Instruction::End,
    ]
}
