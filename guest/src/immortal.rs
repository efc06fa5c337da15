//! Makes the objects of the snapshot immortal.
//!
//! CPython stores reference counts in the objects themselves, so an interpreter writes to every object that it
//! uses, and each such page has to be copied first. CPython does not write to an object whose count marks it as
//! immortal, as some of its own objects are (PEP 683). The linker marks all objects of the snapshot, since none of
//! them is ever freed.
//!
//! `guest/python/_island/snapshot.py` leaves their addresses in memory, behind a marker.

use crate::memory::Memory;
use anyhow::{Context, Result, ensure};

const MARK: &[u8] = b"These are the addresses of archipel objects";

/// The count of an immortal object: `_Py_IMMORTAL_INITIAL_REFCNT` of a 32-bit CPython 3.14.
const IMMORTAL: u32 = 5 << 28;

/// The smallest count that no object of the snapshot has unless it is immortal. The first word of a freed block,
/// where the count was, is the address of another block, which is larger than this.
const IMPLAUSIBLE: u32 = 1 << 19;

/// Makes the listed objects in the data of `module` immortal, and returns their number.
///
/// # Errors
///
/// Returns an error if `module` cannot be read or its list is damaged. A module without a list is left unchanged.
pub fn make_immortal(module: &mut [u8]) -> Result<usize> {
    let memory = Memory::read(module)?;
    let Some(list) = memory.find(module, MARK) else {
        return Ok(0);
    };
    let start = list + MARK.len() as u32;
    let count = memory
        .word(module, start)
        .context("the list of objects is cut off")?;
    let mut made = 0;
    let end = u64::from(start) + 4 + 8 * u64::from(count);
    ensure!(
        end <= u64::from(u32::MAX),
        "the list of objects is too long"
    );
    for entry in 0..count {
        let at = start + 4 + 8 * entry;
        let (object, class) = memory
            .word(module, at)
            .zip(memory.word(module, at + 4))
            .context("the list of objects is cut off")?;
        // An object that changed after it was listed has been freed.
        let refers = memory.word(module, object);
        if memory.word(module, object.wrapping_add(4)) != Some(class) {
            continue;
        }
        if let Some(1..IMPLAUSIBLE) = refers {
            memory.set_word(module, object, IMMORTAL);
            made += 1;
        }
    }
    // The list is no longer needed, and zeros compress well.
    let length = (end - u64::from(list)) as usize;
    memory.clear(module, list, length);
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{ConstExpr, DataSection, MemorySection, MemoryType, Module};

    /// Returns a module whose memory has `words` from address 1,000 on, followed by the list.
    fn module(words: &[u32], list: &[(u32, u32)]) -> Vec<u8> {
        let mut bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        bytes.extend_from_slice(MARK);
        bytes.extend_from_slice(&(list.len() as u32).to_le_bytes());
        for (object, class) in list {
            bytes.extend_from_slice(&object.to_le_bytes());
            bytes.extend_from_slice(&class.to_le_bytes());
        }
        let mut memories = MemorySection::new();
        memories.memory(MemoryType {
            minimum: 1,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        let mut data = DataSection::new();
        data.active(0, &ConstExpr::i32_const(1000), bytes);
        let mut module = Module::new();
        module.section(&memories).section(&data);
        module.finish()
    }

    fn words(module: &[u8], count: u32) -> Vec<u32> {
        let memory = Memory::read(module).unwrap();
        (0..count)
            .map(|i| memory.word(module, 1000 + 4 * i).unwrap())
            .collect()
    }

    #[test]
    fn only_objects_unchanged_since_listing_are_made_immortal() {
        // Alive; freed (the count is an address); freed and reused by another class; already immortal.
        let before = [3, 77, 0x10_0000, 77, 3, 78, 7 << 28, 77];
        let list = [
            (1000, 77),
            (1008, 77),
            (1016, 77),
            (1024, 77),
            (9_000_000, 77),
        ];
        let mut bytes = module(&before, &list);
        assert_eq!(make_immortal(&mut bytes).unwrap(), 1);
        let mut after = before;
        after[0] = IMMORTAL;
        assert_eq!(words(&bytes, 8), after);
        assert_eq!(make_immortal(&mut bytes).unwrap(), 0);
    }

    #[test]
    fn damaged_lists_are_errors() {
        let mut bytes = module(&[], &[]);
        let place = memchr::memmem::find(&bytes, MARK).unwrap() + MARK.len();
        bytes[place] = 9;
        assert!(make_immortal(&mut bytes).is_err());
        bytes[place..place + 4].fill(0xff);
        assert!(make_immortal(&mut bytes).is_err());
    }
}
