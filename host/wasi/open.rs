//! Opening what lies in a granted directory without ever waiting for anybody.
//!
//! WASI's own implementation waits where a pipe has no other end yet, in a thread that nobody can call back.
//! To look at it before does not help, since it can take the place of a file just then.

use super::files::Wanted;
use cap_std::fs::{Dir as Folder, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;
use rustix::io::Errno;
use std::io;
use wasmtime_wasi::OpenMode;
use wasmtime_wasi::filesystem::{Descriptor, Dir, File};
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorFlags, ErrorCode, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{FsError, FsResult};

impl Wanted {
    /// What the system is told, and what the descriptor will be good for.
    fn options(self, dir: &Dir) -> Result<(OpenOptions, OpenMode), ErrorCode> {
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
        let mut mode = OpenMode::empty();
        let writes = flags.contains(DescriptorFlags::WRITE);
        if writes || open.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE) {
            mode |= OpenMode::WRITE;
        }
        // The system wants one of the two; what the guest may do is in the mode of its descriptor.
        if flags.contains(DescriptorFlags::READ) || !writes {
            mode |= OpenMode::READ;
        }
        if mode.contains(OpenMode::WRITE) && dir.perms.write_not_permitted() {
            return Err(ErrorCode::NotPermitted);
        }
        let exclusive = open.contains(OpenFlags::CREATE | OpenFlags::EXCLUSIVE);
        let mut system = OFlags::NONBLOCK;
        if !self.path.contains(PathFlags::SYMLINK_FOLLOW) {
            system |= OFlags::NOFOLLOW;
        }
        let mut options = OpenOptions::new();
        options
            .read(mode.contains(OpenMode::READ))
            .write(mode.contains(OpenMode::WRITE))
            .truncate(open.contains(OpenFlags::TRUNCATE))
            .create(open.contains(OpenFlags::CREATE))
            .create_new(exclusive)
            .custom_flags(i32::try_from(system.bits()).unwrap_or_default());
        Ok((options, mode))
    }
}

/// Opens a file or a folder, and refuses everything else.
pub(super) async fn open(dir: &Dir, path: String, wanted: Wanted) -> FsResult<Descriptor> {
    let (options, mode) = wanted.options(dir)?;
    let (folder, perms) = (dir.dir.clone(), dir.perms);
    let opened = tokio::task::spawn_blocking(move || {
        let folder = Folder::from_std_file(folder.try_clone()?);
        let opened = folder.open_with(path, &options)?.into_std();
        let kind = opened.metadata()?.file_type();
        io::Result::Ok((opened, kind))
    });
    let (opened, kind) = match opened.await {
        Ok(Ok(opened)) => opened,
        Ok(Err(error)) => return Err(failed(error)),
        Err(_) => return Err(ErrorCode::Io.into()),
    };
    if kind.is_dir() {
        Ok(Descriptor::Dir(Dir::new(opened, perms, mode, false)))
    } else if wanted.open.contains(OpenFlags::DIRECTORY) {
        Err(ErrorCode::NotDirectory.into())
    } else if kind.is_file() {
        Ok(Descriptor::File(File::new(opened, perms, mode, false)))
    } else {
        Err(ErrorCode::NotPermitted.into())
    }
}

/// What the guest is told of an error, some of which WASI's own implementation does not know.
fn failed(error: io::Error) -> FsError {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        // A socket, or a pipe that nobody reads.
        Some(Errno::NXIO) => ErrorCode::NotPermitted.into(),
        // WASI has no error of its own for it.
        Some(Errno::MFILE | Errno::NFILE) => ErrorCode::InsufficientMemory.into(),
        Some(Errno::ROFS) => ErrorCode::ReadOnly.into(),
        _ => FsError::from(error),
    }
}
