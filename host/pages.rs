//! Which pages of a mapped memory were written to.
//!
//! Interpreters map the guest's snapshot copy-on-write: what the process has for itself alone is what one
//! of them changed.  Comparing everything instead would touch all of the snapshot twice.

use std::ops::Range;

/// The smallest pages that there are, and the unit in which memories are compared.
pub(crate) const SMALLEST: usize = 4096;

/// The parts of `memory` that may differ from the file that it was mapped from, in ascending order:
/// all of it where the system does not say.
pub(crate) fn written(memory: &[u8]) -> Vec<Range<usize>> {
    #[cfg(target_os = "linux")]
    if let Some(found) = linux::private(memory) {
        return found;
    }
    std::iter::once(0..memory.len()).collect()
}

/// Gives back to the system what was written to `memory`, which is a guest's whole memory and used no more:
/// each page is again what the file has that it was mapped from.
pub(crate) fn give_back(memory: Range<*const u8>) {
    #[cfg(target_os = "linux")]
    linux::give_back(memory);
    #[cfg(not(target_os = "linux"))]
    let _ = memory;
}

#[cfg(target_os = "linux")]
mod linux {
    use super::SMALLEST;
    use std::fs::File;
    use std::ops::Range;
    use std::os::unix::fs::FileExt;
    use std::sync::OnceLock;

    /// In an entry of the page map: the page is in memory, or in the swap.
    const EXISTS: u64 = 3 << 62;

    /// It is a file's, or shared.
    const OF_FILE: u64 = 1 << 61;

    /// The entry of the auxiliary vector that has the size of a page.
    const PAGE_SIZE: u64 = 6;

    /// How many entries are read at once.
    const AT_ONCE: usize = 4096;

    /// The page map of this process, and the size of its pages.
    fn map() -> Option<&'static (File, usize)> {
        static MAP: OnceLock<Option<(File, usize)>> = OnceLock::new();
        let open = || {
            let words = std::fs::read("/proc/self/auxv").ok()?;
            let word = |bytes: &[u8]| Some(usize::from_ne_bytes(bytes.try_into().ok()?));
            let entries = words.chunks_exact(2 * size_of::<usize>());
            let size = entries
                .map(|entry| entry.split_at(size_of::<usize>()))
                .find(|(kind, _)| word(kind) == Some(PAGE_SIZE as usize))
                .and_then(|(_, value)| word(value))?;
            let fits = size.is_power_of_two() && size.is_multiple_of(SMALLEST);
            let map = File::open("/proc/self/pagemap").ok()?;
            fits.then_some((map, size))
        };
        MAP.get_or_init(open).as_ref()
    }

    #[expect(
        unsafe_code,
        reason = "only the system knows which pages there are, and takes them back"
    )]
    pub(super) fn give_back(memory: Range<*const u8>) {
        let Some((_, size)) = map() else { return };
        let place = memory.start.addr();
        let length = memory.end.addr() - place;
        if !place.is_multiple_of(*size) || !length.is_multiple_of(*size) {
            return;
        }
        let place = std::ptr::with_exposed_provenance_mut(place);
        // SAFETY: the range is in the linear memory of a guest, which wasmtime has mapped for it alone and whose
        // address it has exposed for the code that it compiles.  The caller has the store, in which nothing runs
        // any more, so that what the bytes are is up to the guest, and any are valid.  What is given back is not
        // unmapped.  That it fails changes nothing.
        let _ = unsafe { rustix::mm::madvise(place, length, rustix::mm::Advice::LinuxDontNeed) };
    }

    pub(super) fn private(memory: &[u8]) -> Option<Vec<Range<usize>>> {
        let (map, size) = map()?;
        let first = memory.as_ptr().addr();
        if !first.is_multiple_of(*size) {
            return None;
        }
        let count = memory.len().div_ceil(*size);
        let mut found: Vec<Range<usize>> = Vec::new();
        let mut buffer = vec![0; 8 * AT_ONCE.min(count)];
        for begin in (0..count).step_by(AT_ONCE) {
            let part = &mut buffer[..8 * AT_ONCE.min(count - begin)];
            let place = 8 * (first / size + begin) as u64;
            map.read_exact_at(part, place).ok()?;
            for (index, entry) in part.as_chunks().0.iter().enumerate() {
                let entry = u64::from_ne_bytes(*entry);
                if entry & EXISTS == 0 || entry & OF_FILE != 0 {
                    continue;
                }
                let start = (begin + index) * size;
                let end = (start + size).min(memory.len());
                match found.last_mut() {
                    Some(last) if last.end == start => last.end = end,
                    _ => found.push(start..end),
                }
            }
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_found() {
        let mut memory = vec![0_u8; 1 << 20];
        let place = 300_000;
        memory[place] = 1;
        let found = written(&memory);
        assert!(found.iter().any(|range| range.contains(&place)));
        assert!(found.is_sorted_by_key(|range| range.start));
    }
}
