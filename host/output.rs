//! Where the standard output and standard error of an interpreter go.

mod counted;
mod door;

pub(crate) use counted::CountedOutput;

use bytes::{Buf, Bytes};
use door::Stream;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a thread waits for a reader before it looks at whether that is still wanted.
const MOMENT: Duration = Duration::from_millis(100);

/// How long a writer that never waits is left alone when it takes nothing.
const PAUSE: Duration = Duration::from_millis(5);

/// A destination for output.  Clones lead to the same place.
///
/// # Examples
///
/// ```
/// use archipel::Output;
///
/// let output = Output::captured(1 << 20);
/// assert_eq!(output.take().bytes, b"");
/// ```
#[derive(Debug, Clone)]
pub struct Output(Arc<Sink>);

enum Sink {
    Discarded,
    Host(Stream),
    Captured {
        limit: usize,
        kept: Mutex<Captured>,
    },
    /// A writer that can wait.
    Writer(Mutex<Box<dyn io::Write + Send>>),
    /// A writer that never waits.
    Prompt(Mutex<Box<dyn io::Write + Send>>),
}

impl std::fmt::Debug for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Sink::Discarded => "Discarded",
            Sink::Host(Stream::Out) => "HostStdout",
            Sink::Host(Stream::Err) => "HostStderr",
            Sink::Captured { .. } => "Captured",
            Sink::Writer(_) => "Writer",
            Sink::Prompt(_) => "Prompt",
        })
    }
}

/// Output that was captured.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Captured {
    /// What was written, up to the limit.
    pub bytes: Vec<u8>,
    /// How many bytes were written after the limit was reached, and are lost.
    pub dropped: u64,
}

impl Captured {
    /// The bytes as text, with what is not UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

impl Output {
    /// Nowhere.
    pub fn discarded() -> Self {
        Output(Arc::new(Sink::Discarded))
    }

    /// The host's standard output, in chunks as they are written.
    ///
    /// A reader that is slow delays the interpreter, which can be stopped meanwhile and reaches its limits.  The chunks
    /// do not pass through the buffer of [`std::io::stdout`]: a host that has left a line unfinished there flushes it
    /// before the interpreter runs.
    pub fn host_stdout() -> Self {
        Output(Arc::new(Sink::Host(Stream::Out)))
    }

    /// The host's standard error, likewise.
    pub fn host_stderr() -> Self {
        Output(Arc::new(Sink::Host(Stream::Err)))
    }

    /// Memory, of which at most `limit` bytes are kept; what is written after that is counted and
    /// dropped.
    pub fn captured(limit: usize) -> Self {
        Output(Arc::new(Sink::Captured {
            limit,
            kept: Mutex::default(),
        }))
    }

    /// A writer of the host's, which is given every chunk as it is written, of at most 4 KiB.
    ///
    /// It is called by a thread beside the workers, and the interpreter waits until it returns.  It can wait for a
    /// reader: the interpreter can be stopped meanwhile and reaches its limits.  A call that goes on after that occupies
    /// its thread, of which there are 512 for all interpreters.  To the script an error of kind
    /// [`BrokenPipe`](io::ErrorKind::BrokenPipe) means that the reader is gone; others, and panics, are an `OSError`.
    ///
    /// # Examples
    ///
    /// ```
    /// let output = archipel::Output::writer(std::io::sink());
    /// assert_eq!(output.take().bytes, b"");
    /// ```
    pub fn writer(writer: impl io::Write + Send + 'static) -> Self {
        Output(Arc::new(Sink::Writer(Mutex::new(Box::new(writer)))))
    }

    /// A writer of the host's that never waits, such as one to memory: as [`writer`](Self::writer), called by the thread
    /// that runs the interpreter, which is faster.
    ///
    /// It takes as many bytes as it has room for.  When it has none, it returns an error of kind
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) and is called again some milliseconds later.  While it is in a call,
    /// nothing can stop the interpreter.
    ///
    /// # Examples
    ///
    /// ```
    /// let output = archipel::Output::prompt_writer(Vec::new());
    /// assert_eq!(output.take().bytes, b"");
    /// ```
    pub fn prompt_writer(writer: impl io::Write + Send + 'static) -> Self {
        Output(Arc::new(Sink::Prompt(Mutex::new(Box::new(writer)))))
    }

    /// Writes all of `bytes` for the host itself, and waits for a reader until `give_up` returns true.  It is asked every
    /// 100 ms for as long as nothing can be written.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](io::ErrorKind::TimedOut) when `give_up` returned true; some of the bytes may have been written.
    /// [`BrokenPipe`](io::ErrorKind::BrokenPipe) when the reader is gone, and whatever else the destination returns.
    ///
    /// # Examples
    ///
    /// ```
    /// let output = archipel::Output::captured(100);
    /// output.write_unless(b"ready", || false)?;
    /// assert_eq!(output.take().bytes, b"ready");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn write_unless(
        &self,
        mut bytes: &[u8],
        mut give_up: impl FnMut() -> bool,
    ) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = self.attempt(bytes)?;
            bytes.advance(written);
            if written > 0 {
                continue;
            }
            if give_up() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            if self.can_wait() {
                let (output, rest) = (self.clone(), bytes.to_vec());
                let (done, result) = std::sync::mpsc::channel();
                std::thread::Builder::new().spawn(move || {
                    // Nobody listens where it took too long.
                    let _ = done.send(output.write_waiting(&rest));
                })?;
                loop {
                    match result.recv_timeout(MOMENT) {
                        Ok(result) => return result,
                        Err(_) if give_up() => return Err(io::ErrorKind::TimedOut.into()),
                        Err(_) => {}
                    }
                }
            }
            self.wait();
        }
        Ok(())
    }

    /// Takes what was captured since the last call.  For other outputs it is empty.
    pub fn take(&self) -> Captured {
        match &*self.0 {
            Sink::Captured { kept, .. } => {
                std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner))
            }
            _ => Captured::default(),
        }
    }

    /// Writes what can be written without waiting, which may be nothing.
    fn attempt(&self, bytes: &[u8]) -> io::Result<usize> {
        match &*self.0 {
            Sink::Discarded => Ok(bytes.len()),
            Sink::Host(stream) => door::write(*stream, bytes),
            Sink::Captured { limit, kept } => {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let room = limit.saturating_sub(kept.bytes.len()).min(bytes.len());
                kept.bytes.extend_from_slice(&bytes[..room]);
                kept.dropped += (bytes.len() - room) as u64;
                Ok(bytes.len())
            }
            Sink::Writer(_) => Ok(0),
            Sink::Prompt(writer) => called(writer, |writer| match writer.write(bytes) {
                Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
                written => written,
            }),
        }
    }

    /// Whether the only way is to wait in a write.
    fn can_wait(&self) -> bool {
        match &*self.0 {
            Sink::Writer(_) => true,
            Sink::Host(stream) => door::can_wait(*stream),
            _ => false,
        }
    }

    /// Writes all of it, on a thread that can wait.
    fn write_waiting(&self, bytes: &[u8]) -> io::Result<()> {
        match &*self.0 {
            Sink::Writer(writer) => called(writer, |writer| {
                writer.write_all(bytes)?;
                writer.flush()
            }),
            Sink::Host(stream) => door::write_waiting(*stream, bytes),
            _ => Ok(()),
        }
    }

    /// Waits, on the calling thread, until something can be written or a moment has passed.
    fn wait(&self) {
        match &*self.0 {
            Sink::Host(stream) => door::wait(*stream, MOMENT),
            _ => std::thread::sleep(PAUSE),
        }
    }

    /// Writes all of it. A worker never waits for the reader, so another thread does, and not for long, since nothing
    /// can call it back.
    async fn write_all(&self, mut bytes: Bytes) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = self.attempt(&bytes)?;
            bytes.advance(written);
            if written > 0 {
                continue;
            }
            let output = self.clone();
            if self.can_wait() {
                let rest = bytes.clone();
                let work = tokio::task::spawn_blocking(move || output.write_waiting(&rest));
                return work
                    .await
                    .unwrap_or_else(|error| Err(io::Error::other(error)));
            }
            match &*self.0 {
                Sink::Host(_) => {
                    let wait = tokio::task::spawn_blocking(move || output.wait());
                    wait.await.map_err(io::Error::other)?;
                }
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
        Ok(())
    }

    fn is_terminal(&self) -> bool {
        match &*self.0 {
            Sink::Host(stream) => stream.is_terminal(),
            _ => false,
        }
    }
}

/// Calls a writer of the host's. A panic would go through the guest, and up to whoever waits for that.
fn called<T>(
    writer: &Mutex<Box<dyn io::Write + Send>>,
    act: impl FnOnce(&mut dyn io::Write) -> io::Result<T>,
) -> io::Result<T> {
    let act = AssertUnwindSafe(|| {
        let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut **writer)
    });
    catch_unwind(act).unwrap_or_else(|_| Err(io::Error::other("the writer panicked")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_up_to_the_limit() {
        let output = Output::captured(4);
        assert_eq!(output.attempt(b"abc").unwrap(), 3);
        assert_eq!(output.attempt(b"defg").unwrap(), 4);
        let captured = output.take();
        assert_eq!((captured.text().as_str(), captured.dropped), ("abcd", 3));
        assert_eq!(output.take(), Captured::default());
    }

    /// Takes three bytes at every second call.
    struct Slow(Arc<Mutex<Vec<u8>>>, bool);

    impl io::Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let taken = bytes.len().min(3);
            self.0.lock().unwrap().extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_prompt_writer_without_room_is_called_again() {
        let written = Arc::default();
        let output = Output::prompt_writer(Slow(Arc::clone(&written), false));
        output.write_unless(b"0123456789", || false).unwrap();
        assert_eq!(*written.lock().unwrap(), b"0123456789");
        let stuck = output.write_unless(b"0123456789", || true);
        assert_eq!(stuck.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    /// Waits until somebody lets go of it.
    struct Stuck(std::sync::mpsc::Receiver<()>);

    impl io::Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_guest_whose_writer_waits_reaches_its_limits_and_can_be_killed() {
        use crate::{Error, Limits, Runtime};
        let runtime = Runtime::builder()
            .interpreters(4)
            .workers(1)
            .build()
            .unwrap();
        let (let_go, held) = std::sync::mpsc::channel();
        let output = Output::writer(Stuck(held));
        let guest = |limits| {
            let guest = runtime.interpreter().limits(limits);
            guest.stdout(output.clone()).build().unwrap()
        };
        let limits = Limits::new().wall(Duration::from_millis(50)).unwrap();
        let stopped = guest(limits).exec("print(1, flush=True)");
        assert!(
            matches!(stopped, Err(Error::LimitExceeded { .. })),
            "{stopped:?}"
        );
        let killed = guest(Limits::new());
        std::thread::scope(|scope| {
            let run = scope.spawn(|| killed.exec("print(1, flush=True)"));
            while !killed.is_running() {
                std::thread::yield_now();
            }
            // The only worker is free for others.
            runtime.interpreter().build().unwrap().exec("1").unwrap();
            killed.kill();
            assert!(matches!(run.join().unwrap(), Err(Error::Killed)));
        });
        drop(let_go);
    }
}
