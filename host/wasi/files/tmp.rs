//! The private `/tmp` of an interpreter.
//!
//! It is a folder in the host's temporary folder, created when the interpreter first uses it and
//! removed with its contents when the interpreter ends. Only this interpreter can reach it, so its
//! contents are counted exactly.

use super::remove::{self, PREFIX};
use crate::exec::blocking::detach;
use crate::lock::lock;
use crate::telemetry::{self, Subject};
use crate::wasi::descriptors::DescriptorBudget;
use crate::wasi::descriptors::DescriptorCharge;
use archipel_core::error::LimitKind;
use archipel_core::ledger::{Account, Reservation};
use archipel_core::policy::QuotaExceeded;
use cap_std::fs::{Dir, Metadata, MetadataExt};
use rustix::fs::{FlockOperation, Mode, OFlags, flock, mkdirat, openat};
use rustix::io::Errno;
use std::collections::HashMap;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::runtime::Handle;

/// The path in the guest.
pub(super) const PATH: &str = "/tmp";

/// The charge for a name of any kind, in bytes.
const NAME_CHARGE: u64 = 1024;

pub(super) struct Tmp {
    subject: Subject,
    descriptors: DescriptorBudget,
    account: Arc<Account>,
    counting: Mutex<Counting>,
    made: Mutex<Option<Made>>,
}

#[derive(Default)]
struct Counting {
    taken: Option<Reservation>,
    /// The number of times that each file is open, by inode: a file without a name uses space until
    /// it is closed.
    open: HashMap<u64, usize>,
}

/// The folder, once it exists.
struct Made {
    dir: Arc<Dir>,
    path: PathBuf,
    handle: Handle,
    held: DescriptorCharge,
}

impl Tmp {
    pub(super) fn new(
        subject: &Subject,
        account: &Arc<Account>,
        descriptors: &DescriptorBudget,
    ) -> Self {
        Tmp {
            subject: subject.clone(),
            descriptors: descriptors.clone(),
            account: account.clone(),
            counting: Mutex::default(),
            made: Mutex::default(),
        }
    }

    /// Returns the folder, and creates it in the first call. It can block.
    pub(super) fn dir(&self) -> io::Result<Arc<Dir>> {
        let mut made = lock(&self.made);
        if let Some(made) = &*made {
            return Ok(made.dir.clone());
        }
        let new = self.make()?;
        let dir = new.dir.clone();
        *made = Some(new);
        Ok(dir)
    }

    fn make(&self) -> io::Result<Made> {
        static REPORTED: AtomicBool = AtomicBool::new(false);
        let Some(held) = self.descriptors.take(1) else {
            telemetry::few_descriptors(&self.subject);
            return Err(Errno::MFILE.into());
        };
        let parent = std::env::temp_dir();
        let (dir, path) = create(&parent).inspect_err(|error| {
            if !REPORTED.swap(true, Ordering::Relaxed) {
                telemetry::event!(
                    warn,
                    "interpreters have no /tmp: cannot write to {} ({error})",
                    parent.display()
                );
            }
        })?;
        let handle = Handle::current();
        remove::sweep_once(&handle, parent);
        let dir = Arc::new(dir);
        remove::register(&path, &dir);
        Ok(Made {
            dir,
            path,
            handle,
            held,
        })
    }

    /// Charges `bytes` before they are written.
    pub(super) fn grow(&self, bytes: u64) -> Result<(), QuotaExceeded> {
        let mut counting = lock(&self.counting);
        if let Some(taken) = &mut counting.taken {
            return taken.grow(bytes).map_err(|_| QuotaExceeded);
        }
        let taken = self.account.reserve(LimitKind::Tmp, bytes);
        counting.taken = Some(taken.map_err(|_| QuotaExceeded)?);
        Ok(())
    }

    /// Releases the charge for `bytes`.
    pub(super) fn shrink(&self, bytes: u64) {
        if let Some(taken) = &mut lock(&self.counting).taken {
            taken.shrink(bytes);
        }
    }

    /// Charges a name and `bytes` before they are created.
    pub(super) fn create(&self, bytes: u64) -> Result<(), QuotaExceeded> {
        self.grow(bytes.saturating_add(NAME_CHARGE))
    }

    /// Releases the charge for a name and `bytes` that were not created.
    pub(super) fn uncreate(&self, bytes: u64) {
        self.shrink(bytes.saturating_add(NAME_CHARGE));
    }

    /// Counts an opened file.
    pub(super) fn opens(&self, found: &Metadata) {
        *lock(&self.counting).open.entry(found.ino()).or_default() += 1;
    }

    /// Counts a file that is about to be closed, and releases its charge if it has no name. It can
    /// block.
    pub(super) fn closes(&self, number: u64, file: &File) {
        let mut counting = lock(&self.counting);
        let Counting { taken, open } = &mut *counting;
        if let Some(times) = open.get_mut(&number) {
            *times -= 1;
            if *times > 0 {
                return;
            }
            open.remove(&number);
        }
        if let (Some(taken), Ok(found)) = (taken, Metadata::from_file(file))
            && found.nlink() == 0
        {
            taken.shrink(found.len());
        }
    }

    /// Removes a name with `remove`, and releases the charge for what `look` finds. It can block.
    pub(super) fn removing(
        &self,
        look: impl FnOnce() -> Option<Metadata>,
        remove: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        // The lock ensures that a file that is closed at this moment is released once.
        let mut counting = lock(&self.counting);
        let found = look();
        remove()?;
        let Counting { taken, open } = &mut *counting;
        if let (Some(taken), Some(found)) = (taken, found) {
            let last = !found.is_dir() && found.nlink() == 1 && !open.contains_key(&found.ino());
            let size = if last { found.len() } else { 0 };
            taken.shrink(size.saturating_add(NAME_CHARGE));
        }
        Ok(())
    }
}

impl Drop for Tmp {
    fn drop(&mut self) {
        let Some(made) = lock(&self.made).take() else {
            return;
        };
        let counting = std::mem::take(&mut *lock(&self.counting));
        let Made {
            dir,
            path,
            handle,
            held,
        } = made;
        remove::mark_removed(&path);
        detach(&handle, &self.account, move || {
            remove::remove_private(&dir, &path);
            drop((dir, held, counting));
        });
    }
}

/// Creates a folder in `parent` that only this user can enter, with an unpredictable name.
fn create(parent: &std::path::Path) -> io::Result<(Dir, PathBuf)> {
    let [high, low] = [0; 2].map(|_| RandomState::new().hash_one(std::process::id()));
    let path = parent.join(format!("{PREFIX}{high:016x}{low:016x}"));
    let parent = Dir::open_ambient_dir(parent, cap_std::ambient_authority())?;
    let name = path.file_name().ok_or(Errno::INVAL)?;
    mkdirat(&parent, name, Mode::RWXU)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let dir = File::from(openat(&parent, name, flags, Mode::empty())?);
    // The lock tells sweeping processes that this one is alive. Without file locks they do not
    // sweep.
    let _ = flock(&dir, FlockOperation::NonBlockingLockExclusive);
    Ok((Dir::from_std_file(dir), path))
}
