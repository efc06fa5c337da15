//! Errors of files, as guests are told of them.

use rustix::io::Errno;
use std::io;
use wasmtime_wasi::p2::FsError;
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;

/// The guest's error for one of the system, some of which WASI's own implementation does not know.
pub(super) fn failed(error: io::Error) -> FsError {
    match Errno::from_io_error(&error) {
        // A socket, or a pipe that nobody reads.
        Some(Errno::NXIO) => ErrorCode::NotPermitted.into(),
        // WASI has no error of its own for it.
        Some(Errno::MFILE | Errno::NFILE) => ErrorCode::InsufficientMemory.into(),
        Some(Errno::ROFS) => ErrorCode::ReadOnly.into(),
        Some(Errno::XDEV) => ErrorCode::CrossDevice.into(),
        Some(Errno::DQUOT) => ErrorCode::Quota.into(),
        Some(Errno::TXTBSY) => ErrorCode::TextFileBusy.into(),
        Some(Errno::AGAIN) => ErrorCode::WouldBlock.into(),
        Some(Errno::NODEV) => ErrorCode::NoDevice.into(),
        _ => FsError::from(error),
    }
}
