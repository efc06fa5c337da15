//! Removal of private folders, whatever a guest has put into them.

use crate::lock::lock;
use rustix::fs::{
    AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, flock, fstat, openat, renameat, statat,
    unlinkat,
};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, Once, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::runtime::Handle;

/// The prefix of the names of these folders on the host.
pub(super) const PREFIX: &str = "archipel-tmp-";

/// The private folders that exist, by path, and a condition variable for removals.
static PRIVATE: (Mutex<BTreeMap<PathBuf, Private>>, Condvar) =
    (Mutex::new(BTreeMap::new()), Condvar::new());

struct Private {
    dir: Arc<cap_std::fs::Dir>,
    /// True if its interpreter has ended and a thread is about to remove it.
    removed: bool,
}

/// Registers a folder that was created.
pub(super) fn register(path: &Path, dir: &Arc<cap_std::fs::Dir>) {
    let private = Private {
        dir: dir.clone(),
        removed: false,
    };
    lock(&PRIVATE.0).insert(path.to_owned(), private);
}

/// Marks a folder that is about to be removed.
pub(super) fn mark_removed(path: &Path) {
    if let Some(private) = lock(&PRIVATE.0).get_mut(path) {
        private.removed = true;
    }
}

/// Removes a folder with its contents.
pub(super) fn remove_private(dir: &cap_std::fs::Dir, path: &Path) {
    tree(dir, path);
    lock(&PRIVATE.0).remove(path);
    PRIVATE.1.notify_all();
}

/// Removes the private `/tmp` folders of all interpreters in this process. A program calls it
/// before it ends by `std::process::exit`, which drops no interpreters.
///
/// Interpreters that have ended remove their folder on a thread of the blocking pool. This function
/// waits for them, for at most `limit`, and gives up after that. Folders that a process leaves
/// behind, for example because it was killed, are removed by the next process of the same user that
/// creates a `/tmp` in the same parent folder.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// archipel::remove_private_folders(Duration::from_secs(1));
/// ```
pub fn remove_private_folders(limit: Duration) {
    let begin = Instant::now();
    let is_going =
        |private: &mut BTreeMap<PathBuf, Private>| private.values().any(|private| private.removed);
    let wait = PRIVATE
        .1
        .wait_timeout_while(lock(&PRIVATE.0), limit, is_going);
    let (mut left, _) = wait.unwrap_or_else(PoisonError::into_inner);
    let left: Vec<_> = std::mem::take(&mut *left).into_iter().collect();
    for (path, private) in left {
        if begin.elapsed() < limit && !private.removed {
            tree(&private.dir, &path);
        }
    }
}

/// Removes the folder `dir`, which is at `path`, with its contents.
///
/// Links are removed and not followed. Nested folders are moved to the top first, so that three
/// descriptors and no recursion suffice at any depth.
pub(super) fn tree(dir: &impl AsFd, path: &Path) {
    // The next process that creates such a folder removes what is left.
    let _ = empty(dir.as_fd());
    let _ = std::fs::remove_dir(path);
}

fn empty(top: std::os::fd::BorrowedFd<'_>) -> rustix::io::Result<()> {
    let mut moved = 0_u64;
    loop {
        let mut removed = false;
        let mut entries = open(top, c".").and_then(Dir::new)?;
        while let Some(entry) = entries.read() {
            let entry = entry?;
            let name = entry.file_name();
            if is_dots(name) {
                continue;
            }
            if !is_folder(top, name, entry.file_type()) {
                unlinkat(top, name, AtFlags::empty())?;
            } else if unlinkat(top, name, AtFlags::REMOVEDIR).is_err() {
                flatten(top, name, &mut moved)?;
            }
            removed = true;
        }
        if !removed {
            return Ok(());
        }
    }
}

/// Removes a folder after moving its own folders to the top.
fn flatten(
    top: std::os::fd::BorrowedFd<'_>,
    name: &CStr,
    moved: &mut u64,
) -> rustix::io::Result<()> {
    let folder = open(top, name)?;
    let mut entries = open(folder.as_fd(), c".").and_then(Dir::new)?;
    while let Some(entry) = entries.read() {
        let entry = entry?;
        let inner = entry.file_name();
        if is_dots(inner) {
            continue;
        }
        if !is_folder(folder.as_fd(), inner, entry.file_type()) {
            unlinkat(&folder, inner, AtFlags::empty())?;
            continue;
        }
        loop {
            *moved += 1;
            match renameat(&folder, inner, top, format!("moved-{moved}")) {
                // The name exists already.
                Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR) => {}
                done => break done?,
            }
        }
    }
    unlinkat(top, name, AtFlags::REMOVEDIR)
}

fn open(folder: std::os::fd::BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(folder, name, flags, Mode::empty())
}

fn is_dots(name: &CStr) -> bool {
    matches!(name.to_bytes(), b"." | b"..")
}

fn is_folder(folder: std::os::fd::BorrowedFd<'_>, name: &CStr, kind: FileType) -> bool {
    match kind {
        FileType::Unknown => statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|found| FileType::from_raw_mode(found.st_mode).is_dir()),
        kind => kind.is_dir(),
    }
}

/// Starts removing what dead processes have left in `parent`, once in each process.
pub(super) fn sweep_once(handle: &Handle, parent: PathBuf) {
    static SWEPT: Once = Once::new();
    SWEPT.call_once(|| {
        // If the folder cannot be read, nothing is removed.
        handle.spawn_blocking(move || drop(sweep(&parent)));
    });
}

/// The minimum age of a folder to be swept: its creator may not have locked a younger one yet.
const YOUNG: Duration = Duration::from_secs(60);

fn sweep(parent: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(parent)? {
        let entry = entry?;
        let ours = |name: &str| name.starts_with(PREFIX);
        if entry.file_name().to_str().is_some_and(ours) {
            let _ = sweep_one(&entry.path());
        }
    }
    Ok(())
}

fn sweep_one(path: &Path) -> std::io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let dir = std::fs::File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let changed = dir.metadata()?.modified()?;
    let age = SystemTime::now().duration_since(changed);
    let own = fstat(&dir)?.st_uid == rustix::process::geteuid().as_raw();
    if own && age.is_ok_and(|age| age > YOUNG) {
        // Refused while the process that created it lives.
        flock(&dir, FlockOperation::NonBlockingLockExclusive)?;
        tree(&dir, path);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("archipel-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    #[test]
    fn tree_removes_deep_folders_and_hostile_names() {
        let path = folder("remove");
        let mut deep = std::fs::File::open(&path).unwrap();
        for _ in 0..3000 {
            rustix::fs::mkdirat(&deep, "d", Mode::RWXU).unwrap();
            rustix::fs::mkdirat(&deep, "e", Mode::RWXU).unwrap();
            deep = open(deep.as_fd(), c"d").unwrap().into();
        }
        for name in ["moved-1", "moved-2", "\n", " ", "*", "-rf", "\u{202e}"] {
            std::fs::write(path.join(name), "x").unwrap();
        }
        std::fs::create_dir_all(path.join("moved-3/full")).unwrap();
        let outside = folder("outside");
        std::fs::write(outside.join("kept"), "x").unwrap();
        std::os::unix::fs::symlink(&outside, path.join("link")).unwrap();
        std::os::unix::fs::symlink(&outside, path.join("moved-3/link")).unwrap();
        let top = std::fs::File::open(&path).unwrap();
        tree(&top, &path);
        assert!(!path.exists());
        assert!(outside.join("kept").exists());
        std::fs::remove_dir_all(outside).unwrap();
    }

    #[test]
    fn sweep_keeps_young_and_locked_folders() {
        let parent = folder("sweep");
        let [dead, alive, young, other] = ["1", "2", "3", "x"].map(|name| {
            let prefix = if name == "x" { "other-" } else { PREFIX };
            let path = parent.join(format!("{prefix}{name}"));
            std::fs::create_dir(&path).unwrap();
            std::fs::write(path.join("file"), "x").unwrap();
            path
        });
        let old = SystemTime::now() - Duration::from_secs(3600);
        for path in [&dead, &alive, &other] {
            let dir = std::fs::File::open(path).unwrap();
            dir.set_modified(old).unwrap();
        }
        let owner = std::fs::File::open(&alive).unwrap();
        flock(&owner, FlockOperation::NonBlockingLockExclusive).unwrap();
        sweep(&parent).unwrap();
        let left = [&dead, &alive, &young, &other].map(|path| path.exists());
        assert_eq!(left, [false, true, true, true]);
        std::fs::remove_dir_all(parent).unwrap();
    }
}
