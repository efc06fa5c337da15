//! Takes what libc's allocator has free in the snapshot, all but the end of its heap.
//!
//! Free blocks are scattered over the memory of a program that has run.  An interpreter that is given them writes
//! to a page here and a page there, each of which must be copied for it first.  With none of them left,
//! what it allocates lies side by side at the end of the heap.
//!
//! The allocator is `dlmalloc`, whose state (`struct malloc_state` in wasi-libc's `dlmalloc/src/malloc.c`) is
//! recognised by the heads of its lists: those that were never used point to themselves.  Where it cannot be found,
//! or is not as it should be, memory is left as it is.

use crate::memory::Memory;
use anyhow::{Context, Result, ensure};
use std::collections::HashSet;

const SMALL_BINS: u32 = 32;
const TREE_BINS: u32 = 32;

// Where the fields of `malloc_state` are.
const SMALL_MAP: u32 = 0;
const TREE_MAP: u32 = 4;
const VICTIM_SIZE: u32 = 8;
const VICTIM: u32 = 20;
const BINS: u32 = 40;
const TREES: u32 = BINS + 8 * (SMALL_BINS + 1);

// Where those of a chunk are.
const HEAD: u32 = 4;
const FORWARD: u32 = 8;
const BACKWARD: u32 = 12;
const CHILDREN: [u32; 2] = [16, 20];

/// Bits of a chunk's head: the chunk before it is in use, and it is in use itself.
const PREVIOUS_IN_USE: u32 = 1;
const IN_USE: u32 = 2;
const FLAGS: u32 = 7;

/// Marks every free block but the last as used, and returns how many bytes those were.
///
/// # Errors
///
/// When memory is not as it should be; nothing is changed then.
pub(crate) fn take_free_blocks(module: &mut [u8]) -> Result<u32> {
    let memory = Memory::read(module)?;
    let heap = Heap::find(module, &memory).context("there is no heap, or there are several")?;
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

/// The allocator's state, by its address.
struct Heap(u32);

impl Heap {
    /// The one state in memory.
    fn find(module: &[u8], memory: &Memory) -> Option<Self> {
        let mut found = None;
        for addresses in memory.addresses() {
            for address in (addresses.start & !3..addresses.end).step_by(4) {
                // Nothing is ever in the first list.
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
        // One that has become empty may still point to its last block, from both of its ends.
        let as_mapped = (0..SMALL_BINS).all(|number| {
            let bin = self.bin(number);
            let (first, last) = (word(bin + FORWARD), word(bin + BACKWARD));
            match map & (1 << number) == 0 {
                true => first == last,
                false => first != bin && last != bin,
            }
        });
        // No block is so small, and sizes are multiples of 16.
        let never_used = (0..2).chain((3..SMALL_BINS).step_by(2));
        as_mapped
            && never_used
                .into_iter()
                .all(|n| word(self.bin(n) + FORWARD) == self.bin(n))
    }

    /// Every free chunk but the one at the end of the heap, with its size.
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
                ensure!(chunks.len() < 1 << 20, "a list does not lead back");
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
            // Those of the same size are in a ring, which only one of them has children in.
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
                    "the block at {chunk:#x} is not free: {head:#x}"
                );
                // It has its size written behind it.
                ensure!(
                    word(next) == size
                        && word(next + HEAD) & PREVIOUS_IN_USE == 0
                        && word(next + HEAD) != 0,
                    "what follows the block at {chunk:#x} of {size:#x} bytes is {:#x} {:#x}",
                    word(next),
                    word(next + HEAD)
                );
                Ok((chunk, size))
            })
            .collect()
    }
}
