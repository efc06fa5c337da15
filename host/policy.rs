//! What an interpreter may do.  A policy starts empty, and everything in it is a grant.

use crate::error::{Error, Result};
use cap_std::fs::Dir;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Whether what lies in a granted directory can be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It can be read.
    ReadOnly,
    /// It can be read, changed, created and deleted.
    ReadWrite,
}

/// A directory that is granted.
#[derive(Debug, Clone)]
pub(crate) struct DirGrant {
    pub(crate) dir: Arc<Dir>,
    pub(crate) host: PathBuf,
    pub(crate) guest: String,
    pub(crate) access: Access,
}

/// What an interpreter may do.
///
/// The default grants nothing: no files, no environment, no input.
///
/// # Examples
///
/// ```
/// use archipel::{Access, Policy};
///
/// let policy = Policy::new()
///     .env("LANG", "C.UTF-8")?
///     .dir(std::env::temp_dir(), "/data", Access::ReadOnly)?;
/// # Ok::<(), archipel::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Policy {
    pub(crate) dirs: Vec<DirGrant>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) path: Vec<String>,
    pub(crate) stdin: bool,
    pub(crate) children: Option<Children>,
}

impl DirGrant {
    /// A path by which the directory can be opened again: itself, whatever happened to its name.
    pub(crate) fn path(&self) -> PathBuf {
        #[cfg(target_os = "linux")]
        {
            use std::os::fd::AsRawFd;
            format!("/proc/self/fd/{}", self.dir.as_raw_fd()).into()
        }
        #[cfg(not(target_os = "linux"))]
        self.host.clone()
    }
}

/// How many children an interpreter may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Children {
    /// How many descendants may exist at a time.
    pub(crate) count: u32,
    /// How many generations of them.
    pub(crate) depth: u32,
}

/// Folders through which a process reaches what no directory grant should give away.
const NEVER: [&str; 4] = ["/", "/proc", "/sys", "/dev"];

impl Policy {
    /// A policy that grants nothing.
    pub fn new() -> Self {
        Policy::default()
    }

    /// Grants the directory `host` under the path `guest`.
    ///
    /// # Errors
    ///
    /// When `host` is not a directory or cannot be opened; when it is `/`, `/proc`, `/sys` or
    /// `/dev` or lies in one of the latter three; when it overlaps with another grant, one of which
    /// is read-only and the other read-write; and when `guest` is not an absolute path or is
    /// granted already.
    pub fn dir(
        mut self,
        host: impl AsRef<Path>,
        guest: impl Into<String>,
        access: Access,
    ) -> Result<Self> {
        let (asked, guest) = (host.as_ref(), guest.into());
        let shown = asked.display();
        let cannot = |error: std::io::Error| {
            let why = match error.kind() {
                std::io::ErrorKind::NotFound => "it does not exist".to_owned(),
                std::io::ErrorKind::NotADirectory => "it is not a directory".to_owned(),
                _ => error.to_string(),
            };
            Error::Config(format!("cannot grant the directory {shown}: {why}"))
        };
        let host = asked.canonicalize().map_err(cannot)?;
        let refused =
            host == Path::new(NEVER[0]) || NEVER[1..].iter().any(|never| host.starts_with(never));
        if refused {
            return Err(Error::Config(format!(
                "cannot grant the directory {shown}: it would give away the whole system"
            )));
        }
        let dir = Dir::open_ambient_dir(&host, cap_std::ambient_authority()).map_err(cannot)?;
        check_guest_path(&guest)?;
        for other in &self.dirs {
            if other.guest == guest {
                return Err(Error::Config(format!(
                    "cannot grant the directory {shown} as {guest}: {} is granted there",
                    other.host.display()
                )));
            }
            let overlap = other.host.starts_with(&host) || host.starts_with(&other.host);
            if overlap && other.access != access {
                return Err(Error::Config(format!(
                    "cannot grant the directory {shown}: it overlaps with {}, and only one of \
                     them is read-only",
                    other.host.display()
                )));
            }
        }
        self.dirs.push(DirGrant {
            dir: Arc::new(dir),
            host,
            guest,
            access,
        });
        Ok(self)
    }

    /// Sets a variable of the environment.
    ///
    /// # Errors
    ///
    /// When the name is empty, or the name or the value has something in it that no environment
    /// can hold: NUL, or `=` in a name.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Result<Self> {
        let (name, value) = (name.into(), value.into());
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return Err(Error::Config(format!(
                "cannot set the environment variable {name:?}: names are not empty and have no `=`, \
                 and neither names nor values have NUL in them"
            )));
        }
        self.env.retain(|(other, _)| *other != name);
        self.env.push((name, value));
        Ok(self)
    }

    /// Grants the host's standard input.
    pub fn stdin(mut self) -> Self {
        self.stdin = true;
        self
    }

    /// Lets the interpreter create children, which have nothing that it does not have: `count`
    /// descendants may exist at a time, in at most `depth` generations.
    ///
    /// # Errors
    ///
    /// When `count` is more than a million or `depth` more than 64.
    pub fn children(mut self, count: u32, depth: u32) -> Result<Self> {
        if count > 1_000_000 || depth > 64 {
            return Err(Error::Config(format!(
                "cannot grant {count} children in {depth} generations: at most a million in 64"
            )));
        }
        self.children = (count > 0 && depth > 0).then_some(Children { count, depth });
        Ok(self)
    }

    /// The path that the folder of the host's file `name` has for the guest, if it was granted.
    pub(crate) fn guest_folder_of(&self, name: &str) -> Option<String> {
        if self.dirs.is_empty() || name.starts_with('<') {
            return None;
        }
        let file = Path::new(name).canonicalize().ok()?;
        self.guest_path_of(file.parent()?)
    }

    /// Adds a folder, or an archive such as a wheel, from which modules are imported: an entry of
    /// `sys.path`.  It grants nothing: the folder, or the one that has the archive in it, must be
    /// granted by [`dir`](Self::dir).  Entries are searched in the order in which they are added,
    /// after the folder of a script, and after the standard library.
    ///
    /// # Errors
    ///
    /// When `guest` is not an absolute path, or has a colon in it, which separates the entries of
    /// the variable `PYTHONPATH` that the interpreter finds them in.
    ///
    /// # Examples
    ///
    /// ```
    /// use archipel::{Access, Policy};
    ///
    /// let policy = Policy::new()
    ///     .dir(std::env::temp_dir(), "/packages", Access::ReadOnly)?
    ///     .path("/packages")?
    ///     .path("/packages/attrs-25.4.0-py3-none-any.whl")?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn path(mut self, guest: impl Into<String>) -> Result<Self> {
        let guest = guest.into();
        if !guest.starts_with('/') || guest.contains([':', '\0']) {
            return Err(Error::Config(format!(
                "{guest:?} cannot be searched for modules: it must be an absolute path without `:`"
            )));
        }
        self.path.push(guest);
        Ok(self)
    }

    /// The variables of the environment, with the one that has the path in it.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        const NAME: &str = "PYTHONPATH";
        let mut variables = self.env.clone();
        if !self.path.is_empty() {
            let own = self.path.iter().map(String::as_str);
            let set = variables.iter().position(|(name, _)| name == NAME);
            let set = set.map(|at| variables.remove(at).1);
            let joined: Vec<&str> = own.chain(set.as_deref()).collect();
            variables.push((NAME.to_owned(), joined.join(":")));
        }
        variables
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

    /// What a child gets: if it is trusted, all that its parent has, and otherwise nothing but the
    /// right to have children in turn; and of these one generation fewer.
    pub(crate) fn of_child(&self, trusted: bool) -> Policy {
        let children = self.children.and_then(|granted| {
            let depth = granted.depth.checked_sub(1).filter(|depth| *depth > 0)?;
            Some(Children { depth, ..granted })
        });
        let granted = match trusted {
            true => self.clone(),
            false => Policy::default(),
        };
        Policy {
            children,
            ..granted
        }
    }
}

fn check_guest_path(guest: &str) -> Result<()> {
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
        std::fs::write(base.join("file"), "").unwrap();
        let base = base.to_str().unwrap();
        let sub = format!("{base}/sub");
        let rows = [
            ("/", "/x", "whole system"),
            ("/proc", "/x", "whole system"),
            ("/proc/self", "/x", "whole system"),
            ("/dev", "/x", "whole system"),
            ("/no/such/folder", "/x", "does not exist"),
            (&format!("{base}/file"), "/x", "not a directory"),
            (base, "", "must be absolute"),
            (base, "x", "must be absolute"),
            (base, "/", "must be absolute"),
            (base, "/x/../y", "must be absolute"),
            (base, "/x//y", "must be absolute"),
            (base, "/taken", "is granted there"),
            (&sub, "/x", "overlaps"),
        ];
        for (host, guest, why) in rows {
            let policy = grant(Policy::new(), base, "/taken", Access::ReadOnly).unwrap();
            let error = grant(policy, host, guest, Access::ReadWrite).unwrap_err();
            assert!(error.contains(why), "{host} as {guest}: {error}");
        }
        std::fs::remove_dir_all(base).unwrap();
    }

    #[test]
    fn environment() {
        for (name, value) in [("", "x"), ("A=B", "x"), ("A\0", "x"), ("A", "\0")] {
            assert!(Policy::new().env(name, value).is_err());
        }
        let policy = Policy::new().env("A", "1").unwrap().env("A", "2").unwrap();
        assert_eq!(policy.env, [("A".to_owned(), "2".to_owned())]);
    }

    #[test]
    fn a_safe_child_gets_nothing_and_a_trusted_one_everything() {
        let policy = Policy::new().env("A", "1").unwrap().stdin();
        let policy = policy.path("/p").unwrap().children(5, 2).unwrap();
        let safe = policy.of_child(false);
        assert!(safe.variables().is_empty() && safe.dirs.is_empty() && !safe.stdin);
        let trusted = policy.of_child(true);
        assert_eq!(trusted.variables(), policy.variables());
        assert!(trusted.stdin);
        for child in [safe, trusted] {
            assert_eq!(child.children, Some(Children { count: 5, depth: 1 }));
            assert_eq!(child.of_child(true).children, None);
        }
        assert_eq!(Policy::new().of_child(true).children, None);
    }

    #[test]
    fn the_path_goes_before_the_one_in_the_environment() {
        let policy = Policy::new().env("PYTHONPATH", "/own").unwrap();
        let policy = policy.path("/a").unwrap().path("/b.whl").unwrap();
        let expected = [("PYTHONPATH".to_owned(), "/a:/b.whl:/own".to_owned())];
        assert_eq!(policy.variables(), expected);
        for wrong in ["a", "", "/a:b", "/a\0"] {
            assert!(Policy::new().path(wrong).is_err(), "{wrong:?}");
        }
    }
}
