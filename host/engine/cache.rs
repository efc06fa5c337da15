//! The cache of compiled guests on disk.
//!
//! wasmtime trusts what it deserializes. So a file is used only if it is in a folder that no other
//! user can write to, and has the contents that were written. Reading 30 MB at every start to check
//! the contents would take longer than running a script. So a stamp beside the file records its
//! hash together with its state in the file system: size, inode and time of last change, which no
//! ordinary program can set back. While the state matches, the hash is valid too. Otherwise the
//! hash is computed again.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use xxhash_rust::xxh3::Xxh3Default;

/// A private folder of compiled guests.
#[derive(Debug, Clone)]
pub(crate) struct CompiledCache {
    folder: PathBuf,
}

/// The result of a lookup in the cache.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// The file is safe to deserialize.
    Found(PathBuf),
    Absent,
    /// The file is not the one that was written; the text says why.
    Damaged(&'static str),
}

impl CompiledCache {
    /// Opens the cache in `folder`, and creates the folder, private to the user, if it does not
    /// exist.
    ///
    /// # Errors
    ///
    /// If the folder cannot be created, belongs to another user, or is writable for others.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        open_private(folder)?;
        Ok(CompiledCache {
            folder: folder.to_owned(),
        })
    }

    fn file(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.cwasm"))
    }

    fn stamp(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.stamp"))
    }

    /// Looks up what was stored under `key`.
    pub(crate) fn find(&self, key: &str) -> Lookup {
        let path = self.file(key);
        let Ok(stamp) = fs::read_to_string(self.stamp(key)) else {
            return if path.exists() {
                Lookup::Damaged("it has no stamp")
            } else {
                Lookup::Absent
            };
        };
        let Ok(state) = state(&path) else {
            return Lookup::Absent;
        };
        let Some((hash, stamped)) = stamp.split_once(' ') else {
            return Lookup::Damaged("its stamp is damaged");
        };
        if stamped == state {
            return Lookup::Found(path);
        }
        match hash_file(&path) {
            Ok(found) if found == hash => {
                // The file was copied or touched, but is intact. A failure to write the new stamp
                // does no harm.
                let _ = write_atomically(&self.stamp(key), format!("{hash} {state}").as_bytes());
                Lookup::Found(path)
            }
            _ => Lookup::Damaged("its content has changed"),
        }
    }

    /// Stores `bytes` under `key` and returns the path of the file.
    pub(crate) fn store(&self, key: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let path = self.file(key);
        self.sweep();
        // Without a stamp the file is invalid, whatever happens from here on.
        let _ = fs::remove_file(self.stamp(key));
        write_atomically(&path, bytes)?;
        let mut hasher = Xxh3Default::new();
        hasher.update(bytes);
        let stamp = format!("{:032x} {}", hasher.digest128(), state(&path)?);
        write_atomically(&self.stamp(key), stamp.as_bytes())?;
        Ok(path)
    }

    /// Deletes files of processes that were killed while they wrote. If another process is writing
    /// one in spite of the lock, its cache entry stays as it was.
    fn sweep(&self) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|e| e == "new") {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Locks the cache against other writers until the result is dropped. On a file system without
    /// locks it returns `None` at once.
    pub(crate) fn lock(&self) -> Option<File> {
        let file = File::create(self.folder.join("lock")).ok()?;
        file.lock().ok()?;
        Some(file)
    }
}

/// Returns the user's cache folder for Archipel: the value of `ARCHIPEL_CACHE_DIR` or, if that is
/// unset or empty, `archipel` in the platform's cache folder. Returns `None` if the platform has
/// none.
///
/// # Examples
///
/// ```
/// if let Some(folder) = archipel::default_cache_dir() {
///     println!("{}", folder.display());
/// }
/// ```
pub fn default_cache_dir() -> Option<PathBuf> {
    match std::env::var_os("ARCHIPEL_CACHE_DIR") {
        Some(folder) if !folder.is_empty() => Some(folder.into()),
        _ => dirs::cache_dir().map(|folder| folder.join("archipel")),
    }
}

/// Creates `folder` if it does not exist, and checks that it is private to the user.
pub(crate) fn open_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    check_private(folder)
}

/// Checks that `folder` belongs to the user, and that no other user can write to it.
#[cfg(unix)]
pub(crate) fn check_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::symlink_metadata(folder)?;
    let problem = if !metadata.is_dir() {
        "is not a folder"
    } else if metadata.uid() != rustix::process::geteuid().as_raw() {
        "belongs to another user"
    } else if metadata.mode() & 0o022 != 0 {
        "is writable for others"
    } else {
        return Ok(());
    };
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!("{} {problem}", folder.display()),
    ))
}

#[cfg(not(unix))]
pub(crate) fn check_private(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Returns the identity and the last change of a file, as the file system reports them.
pub(crate) fn state(path: &Path) -> io::Result<String> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        Ok(format!(
            "{} {} {} {}",
            metadata.len(),
            metadata.ino(),
            metadata.ctime(),
            metadata.ctime_nsec()
        ))
    }
    #[cfg(not(unix))]
    Ok(format!("{} {:?}", metadata.len(), metadata.modified()?))
}

fn hash_file(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Xxh3Default::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(format!("{:032x}", hasher.digest128())),
            n => hasher.update(&buffer[..n]),
        }
    }
}

/// Writes a file atomically: others see all of it or nothing.
fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let temporary = path.with_extension(format!("{}-{number}.new", std::process::id()));
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let result = options
        .open(&temporary)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&temporary, path));
    if result.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(name: &str) -> CompiledCache {
        let folder = std::env::temp_dir().join(format!("archipel-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        CompiledCache::open(&folder).unwrap()
    }

    #[test]
    fn find_returns_a_stored_file() {
        let cache = cache("stored");
        assert_eq!(cache.find("k"), Lookup::Absent);
        let path = cache.store("k", b"content").unwrap();
        assert_eq!(cache.find("k"), Lookup::Found(path));
        fs::remove_dir_all(&cache.folder).unwrap();
    }

    #[test]
    fn a_changed_file_is_damaged_and_a_copied_one_is_not() {
        let cache = cache("changed");
        let path = cache.store("k", b"content").unwrap();
        fs::write(&path, b"CONTENT").unwrap();
        assert!(matches!(cache.find("k"), Lookup::Damaged(_)));
        fs::write(&path, b"content").unwrap();
        assert_eq!(cache.find("k"), Lookup::Found(path.clone()));
        fs::remove_file(cache.stamp("k")).unwrap();
        assert!(matches!(cache.find("k"), Lookup::Damaged(_)));
        fs::remove_dir_all(&cache.folder).unwrap();
    }

    /// Z-5: Other users can write to the cache.
    ///
    /// Outcome: the cache is not used.
    #[cfg(unix)]
    #[test]
    fn a_folder_open_to_others_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let cache = cache("open");
        fs::set_permissions(&cache.folder, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(CompiledCache::open(&cache.folder).is_err());
        fs::remove_dir_all(&cache.folder).unwrap();
    }
}
