//! Routes every use of the network through this instance's own handle.
//!
//! libc requests the handle once and keeps it in memory, where a copy would find the original's.

use crate::emit::Output;
use crate::image;
use anyhow::Result;
use wasm_encoder as enc;
use wasm_encoder::{BlockType, Instruction};
use wasmparser::ValType;

/// The import that returns the handle.
const ASK: &str = "instance-network";

/// The imports that take the handle, and the index of that parameter.
const USES: [(&str, u32); 4] = [
    ("resolve-addresses", 0),
    ("[method]tcp-socket.start-bind", 1),
    ("[method]tcp-socket.start-connect", 1),
    ("[method]udp-socket.start-bind", 1),
];

/// A number that no handle has.
const UNKNOWN: i32 = 0;

/// Announces the wrappers of the imports, and returns their bodies.
pub(crate) fn announce(out: &mut Output<'_, '_>) -> Result<Vec<enc::Function>> {
    let mut bodies = Vec::new();
    let Some((ask, _)) = out.host_function(ASK) else {
        return Ok(bodies);
    };
    let known = out.announce_global(UNKNOWN);
    let handle = out.announce(&[], &[ValType::I32])?;
    out.replace(ask, handle);
    bodies.push(image::body(&[
        Instruction::GlobalGet(known),
        Instruction::I32Eqz,
        Instruction::If(BlockType::Empty),
        Instruction::Call(ask),
        Instruction::GlobalSet(known),
        Instruction::End,
        Instruction::GlobalGet(known),
    ]));
    for (name, which) in USES {
        let Some((import, ty)) = out.host_function(name) else {
            continue;
        };
        let guard = out.announce(ty.params(), ty.results())?;
        out.replace(import, guard);
        let parameters = (0..ty.params().len() as u32).map(|parameter| match parameter {
            _ if parameter == which => Instruction::Call(handle),
            _ => Instruction::LocalGet(parameter),
        });
        let mut instructions: Vec<_> = parameters.collect();
        instructions.push(Instruction::Call(import));
        bodies.push(image::body(&instructions));
    }
    Ok(bodies)
}
