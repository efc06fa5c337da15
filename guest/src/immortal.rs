//! Makes the objects of the snapshot immortal.
//!
//! CPython counts references in the objects themselves, so an interpreter writes to every object that
//! it looks at, and each page written to has to be copied first.  An object whose count says that it is
//! immortal is not written to.  CPython makes such objects of its own (PEP 683); here all that the
//! snapshot holds become so, since none of them will ever be freed.
//!
//! `guest/python/_island/snapshot.py` leaves their addresses in memory, behind a mark.

use crate::memory::Memory;
use anyhow::{Context, Result, ensure};

const MARK: &[u8] = b"These are the addresses of archipel objects";

/// The count of an immortal object: `_Py_IMMORTAL_INITIAL_REFCNT` of a 32-bit CPython 3.14.
const IMMORTAL: u32 = 5 << 28;

/// A count that no object of the snapshot has, unless it is immortal already.  The first word of a freed block, where the count was,
/// is the address of another block, which is larger than this.
const IMPLAUSIBLE: u32 = 1 << 19;

/// Makes the listed objects in the data of `module` immortal, and returns how many they are.
///
/// # Errors
///
/// When `module` cannot be read, or its list is damaged.  Without a list there is nothing to do.
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
        // What is not as it was when it was listed was freed since.
        let refers = memory.word(module, object);
        if memory.word(module, object.wrapping_add(4)) != Some(class) {
            continue;
        }
        if let Some(1..IMPLAUSIBLE) = refers {
            memory.set_word(module, object, IMMORTAL);
            made += 1;
        }
    }
    // The list has served its purpose, and zeros take no room when they are compressed.
    let length = (end - u64::from(list)) as usize;
    memory.clear(module, list, length);
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{ConstExpr, DataSection, MemorySection, MemoryType, Module};

    /// A module whose memory has `words` from address 1,000 on, and behind them the list.
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
    fn only_what_is_still_as_listed_is_made_immortal() {
        // Alive; freed (its count is an address); of another class by now; immortal already.
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
