//! Opening paths in a granted directory without blocking.
//!
//! Opening a pipe blocks until it has another end, and opening a device can do anything. A check
//! before the open is not enough, since a pipe can replace a file in between.

use super::node::{Counted, Device, Folder, Node, OpenFile, Opened, Place, kind};
use crate::wasi::descriptors::DescriptorCharge;
use archipel_core::ledger::Account;
use cap_std::fs::{Dir, Metadata, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;
use std::io;
use std::sync::Arc;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorFlags, DescriptorType, ErrorCode, OpenFlags, PathFlags,
};

/// The flags of an open call.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) path: PathFlags,
    pub(super) open: OpenFlags,
    pub(super) flags: DescriptorFlags,
}

impl Wanted {
    fn follows(self) -> bool {
        self.path.contains(PathFlags::SYMLINK_FOLLOW)
    }

    /// Returns `device`, opened with these flags.
    pub(super) fn device(self, device: Device) -> Result<Node, ErrorCode> {
        if self.open.contains(OpenFlags::DIRECTORY) {
            return Err(ErrorCode::NotDirectory);
        }
        if self.open.contains(OpenFlags::EXCLUSIVE) {
            return Err(ErrorCode::Exist);
        }
        let wanted = [DescriptorFlags::READ, DescriptorFlags::WRITE];
        let wanted = wanted.map(|flag| self.flags.contains(flag));
        let allowed = device.opens();
        match wanted.iter().zip(allowed).all(|(wants, may)| may || !wants) {
            true => Ok(Node::Device(device, wanted)),
            false => Err(ErrorCode::NotPermitted),
        }
    }

    /// Returns the system's options, and whether the guest can read and write.
    fn options(self, folder: &Folder) -> Result<(OpenOptions, [bool; 2]), ErrorCode> {
        let (open, flags) = (self.open, self.flags);
        let synchronous = DescriptorFlags::FILE_INTEGRITY_SYNC
            | DescriptorFlags::DATA_INTEGRITY_SYNC
            | DescriptorFlags::REQUESTED_WRITE_SYNC;
        if flags.intersects(synchronous) {
            return Err(ErrorCode::Unsupported);
        }
        let changes = OpenFlags::CREATE | OpenFlags::EXCLUSIVE | OpenFlags::TRUNCATE;
        if open.contains(OpenFlags::DIRECTORY) && open.intersects(changes) {
            return Err(ErrorCode::Invalid);
        }
        let writes = flags.contains(DescriptorFlags::WRITE);
        let reads = flags.contains(DescriptorFlags::READ);
        // The system needs read or write access, and write access to create or truncate.
        let opens_to_write = writes || open.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE);
        let opens_to_read = reads || !writes;
        if opens_to_write && folder.read_only {
            return Err(ErrorCode::NotPermitted);
        }
        let exclusive = open.contains(OpenFlags::CREATE | OpenFlags::EXCLUSIVE);
        let mut system = OFlags::NONBLOCK;
        if !self.follows() {
            system |= OFlags::NOFOLLOW;
        }
        let mut options = OpenOptions::new();
        options
            .read(opens_to_read)
            .write(opens_to_write)
            .truncate(open.contains(OpenFlags::TRUNCATE))
            .create(open.contains(OpenFlags::CREATE))
            .create_new(exclusive)
            .custom_flags(i32::try_from(system.bits()).unwrap_or_default());
        Ok((options, [reads, writes]))
    }
}

/// Opens a file or a folder, and refuses everything else. It can block.
///
/// The inner error goes to the guest as it is.
pub(super) fn open(
    folder: &Folder,
    path: &str,
    wanted: Wanted,
    account: &Arc<Account>,
    held: DescriptorCharge,
) -> io::Result<Result<Node, ErrorCode>> {
    let (options, [reads, writes]) = match wanted.options(folder) {
        Ok(options) => options,
        Err(code) => return Ok(Err(code)),
    };
    let dir = folder.dir()?;
    let before = look(&dir, path, wanted.follows());
    let creates = match &before {
        Ok(found) => {
            if !opens(kind(found)) {
                return Ok(Err(ErrorCode::NotPermitted));
            }
            false
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            wanted.open.contains(OpenFlags::CREATE)
        }
        Err(_) => return before.map(|_| Err(ErrorCode::Io)),
    };
    if creates {
        folder.counted.create(0)?;
    }
    let opened = dir.open_with(path, &options);
    if opened.is_err() && creates {
        folder.counted.uncreate(0);
    }
    let file = opened?.into_std();
    let found = Metadata::from_file(&file)?;
    Ok(match kind(&found) {
        DescriptorType::Directory => Ok(Node::Folder(Arc::new(Folder {
            place: Place::Open(Arc::new(Dir::from_std_file(file))),
            writes,
            read_only: folder.read_only,
            counted: folder.counted.clone(),
            _held: Some(held),
        }))),
        _ if wanted.open.contains(OpenFlags::DIRECTORY) => Err(ErrorCode::NotDirectory),
        DescriptorType::RegularFile => {
            if let Counted::Tmp(tmp) = &folder.counted {
                if wanted.open.contains(OpenFlags::TRUNCATE)
                    && let Ok(before) = &before
                {
                    tmp.shrink(before.len().saturating_sub(found.len()));
                }
                tmp.opens(&found);
            }
            let modes = [reads, writes, folder.read_only];
            let opened = Opened { file, found };
            let file = OpenFile::new(opened, modes, folder.counted.clone(), account, held);
            Ok(Node::File(Arc::new(file)))
        }
        _ => Err(ErrorCode::NotPermitted),
    })
}

fn look(dir: &Dir, path: &str, follows: bool) -> io::Result<Metadata> {
    match follows {
        true => dir.metadata(path),
        false => dir.symlink_metadata(path),
    }
}

fn opens(kind: DescriptorType) -> bool {
    matches!(
        kind,
        DescriptorType::RegularFile | DescriptorType::Directory | DescriptorType::SymbolicLink
    )
}
