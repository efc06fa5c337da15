//! The files of an interpreter: WASI's `filesystem` interfaces, as far as its policy grants them.
//!
//! No worker waits for a file system: calls that can block go through [`Blocking`] and are charged
//! to the interpreter's account. Descriptors bound what the host keeps for a guest, and a listing
//! is read in parts, on demand.

mod calls;
mod errors;
mod listing;
mod locks;
mod node;
mod open;
mod path;
mod paths;
mod ranges;
mod remembered;
mod remove;
mod streams;
mod tmp;

use crate::exec::blocking::Blocking;
use crate::telemetry;
use crate::wasi::opened::SocketCharges;
use crate::wasi::{HasWasi, Wasi};
use archipel_core::error::LimitKind;
use archipel_core::ledger::Account;
use archipel_core::policy::Access;
use errors::failed;
use locks::Owners;
use node::{Counted, Folder, Node, OpenFile, Place};
use remembered::Remembered;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use streams::Stream;
use tmp::Tmp;
use wasmtime::component::{Linker, Resource, ResourceType};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi::p2::bindings::filesystem::types::{DescriptorStat, ErrorCode};
use wasmtime_wasi::p2::{FsError, FsResult};

pub(crate) use listing::Listing;
pub use remove::remove_private_folders;

/// The open files of an interpreter and their accounting.
#[derive(Default)]
pub(super) struct OpenFiles {
    /// The private `/tmp`, once the guest has asked for its directories.
    tmp: Option<Arc<Tmp>>,
    /// The streams of files by their table indexes. If an index belongs to another stream by now,
    /// the file's stream is dropped.
    streams: Remembered<u32, Stream>,
    locks: Owners,
    /// The descriptors that are duplicates and have no stream yet, with the position that they were made at.
    duplicates: HashMap<u32, u64>,
    /// The number of open listings.
    listings: usize,
    looked_at: Option<LookedAt>,
    pub(super) sockets: SocketCharges,
}

impl OpenFiles {
    /// Moves `file` to the position at which a stream of the descriptor `fd` begins. libc has a position for each
    /// descriptor; that of a duplicate counts only once the script has changed it.
    fn begin_stream(&mut self, fd: &Resource<Node>, file: &OpenFile, position: u64) {
        if self.duplicates.remove(&fd.rep()) != Some(position) {
            file.go_to(position);
        }
    }
}

/// The result of the last look at a path. The guest's libc asks for it in two calls, one after the
/// other, and asks for the inode of an entry after listing it.
struct LookedAt {
    folder: Arc<Folder>,
    follow: bool,
    path: String,
    hash: wasmtime_wasi::p2::bindings::filesystem::types::MetadataHashValue,
    /// `None` for an entry of a listing.
    stat: Option<DescriptorStat>,
}

/// The maximum number of directories that an interpreter lists at a time.
const MOST_LISTINGS: usize = 64;

/// The maximum length of a path in the audit log, in characters.
const LONGEST_LOGGED_PATH: usize = 1000;

impl Wasi {
    /// Returns the executor for blocking calls and the account to charge.
    fn beside(&self) -> (Blocking, Arc<Account>) {
        (self.blocking.clone(), self.account.clone())
    }

    fn node(&self, descriptor: &Resource<Node>) -> Result<Node> {
        Ok(self.table.get(descriptor)?.clone())
    }

    fn file(&self, descriptor: &Resource<Node>) -> FsResult<Arc<OpenFile>> {
        match self.node(descriptor).map_err(FsError::trap)? {
            Node::File(file) => Ok(file),
            Node::Folder(_) | Node::Root | Node::Device(..) => Err(ErrorCode::BadDescriptor.into()),
        }
    }

    fn folder(&self, descriptor: &Resource<Node>) -> FsResult<Arc<Folder>> {
        match self.node(descriptor).map_err(FsError::trap)? {
            Node::Folder(folder) => Ok(folder),
            Node::File(_) | Node::Device(..) => Err(ErrorCode::NotDirectory.into()),
            // An absent path and one that is not granted look alike.
            Node::Root => Err(ErrorCode::NoEntry.into()),
        }
    }

    /// Returns the preopened directories, with their paths.
    fn directories(&mut self) -> Result<Vec<(Resource<Node>, String)>> {
        let mut directories = Vec::new();
        for grant in &self.directories {
            let counted = grant.quota.clone().map_or(Counted::Nothing, Counted::Quota);
            let folder = folder(Place::Open(grant.folder.dir.clone()), grant.access, counted);
            directories.push((self.table.push(folder)?, grant.guest.clone()));
        }
        if let Some(tmp) = self.tmp() {
            let counted = Counted::Tmp(tmp.clone());
            let folder = folder(Place::Tmp(tmp), Access::ReadWrite, counted);
            directories.push((self.table.push(folder)?, tmp::PATH.to_owned()));
        }
        if !self
            .directories
            .iter()
            .any(|grant| grant.guest == node::ROOT_PATH)
        {
            directories.push((self.table.push(Node::Root)?, node::ROOT_PATH.to_owned()));
        }
        Ok(directories)
    }

    /// Returns the private `/tmp`, unless a granted directory replaces it or its limit is 0.
    fn tmp(&mut self) -> Option<Arc<Tmp>> {
        let mut granted = self.directories.iter();
        let replaced = granted.any(|grant| grant.guest == tmp::PATH);
        if replaced || self.account.tightest(LimitKind::Tmp) == Some(0) {
            return None;
        }
        let tmp = self.files.tmp.get_or_insert_with(|| {
            Arc::new(Tmp::new(&self.subject, &self.account, &self.descriptors))
        });
        Some(tmp.clone())
    }

    /// Logs a denial to the audit log, and returns the result.
    fn log_denial<T>(&self, what: &str, path: Option<&str>, result: FsResult<T>) -> FsResult<T> {
        if let Err(error) = &result
            && let Some(ErrorCode::NotPermitted) = error.downcast_ref()
        {
            match path {
                Some(path) => {
                    let path: String = path.chars().take(LONGEST_LOGGED_PATH).collect();
                    telemetry::denied(&self.subject, format_args!("{what} {path:?}"));
                }
                None => telemetry::denied(&self.subject, what),
            }
        }
        result
    }
}

fn folder(place: Place, access: Access, counted: Counted) -> Node {
    let read_only = access == Access::ReadOnly;
    Node::Folder(Arc::new(Folder {
        place,
        writes: !read_only,
        read_only,
        counted,
        _held: None,
    }))
}

/// Runs `work`, which can block, and charges the guest.
async fn run<T: Send + 'static>(
    state: &mut Wasi,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> FsResult<T> {
    let (blocking, account) = state.beside();
    match blocking.run(&account, work).await {
        Some(done) => done.map_err(failed),
        None => Err(ErrorCode::Io.into()),
    }
}

/// Converts the result of a call for the guest.
fn for_guest<T>(done: FsResult<T>) -> Result<(Result<T, ErrorCode>,)> {
    Ok((match done {
        Ok(done) => Ok(done),
        Err(error) => Err(error.downcast()?),
    },))
}

/// Adds the file system to `linker`. It replaces wasmtime's.
pub(super) fn add_to_linker<T: HasWasi>(linker: &mut Linker<T>) -> Result<()> {
    let mut preopens = linker.instance("wasi:filesystem/preopens@0.2.12")?;
    preopens.func_wrap(
        "get-directories",
        |mut store: StoreContextMut<'_, T>, (): ()| {
            Ok((store.data_mut().wasi_mut().directories()?,))
        },
    )?;
    let mut types = linker.instance("wasi:filesystem/types@0.2.12")?;
    types.resource(
        "descriptor",
        ResourceType::host::<Node>(),
        |mut store, number| {
            let descriptor = Resource::<Node>::new_own(number);
            let state = store.data_mut().wasi_mut();
            state.files.duplicates.remove(&number);
            state.table.delete(descriptor)?;
            Ok(())
        },
    )?;
    types.resource(
        "directory-entry-stream",
        ResourceType::host::<Listing>(),
        |mut store, number| {
            let state = store.data_mut().wasi_mut();
            state.table.delete(Resource::<Listing>::new_own(number))?;
            state.files.listings = state.files.listings.saturating_sub(1);
            Ok(())
        },
    )?;
    calls::add_to_instance(&mut types)?;
    paths::add_to_instance(&mut types)?;
    locks::add_to_linker(linker)?;
    streams::add_to_linker(linker)
}

/// Adds methods that take a state and parameters, and return WASI's results.
macro_rules! methods {
    ($instance:ident: $($name:literal => $function:path),* $(,)?) => {$(
        $instance.func_wrap_async(
            $name,
            |mut store: wasmtime::StoreContextMut<'_, T>, params| {
                Box::new(async move { super::for_guest($function(store.data_mut().wasi_mut(), params).await) })
            },
        )?;
    )*};
}
use methods;
