//! The directories that an interpreter may use.

use super::Policy;
use super::env::check_count;
use super::quota::Quota;
use crate::error::{Error, Result};
use cap_std::fs::Dir;
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Whether what lies in a granted directory can be changed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub enum Access {
    /// It can be read.
    #[default]
    #[serde(rename = "ro", alias = "read-only")]
    ReadOnly,
    /// It can be read, changed, created and deleted.
    #[serde(rename = "rw", alias = "read-write")]
    ReadWrite,
}

impl Access {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Access::ReadOnly => "read-only",
            Access::ReadWrite => "read-write",
        }
    }
}

/// The maximum number of directories in a policy. Each may take a descriptor of the process.
pub(crate) const MOST_DIRS: usize = 256;

/// What a descriptor counts against, until it is closed.
pub type Hold = Box<dyn Any + Send + Sync>;

/// An open directory, shared by all grants of it and by the interpreters that have one.
#[derive(Debug)]
pub struct Folder {
    /// The open directory.
    pub dir: Arc<Dir>,
    _hold: Option<Hold>,
}

impl Folder {
    fn new(dir: Dir, hold: Option<Hold>) -> Arc<Self> {
        Arc::new(Folder {
            dir: Arc::new(dir),
            _hold: hold,
        })
    }

    /// Opens the directory `path` in this one, and returns it and its path without symbolic links. No link leads out
    /// of this directory.
    pub(super) fn open(&self, path: &Path, hold: Option<Hold>) -> io::Result<(Arc<Self>, PathBuf)> {
        let real = self.dir.canonicalize(path)?;
        // Opening a pipe would wait for a writer; this opens directories only.
        let opened = self.dir.open_dir(&real)?;
        Ok((Folder::new(opened, hold), real))
    }
}

/// A directory that is granted.
#[derive(Debug, Clone)]
pub struct DirGrant {
    /// The open directory, which all who have the grant share.
    pub folder: Arc<Folder>,
    /// Where it was, without symbolic links.
    pub host: PathBuf,
    /// Its path in the guest.
    pub guest: String,
    /// Whether it can be written to.
    pub access: Access,
    /// Shared by all who have the grant from each other.
    pub quota: Option<Arc<Quota>>,
}

impl DirGrant {
    pub(crate) fn quota(&self) -> Option<u64> {
        self.quota.as_ref().map(|quota| quota.limit)
    }

    /// Whether whoever has `parent` may have this.
    pub(crate) fn is_within(&self, parent: &DirGrant) -> bool {
        let quota = match (self.access, self.quota(), parent.quota()) {
            // Nothing is written.
            (Access::ReadOnly, ..) | (.., None) => true,
            (_, None, Some(_)) => false,
            (_, Some(own), Some(parents)) => own <= parents,
        };
        quota && self.access <= parent.access && is_at_or_in(&self.host, &parent.host)
    }
}

/// Whether a path is that of `folder` or of something in it. Both are absolute and without links, so comparing bytes
/// does, which is faster than comparing components.
fn is_at_or_in(path: &Path, folder: &Path) -> bool {
    let (path, folder) = (path.as_os_str(), folder.as_os_str());
    let rest = path
        .as_encoded_bytes()
        .strip_prefix(folder.as_encoded_bytes());
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'/' | b'\\')))
}

impl PartialEq for DirGrant {
    fn eq(&self, other: &Self) -> bool {
        let data = |grant: &DirGrant| (grant.access, grant.quota());
        self.host == other.host && self.guest == other.guest && data(self) == data(other)
    }
}

/// Folders through which a process reaches what no directory grant should give away.
const NEVER: [&str; 4] = ["/", "/proc", "/sys", "/dev"];

impl Policy {
    /// Grants the directory `host` under the path `guest`.
    ///
    /// Only files and folders in it can be opened: pipes, sockets and devices are refused
    /// (`PermissionError`).  An interpreter can list 64 directories at a time (`ENOMEM`); each listing that is open
    /// counts 48 KiB as `memory`.
    ///
    /// The directory is opened once, here. All interpreters with the grant, and the children that they give it to,
    /// share that descriptor.
    ///
    /// # Errors
    ///
    /// When `host` is not a directory or cannot be opened; when it is `/`, `/proc`, `/sys` or
    /// `/dev` or lies in one of the latter three; when it overlaps with another grant, one of which
    /// is read-only and the other read-write or one of which has a quota; when `guest` is not an
    /// absolute path or is granted already; and when there are 256 directories already.
    pub fn dir(
        self,
        host: impl AsRef<Path>,
        guest: impl Into<String>,
        access: Access,
    ) -> Result<Self> {
        self.grant_dir(host.as_ref(), guest.into(), access, None)
    }

    /// Grants the directory `host` under the path `guest` for reading and for writing at most `bytes`
    /// to it.
    ///
    /// What counts is what the interpreter and its descendants, copies included, write to files
    /// through the grant in all of their lives, whether or not they delete it again, and how much
    /// larger they make files without writing to them (`truncate`, or writing far behind a file's
    /// end), and the texts of symbolic links.  For each 256 bytes one file, folder or link can be created, and
    /// a thousand in any case.  Nothing is moved or linked between directories with different quotas (`EXDEV`).
    /// It is checked before anything is written; the script sees `OSError`, and nothing of that write
    /// is done.  Its number is `errno.ENOSPC`, except where a write passes the quota after others through
    /// the same open file, of which the guest's libc makes `errno.EIO`.  Two interpreters that the host creates with the same policy
    /// can write that much each.
    ///
    /// # Errors
    ///
    /// As for [`dir`](Self::dir).
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::Policy;
    ///
    /// # let folder = std::env::temp_dir().join("archipel-doc-quota");
    /// # std::fs::create_dir_all(&folder).unwrap();
    /// let policy = Policy::new().dir_with_quota(&folder, "/data", 10 << 20)?;
    /// // What is written through the second would not count for the first.
    /// assert!(policy.dir_with_quota(&folder, "/again", 20 << 20).is_err());
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn dir_with_quota(
        self,
        host: impl AsRef<Path>,
        guest: impl Into<String>,
        bytes: u64,
    ) -> Result<Self> {
        self.grant_dir(host.as_ref(), guest.into(), Access::ReadWrite, Some(bytes))
    }

    pub(crate) fn grant_dir(
        mut self,
        asked: &Path,
        guest: String,
        access: Access,
        quota: Option<u64>,
    ) -> Result<Self> {
        // The text of an error is one line, whatever is in a path.
        let shown = format!("{asked:?}");
        let shown = shown.trim_matches('"');
        let cannot = |error: io::Error| {
            Error::Config(format!(
                "cannot grant the directory {shown}: {}",
                reason(&error)
            ))
        };
        let host = asked.canonicalize().map_err(cannot)?;
        let refused =
            host == Path::new(NEVER[0]) || NEVER[1..].iter().any(|never| host.starts_with(never));
        if refused {
            return Err(Error::Config(format!(
                "cannot grant the directory {shown}: it would give away the whole system"
            )));
        }
        // Opening a pipe would wait for somebody to write to it.
        if !std::fs::metadata(&host).map_err(cannot)?.is_dir() {
            return Err(cannot(io::ErrorKind::NotADirectory.into()));
        }
        let dir = Dir::open_ambient_dir(&host, cap_std::ambient_authority()).map_err(cannot)?;
        self.add_dir(
            shown,
            DirGrant {
                folder: Folder::new(dir, None),
                host,
                guest,
                access,
                quota: quota.map(|bytes| Arc::new(Quota::new(bytes, None))),
            },
        )?;
        Ok(self)
    }

    /// Adds a directory that was opened, unless it contradicts another.  `shown` is what whoever asked
    /// calls it; the others he knows by their paths in the guest.
    pub(crate) fn add_dir(&mut self, shown: &str, grant: DirGrant) -> Result<()> {
        check_guest_path(&grant.guest)?;
        check_count("directories", self.dirs.len() + 1, MOST_DIRS)?;
        let guest = &grant.guest;
        for other in &self.dirs {
            let why = if other.guest == *guest {
                "something is granted there".to_owned()
            } else if !is_at_or_in(&other.host, &grant.host)
                && !is_at_or_in(&grant.host, &other.host)
            {
                continue;
            } else if other.access != grant.access {
                format!(
                    "it overlaps with {}, and only one of them is read-only",
                    other.guest
                )
            } else if other.quota.is_some() || grant.quota.is_some() {
                format!(
                    "it overlaps with {}, and a quota would not count what is written through the \
                     other",
                    other.guest
                )
            } else {
                continue;
            };
            return Err(Error::Config(format!(
                "cannot grant the directory {shown} as {guest}: {why}"
            )));
        }
        let place = self.dirs.partition_point(|other| other.guest < grant.guest);
        self.dirs.insert(place, grant);
        Ok(())
    }

    /// The path that the folder of the host's file `name` has for the guest, if it was granted.
    pub fn guest_folder_of(&self, name: &str) -> Option<String> {
        if self.dirs.is_empty() || name.starts_with('<') {
            return None;
        }
        let file = Path::new(name).canonicalize().ok()?;
        self.guest_path_of(file.parent()?)
    }

    /// Where the guest sees a file or folder of the host, if it is within a granted directory.
    #[must_use]
    pub fn guest_path_of(&self, host: impl AsRef<Path>) -> Option<String> {
        let host = host.as_ref().canonicalize().ok()?;
        self.dirs.iter().find_map(|grant| {
            let below = host.strip_prefix(&grant.host).ok()?.to_str()?;
            Some(match below {
                "" => grant.guest.clone(),
                below => format!("{}/{below}", grant.guest),
            })
        })
    }

    /// The same with nothing counted yet, for the first of a family.
    pub fn with_new_quotas(mut self) -> Self {
        for grant in &mut self.dirs {
            let quota = grant.quota();
            grant.quota = quota.map(|bytes| Arc::new(Quota::new(bytes, None)));
        }
        self
    }
}

/// Why a directory was not opened.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        io::ErrorKind::NotADirectory => "it is not a directory".to_owned(),
        io::ErrorKind::PermissionDenied => "it may not be opened".to_owned(),
        _ => error.to_string(),
    }
}

/// The same for an interpreter, which learns nothing of the host from it.
pub(super) fn reason_for_guest(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::PermissionDenied => reason(error),
        _ => "it cannot be opened".to_owned(),
    }
}

pub(crate) fn check_guest_path(guest: &str) -> Result<()> {
    let below_root = guest.strip_prefix('/').unwrap_or_default();
    let plain = below_root
        .split('/')
        .all(|part| !matches!(part, "" | "." | ".."));
    if plain && !guest.contains('\0') {
        return Ok(());
    }
    Err(Error::Config(format!(
        "{guest:?} is no path for a granted directory: it must be absolute, below `/`, and have \
         neither `.`, `..` nor empty parts"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(policy: Policy, host: &str, guest: &str, access: Access) -> Result<Policy, String> {
        policy.dir(host, guest, access).map_err(|e| e.to_string())
    }

    #[test]
    fn grants_that_are_refused() {
        let base = std::env::temp_dir().join(format!("archipel-policy-{}", std::process::id()));
        std::fs::create_dir_all(base.join("sub")).unwrap();
        std::fs::create_dir_all(base.join("metered")).unwrap();
        std::fs::create_dir_all(base.join("other")).unwrap();
        std::fs::write(base.join("file"), "").unwrap();
        let pipe = base.join("pipe");
        let mode = rustix::fs::Mode::RWXU;
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, mode).unwrap();
        let base = base.to_str().unwrap();
        let [sub, file, pipe, metered, other] =
            ["sub", "file", "pipe", "metered", "other"].map(|name| format!("{base}/{name}"));
        let rows = [
            ("/", "/x", "whole system"),
            ("/proc", "/x", "whole system"),
            ("/proc/self", "/x", "whole system"),
            ("/dev", "/x", "whole system"),
            ("/no/such/folder", "/x", "does not exist"),
            ("/no/such\0folder", "/x", "NUL byte"),
            ("", "/x", "does not exist"),
            (&file, "/x", "not a directory"),
            (&pipe, "/x", "not a directory"),
            (&other, "", "must be absolute"),
            (&other, "x", "must be absolute"),
            (&other, "/", "must be absolute"),
            (&other, "/x/../y", "must be absolute"),
            (&other, "/x//y", "must be absolute"),
            (&other, "/x\0", "must be absolute"),
            (&other, "/taken", "something is granted there"),
            (&sub, "/x", "only one of them is read-only"),
            (base, "/x", "overlaps with /metered"),
            (&metered, "/x", "a quota would not count"),
        ];
        for (host, guest, why) in rows {
            let policy = grant(Policy::new(), &sub, "/taken", Access::ReadOnly).unwrap();
            let policy = policy.dir_with_quota(&metered, "/metered", 10).unwrap();
            let error = grant(policy, host, guest, Access::ReadWrite).unwrap_err();
            assert!(error.contains(why), "{host:?} as {guest:?}: {error}");
            assert!(!error.contains(['\0', '\n']), "{error:?}");
        }
        std::fs::remove_dir_all(base).unwrap();
    }
}
