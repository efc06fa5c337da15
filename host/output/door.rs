//! The host's standard streams, written to without waiting for a reader.
//!
//! A terminal or a pipe that is ready may still make a writer of several bytes wait, and setting `O_NONBLOCK` would
//! change the stream for other processes that have it. So a terminal or a pipe is opened once more for ourselves.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

/// One of the two streams.
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

/// Writes all of it, on a thread that can wait.
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

    /// How to write to a stream without waiting.
    #[derive(Clone)]
    enum Way {
        /// A file, or a device such as the null device: nobody has to read it.
        Direct,
        /// By a description of our own, which does not wait.
        Own(Arc<OwnedFd>),
        /// By a call that does not wait.
        Call,
        /// There is none.
        Waiting,
    }

    /// What a stream was when its way was found: its device and inode.
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

        /// The way to write to what the stream is now: the host may have put another file in its place.
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

        /// Opens a terminal or a pipe once more.
        fn again(self) -> Way {
            let path = match self {
                Stream::Out => "/proc/self/fd/1",
                Stream::Err => "/proc/self/fd/2",
            };
            let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
            match openat(CWD, path, flags, Mode::empty()) {
                Ok(own) => Way::Own(Arc::new(own)),
                // A pipe without a reader: the write says so.
                Err(Errno::NXIO) => Way::Direct,
                Err(_) => Way::Waiting,
            }
        }
    }

    /// Writes what can be written without waiting, which may be nothing.
    pub(in super::super) fn write(stream: Stream, bytes: &[u8]) -> io::Result<usize> {
        loop {
            let written = match stream.way() {
                Ok(Way::Direct) => rustix::io::write(stream.fd(), bytes),
                Ok(Way::Own(own)) => rustix::io::write(&*own, bytes),
                Ok(Way::Call) => {
                    let bytes = [IoSlice::new(bytes)];
                    // Such an offset stands for the file's own position, of which a socket has none.
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

    /// Whether the only way is to wait in a write.
    pub(in super::super) fn can_wait(stream: Stream) -> bool {
        matches!(stream.way(), Ok(Way::Waiting))
    }

    /// Waits until something can be written, or `limit` has passed.
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
        // An error shows itself again when writing, which reports it better.
        let ready = poll(&mut files, time.as_ref()).is_ok_and(|ready| ready > 0);
        if ready && begun.elapsed() < Duration::from_millis(1) {
            // It is ready, but not for as much as there is.
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
