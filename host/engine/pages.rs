//! Finding the pages of a mapping that were written.
//!
//! Interpreters map the guest's snapshot copy-on-write, so private pages are those that an
//! interpreter changed. Comparing all memory instead would touch the whole snapshot twice.

use std::ops::Range;

/// The smallest page size, and the unit in which memories are compared.
pub(crate) const SMALLEST: usize = 4096;

/// Returns the ranges of `memory` that can differ from the mapped file, in ascending order: all of
/// it if the system cannot tell.
pub(crate) fn written(memory: &[u8]) -> Vec<Range<usize>> {
    #[cfg(target_os = "linux")]
    if let Some(found) = linux::private(memory) {
        return found;
    }
    std::iter::once(0..memory.len()).collect()
}

/// Returns the written pages of `memory` to the system. Each page then has the contents of the
/// mapped file again.
///
/// # Safety
///
/// `memory` must be the whole linear memory of a guest that does not run and will not run again, and
/// no reference to it may be in use.
#[expect(unsafe_code, reason = "the caller must own the memory")]
pub(crate) unsafe fn give_back(memory: Range<*const u8>) {
    // SAFETY: the caller promises the same.
    #[cfg(target_os = "linux")]
    unsafe {
        linux::give_back(memory);
    }
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

    /// In an entry of the page map: the page is present or swapped.
    const EXISTS: u64 = 3 << 62;

    /// The page belongs to a file or is shared.
    const OF_FILE: u64 = 1 << 61;

    /// The key of the page size in the auxiliary vector.
    const PAGE_SIZE: u64 = 6;

    /// The number of entries that are read at once.
    const ENTRIES_AT_ONCE: usize = 4096;

    /// Returns the page map of this process, and the page size.
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

    /// Does what the function of this name in the parent module does.
    ///
    /// # Safety
    ///
    /// As for that function.
    #[expect(unsafe_code, reason = "only madvise can return pages to the system")]
    pub(super) unsafe fn give_back(memory: Range<*const u8>) {
        let Some((_, size)) = map() else { return };
        let place = memory.start.addr();
        let length = memory.end.addr() - place;
        if !place.is_multiple_of(*size) || !length.is_multiple_of(*size) {
            return;
        }
        let place = std::ptr::with_exposed_provenance_mut(place);
        // SAFETY: the caller promises that the range is the linear memory of a guest, which wasmtime
        // mapped for that guest alone and whose address it exposed to compiled code, and that
        // nothing uses the memory any more. Guest memory can have any contents, and the range stays
        // mapped. If madvise fails, nothing changes.
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
        let mut buffer = vec![0; 8 * ENTRIES_AT_ONCE.min(count)];
        for begin in (0..count).step_by(ENTRIES_AT_ONCE) {
            let part = &mut buffer[..8 * ENTRIES_AT_ONCE.min(count - begin)];
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
    fn written_pages_are_found() {
        let mut memory = vec![0_u8; 1 << 20];
        let place = 300_000;
        memory[place] = 1;
        let found = written(&memory);
        assert!(found.iter().any(|range| range.contains(&place)));
        assert!(found.is_sorted_by_key(|range| range.start));
    }
}
