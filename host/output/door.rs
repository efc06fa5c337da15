//! Non-blocking writes to the host's standard streams.
//!
//! A terminal or a pipe that is ready can still block a writer of several bytes, and setting
//! `O_NONBLOCK` would change the stream for other processes that share it. So the host opens a
//! terminal or a pipe a second time.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

/// Standard output or standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Out,
    Err,
}

impl Stream {
    pub(super) fn is_terminal(self) -> bool {
        match self {
            Stream::Out => io::stdout().is_terminal(),
            Stream::Err => io::stderr().is_terminal(),
        }
    }
}

/// Writes all of `bytes`, on a thread that may block.
pub(super) fn write_waiting(stream: Stream, bytes: &[u8]) -> io::Result<()> {
    match stream {
        Stream::Out => {
            let mut stdout = io::stdout().lock();
            stdout.write_all(bytes)?;
            stdout.flush()
        }
        Stream::Err => io::stderr().lock().write_all(bytes),
    }
}

#[cfg(target_os = "linux")]
pub(super) use linux::{can_wait, wait, write};

#[cfg(not(target_os = "linux"))]
pub(super) fn write(_: Stream, _: &[u8]) -> io::Result<usize> {
    Ok(0)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn can_wait(_: Stream) -> bool {
    true
}

#[cfg(not(target_os = "linux"))]
pub(super) fn wait(_: Stream, limit: Duration) {
    std::thread::sleep(limit);
}

#[cfg(target_os = "linux")]
mod linux {
    use super::{Duration, Stream, io};
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fd::{BorrowedFd, OwnedFd};
    use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat};
    use rustix::io::{Errno, ReadWriteFlags, pwritev2};
    use std::io::IoSlice;
    use std::sync::{Arc, Mutex, PoisonError};

    /// The way to write to a stream without blocking.
    #[derive(Clone)]
    enum Way {
        /// A file, or a device such as the null device: writes do not wait for a reader.
        Direct,
        /// A non-blocking file description of the host's own.
        Own(Arc<OwnedFd>),
        /// A system call that does not block.
        Call,
        /// There is no such way.
        Waiting,
    }

    /// The device and inode of a stream, and the way that was found for it.
    type Known = Option<(u64, u64, Way)>;

    static OUT: Mutex<Known> = Mutex::new(None);
    static ERR: Mutex<Known> = Mutex::new(None);

    impl Stream {
        fn fd(self) -> BorrowedFd<'static> {
            match self {
                Stream::Out => rustix::stdio::stdout(),
                Stream::Err => rustix::stdio::stderr(),
            }
        }

        fn known(self) -> &'static Mutex<Known> {
            match self {
                Stream::Out => &OUT,
                Stream::Err => &ERR,
            }
        }

        /// Returns the way for the stream's current file, which the host may have replaced.
        fn way(self) -> io::Result<Way> {
            let now = fstat(self.fd())?;
            let mut known = self.known().lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((device, inode, way)) = &*known
                && (*device, *inode) == (now.st_dev, now.st_ino)
            {
                return Ok(way.clone());
            }
            let way = match FileType::from_raw_mode(now.st_mode) {
                FileType::Socket => Way::Call,
                FileType::Fifo => self.again(),
                FileType::CharacterDevice if self.is_terminal() => self.again(),
                _ => Way::Direct,
            };
            *known = Some((now.st_dev, now.st_ino, way.clone()));
            Ok(way)
        }

        /// Opens a terminal or a pipe a second time.
        fn again(self) -> Way {
            let path = match self {
                Stream::Out => "/proc/self/fd/1",
                Stream::Err => "/proc/self/fd/2",
            };
            let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
            match openat(CWD, path, flags, Mode::empty()) {
                Ok(own) => Way::Own(Arc::new(own)),
                // A pipe without a reader: a write returns the error.
                Err(Errno::NXIO) => Way::Direct,
                Err(_) => Way::Waiting,
            }
        }
    }

    /// Writes what can be written without blocking, which may be nothing.
    pub(in super::super) fn write(stream: Stream, bytes: &[u8]) -> io::Result<usize> {
        loop {
            let written = match stream.way() {
                Ok(Way::Direct) => rustix::io::write(stream.fd(), bytes),
                Ok(Way::Own(own)) => rustix::io::write(&*own, bytes),
                Ok(Way::Call) => {
                    let bytes = [IoSlice::new(bytes)];
                    // This offset means the current position; a socket has none.
                    pwritev2(stream.fd(), &bytes, u64::MAX, ReadWriteFlags::NOWAIT)
                }
                Ok(Way::Waiting) => return Ok(0),
                // A process can be started without the stream.
                Err(error) if Errno::from_io_error(&error) == Some(Errno::BADF) => Err(Errno::BADF),
                Err(error) => return Err(error),
            };
            match written {
                Ok(written) => return Ok(written),
                Err(Errno::BADF) => return Ok(bytes.len()),
                Err(Errno::AGAIN) => return Ok(0),
                Err(Errno::INTR) => {}
                Err(Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS)
                    if matches!(stream.way(), Ok(Way::Call)) =>
                {
                    let mut known = stream
                        .known()
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner);
                    if let Some((.., way)) = &mut *known {
                        *way = Way::Waiting;
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Returns whether the stream can only be written to by a blocking call.
    pub(in super::super) fn can_wait(stream: Stream) -> bool {
        matches!(stream.way(), Ok(Way::Waiting))
    }

    /// Blocks until something can be written or `limit` has passed.
    pub(in super::super) fn wait(stream: Stream, limit: Duration) {
        let own = match stream.way() {
            Ok(Way::Own(own)) => Some(own),
            _ => None,
        };
        let fd = stream.fd();
        let mut files = [match &own {
            Some(own) => PollFd::new(&**own, PollFlags::OUT),
            None => PollFd::new(&fd, PollFlags::OUT),
        }];
        let begun = std::time::Instant::now();
        let time = Timespec::try_from(limit).ok();
        // A write reports an error better than a poll.
        let ready = poll(&mut files, time.as_ref()).is_ok_and(|ready| ready > 0);
        if ready && begun.elapsed() < Duration::from_millis(1) {
            // The stream is ready, but not for this many bytes.
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
