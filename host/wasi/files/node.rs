//! Open files and folders of an interpreter.

use super::ranges::Locked;
use super::tmp::Tmp;
use crate::exec::blocking::detach;
use crate::lock::lock;
use crate::wasi::descriptors::DescriptorCharge;
use archipel_core::ledger::Account;
use archipel_core::policy::Quota;
use cap_std::fs::{Dir, Metadata, MetadataExt};
use rustix::fs::FileType;
use rustix::io::Errno;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::runtime::Handle;
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorStat, DescriptorType, MetadataHashValue,
};

/// A guest's descriptor.
#[derive(Clone)]
pub(super) enum Node {
    File(Arc<OpenFile>),
    Folder(Arc<Folder>),
    /// The folder in which a script starts, `/`. It can be looked at and returned to. Whether anything is in it, a guest
    /// does not learn.
    Root,
    /// A device, opened for reading and for writing as stated.
    Device(Device, [bool; 2]),
}

/// A device, which the host provides itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Device {
    Null,
    /// The interpreter's standard output.
    Output,
    /// The interpreter's standard error.
    Error,
}

impl Device {
    /// Returns the device with this path in [`Node::Root`].
    pub(super) fn at(path: &str) -> Option<Self> {
        Some(match path {
            "dev/null" => Device::Null,
            "dev/stdout" => Device::Output,
            "dev/stderr" => Device::Error,
            _ => return None,
        })
    }

    /// Returns whether it can be opened for reading, and for writing.
    pub(super) fn opens(self) -> [bool; 2] {
        [self == Device::Null, true]
    }

    /// Returns its identity, which no file of the system has.
    pub(super) fn hash(self) -> MetadataHashValue {
        MetadataHashValue {
            lower: 1 + self as u64,
            upper: 0,
        }
    }
}

/// An open file. Its streams and its descriptor share it and its position, like an open file
/// description of POSIX.
pub(super) struct OpenFile {
    file: Arc<File>,
    pub(super) reads: bool,
    pub(super) writes: bool,
    /// True if its directory was granted read-only.
    pub(super) read_only: bool,
    pub(super) hash: MetadataHashValue,
    pub(super) counted: Counted,
    pub(super) position: AtomicU64,
    /// The file's device and inode numbers.
    pub(super) id: (u64, u64),
    /// The interpreter's locks on the file, if this object owns them.
    pub(super) locked: Mutex<Locked>,
    /// The state with which the blocking pool closes the file, since closing can be slow or hang.
    closing: Option<Closing>,
}

struct Closing {
    handle: Handle,
    account: Arc<Account>,
    held: DescriptorCharge,
}

/// A file that was opened, with its metadata.
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
        held: DescriptorCharge,
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

/// A folder: a granted one, one opened below it, or the private `/tmp`.
pub(super) struct Folder {
    pub(super) place: Place,
    pub(super) writes: bool,
    /// True if it was granted read-only.
    pub(super) read_only: bool,
    pub(super) counted: Counted,
    pub(super) _held: Option<DescriptorCharge>,
}

pub(super) enum Place {
    Open(Arc<Dir>),
    /// Created when it is first used.
    Tmp(Arc<Tmp>),
}

impl Folder {
    /// Returns the open folder. It can block.
    pub(super) fn dir(&self) -> io::Result<Arc<Dir>> {
        match &self.place {
            Place::Open(dir) => Ok(dir.clone()),
            Place::Tmp(tmp) => tmp.dir(),
        }
    }

    /// Returns the open folder for a change in it.
    pub(super) fn writable(&self) -> io::Result<Arc<Dir>> {
        match self.read_only {
            true => Err(Errno::PERM.into()),
            false => self.dir(),
        }
    }
}

/// The quota that writes to a file or creations in a folder are charged to.
#[derive(Clone)]
pub(super) enum Counted {
    Nothing,
    Quota(Arc<Quota>),
    Tmp(Arc<Tmp>),
}

impl Counted {
    /// Charges a file, folder or link that is about to be created. `bytes` is the length of a
    /// link's text.
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

    /// Releases the charge for something that was not created.
    pub(super) fn uncreate(&self, bytes: u64) {
        if let Counted::Tmp(tmp) = self {
            tmp.uncreate(bytes);
        }
    }

    /// Charges `bytes` that are about to be written to a file of `size` bytes, at `position` or at
    /// its end.
    pub(super) fn write(&self, size: u64, position: Option<u64>, bytes: u64) -> io::Result<()> {
        match self {
            Counted::Nothing => Ok(()),
            Counted::Quota(quota) => {
                // A write beyond the end also grows the file by the gap.
                let gap = position.map_or(0, |position| position.saturating_sub(size));
                Ok(quota.write(gap.saturating_add(bytes))?)
            }
            Counted::Tmp(tmp) => {
                let end = position.unwrap_or(size).saturating_add(bytes);
                Ok(tmp.grow(end.saturating_sub(size))?)
            }
        }
    }

    /// Returns whether the size of a file must be known before a change.
    pub(super) fn counts(&self) -> bool {
        !matches!(self, Counted::Nothing)
    }

    /// Returns an error if not even one byte can be written to a file of `size` bytes.
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

    /// Corrects the charge for a write: a file of `before` bytes was charged `growth` and now has
    /// `now` bytes.
    pub(super) fn settle(&self, before: u64, growth: u64, now: u64) {
        if let Counted::Tmp(tmp) = self {
            tmp.shrink(growth.saturating_sub(now.saturating_sub(before)));
        }
    }

    /// Charges a change of a file's size.
    pub(super) fn resize(&self, before: u64, size: u64) -> io::Result<()> {
        match self {
            Counted::Nothing => Ok(()),
            Counted::Quota(quota) => Ok(quota.write(size.saturating_sub(before))?),
            Counted::Tmp(tmp) => Ok(tmp.grow(size.saturating_sub(before))?),
        }
    }

    /// Corrects the charge for a change of size from `before` to `size`, after which the file has
    /// `now` bytes.
    pub(super) fn settle_resize(&self, before: u64, size: u64, now: u64) {
        if let Counted::Tmp(tmp) = self {
            tmp.shrink(before.max(size).saturating_sub(now));
        }
    }

    /// Removes a name with `remove`, and releases the charge for what `look` finds. It can block.
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

    /// Returns whether both are the same quota.
    pub(super) fn is(&self, other: &Counted) -> bool {
        match (self, other) {
            (Counted::Nothing, Counted::Nothing) => true,
            (Counted::Quota(one), Counted::Quota(other)) => Arc::ptr_eq(one, other),
            (Counted::Tmp(one), Counted::Tmp(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

/// Returns whether two names belong to one file.
pub(super) fn same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Returns a file's identity for a guest: comparable, without information about the system.
pub(super) fn hash(found: &Metadata) -> MetadataHashValue {
    hash_of(found.dev(), found.ino())
}

pub(super) fn hash_of(device: u64, number: u64) -> MetadataHashValue {
    let mut hasher = DefaultHasher::new();
    (device, number).hash(&mut hasher);
    let lower = hasher.finish();
    // The hash has 64 bits only; the upper half is derived.
    let upper = lower ^ 0x4009_21fb_5444_2d18;
    MetadataHashValue { lower, upper }
}

/// The path of [`Node::Root`].
pub(super) const ROOT_PATH: &str = "/";

/// The metadata of [`Node::Root`].
pub(super) const ROOT: DescriptorStat = DescriptorStat {
    type_: DescriptorType::Directory,
    link_count: 1,
    size: 0,
    data_access_timestamp: None,
    data_modification_timestamp: None,
    status_change_timestamp: None,
};

/// The identity of [`Node::Root`], which no file of the system has.
pub(super) const ROOT_HASH: MetadataHashValue = MetadataHashValue { lower: 0, upper: 0 };

/// The metadata of each [`Device`].
pub(super) const DEVICE: DescriptorStat = DescriptorStat {
    type_: DescriptorType::CharacterDevice,
    ..ROOT
};

/// Converts metadata for a guest.
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
