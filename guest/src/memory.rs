//! Accesses the initial memory of a linked module.

use anyhow::Result;
use std::ops::Range;
use wasmparser::{ConstExpr, DataKind, Operator, Parser, Payload};

/// Returns the value of an expression that is a single constant.
pub(crate) fn constant(expression: &ConstExpr<'_>) -> Option<u32> {
    match expression.get_operators_reader().into_iter().next() {
        Some(Ok(Operator::I32Const { value })) => Some(value as u32),
        _ => None,
    }
}

/// The places of memory contents in the file of a module.
pub(crate) struct Memory {
    /// The first address of each segment and the place of its bytes in the file, sorted by address.
    segments: Vec<(u32, Range<usize>)>,
}

impl Memory {
    pub(crate) fn read(module: &[u8]) -> Result<Self> {
        let mut segments = Vec::new();
        for payload in Parser::new(0).parse_all(module) {
            let Payload::DataSection(section) = payload? else {
                continue;
            };
            for data in section {
                let data = data?;
                let DataKind::Active { offset_expr, .. } = data.kind else {
                    continue;
                };
                let Some(address) = constant(&offset_expr) else {
                    continue;
                };
                let end = data.range.end;
                segments.push((address, end - data.data.len()..end));
            }
        }
        segments.sort_unstable_by_key(|(address, _)| *address);
        Ok(Memory { segments })
    }

    /// Returns the address of `text` in memory, if it occurs exactly once.
    pub(crate) fn find(&self, module: &[u8], text: &[u8]) -> Option<u32> {
        match self.find_all(module, text)[..] {
            [found] => Some(found),
            _ => None,
        }
    }

    /// Returns the addresses of `text` in memory.
    pub(crate) fn find_all(&self, module: &[u8], text: &[u8]) -> Vec<u32> {
        let segments = self.segments.iter().flat_map(|(address, range)| {
            let places = memchr::memmem::find_iter(&module[range.clone()], text);
            places.map(move |place| address + place as u32)
        });
        segments.collect()
    }

    /// Returns the address ranges of the segments.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = Range<u32>> {
        self.segments
            .iter()
            .map(|(address, range)| *address..address + range.len() as u32)
    }

    /// Returns the place in the file of the `length` bytes at `address`.
    fn place(&self, address: u32, length: usize) -> Option<Range<usize>> {
        let after = self
            .segments
            .partition_point(|(start, _)| *start <= address);
        let (start, range) = self.segments.get(after.checked_sub(1)?)?;
        let from = range.start + (address - start) as usize;
        (from + length <= range.end).then_some(from..from + length)
    }

    pub(crate) fn word(&self, module: &[u8], address: u32) -> Option<u32> {
        let bytes = module[self.place(address, 4)?].try_into().ok()?;
        Some(u32::from_le_bytes(bytes))
    }

    /// Returns the word at `address`, with zeros for bytes outside the segments.
    pub(crate) fn word_or_zero(&self, module: &[u8], address: u32) -> u32 {
        let bytes = [0, 1, 2, 3].map(|offset| {
            let place = self.place(address.wrapping_add(offset), 1);
            place.map_or(0, |place| module[place.start])
        });
        u32::from_le_bytes(bytes)
    }

    /// Writes the bytes of `word` that are inside segments. The others must be unchanged.
    pub(crate) fn set_word(&self, module: &mut [u8], address: u32, word: u32) {
        for (offset, byte) in (0..).zip(word.to_le_bytes()) {
            if let Some(place) = self.place(address.wrapping_add(offset), 1) {
                module[place.start] = byte;
            }
        }
    }

    pub(crate) fn clear(&self, module: &mut [u8], address: u32, length: usize) {
        if let Some(place) = self.place(address, length) {
            module[place].fill(0);
        }
    }
}
