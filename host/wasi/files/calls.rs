//! WASI's calls on open files and folders.

use super::errors::TOO_MANY;
use super::listing::{self, Listing, Reader};
use super::node::{self, Device, Folder, Node, OpenFile};
use super::streams::{self, InTable, Stream, Way};
use super::{LookedAt, MOST_LISTINGS, methods, run};
use crate::wasi::{HasWasi, Wasi};
use archipel_core::error::LimitKind;
use cap_std::fs::Metadata;
use rustix::fs::{Mode, OFlags, openat};
use std::fs::{File, FileTimes};
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use wasmtime::component::{LinkerInstance, Resource, WasmList};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi::cli::WasiCliView;
use wasmtime_wasi::p2::bindings::cli::{stderr::Host as _, stdout::Host as _};
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, ErrorCode,
    MetadataHashValue, NewTimestamp,
};
use wasmtime_wasi::p2::pipe::{ClosedInputStream, SinkOutputStream};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult};

pub(super) fn add_to_instance<T: HasWasi>(instance: &mut LinkerInstance<'_, T>) -> Result<()> {
    methods!(instance:
        "[method]descriptor.read-via-stream" => read_via_stream,
        "[method]descriptor.write-via-stream" => write_via_stream,
        "[method]descriptor.append-via-stream" => append_via_stream,
        "[method]descriptor.advise" => advise,
        "[method]descriptor.sync-data" => sync_data,
        "[method]descriptor.get-flags" => get_flags,
        "[method]descriptor.get-type" => get_type,
        "[method]descriptor.set-size" => set_size,
        "[method]descriptor.set-times" => set_times,
        "[method]descriptor.read" => read,
        "[method]descriptor.read-directory" => read_directory,
        "[method]descriptor.sync" => sync,
        "[method]descriptor.stat" => stat,
        "[method]descriptor.metadata-hash" => metadata_hash,
        "[method]directory-entry-stream.read-directory-entry" => read_directory_entry,
    );
    instance.func_wrap_async(
        "[method]descriptor.write",
        |mut store: StoreContextMut<'_, T>, params| {
            Box::new(async move { super::for_guest(write(&mut store, params).await) })
        },
    )?;
    instance.func_wrap_async(
        "[method]descriptor.is-same-object",
        |mut store: StoreContextMut<'_, T>, params| {
            Box::new(async move {
                let (one, other): (Resource<Node>, Resource<Node>) = params;
                let state = store.data_mut().wasi_mut();
                let one = metadata_hash(state, (one,)).await;
                let other = metadata_hash(state, (other,)).await;
                Ok((match (one, other) {
                    (Ok(one), Ok(other)) => one.lower == other.lower,
                    _ => false,
                },))
            })
        },
    )?;
    instance.func_wrap(
        "filesystem-error-code",
        |store: StoreContextMut<'_, T>, (error,): (Resource<wasmtime::Error>,)| {
            let error = store.data().wasi().table.get(&error)?;
            Ok((streams::code(error),))
        },
    )
}

/// Adds a stream of a file to the table.
fn stream<S>(
    state: &mut Wasi,
    file: Arc<OpenFile>,
    way: Way,
    entry: impl FnOnce(InTable) -> S,
) -> FsResult<Resource<S>>
where
    S: Send + 'static,
{
    let stream = Arc::new(Stream { file, way });
    let entry = entry(InTable(stream.clone()));
    let resource = state.table.push(entry).map_err(|_| TOO_MANY)?;
    state.files.streams.add(resource.rep(), &stream);
    Ok(resource)
}

async fn read_via_stream(
    state: &mut Wasi,
    (fd, position): (Resource<Node>, u64),
) -> FsResult<Resource<DynInputStream>> {
    let file = match state.node(&fd).map_err(FsError::trap)? {
        Node::File(file) if file.reads => file,
        Node::Device(Device::Null, [true, _]) => {
            let empty = Box::new(ClosedInputStream) as DynInputStream;
            return Ok(state.table.push(empty).map_err(|_| TOO_MANY)?);
        }
        Node::File(_) | Node::Device(..) => return Err(ErrorCode::BadDescriptor.into()),
        Node::Folder(_) | Node::Root => return Err(ErrorCode::IsDirectory.into()),
    };
    state.files.begin_stream(&fd, &file, position);
    stream(state, file, Way::Read, |stream| {
        Box::new(stream) as DynInputStream
    })
}

async fn write_via_stream(
    state: &mut Wasi,
    (fd, position): (Resource<Node>, u64),
) -> FsResult<Resource<DynOutputStream>> {
    if let Some(sink) = sink(state, &fd)? {
        return Ok(sink);
    }
    let file = to_write(state, &fd, Some(position)).await?;
    state.files.begin_stream(&fd, &file, position);
    stream(state, file, Way::Write, |stream| {
        Box::new(stream) as DynOutputStream
    })
}

async fn append_via_stream(
    state: &mut Wasi,
    (fd,): (Resource<Node>,),
) -> FsResult<Resource<DynOutputStream>> {
    if let Some(sink) = sink(state, &fd)? {
        return Ok(sink);
    }
    let file = to_write(state, &fd, None).await?;
    stream(state, file, Way::Append, |stream| {
        Box::new(stream) as DynOutputStream
    })
}

/// Returns a stream that writes to a device; `None` for a file.
fn sink(state: &mut Wasi, fd: &Resource<Node>) -> FsResult<Option<Resource<DynOutputStream>>> {
    let Node::Device(device, [_, true]) = state.node(fd).map_err(FsError::trap)? else {
        return Ok(None);
    };
    let stream = match device {
        Device::Null => {
            let sink = Box::new(SinkOutputStream) as DynOutputStream;
            state.table.push(sink).map_err(|_| TOO_MANY)?
        }
        Device::Output => state.cli().get_stdout().map_err(|_| TOO_MANY)?,
        Device::Error => state.cli().get_stderr().map_err(|_| TOO_MANY)?,
    };
    Ok(Some(stream))
}

/// Returns a file that can be written to. The guest's libc reports every error of a stream as EIO,
/// but passes on errors of this call, so an exhausted quota is detected here.
async fn to_write(
    state: &mut Wasi,
    fd: &Resource<Node>,
    position: Option<u64>,
) -> FsResult<Arc<OpenFile>> {
    let file = written(state, fd, "writing to a file")?;
    if file.counted.counts() {
        let written = file.clone();
        run(state, move || {
            let size = written.file().metadata()?.len();
            written.counted.has_room(size, position)
        })
        .await?;
    }
    Ok(file)
}

/// Returns a file that can be changed.
fn written(state: &Wasi, fd: &Resource<Node>, what: &str) -> FsResult<Arc<OpenFile>> {
    let file = state.file(fd)?;
    if file.read_only {
        return state.log_denial(what, None, Err(ErrorCode::NotPermitted.into()));
    }
    match file.writes {
        true => Ok(file),
        false => Err(ErrorCode::BadDescriptor.into()),
    }
}

/// Ignores the advice: the system would read ahead as much as the guest asks for.
async fn advise(
    state: &mut Wasi,
    (fd, _offset, _length, _advice): (Resource<Node>, u64, u64, Advice),
) -> FsResult<()> {
    state.file(&fd).map(drop)
}

/// Flushes a file or folder to disk.
async fn synchronize(
    state: &mut Wasi,
    fd: &Resource<Node>,
    how: fn(&File) -> io::Result<()>,
) -> FsResult<()> {
    match state.node(fd).map_err(FsError::trap)? {
        Node::File(file) => run(state, move || how(file.file())).await,
        Node::Folder(folder) => run(state, move || how(&reopened(&folder)?)).await,
        Node::Root | Node::Device(..) => Ok(()),
    }
}

async fn sync(state: &mut Wasi, (fd,): (Resource<Node>,)) -> FsResult<()> {
    synchronize(state, &fd, File::sync_all).await
}

async fn sync_data(state: &mut Wasi, (fd,): (Resource<Node>,)) -> FsResult<()> {
    synchronize(state, &fd, File::sync_data).await
}

/// Opens a folder for calls that need a file.
fn reopened(folder: &Folder) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(openat(&*folder.dir()?, ".", flags, Mode::empty())?.into())
}

async fn get_flags(state: &mut Wasi, (fd,): (Resource<Node>,)) -> FsResult<DescriptorFlags> {
    let node = state.node(&fd).map_err(FsError::trap)?;
    let flags = match node {
        Node::File(file) => [
            (file.reads, DescriptorFlags::READ),
            (file.writes, DescriptorFlags::WRITE),
        ],
        Node::Folder(folder) => [
            (true, DescriptorFlags::READ),
            (folder.writes, DescriptorFlags::MUTATE_DIRECTORY),
        ],
        Node::Root => [
            (true, DescriptorFlags::READ),
            (false, DescriptorFlags::MUTATE_DIRECTORY),
        ],
        Node::Device(_, [reads, writes]) => [
            (reads, DescriptorFlags::READ),
            (writes, DescriptorFlags::WRITE),
        ],
    };
    let set = flags.into_iter().filter(|(set, _)| *set);
    Ok(set.fold(DescriptorFlags::empty(), |all, (_, flag)| all | flag))
}

async fn get_type(state: &mut Wasi, (fd,): (Resource<Node>,)) -> FsResult<DescriptorType> {
    let node = state.node(&fd).map_err(FsError::trap)?;
    Ok(match node {
        Node::File(_) => DescriptorType::RegularFile,
        Node::Folder(_) | Node::Root => DescriptorType::Directory,
        Node::Device(..) => DescriptorType::CharacterDevice,
    })
}

async fn set_size(state: &mut Wasi, (fd, size): (Resource<Node>, u64)) -> FsResult<()> {
    let file = match written(state, &fd, "changing the size of a file") {
        Err(error) if matches!(error.downcast_ref(), Some(ErrorCode::BadDescriptor)) => {
            return Err(ErrorCode::Invalid.into());
        }
        file => file?,
    };
    run(state, move || {
        let before = file.file().metadata()?.len();
        file.counted.resize(before, size)?;
        let done = file.file().set_len(size);
        let now = if done.is_ok() { size } else { before };
        file.counted.settle_resize(before, size, now);
        done
    })
    .await
}

async fn set_times(
    state: &mut Wasi,
    (fd, accessed, modified): (Resource<Node>, NewTimestamp, NewTimestamp),
) -> FsResult<()> {
    let mut times = FileTimes::new();
    if let Some(time) = time(accessed)? {
        times = times.set_accessed(time);
    }
    if let Some(time) = time(modified)? {
        times = times.set_modified(time);
    }
    let node = state.node(&fd).map_err(FsError::trap)?;
    let read_only = match &node {
        Node::File(file) => file.read_only,
        Node::Folder(folder) => folder.read_only,
        Node::Root | Node::Device(..) => true,
    };
    let done = match (read_only, node) {
        (true, _) | (_, Node::Root | Node::Device(..)) => Err(ErrorCode::NotPermitted.into()),
        (_, Node::File(file)) => run(state, move || file.file().set_times(times)).await,
        (_, Node::Folder(folder)) => run(state, move || reopened(&folder)?.set_times(times)).await,
    };
    state.log_denial("changing the times of a file", None, done)
}

/// Converts a guest's timestamp; `None` leaves the time unchanged.
pub(super) fn time(wanted: NewTimestamp) -> FsResult<Option<SystemTime>> {
    Ok(match wanted {
        NewTimestamp::NoChange => None,
        NewTimestamp::Now => Some(SystemTime::now()),
        NewTimestamp::Timestamp(Datetime {
            seconds,
            nanoseconds,
        }) => {
            // An addition could overflow and panic.
            let time = Duration::from_secs(seconds)
                .checked_add(Duration::from_nanos(nanoseconds.into()))
                .and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
            Some(time.ok_or(ErrorCode::Overflow)?)
        }
    })
}

async fn read(
    state: &mut Wasi,
    (fd, length, offset): (Resource<Node>, u64, u64),
) -> FsResult<(Vec<u8>, bool)> {
    if let Node::Device(Device::Null, [true, _]) = state.node(&fd).map_err(FsError::trap)? {
        return Ok((Vec::new(), true));
    }
    let file = state.file(&fd)?;
    if !file.reads {
        return Err(ErrorCode::BadDescriptor.into());
    }
    let bytes = streams::read_at(state, &file, length, offset).await;
    let bytes = bytes.map_err(super::failed)?;
    let at_end = bytes.is_empty() && length > 0;
    Ok((bytes, at_end))
}

async fn write<T: HasWasi>(
    store: &mut StoreContextMut<'_, T>,
    (fd, bytes, offset): (Resource<Node>, WasmList<u8>, u64),
) -> FsResult<u64> {
    let state = store.data().wasi();
    if let Node::Device(Device::Null, [_, true]) = state.node(&fd).map_err(FsError::trap)? {
        return Ok(bytes.len() as u64);
    }
    let file = written(state, &fd, "writing to a file")?;
    let written = streams::write_at(store, &file, &bytes, Some(offset)).await;
    match (written.done, written.end) {
        (Ok(()), _) => Ok(bytes.len() as u64),
        (Err(_), Some(end)) => Ok(end.saturating_sub(offset)),
        (Err(error), None) => Err(super::failed(error)),
    }
}

async fn read_directory(state: &mut Wasi, (fd,): (Resource<Node>,)) -> FsResult<Resource<Listing>> {
    let folder = state.folder(&fd)?;
    if state.files.listings >= MOST_LISTINGS || !state.has_room_to_open() {
        return Err(TOO_MANY.into());
    }
    let memory = state.account.reserve(LimitKind::Memory, listing::BYTES);
    let (Ok(memory), Some(held)) = (memory, state.another_descriptor().await) else {
        return Err(TOO_MANY.into());
    };
    let listed = folder.clone();
    let reader = run(state, move || Reader::open(&listed)).await?;
    let listing = Listing::new(reader, folder, held, memory);
    let listing = state.table.push(listing)?;
    state.files.listings += 1;
    Ok(listing)
}

async fn read_directory_entry(
    state: &mut Wasi,
    (listing,): (Resource<Listing>,),
) -> FsResult<Option<DirectoryEntry>> {
    let open = state.table.get_mut(&listing)?;
    let mut next = open.next();
    if next.is_none()
        && let Some(reader) = open.reader()
    {
        let (reader, entries) = run(state, move || Ok(reader.read())).await?;
        let open = state.table.get_mut(&listing)?;
        open.add(reader, entries);
        next = open.next();
    }
    let Some(entry) = next.transpose().map_err(super::failed)? else {
        return Ok(None);
    };
    let folder = state.table.get(&listing)?.folder.clone();
    state.files.looked_at = Some(LookedAt {
        folder,
        follow: false,
        path: entry.what.name.clone(),
        hash: entry.hash,
        stat: None,
    });
    Ok(Some(entry.what))
}

async fn stat(state: &mut Wasi, (fd,): (Resource<Node>,)) -> FsResult<DescriptorStat> {
    let found = match state.node(&fd).map_err(FsError::trap)? {
        Node::File(file) => run(state, move || Metadata::from_file(file.file())).await?,
        Node::Folder(folder) => found_of(state, folder).await?,
        Node::Root => return Ok(node::ROOT),
        Node::Device(..) => return Ok(node::DEVICE),
    };
    Ok(node::stat(&found))
}

async fn found_of(state: &mut Wasi, folder: Arc<Folder>) -> FsResult<Metadata> {
    run(state, move || folder.dir()?.dir_metadata()).await
}

async fn metadata_hash(state: &mut Wasi, (fd,): (Resource<Node>,)) -> FsResult<MetadataHashValue> {
    match state.node(&fd).map_err(FsError::trap)? {
        Node::File(file) => Ok(file.hash),
        Node::Folder(folder) => Ok(node::hash(&found_of(state, folder).await?)),
        Node::Root => Ok(node::ROOT_HASH),
        Node::Device(device, _) => Ok(device.hash()),
    }
}
