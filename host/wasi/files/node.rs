//! What an interpreter has open: files and folders.

use super::locks::Locked;
use super::tmp::Tmp;
use crate::blocking::detach;
use crate::descriptors::Held;
use crate::ledger::Account;
use crate::policy::Quota;
use cap_std::fs::{Dir, Metadata, MetadataExt};
use rustix::fs::FileType;
use rustix::io::Errno;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorStat, DescriptorType, MetadataHashValue,
};

/// What a guest's descriptor stands for.
#[derive(Clone)]
pub(super) enum Node {
    File(Arc<OpenFile>),
    Folder(Arc<Folder>),
}

/// An open file.  Its streams and its descriptor share it, and a position in it, as what POSIX calls an open file
/// description.
pub(super) struct OpenFile {
    file: Arc<File>,
    pub(super) reads: bool,
    pub(super) writes: bool,
    /// Whether its directory was granted for reading alone.
    pub(super) read_only: bool,
    pub(super) hash: MetadataHashValue,
    pub(super) counted: Counted,
    pub(super) position: AtomicU64,
    /// The device and the number of the file.
    pub(super) id: (u64, u64),
    /// The interpreter's locks on the file, if this owns them.
    pub(super) locked: Mutex<Locked>,
    /// The file is closed beside the workers: a file system can take its time, or hang.
    closing: Option<Closing>,
}

struct Closing {
    handle: Handle,
    account: Arc<Account>,
    held: Held,
}

/// What is opened beside a worker, with what was found.
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) found: Metadata,
}

impl OpenFile {
    pub(super) fn new(
        opened: Opened,
        [reads, writes, read_only]: [bool; 3],
        counted: Counted,
        account: &Arc<Account>,
        held: Held,
    ) -> Self {
        OpenFile {
            id: (opened.found.dev(), opened.found.ino()),
            locked: Mutex::default(),
            file: Arc::new(opened.file),
            reads,
            writes,
            read_only,
            hash: hash(&opened.found),
            counted,
            position: AtomicU64::new(0),
            closing: Some(Closing {
                handle: Handle::current(),
                account: account.clone(),
                held,
            }),
        }
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn at(&self) -> u64 {
        self.position.load(Ordering::Relaxed)
    }

    pub(super) fn go_to(&self, position: u64) {
        self.position.store(position, Ordering::Relaxed);
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        let Some(closing) = self.closing.take() else {
            return;
        };
        let (file, counted) = (self.file.clone(), self.counted.clone());
        let (_, number) = self.id;
        let locked = std::mem::take(&mut *lock(&self.locked));
        let Closing {
            handle,
            account,
            mut held,
        } = closing;
        held.closes();
        detach(&handle, &account, move || {
            if let Counted::Tmp(tmp) = counted {
                tmp.closes(number, &file);
            }
            drop(file);
            drop(locked);
            drop(held);
        });
    }
}

/// A folder: one that is granted, one that was opened in it, or the private `/tmp`.
pub(super) struct Folder {
    pub(super) place: Place,
    pub(super) writes: bool,
    /// Whether it was granted for reading alone.
    pub(super) read_only: bool,
    pub(super) counted: Counted,
    pub(super) _held: Option<Held>,
}

pub(super) enum Place {
    Open(Arc<Dir>),
    /// It is made when it is first used.
    Tmp(Arc<Tmp>),
}

impl Folder {
    /// The folder itself.  It can block.
    pub(super) fn dir(&self) -> io::Result<Arc<Dir>> {
        match &self.place {
            Place::Open(dir) => Ok(dir.clone()),
            Place::Tmp(tmp) => tmp.dir(),
        }
    }

    /// The folder itself, for what changes something in it.
    pub(super) fn writable(&self) -> io::Result<Arc<Dir>> {
        match self.read_only {
            true => Err(Errno::PERM.into()),
            false => self.dir(),
        }
    }
}

/// What counts what is written to a file or created in a folder.
#[derive(Clone)]
pub(super) enum Counted {
    Nothing,
    Quota(Arc<Quota>),
    Tmp(Arc<Tmp>),
}

impl Counted {
    /// Counts a file, folder or link that is about to be created, with a text of so many bytes.
    pub(super) fn create(&self, bytes: u64) -> io::Result<()> {
        match self {
            Counted::Nothing => Ok(()),
            Counted::Quota(quota) => {
                quota.create()?;
                Ok(quota.write(bytes)?)
            }
            Counted::Tmp(tmp) => Ok(tmp.create(bytes)?),
        }
    }

    /// What was counted was not created after all.
    pub(super) fn not_created(&self, bytes: u64) {
        if let Counted::Tmp(tmp) = self {
            tmp.uncreate(bytes);
        }
    }

    /// Counts `bytes` that are about to be written to a file of `size` bytes, at `position` or at its end.
    pub(super) fn write(&self, size: u64, position: Option<u64>, bytes: u64) -> io::Result<()> {
        match self {
            Counted::Nothing => Ok(()),
            Counted::Quota(quota) => {
                // Writing behind the end makes the file larger by what lies between, too.
                let gap = position.map_or(0, |position| position.saturating_sub(size));
                Ok(quota.write(gap.saturating_add(bytes))?)
            }
            Counted::Tmp(tmp) => {
                let end = position.unwrap_or(size).saturating_add(bytes);
                Ok(tmp.grow(end.saturating_sub(size))?)
            }
        }
    }

    /// Whether a file's size has to be known before it changes.
    pub(super) fn counts(&self) -> bool {
        !matches!(self, Counted::Nothing)
    }

    /// Fails where not even one byte can be written to a file of `size` bytes.
    pub(super) fn has_room(&self, size: u64, position: Option<u64>) -> io::Result<()> {
        match self {
            Counted::Nothing => Ok(()),
            Counted::Quota(quota) => {
                let gap = position.map_or(0, |position| position.saturating_sub(size));
                match quota.has_room(gap.saturating_add(1)) {
                    true => Ok(()),
                    false => Err(Errno::NOSPC.into()),
                }
            }
            Counted::Tmp(tmp) => {
                let growth = position
                    .unwrap_or(size)
                    .saturating_add(1)
                    .saturating_sub(size);
                tmp.grow(growth)?;
                tmp.shrink(growth);
                Ok(())
            }
        }
    }

    /// A file of `before` bytes that was to have `growth` more has `now`.
    pub(super) fn settle(&self, before: u64, growth: u64, now: u64) {
        if let Counted::Tmp(tmp) = self {
            tmp.shrink(growth.saturating_sub(now.saturating_sub(before)));
        }
    }

    /// Counts a change of a file's size.
    pub(super) fn resize(&self, before: u64, size: u64) -> io::Result<()> {
        match self {
            Counted::Nothing => Ok(()),
            Counted::Quota(quota) => Ok(quota.write(size.saturating_sub(before))?),
            Counted::Tmp(tmp) => Ok(tmp.grow(size.saturating_sub(before))?),
        }
    }

    /// The size of a file was to change from `before` to `size`, and is `now`.
    pub(super) fn resized(&self, before: u64, size: u64, now: u64) {
        if let Counted::Tmp(tmp) = self {
            tmp.shrink(before.max(size).saturating_sub(now));
        }
    }

    /// Removes a name by `remove`, of what `look` finds.  It can block.
    pub(super) fn removing(
        &self,
        look: impl FnOnce() -> Option<Metadata>,
        remove: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        match self {
            Counted::Tmp(tmp) => tmp.removing(look, remove),
            _ => remove(),
        }
    }

    /// Whether what is counted by the other is counted by this.
    pub(super) fn is(&self, other: &Counted) -> bool {
        match (self, other) {
            (Counted::Nothing, Counted::Nothing) => true,
            (Counted::Quota(one), Counted::Quota(other)) => Arc::ptr_eq(one, other),
            (Counted::Tmp(one), Counted::Tmp(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

/// Whether two names are of one file.
pub(super) fn same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// The number by which a guest knows a file: what it can compare, and learns nothing of the system from.
pub(super) fn hash(found: &Metadata) -> MetadataHashValue {
    hash_of(found.dev(), found.ino())
}

pub(super) fn hash_of(device: u64, number: u64) -> MetadataHashValue {
    let mut hasher = DefaultHasher::new();
    (device, number).hash(&mut hasher);
    let lower = hasher.finish();
    // There are 64 bits of it; the others differ from these.
    let upper = lower ^ 0x4009_21fb_5444_2d18;
    MetadataHashValue { lower, upper }
}

/// What a guest is told of a file.
pub(super) fn stat(found: &Metadata) -> DescriptorStat {
    let time = |seconds: i64, nanoseconds: i64| {
        Some(Datetime {
            seconds: u64::try_from(seconds).ok()?,
            nanoseconds: u32::try_from(nanoseconds).ok()?,
        })
    };
    DescriptorStat {
        type_: kind(found),
        link_count: found.nlink(),
        size: found.len(),
        data_access_timestamp: time(found.atime(), found.atime_nsec()),
        data_modification_timestamp: time(found.mtime(), found.mtime_nsec()),
        status_change_timestamp: time(found.ctime(), found.ctime_nsec()),
    }
}

pub(super) fn kind(found: &Metadata) -> DescriptorType {
    kind_of(FileType::from_raw_mode(found.mode()))
}

pub(super) fn kind_of(kind: FileType) -> DescriptorType {
    match kind {
        FileType::RegularFile => DescriptorType::RegularFile,
        FileType::Directory => DescriptorType::Directory,
        FileType::Symlink => DescriptorType::SymbolicLink,
        FileType::BlockDevice => DescriptorType::BlockDevice,
        FileType::CharacterDevice => DescriptorType::CharacterDevice,
        FileType::Fifo => DescriptorType::Fifo,
        FileType::Socket => DescriptorType::Socket,
        FileType::Unknown => DescriptorType::Unknown,
    }
}

/// Locks what only plain arithmetic happens under.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
