//! Allocates the blocks that libc's allocator has free in the snapshot, except the end of its heap.
//!
//! After a program has run, free blocks are scattered over its memory. An interpreter that reuses them writes to
//! many pages, each of which has to be copied first. Without them, its allocations are contiguous at the end of the
//! heap.
//!
//! The allocator is `dlmalloc`. Its state (`struct malloc_state` in wasi-libc's `dlmalloc/src/malloc.c`) is
//! recognised by the heads of its lists: those never used point to themselves. If the state is not found or is
//! inconsistent, memory is left unchanged.

use crate::memory::Memory;
use anyhow::{Context, Result, ensure};
use std::collections::HashSet;

const SMALL_BINS: u32 = 32;
const TREE_BINS: u32 = 32;

// Offsets of the fields of `malloc_state`.
const SMALL_MAP: u32 = 0;
const TREE_MAP: u32 = 4;
const VICTIM_SIZE: u32 = 8;
const VICTIM: u32 = 20;
const BINS: u32 = 40;
const TREES: u32 = BINS + 8 * (SMALL_BINS + 1);

// Offsets of the fields of a chunk.
const HEAD: u32 = 4;
const FORWARD: u32 = 8;
const BACKWARD: u32 = 12;
const CHILDREN: [u32; 2] = [16, 20];

/// Flags in a chunk's head: the previous chunk is in use, and this chunk is in use.
const PREVIOUS_IN_USE: u32 = 1;
const IN_USE: u32 = 2;
const FLAGS: u32 = 7;

/// Marks every free block except the one at the end of the heap as used, and returns their total size in bytes.
///
/// # Errors
///
/// Returns an error and changes nothing if memory is inconsistent.
pub(crate) fn take_free_blocks(module: &mut [u8]) -> Result<u32> {
    let memory = Memory::read(module)?;
    let heap = Heap::find(module, &memory).context("expected exactly one heap")?;
    let free = heap.free(module, &memory)?;
    let mut bytes = 0;
    for &(chunk, size) in &free {
        let next = chunk + size + HEAD;
        let own = memory.word_or_zero(module, chunk + HEAD);
        let after = memory.word_or_zero(module, next);
        memory.set_word(module, chunk + HEAD, own | IN_USE);
        memory.set_word(module, next, after | PREVIOUS_IN_USE);
        bytes += size;
    }
    for field in [SMALL_MAP, TREE_MAP, VICTIM_SIZE, VICTIM] {
        memory.set_word(module, heap.0 + field, 0);
    }
    for bin in 0..SMALL_BINS {
        let bin = heap.bin(bin);
        memory.set_word(module, bin + FORWARD, bin);
        memory.set_word(module, bin + BACKWARD, bin);
    }
    for tree in 0..TREE_BINS {
        memory.set_word(module, heap.0 + TREES + 4 * tree, 0);
    }
    Ok(bytes)
}

/// The allocator's state, by address.
struct Heap(u32);

impl Heap {
    /// Returns the state, if memory contains exactly one.
    fn find(module: &[u8], memory: &Memory) -> Option<Self> {
        let mut found = None;
        for addresses in memory.addresses() {
            for address in (addresses.start & !3..addresses.end).step_by(4) {
                // The first list is always empty.
                let first = address.wrapping_sub(FORWARD);
                if memory.word_or_zero(module, address) != first {
                    continue;
                }
                let heap = Heap(first.wrapping_sub(BINS));
                if heap.is_plausible(module, memory) {
                    if found.is_some() {
                        return None;
                    }
                    found = Some(heap);
                }
            }
        }
        found
    }

    fn bin(&self, number: u32) -> u32 {
        self.0.wrapping_add(BINS + 8 * number)
    }

    fn is_plausible(&self, module: &[u8], memory: &Memory) -> bool {
        let word = |address| memory.word_or_zero(module, address);
        let map = word(self.0 + SMALL_MAP);
        // An emptied list can still point to its last block from both ends.
        let as_mapped = (0..SMALL_BINS).all(|number| {
            let bin = self.bin(number);
            let (first, last) = (word(bin + FORWARD), word(bin + BACKWARD));
            match map & (1 << number) == 0 {
                true => first == last,
                false => first != bin && last != bin,
            }
        });
        // No block is this small, and sizes are multiples of 16.
        let never_used = (0..2).chain((3..SMALL_BINS).step_by(2));
        as_mapped
            && never_used
                .into_iter()
                .all(|n| word(self.bin(n) + FORWARD) == self.bin(n))
    }

    /// Returns every free chunk except the one at the end of the heap, with its size.
    fn free(&self, module: &[u8], memory: &Memory) -> Result<Vec<(u32, u32)>> {
        let word = |address| memory.word_or_zero(module, address);
        let mut chunks = Vec::new();
        let map = word(self.0 + SMALL_MAP);
        for number in (0..SMALL_BINS).filter(|number| map & (1 << number) != 0) {
            let bin = self.bin(number);
            let mut chunk = word(bin + FORWARD);
            while chunk != bin {
                chunks.push(chunk);
                chunk = word(chunk + FORWARD);
                ensure!(chunks.len() < 1 << 20, "a list of free blocks does not end");
            }
        }
        let mut ahead: Vec<u32> = (0..TREE_BINS)
            .map(|tree| word(self.0 + TREES + 4 * tree))
            .collect();
        let mut seen = HashSet::new();
        while let Some(chunk) = ahead.pop() {
            if chunk == 0 || !seen.insert(chunk) {
                continue;
            }
            chunks.push(chunk);
            // Chunks of the same size form a ring; only one of them has children.
            ahead.push(word(chunk + FORWARD));
            for child in CHILDREN {
                ahead.push(word(chunk + child));
            }
        }
        let victim = word(self.0 + VICTIM);
        if victim != 0 {
            chunks.push(victim);
        }
        chunks
            .into_iter()
            .map(|chunk| {
                let head = word(chunk + HEAD);
                let size = head & !FLAGS;
                let next = chunk.checked_add(size).context("a block is too large")?;
                ensure!(
                    head & (IN_USE | PREVIOUS_IN_USE) == PREVIOUS_IN_USE && size >= 16,
                    "the block at {chunk:#x} is not free: its head is {head:#x}"
                );
                // The size is repeated behind the chunk.
                ensure!(
                    word(next) == size
                        && word(next + HEAD) & PREVIOUS_IN_USE == 0
                        && word(next + HEAD) != 0,
                    "the block at {chunk:#x} of {size:#x} bytes is followed by {:#x} {:#x}",
                    word(next),
                    word(next + HEAD)
                );
                Ok((chunk, size))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{ConstExpr, DataSection, Module};

    const STATE: u32 = 0x1000;
    const SMALL: u32 = 0x2000;
    const LARGE: u32 = 0x3000;
    const SAME: u32 = 0x4000;
    const REST: u32 = 0x5000;

    /// Returns a heap with a free block of 32 bytes, two of 512, and the block that the allocator currently
    /// allocates from.
    fn heap() -> Vec<u32> {
        let mut words = vec![0; 0x6000 / 4];
        let mut set = |address: u32, word| words[address as usize / 4] = word;
        for number in 0..SMALL_BINS {
            let bin = STATE + BINS + 8 * number;
            set(bin + FORWARD, bin);
            set(bin + BACKWARD, bin);
        }
        let mut free = |chunk: u32, size: u32, forward, backward| {
            set(chunk + HEAD, size | PREVIOUS_IN_USE);
            set(chunk + FORWARD, forward);
            set(chunk + BACKWARD, backward);
            set(chunk + size, size);
            set(chunk + size + HEAD, 64 | IN_USE);
        };
        let bin = STATE + BINS + 8 * 4;
        free(SMALL, 32, bin, bin);
        free(LARGE, 512, SAME, SAME);
        free(SAME, 512, LARGE, LARGE);
        free(REST, 64, 0, 0);
        set(bin + FORWARD, SMALL);
        set(bin + BACKWARD, SMALL);
        // An emptied list still points to its last block.
        set(bin + 16 + FORWARD, REST);
        set(bin + 16 + BACKWARD, REST);
        set(STATE + SMALL_MAP, 1 << 4);
        set(STATE + TREE_MAP, 1 << 3);
        set(STATE + TREES + 4 * 3, LARGE);
        set(STATE + VICTIM, REST);
        set(STATE + VICTIM_SIZE, 64);
        words
    }

    /// Returns a module whose data begin and end with nonzero bytes, as in a snapshot.
    fn module(words: &[u32]) -> Vec<u8> {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let mut data = DataSection::new();
        let mut from = 0;
        while let Some(start) = bytes[from..].iter().position(|byte| *byte != 0) {
            let start = from + start;
            let length = bytes[start..].iter().position(|byte| *byte == 0);
            from = length.map_or(bytes.len(), |length| start + length);
            data.active(
                0,
                &ConstExpr::i32_const(start as i32),
                bytes[start..from].iter().copied(),
            );
        }
        let mut module = Module::new();
        module.section(&data);
        module.finish()
    }

    #[test]
    fn all_listed_free_blocks_are_taken() {
        let mut bytes = module(&heap());
        assert_eq!(take_free_blocks(&mut bytes).unwrap(), 32 + 512 + 512 + 64);
        let memory = Memory::read(&bytes).unwrap();
        for (chunk, size) in [(SMALL, 32), (LARGE, 512), (SAME, 512), (REST, 64)] {
            let head = memory.word_or_zero(&bytes, chunk + HEAD);
            assert_eq!(head, size | PREVIOUS_IN_USE | IN_USE);
            let next = memory.word_or_zero(&bytes, chunk + size + HEAD);
            assert_eq!(next, 64 | IN_USE | PREVIOUS_IN_USE);
        }
        // No free blocks remain.
        assert_eq!(take_free_blocks(&mut bytes).unwrap(), 0);
    }

    #[test]
    fn an_inconsistent_heap_is_left_unchanged() {
        let cases = [
            ("one heap", STATE + BINS + FORWARD, 0),
            ("not free", SMALL + HEAD, 32 | IN_USE | PREVIOUS_IN_USE),
            ("followed", LARGE + 512, 496),
            ("followed", REST + 64 + HEAD, 0),
        ];
        for (why, address, word) in cases {
            let mut words = heap();
            words[address as usize / 4] = word;
            let before = module(&words);
            let mut bytes = before.clone();
            let error = take_free_blocks(&mut bytes).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            assert_eq!(bytes, before);
        }
    }
}
