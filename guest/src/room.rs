//! Has a guest notice in time that its memory runs out.
//!
//! CPython raises `MemoryError` where it cannot allocate, but the bindings, which are Rust, end the guest, and
//! what the host lowers into a null pointer would overwrite the guest's first page.  So room is looked for
//! before the bindings are entered.
//!
//! That costs nothing as long as memory is plenty: the host refuses the first growth that comes near the limit, once,
//! and the function that grows the memory here notes that and asks again.  From then on, room is looked for by
//! allocating it.  What the host lowers has an allocator that returns an address beyond all memory where
//! there is no room, which the host recognises before it writes anything.  The host can also ask it for room for
//! what will be made of that.

use crate::emit::Output;
use crate::files::Libc;
use anyhow::Result;
use wasm_encoder as enc;
use wasm_encoder::{BlockType, Instruction as I};
use wasmparser::ValType;

/// As much is there before memory is said to run out.
const SMALL: i32 = 256 << 10;

/// What the host lowers is made an object of, beside which there is to be as much room again.
const LARGE: i32 = 64 << 10;

/// What the bindings take besides.
const BESIDES: i32 = 128 << 10;

/// An address that no memory has, whatever its alignment.
const BEYOND: i32 = -16;

/// The functions, by their indices.
pub(crate) struct Room {
    /// Grows the memory by pages.
    pub(crate) grow: u32,
    /// Says whether so many bytes can be allocated.
    pub(crate) is_there: u32,
    /// Allocates for the host.
    pub(crate) allocator: u32,
}

impl Room {
    /// Announces the functions, lets the guest's own modules grow memory by the first, and exports the last for
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
            // As long as memory was never short, what is small fits.
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
            // Nothing is there that could have an old size: it is asked whether there is room.
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
            // An object is to be made of it.
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
            // Nothing at all may have no address.
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

/// A function with so many locals of its own.
fn function(locals: u32, instructions: &[I<'_>]) -> enc::Function {
    let mut function = enc::Function::new([(locals, enc::ValType::I32)]);
    for instruction in instructions {
        function.instruction(instruction);
    }
    function.instruction(&I::End);
    function
}
