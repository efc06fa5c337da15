//! Errors of files, translated for guests.

use rustix::io::Errno;
use std::io;
use wasmtime_wasi::p2::FsError;
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;

/// The error for one descriptor too many: WASI has none for that.
pub(super) const TOO_MANY: ErrorCode = ErrorCode::InsufficientMemory;

/// Translates an error of the system. wasmtime does not know some of these.
pub(super) fn failed(error: io::Error) -> FsError {
    match Errno::from_io_error(&error) {
        // A socket, or a pipe without a reader.
        Some(Errno::NXIO) => ErrorCode::NotPermitted.into(),
        Some(Errno::MFILE | Errno::NFILE) => TOO_MANY.into(),
        Some(Errno::ROFS) => ErrorCode::ReadOnly.into(),
        Some(Errno::XDEV) => ErrorCode::CrossDevice.into(),
        Some(Errno::DQUOT) => ErrorCode::Quota.into(),
        Some(Errno::TXTBSY) => ErrorCode::TextFileBusy.into(),
        Some(Errno::AGAIN) => ErrorCode::WouldBlock.into(),
        Some(Errno::NODEV) => ErrorCode::NoDevice.into(),
        _ => FsError::from(error),
    }
}
