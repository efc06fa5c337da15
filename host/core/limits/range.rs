//! The ranges of limits.

use crate::error::{ConfigKind, Error, LimitKind, Result};

/// The minimum memory limit, in bytes. With less, no interpreter could start.
const LEAST_MEMORY: u64 = 1 << 20;

/// The maximum memory of one interpreter, in bytes: half of what 32-bit addresses reach.
pub const MOST_MEMORY: usize = 2 << 30;

/// The maximum size of a message, in bytes, which is also the default.
pub const MOST_MESSAGE: u64 = 64 << 20;

/// The default limit of the private `/tmp` of an interpreter that a host creates and of its descendants, in
/// bytes.
pub(crate) const TMP: u64 = 64 << 20;

/// The maximum of the handle limit.
const MOST_HANDLES: u64 = 1_000_000;

/// The number of handles that an interpreter can have by default.
pub const HANDLES: u64 = 4096;

/// The maximum nesting of calls for which the guest's stack has room.
const MOST_RECURSION: u64 = 10_000;

pub(super) fn check_range(kind: LimitKind, limit: u64) -> Result<()> {
    let (least, most) = range(kind);
    if (least..=most).contains(&limit) {
        return Ok(());
    }
    Err(Error::config(
        ConfigKind::Limit(kind),
        match (kind, limit) {
            (LimitKind::Cpu | LimitKind::Wall, 0) => format!(
                "a {kind} limit of zero would stop every script before its first line; give a time such as 2s"
            ),
            _ if most == u64::MAX => format!(
                "invalid {kind} limit {}: it must be at least {}",
                kind.show(limit),
                kind.show(least)
            ),
            _ => format!(
                "invalid {kind} limit {}: it must be from {} to {}",
                kind.show(limit),
                kind.show(least),
                kind.show(most)
            ),
        },
    ))
}

/// Returns the minimum and the maximum of a limit.
pub(super) fn range(kind: LimitKind) -> (u64, u64) {
    match kind {
        LimitKind::Memory => (LEAST_MEMORY, u64::MAX),
        LimitKind::Cpu | LimitKind::Wall | LimitKind::Fuel => (1, u64::MAX),
        LimitKind::Output | LimitKind::Queued => (1, u64::MAX),
        LimitKind::Message => (1, MOST_MESSAGE),
        LimitKind::Tmp => (0, u64::MAX),
        LimitKind::Handles => (16, MOST_HANDLES),
        LimitKind::Children => (0, 1_000_000),
        LimitKind::Depth => (0, 64),
        LimitKind::Recursion => (50, MOST_RECURSION),
    }
}

const _: () = assert!(LEAST_MEMORY < MOST_MEMORY as u64);
