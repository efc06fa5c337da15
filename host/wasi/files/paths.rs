//! WASI's calls on paths in directories.

use super::calls::time;
use super::errors::TOO_MANY;
use super::node::{self, Device, Folder, Node};
use super::open::{self, Wanted};
use super::path::GuestPath;
use super::{LookedAt, methods, run};
use crate::wasi::{HasWasi, Wasi};
use cap_primitives::fs as primitives;
use cap_primitives::fs::SystemTimeSpec;
use cap_primitives::time::SystemTime;
use cap_std::fs::{Dir, Metadata};
use rustix::io::Errno;
use std::io;
use std::path::Path;
use std::sync::Arc;
use wasmtime::Result;
use wasmtime::component::{LinkerInstance, Resource};
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorFlags, DescriptorStat, ErrorCode, MetadataHashValue, NewTimestamp, OpenFlags,
    PathFlags,
};
use wasmtime_wasi::p2::{FsError, FsResult};

pub(super) fn add_to_instance<T: HasWasi>(instance: &mut LinkerInstance<'_, T>) -> Result<()> {
    methods!(instance:
        "[method]descriptor.create-directory-at" => create_directory_at,
        "[method]descriptor.stat-at" => stat_at,
        "[method]descriptor.set-times-at" => set_times_at,
        "[method]descriptor.link-at" => link_at,
        "[method]descriptor.open-at" => open_at,
        "[method]descriptor.readlink-at" => readlink_at,
        "[method]descriptor.remove-directory-at" => remove_directory_at,
        "[method]descriptor.rename-at" => rename_at,
        "[method]descriptor.symlink-at" => symlink_at,
        "[method]descriptor.unlink-file-at" => unlink_file_at,
        "[method]descriptor.metadata-hash-at" => metadata_hash_at,
    );
    Ok(())
}

/// Runs `work` on a path in a folder, and logs a denial to the audit log.
async fn at<T: Send + 'static>(
    state: &mut Wasi,
    fd: &Resource<Node>,
    path: GuestPath,
    what: &str,
    work: impl FnOnce(&Folder, &str) -> io::Result<T> + Send + 'static,
) -> FsResult<T> {
    let (folder, path) = (state.folder(fd)?, path.get()?);
    let shown = path.clone();
    let done = run(state, move || work(&folder, &path)).await;
    state.log_denial(what, Some(&shown), done)
}

/// Returns the metadata of a name that is about to be removed or replaced.
fn look(dir: &Dir, path: &str) -> Option<Metadata> {
    dir.symlink_metadata(path).ok()
}

/// Creates an entry that is charged to the folder's quota.
fn create_counted(
    folder: &Folder,
    bytes: u64,
    create: impl FnOnce(&Dir) -> io::Result<()>,
) -> io::Result<()> {
    let dir = folder.writable()?;
    folder.counted.create(bytes)?;
    let done = create(&dir);
    if done.is_err() {
        folder.counted.uncreate(bytes);
    }
    done
}

async fn create_directory_at(
    state: &mut Wasi,
    (fd, path): (Resource<Node>, GuestPath),
) -> FsResult<()> {
    at(state, &fd, path, "creating the folder", |folder, path| {
        create_counted(folder, 0, |dir| dir.create_dir(path))
    })
    .await
}

async fn open_at(
    state: &mut Wasi,
    (fd, at, path, open, flags): (
        Resource<Node>,
        PathFlags,
        GuestPath,
        OpenFlags,
        DescriptorFlags,
    ),
) -> FsResult<Resource<Node>> {
    let (node, path) = (state.node(&fd).map_err(FsError::trap)?, path.get()?);
    if !state.has_room_to_open() {
        return Err(TOO_MANY.into());
    }
    let folder = match node {
        Node::Folder(folder) => folder,
        // WASI cannot duplicate a descriptor. The guest's `os.dup` opens a file as if it were a folder.
        Node::File(ref file) if path == "." => {
            let position = file.at();
            let duplicate = state.table.push(node)?;
            state.files.duplicates.insert(duplicate.rep(), position);
            return Ok(duplicate);
        }
        Node::Device(..) if path == "." => return Ok(state.table.push(node)?),
        Node::Root if let Some(device) = Device::at(&path) => {
            let wanted = Wanted {
                path: at,
                open,
                flags,
            };
            return Ok(state.table.push(wanted.device(device)?)?);
        }
        Node::File(_) | Node::Device(..) => return Err(ErrorCode::NotDirectory.into()),
        Node::Root => return Err(ErrorCode::NoEntry.into()),
    };
    let Some(held) = state.another_descriptor().await else {
        return Err(TOO_MANY.into());
    };
    let wanted = Wanted {
        path: at,
        open,
        flags,
    };
    let shown = path.clone();
    let (looked_in, account) = (folder.clone(), state.account.clone());
    let opened = run(state, move || {
        open::open(&looked_in, &path, wanted, &account, held)
    });
    let opened = opened.await;
    let opened = match opened {
        Ok(Ok(node)) => Ok(node),
        Ok(Err(code)) => Err(code.into()),
        Err(error) => Err(error),
    };
    let node = state.log_denial("opening", Some(&shown), opened)?;
    Ok(state.table.push(node)?)
}

async fn stat_at(
    state: &mut Wasi,
    (fd, flags, path): (Resource<Node>, PathFlags, GuestPath),
) -> FsResult<DescriptorStat> {
    let path = path.get()?;
    if let Some((stat, _)) = state.without_file(&fd, &path)? {
        return Ok(stat);
    }
    let folder = state.folder(&fd)?;
    let follow = flags.contains(PathFlags::SYMLINK_FOLLOW);
    if let Some(looked_at) = state.files.looked_at.take()
        && looked_at.is_of(&folder, follow, &path)
        && let Some(stat) = looked_at.stat
    {
        return Ok(stat);
    }
    let found = found_at(state, &folder, follow, &path).await?;
    Ok(node::stat(&found))
}

async fn metadata_hash_at(
    state: &mut Wasi,
    (fd, flags, path): (Resource<Node>, PathFlags, GuestPath),
) -> FsResult<MetadataHashValue> {
    let path = path.get()?;
    if let Some((_, hash)) = state.without_file(&fd, &path)? {
        return Ok(hash);
    }
    let folder = state.folder(&fd)?;
    let follow = flags.contains(PathFlags::SYMLINK_FOLLOW);
    if let Some(looked_at) = state.files.looked_at.take()
        && looked_at.is_of(&folder, follow, &path)
        && looked_at.stat.is_none()
    {
        return Ok(looked_at.hash);
    }
    let found = found_at(state, &folder, follow, &path).await?;
    let hash = node::hash(&found);
    state.files.looked_at = Some(LookedAt {
        folder,
        follow,
        path,
        hash,
        stat: Some(node::stat(&found)),
    });
    Ok(hash)
}

impl Wasi {
    /// Returns the metadata and the identity of a path that is neither a file nor a folder of the system.
    fn without_file(
        &self,
        fd: &Resource<Node>,
        path: &str,
    ) -> FsResult<Option<(DescriptorStat, MetadataHashValue)>> {
        Ok(match (self.node(fd).map_err(FsError::trap)?, path) {
            (Node::Root, ".") => Some((node::ROOT, node::ROOT_HASH)),
            (Node::Root, path) => Device::at(path).map(|device| (node::DEVICE, device.hash())),
            _ => None,
        })
    }
}

impl LookedAt {
    fn is_of(&self, folder: &Arc<Folder>, follow: bool, path: &str) -> bool {
        Arc::ptr_eq(&self.folder, folder) && self.follow == follow && self.path == path
    }
}

async fn found_at(
    state: &mut Wasi,
    folder: &Arc<Folder>,
    follow: bool,
    path: &str,
) -> FsResult<Metadata> {
    let (folder, looked_at) = (folder.clone(), path.to_owned());
    let found = run(state, move || {
        let dir = folder.dir()?;
        match follow {
            true => dir.metadata(looked_at),
            false => dir.symlink_metadata(looked_at),
        }
    });
    let found = found.await;
    state.log_denial("looking at", Some(path), found)
}

async fn set_times_at(
    state: &mut Wasi,
    (fd, flags, path, accessed, modified): (
        Resource<Node>,
        PathFlags,
        GuestPath,
        NewTimestamp,
        NewTimestamp,
    ),
) -> FsResult<()> {
    let [accessed, modified] = [time(accessed)?, time(modified)?]
        .map(|time| time.map(|time| SystemTimeSpec::Absolute(SystemTime::from_std(time))));
    let what = "changing the times of";
    at(state, &fd, path, what, move |folder, path| {
        let dir = folder.writable()?.try_clone()?.into_std_file();
        match flags.contains(PathFlags::SYMLINK_FOLLOW) {
            true => primitives::set_times(&dir, Path::new(path), accessed, modified),
            false => primitives::set_times_nofollow(&dir, Path::new(path), accessed, modified),
        }
    })
    .await
}

/// Returns the folders of two paths for a move or a link. They must share a quota: a file with
/// names under two quotas would be charged to one and used through the other.
fn both(
    state: &Wasi,
    from: &Resource<Node>,
    to: &Resource<Node>,
) -> FsResult<(Arc<Folder>, Arc<Folder>)> {
    let (from, to) = (state.folder(from)?, state.folder(to)?);
    match from.counted.is(&to.counted) {
        true => Ok((from, to)),
        false => Err(ErrorCode::CrossDevice.into()),
    }
}

async fn link_at(
    state: &mut Wasi,
    (fd, flags, old, to, new): (
        Resource<Node>,
        PathFlags,
        GuestPath,
        Resource<Node>,
        GuestPath,
    ),
) -> FsResult<()> {
    let (_, to) = both(state, &fd, &to)?;
    let new = new.get()?;
    at(state, &fd, old, "linking", move |from, old| {
        if flags.contains(PathFlags::SYMLINK_FOLLOW) {
            return Err(Errno::INVAL.into());
        }
        let from = from.writable()?;
        create_counted(&to, 0, |to| from.hard_link(old, to, &new))
    })
    .await
}

async fn symlink_at(
    state: &mut Wasi,
    (fd, old, new): (Resource<Node>, GuestPath, GuestPath),
) -> FsResult<()> {
    let new = new.get()?;
    at(state, &fd, old, "linking to", move |folder, old| {
        create_counted(folder, old.len() as u64, |dir| dir.symlink(old, &new))
    })
    .await
}

async fn readlink_at(
    state: &mut Wasi,
    (fd, path): (Resource<Node>, GuestPath),
) -> FsResult<String> {
    at(state, &fd, path, "reading the link", |folder, path| {
        let link = folder.dir()?.read_link(path)?;
        let link = link.into_os_string().into_string();
        link.map_err(|_| Errno::ILSEQ.into())
    })
    .await
}

async fn remove_directory_at(
    state: &mut Wasi,
    (fd, path): (Resource<Node>, GuestPath),
) -> FsResult<()> {
    at(state, &fd, path, "removing the folder", |folder, path| {
        let dir = folder.writable()?;
        let look = || look(&dir, path);
        // A slash at the end only says that it is a folder.
        folder
            .counted
            .removing(look, || dir.remove_dir(path.trim_end_matches('/')))
    })
    .await
}

async fn unlink_file_at(state: &mut Wasi, (fd, path): (Resource<Node>, GuestPath)) -> FsResult<()> {
    at(state, &fd, path, "removing", |folder, path| {
        let dir = folder.writable()?;
        let look = || look(&dir, path);
        folder.counted.removing(look, || dir.remove_file(path))
    })
    .await
}

async fn rename_at(
    state: &mut Wasi,
    (fd, old, to, new): (Resource<Node>, GuestPath, Resource<Node>, GuestPath),
) -> FsResult<()> {
    let (_, to) = both(state, &fd, &to)?;
    let new = new.get()?;
    at(state, &fd, old, "renaming", move |from, old| {
        let (from, dir) = (from.writable()?, to.writable()?);
        // Only a folder can get a name with a trailing slash.
        let is_folder = new.ends_with('/') && !old.ends_with('/');
        let as_folder = is_folder.then(|| format!("{old}/"));
        let old = as_folder.as_deref().unwrap_or(old);
        let replaced = || {
            let (moved, replaced) = (look(&from, old), look(&dir, &new)?);
            // Another name of the same file stays.
            let same = moved.is_some_and(|moved| node::same(&moved, &replaced));
            (!same).then_some(replaced)
        };
        to.counted
            .removing(replaced, || from.rename(old, &dir, &new))
    })
    .await
}
