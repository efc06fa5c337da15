//! Adds functions to the linked module that read and write its memory, for copying and interrupting interpreters.
//!
//! The functions are those of `image.wit`. They can ignore globals: only the stack pointer changes, and it has its
//! initial value whenever no call is active.

use crate::alarm::Alarm;
use crate::emit::Output;
use crate::files::{self, Libc};
use crate::network;
use crate::room::Room;
use anyhow::{Result, ensure};
use wasm_encoder as enc;
use wasm_encoder::{BlockType, Instruction, MemArg};
use wasmparser::ValType;

/// The interface, and the prefix of its functions' names in a core module.
pub(crate) const WIT: &str = include_str!("image.wit");
pub(crate) const PREFIX: &str = "archipel:image/image@0.1.0#";

/// The component's allocator, which results of imports and arguments of exports share.
pub(crate) const ALLOCATOR: &str = "cabi_realloc";

/// The prefix of the names of imports that drop a handle.
pub(crate) const DROP: &str = "[resource-drop]";

/// An invalid address.
const NOWHERE: i32 = -1;

/// The size of the unused area below an interpreter's stack, enough for three pairs of pointer and length.
const BELOW_STACK: i32 = 32;

/// The functions whose bodies are written after all others.
pub(crate) struct Image {
    bodies: Vec<enc::Function>,
    /// The function that returns whether an allocation of a given size would succeed.
    pub(crate) room: u32,
}

impl Image {
    /// Announces the functions, and routes every drop of a handle through one that can skip it.
    ///
    /// # Errors
    ///
    /// Returns an error if the module has state outside of its memory other than the stack pointer.
    pub(crate) fn announce(out: &mut Output<'_, '_>, libc: &Libc, alarm: Alarm) -> Result<Image> {
        ensure!(
            out.global_count() == 1,
            "expected one global, the stack pointer, found {}",
            out.global_count()
        );
        let stack = 0;
        let foreign = out.announce_global(0);
        let target = out.announce_global(NOWHERE);
        let mut bodies = Vec::new();

        for drop in out.host_functions(DROP) {
            let guard = out.announce(&[ValType::I32], &[])?;
            out.replace(drop, guard);
            bodies.push(body(&[
                Instruction::GlobalGet(foreign),
                Instruction::If(BlockType::Empty),
                Instruction::Return,
                Instruction::End,
                Instruction::LocalGet(0),
                Instruction::Call(drop),
            ]));
        }

        bodies.extend(network::announce(out)?);
        let (room, room_bodies) = Room::announce(out, libc)?;
        bodies.extend(room_bodies);

        let word = MemArg {
            offset: 0,
            align: 2,
            memory_index: 0,
        };
        let length = MemArg { offset: 4, ..word };
        let place = [
            Instruction::GlobalGet(stack),
            Instruction::I32Const(BELOW_STACK),
            Instruction::I32Sub,
        ];
        let mut view = place.to_vec();
        view.extend([Instruction::I32Const(0), Instruction::I32Store(word)]);
        view.extend(place.clone());
        view.extend([
            Instruction::MemorySize(0),
            Instruction::I32Const(16),
            Instruction::I32Shl,
            Instruction::I32Store(length),
        ]);
        view.extend(place.clone());
        bodies.push(exported(out, "view", &[], &[ValType::I32], &view)?);

        let mut words = Vec::new();
        let (breaker, signal) = Alarm::LENGTHS;
        for (index, part) in [alarm.breaker, breaker, alarm.signal, signal]
            .iter()
            .enumerate()
        {
            let offset = 4 * index as u64;
            words.extend(place.clone());
            words.push(Instruction::I32Const(*part as i32));
            words.push(Instruction::I32Store(MemArg { offset, ..word }));
        }
        let memory = MemArg { offset: 16, ..word };
        words.extend(place.clone());
        words.extend([Instruction::I32Const(0), Instruction::I32Store(memory)]);
        words.extend(place.clone());
        words.extend([
            Instruction::MemorySize(0),
            Instruction::I32Const(16),
            Instruction::I32Shl,
            Instruction::I32Store(MemArg { offset: 20, ..word }),
        ]);
        words.extend(place);
        bodies.push(exported(out, "alarm", &[], &[ValType::I32], &words)?);

        let grow = [
            Instruction::LocalGet(0),
            Instruction::Call(room.grow),
            Instruction::I32Const(-1),
            Instruction::I32Ne,
        ];
        bodies.push(exported(
            out,
            "grow",
            &[ValType::I32],
            &[ValType::I32],
            &grow,
        )?);

        let ask = [Instruction::LocalGet(0), Instruction::Call(room.is_there)];
        bodies.push(exported(
            out,
            "room",
            &[ValType::I32],
            &[ValType::I32],
            &ask,
        )?);

        let aim = [Instruction::LocalGet(0), Instruction::GlobalSet(target)];
        bodies.push(exported(out, "aim", &[ValType::I32], &[], &aim)?);
        // The bytes reach their destination when they are passed as the argument.
        bodies.push(exported(
            out,
            "write",
            &[ValType::I32, ValType::I32],
            &[],
            &[],
        )?);

        let (methods, method_bodies) = files::announce_methods(out, libc)?;
        bodies.extend(method_bodies);
        let close_all = out.announce(&[], &[])?;
        bodies.push(files::close_all(libc, stack, &methods));
        let declare = [
            Instruction::LocalGet(0),
            Instruction::GlobalSet(foreign),
            Instruction::LocalGet(0),
            Instruction::If(BlockType::Empty),
            Instruction::Call(close_all),
            Instruction::End,
        ];
        bodies.push(exported(out, "foreign", &[ValType::I32], &[], &declare)?);

        // The allocator for arguments of exports. The results of imports use another.
        let index = out.announce(&[ValType::I32; 4], &[ValType::I32])?;
        out.export_function("cabi_export_realloc", index);
        let mut realloc = vec![
            Instruction::GlobalGet(target),
            Instruction::I32Const(NOWHERE),
            Instruction::I32Ne,
            Instruction::If(BlockType::Empty),
            Instruction::GlobalGet(target),
            Instruction::I32Const(NOWHERE),
            Instruction::GlobalSet(target),
            Instruction::Return,
            Instruction::End,
        ];
        realloc.extend((0..4).map(Instruction::LocalGet));
        realloc.push(Instruction::Call(room.allocator));
        bodies.push(body(&realloc));
        Ok(Image {
            bodies,
            room: room.is_there,
        })
    }

    /// Writes the bodies of the announced functions.
    pub(crate) fn finish(self, out: &mut Output<'_, '_>) {
        for body in &self.bodies {
            out.add_announced(body);
        }
    }
}

fn exported(
    out: &mut Output<'_, '_>,
    name: &str,
    parameters: &[ValType],
    results: &[ValType],
    instructions: &[Instruction<'_>],
) -> Result<enc::Function> {
    let index = out.announce(parameters, results)?;
    out.export_function(&format!("{PREFIX}{name}"), index);
    Ok(body(instructions))
}

/// Returns a function without locals.
pub(crate) fn body(instructions: &[Instruction<'_>]) -> enc::Function {
    let mut function = enc::Function::new([]);
    for instruction in instructions {
        function.instruction(instruction);
    }
    function.instruction(&Instruction::End);
    function
}
