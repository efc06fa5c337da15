//! Makes CPython call two functions that send and receive a plain value in one step (`wat/messages.wat`).
//!
//! A host call through `componentize-py` takes some microseconds, mostly to convert Python's arguments one by one.
//! Almost every message is a plain value that `marshal` can write, which needs no conversion: these functions call
//! CPython's `marshal` and the host's function directly.
//!
//! The snapshot of an interpreter cannot be extended, so they replace two functions of its `sys` that are useless in a
//! guest. `_island/intrinsics.py` keeps references to them and defines other functions under these names in `sys`.

use crate::memory::Memory;
use anyhow::{Context, Result};

/// The replaced functions: names, and the flags with which CPython calls them (`METH_FASTCALL | METH_KEYWORDS`, and
/// `METH_O`).
const REPLACED: [(&str, u32); 2] = [("remote_exec", 0x82), ("activate_stack_trampoline", 0x08)];

// Offsets of the fields of a `PyMethodDef`.
const FUNCTION: u32 = 4;
const FLAGS: u32 = 8;

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
