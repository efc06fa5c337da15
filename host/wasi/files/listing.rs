//! Directory listings, read in parts on demand.

use super::node::{Folder, hash_of, kind_of};
use crate::wasi::descriptors::DescriptorCharge;
use archipel_core::ledger::Reservation;
use rustix::fs::{Dir, FileType, Mode, OFlags, fstat, openat};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorType, DirectoryEntry, MetadataHashValue,
};

/// The number of entries that are read at a time.
const AT_A_TIME: usize = 64;

/// An upper bound of the host memory for an open listing: the system's buffer of some 9 KB, and
/// names of at most 255 bytes with their types.
pub(super) const BYTES: u64 = 48 << 10;

/// An open directory listing.
pub(crate) struct Listing {
    reader: Option<Reader>,
    entries: VecDeque<io::Result<Entry>>,
    pub(super) folder: Arc<Folder>,
    _held: DescriptorCharge,
    _memory: Reservation,
}

pub(super) struct Entry {
    pub(super) what: DirectoryEntry,
    pub(super) hash: MetadataHashValue,
}

/// The open folder, which moves to the blocking pool and back.
pub(super) struct Reader {
    dir: Dir,
    device: u64,
}

impl Listing {
    pub(super) fn new(
        reader: Reader,
        folder: Arc<Folder>,
        held: DescriptorCharge,
        memory: Reservation,
    ) -> Self {
        Listing {
            reader: Some(reader),
            entries: VecDeque::new(),
            folder,
            _held: held,
            _memory: memory,
        }
    }

    /// Returns the next entry that was read.
    pub(super) fn next(&mut self) -> Option<io::Result<Entry>> {
        self.entries.pop_front()
    }

    /// Takes the reader; `None` at the end.
    pub(super) fn reader(&mut self) -> Option<Reader> {
        self.reader.take()
    }

    /// Stores what was read, and the reader unless it is at the end.
    pub(super) fn add(&mut self, reader: Option<Reader>, entries: VecDeque<io::Result<Entry>>) {
        self.reader = reader;
        self.entries = entries;
    }
}

impl Reader {
    /// Opens the folder again, so that each listing has its own position. It can block.
    pub(super) fn open(folder: &Folder) -> io::Result<Self> {
        let dir = folder.dir()?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = openat(&*dir, ".", flags, Mode::empty())?;
        let device = fstat(&opened)?.st_dev;
        Ok(Reader {
            dir: Dir::new(opened)?,
            device,
        })
    }

    /// Reads some more entries. It can block.
    pub(super) fn read(mut self) -> (Option<Self>, VecDeque<io::Result<Entry>>) {
        let mut entries = VecDeque::new();
        while entries.len() < AT_A_TIME {
            let Some(read) = self.dir.read() else {
                return (None, entries);
            };
            let entry = match read {
                Ok(entry) => entry,
                Err(error) => {
                    entries.push_back(Err(error.into()));
                    return (None, entries);
                }
            };
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let type_ = match entry.file_type() {
                FileType::Unknown => self.look_at(name),
                known => kind_of(known),
            };
            let name = name.to_str().map(str::to_owned);
            entries.push_back(match name {
                Ok(name) => Ok(Entry {
                    what: DirectoryEntry { type_, name },
                    hash: hash_of(self.device, entry.ino()),
                }),
                Err(_) => Err(rustix::io::Errno::ILSEQ.into()),
            });
        }
        (Some(self), entries)
    }

    /// Looks up the type of an entry, for file systems that do not list types.
    fn look_at(&self, name: &std::ffi::CStr) -> DescriptorType {
        let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
        let found = self
            .dir
            .fd()
            .and_then(|dir| rustix::fs::statat(dir, name, flags));
        found.map_or(DescriptorType::Unknown, |found| {
            kind_of(FileType::from_raw_mode(found.st_mode))
        })
    }
}
