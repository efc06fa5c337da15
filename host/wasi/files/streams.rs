//! Streams of files.
//!
//! The guest's libc has one stream for reading and one for writing for each open file, and keeps
//! them across other calls. Both use the position of the file, as POSIX requires, and a stream at
//! the end continues when the file has grown.

use super::errors::failed;
use super::node::OpenFile;
use crate::wasi::{HasWasi, Wasi};
use archipel_core::error::LimitKind;
use archipel_core::ledger::Account;
use bytes::Bytes;
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use wasmtime::component::{Linker, Resource, WasmList};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi::p2::bindings::io::streams;
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, InputStream, OutputStream, Pollable, StreamError, StreamResult,
};

/// The number of bytes that are read or written in one step. The guest can be stopped between
/// steps.
const STEP: usize = 1 << 20;

/// The maximum size of a read that does not look at the file's size first.
const LITTLE: usize = 64 << 10;

/// The maximum size of a read. The host briefly has all of it in memory.
const MOST_READ: usize = 8 << 20;

/// The maximum size of a write. The host has one step of it in memory at a time.
const MOST_WRITTEN: usize = 64 << 20;

/// The interface of streams, in the version that `wasmtime_wasi` implements.
const STREAMS: &str = "wasi:io/streams@0.2.12";

/// A stream of a file.
pub(super) struct Stream {
    pub(super) file: Arc<OpenFile>,
    pub(super) way: Way,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Read,
    Write,
    /// Writing at the end of the file, wherever that is at the time.
    Append,
}

/// A stream's entry in the guest's table. Its methods only serve calls that the guest's libc does
/// not make.
pub(super) struct InTable(
    #[expect(dead_code, reason = "the stream lives for as long as this does")]
    pub(super)  Arc<Stream>,
);

fn unsupported() -> StreamError {
    StreamError::LastOperationFailed(io::Error::from(Errno::OPNOTSUPP).into())
}

#[wasmtime_wasi::async_trait]
impl Pollable for InTable {
    async fn ready(&mut self) {}
}

impl InputStream for InTable {
    fn read(&mut self, _size: usize) -> StreamResult<Bytes> {
        Err(unsupported())
    }
}

#[wasmtime_wasi::async_trait]
impl OutputStream for InTable {
    fn write(&mut self, _bytes: Bytes) -> StreamResult<()> {
        Err(unsupported())
    }

    fn write_zeroes(&mut self, _count: usize) -> StreamResult<()> {
        Err(unsupported())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MOST_WRITTEN)
    }
}

/// Adds reading and writing to `linker`, for streams of files and all others.
pub(super) fn add_to_linker<T: HasWasi>(linker: &mut Linker<T>) -> Result<()> {
    let mut instance = linker.instance(STREAMS)?;
    for name in [
        "[method]input-stream.read",
        "[method]input-stream.blocking-read",
    ] {
        let waits = name.ends_with("blocking-read");
        instance.func_wrap_async(name, move |mut store: StoreContextMut<'_, T>, params| {
            Box::new(async move {
                let (stream, size): (Resource<DynInputStream>, u64) = params;
                let state = store.data_mut().wasi_mut();
                let done = match state.files.streams.get(&stream.rep()) {
                    Some(file) => read(state, &file, size).await,
                    None => read_other(state, &stream, size, waits).await,
                };
                for_guest(state, done)
            })
        })?;
    }
    instance.func_wrap_async(
        "[method]output-stream.write",
        |mut store: StoreContextMut<'_, T>, params| {
            Box::new(async move {
                let (stream, bytes): (Resource<DynOutputStream>, WasmList<u8>) = params;
                let done = match store.data().wasi().files.streams.get(&stream.rep()) {
                    Some(file) => write_all(&mut store, &file, &bytes).await,
                    // The guest's libc asks how much it can write.
                    None if bytes.len() > MOST_WRITTEN => {
                        Err(StreamError::trap("too long a write"))
                    }
                    None => {
                        let bytes = Bytes::copy_from_slice(bytes.as_le_slice(&store));
                        let stream = store.data_mut().wasi_mut().table.get_mut(&stream)?;
                        stream.write(bytes)
                    }
                };
                for_guest(store.data_mut().wasi_mut(), done)
            })
        },
    )
}

/// Reads from a stream that does not belong to a file.
async fn read_other(
    state: &mut Wasi,
    stream: &Resource<DynInputStream>,
    size: u64,
    waits: bool,
) -> StreamResult<Vec<u8>> {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let stream = state.table.get_mut(stream)?;
    let read = match waits {
        true => stream.blocking_read(size).await?,
        false => stream.read(size)?,
    };
    Ok(read.into())
}

/// Converts the result of a call for the guest.
fn for_guest<T>(
    state: &mut Wasi,
    done: StreamResult<T>,
) -> Result<(Result<T, streams::StreamError>,)> {
    Ok((match done {
        Ok(done) => Ok(done),
        Err(StreamError::Closed) => Err(streams::StreamError::Closed),
        Err(StreamError::LastOperationFailed(error)) => {
            let error = state.table.push(error)?;
            Err(streams::StreamError::LastOperationFailed(error))
        }
        Err(StreamError::Trap(error)) => return Err(error),
    },))
}

fn operation_failed(error: impl Into<wasmtime::Error>) -> StreamError {
    StreamError::LastOperationFailed(error.into())
}

/// Reads at the position of a file, and advances it. At the end it reports a closed stream, but
/// later reads are possible.
async fn read(state: &mut Wasi, stream: &Stream, size: u64) -> StreamResult<Vec<u8>> {
    if stream.way != Way::Read {
        return Err(unsupported());
    }
    if size == 0 {
        return Ok(Vec::new());
    }
    let at = stream.file.at();
    let bytes = read_at(state, &stream.file, size, at).await;
    let bytes = bytes.map_err(operation_failed)?;
    if bytes.is_empty() {
        return Err(StreamError::Closed);
    }
    stream.file.go_to(at.saturating_add(bytes.len() as u64));
    Ok(bytes)
}

/// Reads up to `size` bytes of a file from `at` on. It returns fewer only at the end, beyond 8 MiB,
/// or if the account has no memory for more than 64 KiB.
pub(super) async fn read_at(
    state: &mut Wasi,
    file: &Arc<OpenFile>,
    size: u64,
    at: u64,
) -> io::Result<Vec<u8>> {
    let (blocking, account) = state.beside();
    let size = usize::try_from(size).unwrap_or(usize::MAX).min(MOST_READ);
    let (read, charged) = (file.clone(), account.clone());
    let begin = move || {
        let (size, memory) = affordable(read.file(), size, at, &charged)?;
        let mut bytes = Vec::with_capacity(size);
        read_step(read.file(), &mut bytes, size, at)?;
        io::Result::Ok((bytes, size, memory))
    };
    let begun = blocking.run(&account, begin).await.ok_or(Errno::IO)?;
    let (mut bytes, size, _memory) = begun?;
    let mut step = bytes.len();
    while step == STEP && bytes.len() < size {
        let read = file.clone();
        let more = move || {
            let before = bytes.len();
            read_step(read.file(), &mut bytes, size, at)?;
            io::Result::Ok((bytes.len() - before, bytes))
        };
        (step, bytes) = blocking.run(&account, more).await.ok_or(Errno::IO)??;
    }
    Ok(bytes)
}

/// Returns how many of `size` bytes to read, with the memory charge for them.
fn affordable(
    file: &File,
    size: usize,
    at: u64,
    account: &Arc<Account>,
) -> io::Result<(usize, Option<archipel_core::ledger::Reservation>)> {
    if size <= LITTLE {
        return Ok((size, None));
    }
    let left = file.metadata()?.len().saturating_sub(at);
    let size = size.min(usize::try_from(left).unwrap_or(usize::MAX));
    match size > LITTLE {
        true => Ok(match account.reserve(LimitKind::Memory, size as u64) {
            Ok(memory) => (size, Some(memory)),
            Err(_) => (LITTLE, None),
        }),
        // Files whose contents the system generates can have more than their size.
        false => Ok((LITTLE, None)),
    }
}

/// Reads one step of the missing bytes.
fn read_step(file: &File, bytes: &mut Vec<u8>, size: usize, at: u64) -> io::Result<()> {
    let begin = bytes.len();
    let end = size.min(begin + STEP);
    bytes.resize(end, 0);
    let mut filled = begin;
    let mut done = Ok(());
    while filled < end {
        let place = at.saturating_add(filled as u64);
        match file.read_at(&mut bytes[filled..], place) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                // The next call returns the error.
                if filled == 0 {
                    done = Err(error);
                }
                break;
            }
        }
    }
    bytes.truncate(filled);
    done
}

/// Writes all of `bytes` at the position of a file, and advances it.
async fn write_all<T: HasWasi>(
    store: &mut StoreContextMut<'_, T>,
    stream: &Stream,
    bytes: &WasmList<u8>,
) -> StreamResult<()> {
    if stream.way == Way::Read {
        return Err(unsupported());
    }
    let at = (stream.way == Way::Write).then(|| stream.file.at());
    let written = write_at(store, &stream.file, bytes, at).await;
    if let Some(end) = written.end {
        stream.file.go_to(end);
    }
    written.done.map_err(operation_failed)
}

/// The outcome of a write.
pub(super) struct Written {
    /// The file's position after the write, if anything was written.
    pub(super) end: Option<u64>,
    pub(super) done: io::Result<()>,
}

/// Writes all of `bytes` from `at` on, or at the end of the file.
pub(super) async fn write_at<T: HasWasi>(
    store: &mut StoreContextMut<'_, T>,
    file: &Arc<OpenFile>,
    bytes: &WasmList<u8>,
    at: Option<u64>,
) -> Written {
    let mut written = Written {
        end: None,
        done: Ok(()),
    };
    let (blocking, account) = store.data().wasi().beside();
    let total = bytes.len();
    let mut from = 0;
    let mut counted = None;
    while from < total {
        let to = total.min(from + STEP);
        let step = bytes.as_le_slice(&*store)[from..to].to_vec();
        let place = at.map(|at| at.saturating_add(from as u64));
        let file = file.clone();
        let work = move || {
            let counted = match counted {
                Some(counted) => counted,
                None => Counted::begin(&file, place, total as u64)?,
            };
            let (end, done) = write_step(file.file(), &step, place);
            if done.is_err() || to == total {
                counted.end(&file);
            }
            io::Result::Ok((end, done, counted))
        };
        let done = match blocking.run(&account, work).await {
            Some(Ok((end, done, now))) => {
                written.end = end.or(written.end);
                counted = Some(now);
                done
            }
            Some(Err(error)) => Err(error),
            None => Err(Errno::IO.into()),
        };
        if done.is_err() {
            written.done = done;
            break;
        }
        from = to;
    }
    written
}

/// The charge for a write, made before it started.
#[derive(Clone, Copy)]
struct Counted {
    /// The size of the file before the write.
    before: u64,
    /// The expected growth of the file.
    growth: u64,
}

impl Counted {
    fn begin(file: &OpenFile, place: Option<u64>, total: u64) -> io::Result<Self> {
        if !file.counted.counts() {
            return Ok(Counted {
                before: 0,
                growth: 0,
            });
        }
        let before = file.file().metadata()?.len();
        file.counted.write(before, place, total)?;
        let end = place.unwrap_or(before).saturating_add(total);
        Ok(Counted {
            before,
            growth: end.saturating_sub(before),
        })
    }

    fn end(self, file: &OpenFile) {
        if file.counted.counts()
            && let Ok(found) = file.file().metadata()
        {
            file.counted.settle(self.before, self.growth, found.len());
        }
    }
}

/// Writes a step, and returns the position after it.
fn write_step(file: &File, mut bytes: &[u8], place: Option<u64>) -> (Option<u64>, io::Result<()>) {
    let mut place = place;
    let mut end = None;
    while !bytes.is_empty() {
        let done = match place {
            Some(place) => file.write_at(bytes, place),
            None => append(file, bytes),
        };
        match done {
            Ok(0) => return (end, Err(io::ErrorKind::WriteZero.into())),
            Ok(count) => {
                bytes = &bytes[count..];
                place = place.map(|place| place.saturating_add(count as u64));
                end = place.or_else(|| file.metadata().ok().map(|found| found.len()));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (end, Err(error)),
        }
    }
    (end, Ok(()))
}

/// Appends to a file that was not opened for appending.
fn append(file: &File, bytes: &[u8]) -> io::Result<usize> {
    #[cfg(target_os = "linux")]
    {
        use rustix::io::{ReadWriteFlags, pwritev2};
        let bytes = [io::IoSlice::new(bytes)];
        match pwritev2(file, &bytes, 0, ReadWriteFlags::APPEND) {
            Err(Errno::NOSYS | Errno::OPNOTSUPP) => {}
            done => return Ok(done?),
        }
    }
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    let flags = fcntl_getfl(file)?;
    fcntl_setfl(file, flags | OFlags::APPEND)?;
    let done = rustix::io::write(file, bytes);
    fcntl_setfl(file, flags)?;
    Ok(done?)
}

/// Translates a file's error of a stream, when the guest asks for its code.
pub(super) fn code(error: &wasmtime::Error) -> Option<super::ErrorCode> {
    let error = error.downcast_ref::<io::Error>()?;
    let error = match error.raw_os_error() {
        Some(number) => io::Error::from_raw_os_error(number),
        None => error.kind().into(),
    };
    failed(error).downcast().ok()
}
