//! The initial memory of the modules that are linked.

/// The contents of the memory that the modules share, before they are linked.
pub(crate) struct Snapshot<'a> {
    segments: Vec<(u32, &'a [u8])>,
}

impl<'a> Snapshot<'a> {
    /// Creates the contents from `segments`, each at its address.
    pub(crate) fn new(mut segments: Vec<(u32, &'a [u8])>) -> Self {
        segments.sort_unstable_by_key(|(address, _)| *address);
        Snapshot { segments }
    }

    /// Returns the address of `text`, if it occurs exactly once.
    pub(crate) fn find(&self, text: &[u8]) -> Option<u32> {
        let mut found = self.segments.iter().flat_map(|(address, bytes)| {
            memchr::memmem::find_iter(bytes, text).map(move |place| address + place as u32)
        });
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    /// Returns the word at `address`, which is zero outside the segments.
    pub(crate) fn word(&self, address: u32) -> Option<u32> {
        let bytes = [0, 1, 2, 3].map(|i| address.checked_add(i).map(|at| self.byte(at)));
        let [Some(a), Some(b), Some(c), Some(d)] = bytes else {
            return None;
        };
        Some(u32::from_le_bytes([a, b, c, d]))
    }

    fn byte(&self, address: u32) -> u8 {
        let after = self
            .segments
            .partition_point(|(start, _)| *start <= address);
        after
            .checked_sub(1)
            .and_then(|index| self.segments.get(index))
            .and_then(|(start, bytes)| bytes.get((address - start) as usize))
            .copied()
            .unwrap_or(0)
    }
}
