//! Directory grants.

use super::Policy;
use super::env::check_count;
use super::quota::Quota;
use crate::error::{ConfigKind, Error, Result};
use cap_std::fs::Dir;
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The access to a granted directory.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub enum Access {
    /// Files can be read.
    #[default]
    #[serde(rename = "ro", alias = "read-only")]
    ReadOnly,
    /// Files can be read, changed, created and deleted.
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

/// The maximum number of directories in a policy. Each can take a file descriptor of the process.
pub(crate) const MOST_DIRS: usize = 256;

/// A charge for a file descriptor, released when it is dropped.
pub type Hold = Box<dyn Any + Send + Sync>;

/// An open directory, shared by all grants of it.
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

    /// Opens the directory `path` inside this one. Returns it and its path without symbolic links. Links
    /// cannot lead out of this directory.
    pub(super) fn open(&self, path: &Path, hold: Option<Hold>) -> io::Result<(Arc<Self>, PathBuf)> {
        let real = self.dir.canonicalize(path)?;
        // Opens directories only: opening a pipe would wait for a writer.
        let opened = self.dir.open_dir(&real)?;
        Ok((Folder::new(opened, hold), real))
    }
}

/// A granted directory.
#[derive(Debug, Clone)]
pub struct DirGrant {
    /// The open directory.
    pub folder: Arc<Folder>,
    /// The host path, without symbolic links.
    pub host: PathBuf,
    /// The path in the guest.
    pub guest: String,
    /// The access that the grant gives.
    pub access: Access,
    /// Shared by all grants that were made from this one.
    pub quota: Option<Arc<Quota>>,
}

impl DirGrant {
    pub(crate) fn quota(&self) -> Option<u64> {
        self.quota.as_ref().map(|quota| quota.limit)
    }

    /// Returns whether an interpreter with `parent` can grant this.
    pub(crate) fn is_within(&self, parent: &DirGrant) -> bool {
        let quota = match (self.access, self.quota(), parent.quota()) {
            // Nothing can be written.
            (Access::ReadOnly, ..) | (.., None) => true,
            (_, None, Some(_)) => false,
            (_, Some(own), Some(parents)) => own <= parents,
        };
        quota && self.access <= parent.access && is_at_or_in(&self.host, &parent.host)
    }
}

/// Returns whether a path is `folder` or inside it. Both paths are absolute and without links, so comparing
/// bytes suffices, which is faster than comparing components.
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

/// Directories that would expose the whole system.
const NEVER: [&str; 4] = ["/", "/proc", "/sys", "/dev"];

impl Policy {
    /// Grants the directory `host` under the guest path `guest`.
    ///
    /// The interpreter can open only files and directories in it: opening a pipe, socket or device raises
    /// `PermissionError`. It can list 64 directories at a time; one more fails with `ENOMEM`. Each open
    /// listing charges 48 KiB as `memory`.
    ///
    /// The directory is opened once, by this method. All interpreters with the grant, and children that get it
    /// from them, share the file descriptor.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Config`] if:
    ///
    /// - `host` is not a directory, or cannot be opened;
    /// - `host` is `/`, or is `/proc`, `/sys` or `/dev` or inside one of these;
    /// - `host` overlaps with a granted directory, and only one of the two is read-only, or either has a
    ///   quota;
    /// - `guest` is not an absolute path, contains `.`, `..` or empty parts, or is already granted;
    /// - the policy has 256 directories already.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::policy::Access;
    /// use archipel::Policy;
    ///
    /// let policy = Policy::new().dir(std::env::temp_dir(), "/data", Access::ReadOnly)?;
    /// assert!(policy.to_string().contains("as \"/data\", read-only"));
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn dir(
        self,
        host: impl AsRef<Path>,
        guest: impl Into<String>,
        access: Access,
    ) -> Result<Self> {
        self.grant_dir(host.as_ref(), guest.into(), access, None)
    }

    /// Grants the directory `host` under the guest path `guest`, for reading and for writing at most `bytes`
    /// bytes.
    ///
    /// - **Counted**: bytes that are written to files through the grant, growth of files without writing
    ///   (`truncate`, or writing far beyond the end of a file), and the texts of symbolic links. Deleting does
    ///   not give anything back. Names count as well: a file, directory or link can be created for each 256
    ///   bytes of the quota, but at least 1,000.
    /// - **Counted for**: the interpreter and its descendants and copies together, over all of their lives.
    ///   Two interpreters that the host creates with the same policy have separate quotas.
    /// - **Checked**: before a write. A write that does not fit is not performed at all.
    /// - **In the script**: `OSError` with `errno.ENOSPC`. If earlier writes through the same open file
    ///   succeeded, the guest's libc reports `errno.EIO`. Moving or linking between directories with different
    ///   quotas fails with `errno.EXDEV`.
    /// - **In the host**: nothing is reported; the script continues.
    /// - **Default**: [`dir`](Self::dir) grants directories without a quota.
    ///
    /// # Errors
    ///
    /// See [`dir`](Self::dir).
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
    /// // Writes through the second grant would not count for the first.
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
        // Debug's form, so that the error text is one line whatever the path contains.
        let shown = format!("{asked:?}");
        let shown = shown.trim_matches('"');
        let cannot = |error: io::Error| {
            Error::config(
                ConfigKind::Grant,
                format!("cannot grant the directory {shown}: {}", reason(&error)),
            )
        };
        let host = asked.canonicalize().map_err(cannot)?;
        let refused =
            host == Path::new(NEVER[0]) || NEVER[1..].iter().any(|never| host.starts_with(never));
        if refused {
            return Err(Error::config(
                ConfigKind::Grant,
                format!("cannot grant the directory {shown}: it would expose the whole system"),
            ));
        }
        // Checked first, since opening a pipe would wait for a writer.
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

    /// Adds an open directory, unless it conflicts with another grant. `shown` is the directory's name in
    /// errors; other grants are named by their guest paths.
    pub(crate) fn add_dir(&mut self, shown: &str, grant: DirGrant) -> Result<()> {
        check_guest_path(&grant.guest)?;
        check_count("directories", self.dirs.len() + 1, MOST_DIRS)?;
        let guest = &grant.guest;
        for other in &self.dirs {
            let why = if other.guest == *guest {
                "the path is already granted".to_owned()
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
                    "it overlaps with {}, and a quota would not count writes through the other",
                    other.guest
                )
            } else {
                continue;
            };
            return Err(Error::config(
                ConfigKind::Grant,
                format!("cannot grant the directory {shown} as {guest}: {why}"),
            ));
        }
        let place = self.dirs.partition_point(|other| other.guest < grant.guest);
        self.dirs.insert(place, grant);
        Ok(())
    }

    /// Returns the guest path of the folder that contains the host file `name`, if the folder is granted.
    pub fn guest_folder_of(&self, name: &str) -> Option<String> {
        if self.dirs.is_empty() || name.starts_with('<') {
            return None;
        }
        let file = Path::new(name).canonicalize().ok()?;
        self.guest_path_of(file.parent()?)
    }

    /// Returns the guest path of a host file or directory, or `None` if it does not exist or is not in a
    /// granted directory.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::policy::Access;
    /// use archipel::Policy;
    ///
    /// let folder = std::env::temp_dir();
    /// let policy = Policy::new().dir(&folder, "/data", Access::ReadOnly)?;
    /// assert_eq!(policy.guest_path_of(&folder).as_deref(), Some("/data"));
    /// assert_eq!(policy.guest_path_of("/"), None);
    /// # Ok::<(), archipel::Error>(())
    /// ```
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

    /// Returns the policy with unused quotas, for the first interpreter of a family.
    pub fn with_new_quotas(mut self) -> Self {
        for grant in &mut self.dirs {
            let quota = grant.quota();
            grant.quota = quota.map(|bytes| Arc::new(Quota::new(bytes, None)));
        }
        self
    }
}

/// Describes why a directory could not be opened.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        io::ErrorKind::NotADirectory => "it is not a directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

/// Describes the same for an interpreter, without revealing anything about the host.
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
    Err(Error::config(
        ConfigKind::Grant,
        format!(
            "{guest:?} is not a valid guest path: it must be absolute, below `/`, and without `.`, `..` \
         and empty parts"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(policy: Policy, host: &str, guest: &str, access: Access) -> Result<Policy, String> {
        policy.dir(host, guest, access).map_err(|e| e.to_string())
    }

    #[test]
    fn dir_refuses_invalid_and_conflicting_grants() {
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
            (&other, "/taken", "the path is already granted"),
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
