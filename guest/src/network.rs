//! Lets every use of the network go through the handle that this instance has.
//!
//! libc asks for that handle once and keeps it in memory, where a copy would find the original's.

use crate::emit::Output;
use crate::image;
use anyhow::Result;
use wasm_encoder as enc;
use wasm_encoder::{BlockType, Instruction};
use wasmparser::ValType;

/// The import that returns the handle.
const ASK: &str = "instance-network";

/// The imports that take it, and as which of their parameters.
const USES: [(&str, u32); 4] = [
    ("resolve-addresses", 0),
    ("[method]tcp-socket.start-bind", 1),
    ("[method]tcp-socket.start-connect", 1),
    ("[method]udp-socket.start-bind", 1),
];

/// No handle has this number.
const UNKNOWN: i32 = 0;

/// Announces what stands in for the imports, and returns the bodies.
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
