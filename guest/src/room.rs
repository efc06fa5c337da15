//! Makes a guest detect in time that its memory runs out.
//!
//! CPython raises `MemoryError` when an allocation fails. The bindings, which are Rust, abort the guest instead,
//! and a value that the host lowers to a null pointer would overwrite the guest's first page. So the guest checks
//! for memory before it enters the bindings.
//!
//! The check is free while memory is plentiful. The host refuses the first growth near the limit, once; the
//! function that grows the memory records that and retries. From then on, a check allocates and frees the memory.
//! The allocator for values that the host lowers returns an address beyond all memory if an allocation fails, and
//! the host recognises it before it writes anything. The host can also check for the memory of the object that the
//! bindings make of a value.

use crate::emit::Output;
use crate::files::Libc;
use anyhow::Result;
use wasm_encoder as enc;
use wasm_encoder::{BlockType, Instruction as I};
use wasmparser::ValType;

/// The largest allocation that needs no check while memory was never short, in bytes.
const SMALL: i32 = 256 << 10;

/// The size above which a lowered value needs as much memory again for the object made of it.
const LARGE: i32 = 64 << 10;

/// The additional memory that the bindings use.
const BESIDES: i32 = 128 << 10;

/// An address outside of every memory, for all alignments.
const BEYOND: i32 = -16;

/// The indices of the added functions.
pub(crate) struct Room {
    /// Grows the memory by pages.
    pub(crate) grow: u32,
    /// Returns whether an allocation of a given size would succeed.
    pub(crate) is_there: u32,
    /// Allocates for the host.
    pub(crate) allocator: u32,
}

impl Room {
    /// Announces the functions, makes the guest's modules grow memory through the first, and exports the last for
    /// the results of imports.
    pub(crate) fn announce(
        out: &mut Output<'_, '_>,
        libc: &Libc,
    ) -> Result<(Room, [enc::Function; 3])> {
        let [.., free] = libc.functions;
        let short = out.announce_global(0);
        let grow = out.announce(&[ValType::I32], &[ValType::I32])?;
        let is_there = out.announce(&[ValType::I32], &[ValType::I32])?;
        let allocator = out.announce(&[ValType::I32; 4], &[ValType::I32])?;
        out.replace_grow(grow);
        out.export_function("cabi_import_realloc", allocator);
        let growing = [
            I::LocalGet(0),
            I::MemoryGrow(0),
            I::LocalTee(1),
            I::I32Const(-1),
            I::I32Ne,
            I::If(BlockType::Empty),
            I::LocalGet(1),
            I::Return,
            I::End,
            I::I32Const(1),
            I::GlobalSet(short),
            I::LocalGet(0),
            I::MemoryGrow(0),
        ];
        let looking = [
            // Small allocations succeed while memory was never short.
            I::LocalGet(0),
            I::I32Const(SMALL),
            I::I32LeU,
            I::GlobalGet(short),
            I::I32Eqz,
            I::I32And,
            I::If(BlockType::Empty),
            I::I32Const(1),
            I::Return,
            I::End,
            I::LocalGet(0),
            I::Call(libc.malloc),
            I::LocalTee(1),
            I::If(BlockType::Empty),
            I::LocalGet(1),
            I::Call(free),
            I::End,
            I::LocalGet(1),
            I::I32Const(0),
            I::I32Ne,
        ];
        const OLD_SIZE: u32 = 1;
        const ALIGN: u32 = 2;
        const SIZE: u32 = 3;
        const ADDRESS: u32 = 4;
        let allocating = [
            // No caller reallocates: an old size is a query for available memory.
            I::LocalGet(OLD_SIZE),
            I::If(BlockType::Empty),
            I::I32Const(0),
            I::I32Const(BEYOND),
            I::LocalGet(SIZE),
            I::Call(is_there),
            I::Select,
            I::Return,
            I::End,
            I::LocalGet(0),
            I::LocalGet(OLD_SIZE),
            I::LocalGet(ALIGN),
            I::LocalGet(SIZE),
            I::Call(libc.allocator),
            I::LocalTee(ADDRESS),
            I::If(BlockType::Empty),
            I::LocalGet(SIZE),
            I::I32Const(LARGE),
            I::I32LeU,
            I::If(BlockType::Empty),
            I::LocalGet(ADDRESS),
            I::Return,
            I::End,
            // The bindings make an object of the value.
            I::LocalGet(SIZE),
            I::I32Const(BESIDES),
            I::I32Add,
            I::Call(is_there),
            I::If(BlockType::Empty),
            I::LocalGet(ADDRESS),
            I::Return,
            I::End,
            I::LocalGet(ADDRESS),
            I::Call(free),
            I::I32Const(BEYOND),
            I::Return,
            I::End,
            // An empty value needs no address.
            I::LocalGet(ALIGN),
            I::I32Const(BEYOND),
            I::LocalGet(SIZE),
            I::I32Eqz,
            I::Select,
        ];
        let room = Room {
            grow,
            is_there,
            allocator,
        };
        let bodies = [
            function(1, &growing),
            function(1, &looking),
            function(1, &allocating),
        ];
        Ok((room, bodies))
    }
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
