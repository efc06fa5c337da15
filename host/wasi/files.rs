//! The files of an interpreter: what WASI does, after a look at what would be opened, and at quotas.

use super::opened::Descriptors;
use super::stream::Metered;
use crate::policy::{Full, Policy, Quota};
use crate::state::State;
use crate::telemetry;
use std::collections::HashMap;
use std::sync::Arc;
use types::{
    Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, DirectoryEntryStream,
    ErrorCode, Filesize, HostDescriptor, HostDirectoryEntryStream, MetadataHashValue, NewTimestamp,
    OpenFlags, PathFlags,
};
use wasmtime::Result;
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::filesystem::{Descriptor, File, WasiFilesystemCtxView, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::filesystem::{preopens, types};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult};

/// The quotas that count for what is open.
#[derive(Default)]
pub(crate) struct Meters {
    /// By the path of the granted directory in the guest.
    granted: HashMap<String, Arc<Quota>>,
    /// By the number of the descriptor.
    open: HashMap<u32, Arc<Quota>>,
    /// How many directories are being listed.
    listings: usize,
    pub(super) descriptors: Descriptors,
}

/// How many directories an interpreter can list at a time.  The host has read all of each, however large
/// the guest has made it.
const MOST_LISTINGS: usize = 64;

impl Meters {
    pub(super) fn new(policy: &Policy) -> Self {
        let quotas = policy.dirs.iter().filter_map(|grant| {
            let quota = grant.quota.clone()?;
            Some((grant.guest.clone(), quota))
        });
        Meters {
            granted: quotas.collect(),
            open: HashMap::new(),
            listings: 0,
            descriptors: Descriptors::default(),
        }
    }
}

impl From<Full> for FsError {
    fn from(_: Full) -> Self {
        ErrorCode::InsufficientSpace.into()
    }
}

/// Adds the file system to `linker` in place of WASI's own.
pub(super) fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    preopens::add_to_linker::<State, HasFiles>(linker, |state| Files(state))?;
    types::add_to_linker::<State, HasFiles>(linker, |state| Files(state))
}

struct HasFiles;

impl HasData for HasFiles {
    type Data<'a> = Files<'a>;
}

struct Files<'a>(&'a mut State);

/// The number of a descriptor, again.
fn again(descriptor: &Resource<Descriptor>) -> Resource<Descriptor> {
    Resource::new_borrow(descriptor.rep())
}

/// What is wanted of a file.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) path: PathFlags,
    pub(super) open: OpenFlags,
    pub(super) flags: DescriptorFlags,
}

/// How much of a path the audit log shows.
const SHOWN: usize = 1000;

impl Files<'_> {
    /// Tells the audit log when that is denied, and passes on what comes of it.
    fn told<T>(&self, what: &str, path: Option<&str>, result: FsResult<T>) -> FsResult<T> {
        if let Err(error) = &result
            && let Some(ErrorCode::NotPermitted) = error.downcast_ref()
            && let Some(island) = self.0.island.upgrade()
        {
            match path {
                Some(path) => {
                    let path: String = path.chars().take(SHOWN).collect();
                    telemetry::denied(&island, format_args!("{what} {path:?}"));
                }
                None => telemetry::denied(&island, what),
            }
        }
        result
    }

    #[cfg(unix)]
    async fn open(
        &mut self,
        fd: &Resource<Descriptor>,
        path: String,
        wanted: Wanted,
    ) -> FsResult<Resource<Descriptor>> {
        let Descriptor::Dir(dir) = self.0.ctx().table.get(fd)? else {
            return Err(ErrorCode::NotDirectory.into());
        };
        let dir = dir.clone();
        let opened = super::open::open(&dir, path, wanted).await?;
        Ok(self.0.ctx().table.push(opened)?)
    }

    #[cfg(not(unix))]
    async fn open(
        &mut self,
        fd: &Resource<Descriptor>,
        path: String,
        wanted: Wanted,
    ) -> FsResult<Resource<Descriptor>> {
        let Wanted {
            path: at,
            open,
            flags,
        } = wanted;
        self.wasi().open_at(again(fd), at, path, open, flags).await
    }

    fn wasi(&mut self) -> WasiFilesystemCtxView<'_> {
        self.0.filesystem()
    }

    fn quota(&self, descriptor: &Resource<Descriptor>) -> Option<Arc<Quota>> {
        self.0.meters.open.get(&descriptor.rep()).cloned()
    }

    /// Counts a file, folder or link that is about to be created in a directory.
    fn create(&self, directory: &Resource<Descriptor>) -> FsResult<()> {
        match self.quota(directory) {
            Some(quota) => Ok(quota.create()?),
            None => Ok(()),
        }
    }

    /// Refuses to give one file names in two directories with different quotas: what is in one of them would
    /// have been counted in the other.
    fn same_quota(&self, from: &Resource<Descriptor>, to: &Resource<Descriptor>) -> FsResult<()> {
        let number = |quota: Option<Arc<Quota>>| quota.as_ref().map(Arc::as_ptr);
        match number(self.quota(from)) == number(self.quota(to)) {
            true => Ok(()),
            false => Err(ErrorCode::CrossDevice.into()),
        }
    }

    fn file(&mut self, descriptor: &Resource<Descriptor>) -> FsResult<Option<File>> {
        Ok(match self.0.ctx().table.get(descriptor)? {
            Descriptor::File(file) => Some(file.clone()),
            Descriptor::Dir(_) => None,
        })
    }

    /// Puts what counts what is written before a stream.
    fn metered(
        &mut self,
        descriptor: &Resource<Descriptor>,
        stream: Resource<DynOutputStream>,
        position: Option<u64>,
    ) -> FsResult<Resource<DynOutputStream>> {
        let (Some(quota), Some(file)) = (self.quota(descriptor), self.file(descriptor)?) else {
            return Ok(stream);
        };
        let end = file.file.metadata()?.len();
        let gap = position.map_or(0, |position| position.saturating_sub(end));
        let table = self.0.ctx().table;
        let inner = table.delete(stream)?;
        // The guest's libc makes EIO of every error of a stream, but tells this one as it is.
        if !quota.has_room(gap.saturating_add(1)) {
            return Err(ErrorCode::InsufficientSpace.into());
        }
        let metered = Metered::new(inner, file.file.clone(), quota, position);
        let metered: DynOutputStream = Box::new(metered);
        Ok(table.push(metered)?)
    }
}

impl preopens::Host for Files<'_> {
    fn get_directories(&mut self) -> Result<Vec<(Resource<Descriptor>, String)>> {
        let directories = preopens::Host::get_directories(&mut self.wasi())?;
        let meters = &mut self.0.meters;
        for (descriptor, guest) in &directories {
            if let Some(quota) = meters.granted.get(guest) {
                meters.open.insert(descriptor.rep(), quota.clone());
            }
        }
        Ok(directories)
    }
}

impl types::Host for Files<'_> {
    fn convert_error_code(&mut self, error: FsError) -> Result<ErrorCode> {
        types::Host::convert_error_code(&mut self.wasi(), error)
    }

    fn filesystem_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> Result<Option<ErrorCode>> {
        self.wasi().filesystem_error_code(error)
    }
}

impl HostDescriptor for Files<'_> {
    async fn open_at(
        &mut self,
        fd: Resource<Descriptor>,
        path_flags: PathFlags,
        path: String,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Resource<Descriptor>> {
        let Some(held) = self.0.another_descriptor() else {
            // WASI has no error of its own for it.
            return Err(ErrorCode::InsufficientMemory.into());
        };
        // Opening a device can do anything, so it is looked at before.
        let mut wasi = self.wasi();
        let found = wasi.stat_at(again(&fd), path_flags, path.clone()).await;
        let found = self.told("opening", Some(&path), found);
        match found.map_err(FsError::downcast) {
            Ok(stat) => match stat.type_ {
                DescriptorType::RegularFile
                | DescriptorType::Directory
                | DescriptorType::SymbolicLink => {}
                _ => {
                    let refused = Err(ErrorCode::NotPermitted.into());
                    return self.told("opening what is no file", Some(&path), refused);
                }
            },
            Err(Ok(ErrorCode::NoEntry)) if open.contains(OpenFlags::CREATE) => self.create(&fd)?,
            Err(Ok(code)) => return Err(code.into()),
            Err(Err(trap)) => return Err(FsError::trap(trap)),
        }
        let quota = self.quota(&fd);
        let wanted = Wanted {
            path: path_flags,
            open,
            flags,
        };
        let opened = self.open(&fd, path.clone(), wanted).await;
        let opened = self.told("opening", Some(&path), opened)?;
        let file = match self.0.ctx().table.get(&opened)? {
            Descriptor::File(file) => file.file.clone(),
            Descriptor::Dir(dir) => dir.dir.clone(),
        };
        self.0.meters.descriptors.opened(&file, held);
        if let Some(quota) = quota {
            self.0.meters.open.insert(opened.rep(), quota);
        }
        Ok(opened)
    }

    fn drop(&mut self, fd: Resource<Descriptor>) -> Result<()> {
        self.0.meters.open.remove(&fd.rep());
        HostDescriptor::drop(&mut self.wasi(), fd)
    }

    async fn set_size(&mut self, fd: Resource<Descriptor>, size: Filesize) -> FsResult<()> {
        if let (Some(quota), Some(file)) = (self.quota(&fd), self.file(&fd)?) {
            if file.perms.write_not_permitted() {
                return Err(ErrorCode::NotPermitted.into());
            }
            quota.write(size.saturating_sub(file.file.metadata()?.len()))?;
        }
        let done = self.wasi().set_size(fd, size).await;
        self.told("changing the size of a file", None, done)
    }

    async fn write(
        &mut self,
        fd: Resource<Descriptor>,
        bytes: Vec<u8>,
        offset: Filesize,
    ) -> FsResult<Filesize> {
        if let (Some(quota), Some(file)) = (self.quota(&fd), self.file(&fd)?) {
            let gap = offset.saturating_sub(file.file.metadata()?.len());
            quota.write(gap.saturating_add(bytes.len() as u64))?;
        }
        let done = self.wasi().write(fd, bytes, offset).await;
        self.told("writing to a file", None, done)
    }

    fn write_via_stream(
        &mut self,
        fd: Resource<Descriptor>,
        offset: Filesize,
    ) -> FsResult<Resource<DynOutputStream>> {
        let stream = self.wasi().write_via_stream(again(&fd), offset);
        let stream = self.told("writing to a file", None, stream)?;
        self.metered(&fd, stream, Some(offset))
    }

    fn append_via_stream(
        &mut self,
        fd: Resource<Descriptor>,
    ) -> FsResult<Resource<DynOutputStream>> {
        let stream = self.wasi().append_via_stream(again(&fd));
        let stream = self.told("writing to a file", None, stream)?;
        self.metered(&fd, stream, None)
    }

    async fn create_directory_at(
        &mut self,
        fd: Resource<Descriptor>,
        path: String,
    ) -> FsResult<()> {
        self.create(&fd)?;
        let done = self.wasi().create_directory_at(fd, path.clone()).await;
        self.told("creating the folder", Some(&path), done)
    }

    async fn link_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: PathFlags,
        old: String,
        to: Resource<Descriptor>,
        new: String,
    ) -> FsResult<()> {
        self.same_quota(&fd, &to)?;
        self.create(&to)?;
        let done = self.wasi().link_at(fd, flags, old.clone(), to, new).await;
        self.told("linking", Some(&old), done)
    }

    async fn symlink_at(
        &mut self,
        fd: Resource<Descriptor>,
        old: String,
        new: String,
    ) -> FsResult<()> {
        self.create(&fd)?;
        if let Some(quota) = self.quota(&fd) {
            quota.write(old.len() as u64)?;
        }
        let done = self.wasi().symlink_at(fd, old.clone(), new).await;
        self.told("linking to", Some(&old), done)
    }

    // The rest is WASI's alone.

    async fn advise(
        &mut self,
        fd: Resource<Descriptor>,
        offset: Filesize,
        length: Filesize,
        advice: Advice,
    ) -> FsResult<()> {
        self.wasi().advise(fd, offset, length, advice).await
    }

    async fn sync_data(&mut self, fd: Resource<Descriptor>) -> FsResult<()> {
        self.wasi().sync_data(fd).await
    }

    async fn get_flags(&mut self, fd: Resource<Descriptor>) -> FsResult<DescriptorFlags> {
        self.wasi().get_flags(fd).await
    }

    async fn get_type(&mut self, fd: Resource<Descriptor>) -> FsResult<DescriptorType> {
        self.wasi().get_type(fd).await
    }

    async fn set_times(
        &mut self,
        fd: Resource<Descriptor>,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        let done = self.wasi().set_times(fd, accessed, modified).await;
        self.told("changing the times of a file", None, done)
    }

    async fn read(
        &mut self,
        fd: Resource<Descriptor>,
        length: Filesize,
        offset: Filesize,
    ) -> FsResult<(Vec<u8>, bool)> {
        self.wasi().read(fd, length, offset).await
    }

    async fn read_directory(
        &mut self,
        fd: Resource<Descriptor>,
    ) -> FsResult<Resource<DirectoryEntryStream>> {
        if self.0.meters.listings >= MOST_LISTINGS {
            return Err(ErrorCode::InsufficientMemory.into());
        }
        let listing = self.wasi().read_directory(fd).await?;
        self.0.meters.listings += 1;
        Ok(listing)
    }

    async fn sync(&mut self, fd: Resource<Descriptor>) -> FsResult<()> {
        self.wasi().sync(fd).await
    }

    async fn stat(&mut self, fd: Resource<Descriptor>) -> FsResult<DescriptorStat> {
        self.wasi().stat(fd).await
    }

    async fn stat_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
    ) -> FsResult<DescriptorStat> {
        let done = self.wasi().stat_at(fd, flags, path.clone()).await;
        self.told("looking at", Some(&path), done)
    }

    async fn set_times_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        let mut wasi = self.wasi();
        let (shown, done) = (
            path.clone(),
            wasi.set_times_at(fd, flags, path, accessed, modified),
        );
        let done = done.await;
        self.told("changing the times of", Some(&shown), done)
    }

    async fn readlink_at(&mut self, fd: Resource<Descriptor>, path: String) -> FsResult<String> {
        let done = self.wasi().readlink_at(fd, path.clone()).await;
        self.told("reading the link", Some(&path), done)
    }

    async fn remove_directory_at(
        &mut self,
        fd: Resource<Descriptor>,
        path: String,
    ) -> FsResult<()> {
        let done = self.wasi().remove_directory_at(fd, path.clone()).await;
        self.told("removing the folder", Some(&path), done)
    }

    async fn rename_at(
        &mut self,
        fd: Resource<Descriptor>,
        old: String,
        to: Resource<Descriptor>,
        new: String,
    ) -> FsResult<()> {
        self.same_quota(&fd, &to)?;
        let done = self.wasi().rename_at(fd, old.clone(), to, new).await;
        self.told("renaming", Some(&old), done)
    }

    async fn unlink_file_at(&mut self, fd: Resource<Descriptor>, path: String) -> FsResult<()> {
        let done = self.wasi().unlink_file_at(fd, path.clone()).await;
        self.told("removing", Some(&path), done)
    }

    fn read_via_stream(
        &mut self,
        fd: Resource<Descriptor>,
        offset: Filesize,
    ) -> FsResult<Resource<DynInputStream>> {
        self.wasi().read_via_stream(fd, offset)
    }

    async fn is_same_object(
        &mut self,
        a: Resource<Descriptor>,
        b: Resource<Descriptor>,
    ) -> Result<bool> {
        self.wasi().is_same_object(a, b).await
    }

    async fn metadata_hash(&mut self, fd: Resource<Descriptor>) -> FsResult<MetadataHashValue> {
        self.wasi().metadata_hash(fd).await
    }

    async fn metadata_hash_at(
        &mut self,
        fd: Resource<Descriptor>,
        flags: PathFlags,
        path: String,
    ) -> FsResult<MetadataHashValue> {
        let done = self.wasi().metadata_hash_at(fd, flags, path.clone()).await;
        self.told("looking at", Some(&path), done)
    }
}

impl HostDirectoryEntryStream for Files<'_> {
    async fn read_directory_entry(
        &mut self,
        stream: Resource<DirectoryEntryStream>,
    ) -> FsResult<Option<DirectoryEntry>> {
        self.wasi().read_directory_entry(stream).await
    }

    fn drop(&mut self, stream: Resource<DirectoryEntryStream>) -> Result<()> {
        let listings = &mut self.0.meters.listings;
        *listings = listings.saturating_sub(1);
        HostDirectoryEntryStream::drop(&mut self.wasi(), stream)
    }
}
