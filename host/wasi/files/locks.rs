//! Locks on files, which belong to the interpreter that sets them.
//!
//! The system knows two owners of locks on bytes of a file: a process, and an open file description. An interpreter is
//! neither. So each file has one of the interpreter's open files as the owner of all locks that the interpreter sets on
//! it, through whichever of its descriptors. The system releases them when that open file is closed, so nothing that
//! ends an interpreter leaves a lock.

use super::node::{Node, OpenFile};
use super::ranges::{Kind, Locked, Range, Ranges};
use super::remembered::Remembered;
use crate::lock::lock;
use crate::wasi::{HasWasi, Wasi};
use archipel_core::error::LimitKind;
use std::fs::File;
use wasmtime::component::{ComponentType, Lift, Linker, Lower, Resource};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;

/// The interface that the guest's linker gives its `fcntl`: `guest/src/locks.wit`.
const INTERFACE: &str = "archipel:locks/locks@0.1.0";

/// The maximum number of separate ranges that an interpreter can lock in one file.
const MOST_RANGES: usize = 64;

/// An upper bound of the memory that the locks on one file take in the system and the host, in bytes: some 250 for
/// each lock.
const BYTES: u64 = 16 << 10;

/// The owners of an interpreter's locks, by the device and the number of the file.
pub(super) type Owners = Remembered<(u64, u64), OpenFile>;

/// A request of a guest, numbered as in `locks.wit`.
#[derive(Clone, Copy, PartialEq, Eq, ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
#[expect(dead_code, reason = "wasmtime makes them of what a guest passes")]
enum Wanted {
    #[component(name = "shared")]
    Shared,
    #[component(name = "exclusive")]
    Exclusive,
    #[component(name = "none")]
    None,
}

/// The result of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ComponentType, Lower)]
#[component(enum)]
#[repr(u8)]
enum LockOutcome {
    #[component(name = "done")]
    Done,
    #[component(name = "taken")]
    Taken,
    #[component(name = "bad-descriptor")]
    BadDescriptor,
    #[component(name = "not-permitted")]
    NotPermitted,
    #[component(name = "invalid")]
    Invalid,
    #[component(name = "no-locks")]
    NoLocks,
    #[component(name = "insufficient-memory")]
    InsufficientMemory,
    #[component(name = "io")]
    Io,
}

type LockRequest = (Resource<Node>, Wanted, u64, u64);

pub(super) fn add_to_linker<T: HasWasi>(linker: &mut Linker<T>) -> Result<()> {
    let mut instance = linker.instance(INTERFACE)?;
    instance.func_wrap_async(
        "set",
        |mut store: StoreContextMut<'_, T>, request: LockRequest| {
            Box::new(async move { Ok((set(store.data_mut().wasi_mut(), request).await?,)) })
        },
    )?;
    instance.func_wrap_async(
        "find",
        |mut store: StoreContextMut<'_, T>, request: LockRequest| {
            Box::new(async move { Ok((find(store.data_mut().wasi_mut(), request).await?,)) })
        },
    )
}

impl OpenFile {
    /// Returns whether the system permits locks of a kind on it.
    fn suits(&self, kind: Option<Kind>) -> bool {
        match kind {
            Some(Kind::Shared) => self.reads,
            Some(Kind::Exclusive) => self.writes,
            None => true,
        }
    }
}

/// Sets or removes a lock.
async fn set(state: &mut Wasi, (fd, wanted, start, length): LockRequest) -> Result<LockOutcome> {
    let Node::File(file) = state.node(&fd)? else {
        return Ok(LockOutcome::BadDescriptor);
    };
    let kind = kind(wanted);
    let Some(range) = Range::new(start, length) else {
        return Ok(LockOutcome::Invalid);
    };
    if kind == Some(Kind::Exclusive) && file.read_only {
        let denied = Err(ErrorCode::NotPermitted.into());
        let _ = state.log_denial::<()>("locking a file exclusively", None, denied);
        return Ok(LockOutcome::NotPermitted);
    }
    if !file.suits(kind) {
        return Ok(LockOutcome::BadDescriptor);
    }
    let known = state.files.locks.get(&file.id);
    if known.is_none() && kind.is_none() {
        return Ok(LockOutcome::Done);
    }
    let before = known
        .as_ref()
        .map(|owner| lock(&owner.locked).ranges.clone());
    let before = before.unwrap_or_default();
    let after = before.with(range, kind);
    if after.len() > MOST_RANGES {
        return Ok(LockOutcome::NoLocks);
    }
    // An owner that was opened for reading only gives its locks to one that can have this one, too.
    let (from, owner) = match known {
        Some(owner) if owner.suits(kind) => (None, owner),
        Some(owner) if before.has(Kind::Exclusive) || !file.reads => {
            drop(owner);
            return Ok(LockOutcome::BadDescriptor);
        }
        Some(owner) => (Some(owner), file),
        None => (None, file),
    };
    let held = from.as_ref().unwrap_or(&owner);
    let memory = lock(&held.locked).memory.take();
    let memory = match memory {
        Some(memory) => memory,
        None => match state.account.reserve(LimitKind::Memory, BYTES) {
            Ok(memory) => memory,
            Err(_) => return Ok(LockOutcome::InsufficientMemory),
        },
    };
    let (giver, taker, given) = (from.clone(), owner.clone(), before.clone());
    let done = super::run(state, move || {
        let moved = giver.map_or(LockOutcome::Done, |giver| give(&giver, &taker, &given));
        Ok(match moved {
            LockOutcome::Done => (true, lock_by_system(taker.file(), range, kind)),
            failed => (false, failed),
        })
    });
    let (moved, outcome) = done.await.unwrap_or((false, LockOutcome::Io));
    let ranges = match outcome {
        LockOutcome::Done => after,
        _ => before,
    };
    let (owner, other) = match from {
        Some(from) if !moved => (from, None),
        from => (owner, from),
    };
    if let Some(other) = other {
        *lock(&other.locked) = Locked::default();
    }
    match ranges.is_empty() {
        true => {
            *lock(&owner.locked) = Locked::default();
            state.files.locks.remove(&owner.id);
        }
        false => {
            let memory = Some(memory);
            *lock(&owner.locked) = Locked { ranges, memory };
            state.files.locks.add(owner.id, &owner);
        }
    }
    Ok(outcome)
}

/// Finds whether another owner prevents a lock.
async fn find(state: &mut Wasi, (fd, wanted, start, length): LockRequest) -> Result<LockOutcome> {
    let Node::File(file) = state.node(&fd)? else {
        return Ok(LockOutcome::BadDescriptor);
    };
    let (Some(kind), Some(range)) = (kind(wanted), Range::new(start, length)) else {
        return Ok(LockOutcome::Invalid);
    };
    let owner = state.files.locks.get(&file.id).unwrap_or(file);
    let done = super::run(state, move || Ok(find_by_system(owner.file(), range, kind)));
    Ok(done.await.unwrap_or(LockOutcome::Io))
}

fn kind(wanted: Wanted) -> Option<Kind> {
    match wanted {
        Wanted::Shared => Some(Kind::Shared),
        Wanted::Exclusive => Some(Kind::Exclusive),
        Wanted::None => None,
    }
}

/// Gives the shared locks of one open file to another of the same file, so that one of
/// the two has them at every moment. It can block.
fn give(from: &OpenFile, to: &OpenFile, ranges: &Ranges) -> LockOutcome {
    for (range, kind) in ranges.iter() {
        let outcome = lock_by_system(to.file(), range, Some(kind));
        if outcome != LockOutcome::Done {
            lock_by_system(to.file(), Range::ALL, None);
            return outcome;
        }
    }
    lock_by_system(from.file(), Range::ALL, None)
}

#[cfg(target_os = "linux")]
use by_system::{find as find_by_system, set as lock_by_system};

#[cfg(target_os = "linux")]
mod by_system {
    use super::{File, Kind, LockOutcome, Range};
    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc;

    fn described(range: Range, kind: i32) -> libc::flock {
        libc::flock {
            l_type: kind as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: range.start,
            // The system's word for "up to the end".
            l_len: range.length().unwrap_or(0),
            l_pid: 0,
        }
    }

    fn number(kind: Option<Kind>) -> i32 {
        match kind {
            Some(Kind::Shared) => libc::F_RDLCK,
            Some(Kind::Exclusive) => libc::F_WRLCK,
            None => libc::F_UNLCK,
        }
    }

    fn outcome(done: Result<i32, Errno>) -> LockOutcome {
        match done {
            Ok(_) => LockOutcome::Done,
            Err(Errno::EAGAIN | Errno::EACCES) => LockOutcome::Taken,
            Err(Errno::EBADF) => LockOutcome::BadDescriptor,
            Err(Errno::ENOLCK | Errno::EOPNOTSUPP | Errno::ENOSYS) => LockOutcome::NoLocks,
            Err(_) => LockOutcome::Io,
        }
    }

    /// Sets or removes a lock of an open file. It can block, but does not wait for other owners.
    pub(super) fn set(file: &File, range: Range, kind: Option<Kind>) -> LockOutcome {
        let wanted = described(range, number(kind));
        outcome(fcntl(file, FcntlArg::F_OFD_SETLK(&wanted)))
    }

    /// Finds whether another owner prevents a lock. It can block.
    pub(super) fn find(file: &File, range: Range, kind: Kind) -> LockOutcome {
        let mut found = described(range, number(Some(kind)));
        match outcome(fcntl(file, FcntlArg::F_OFD_GETLK(&mut found))) {
            LockOutcome::Done if i32::from(found.l_type) != libc::F_UNLCK => LockOutcome::Taken,
            outcome => outcome,
        }
    }
}

/// Elsewhere locks have no effect on other processes.
#[cfg(not(target_os = "linux"))]
fn lock_by_system(_: &File, _: Range, _: Option<Kind>) -> LockOutcome {
    LockOutcome::Done
}

#[cfg(not(target_os = "linux"))]
fn find_by_system(_: &File, _: Range, _: Kind) -> LockOutcome {
    LockOutcome::Done
}
