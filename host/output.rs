//! Destinations of an interpreter's standard output and standard error.

mod door;

use crate::lock::lock;
use bytes::{Buf, Bytes};
use door::Stream;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The time for which a thread waits for a reader before it checks whether to go on.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// The pause before a prompt writer without room is called again.
const PAUSE: Duration = Duration::from_millis(5);

/// A destination for the standard output or standard error of an interpreter. Clones lead to the
/// same destination.
///
/// # Examples
/// ```
/// use archipel::Output;
///
/// let output = Output::captured(1 << 20);
/// output.write_unless(b"ready", || false)?;
/// assert_eq!(output.take().text(), "ready");
/// # Ok::<(), std::io::Error>(())
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
    /// A writer that can block.
    Writer(Mutex<Box<dyn io::Write + Send>>),
    /// A writer that never blocks.
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

/// Captured output, as [`Output::take`] returns it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Captured {
    /// The bytes that were written, up to the limit.
    pub bytes: Vec<u8>,
    /// The number of bytes that were dropped because they were beyond the limit.
    pub dropped: u64,
}

impl Captured {
    /// Returns the bytes as text. Invalid UTF-8 is replaced by U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

impl Output {
    /// Returns an output that discards everything.
    pub fn discarded() -> Self {
        Output(Arc::new(Sink::Discarded))
    }

    /// Returns the host's standard output. Each chunk is written when the interpreter writes it.
    ///
    /// A slow reader delays the interpreter, which can still be stopped and still reaches its
    /// limits. The chunks bypass the buffer of [`std::io::stdout`], so a host that has an
    /// unfinished line there flushes it before the interpreter runs.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// use archipel::Output;
    ///
    /// let interpreter = runtime.interpreter().stdout(Output::host_stdout()).build()?;
    /// interpreter.exec("print('hello')")?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn host_stdout() -> Self {
        Output(Arc::new(Sink::Host(Stream::Out)))
    }

    /// Returns the host's standard error, which otherwise works as
    /// [`host_stdout`](Self::host_stdout) does.
    pub fn host_stderr() -> Self {
        Output(Arc::new(Sink::Host(Stream::Err)))
    }

    /// Returns an output that keeps at most `limit` bytes in memory. Further bytes are counted and
    /// dropped. [`take`](Self::take) empties it.
    ///
    /// # Examples
    ///
    /// ```
    /// let output = archipel::Output::captured(4);
    /// output.write_unless(b"abcdef", || false)?;
    /// let captured = output.take();
    /// assert_eq!(captured.bytes, b"abcd");
    /// assert_eq!(captured.dropped, 2);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn captured(limit: usize) -> Self {
        Output(Arc::new(Sink::Captured {
            limit,
            kept: Mutex::default(),
        }))
    }

    /// Returns an output that passes every chunk, of at most 4 KiB, to `writer` when the
    /// interpreter writes it.
    ///
    /// A thread of the blocking pool calls the writer, and the interpreter waits until it returns.
    /// The writer can block: the interpreter can still be stopped and still reaches its limits. A
    /// call that continues after that occupies its thread; all interpreters together have 512. An
    /// error of kind [`BrokenPipe`](io::ErrorKind::BrokenPipe) tells the script that the reader is
    /// gone. Any other error, or a panic, is an `OSError` in the script.
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

    /// Returns an output that passes every chunk to `writer`, which never blocks, such as a writer
    /// to memory. It works as [`writer`](Self::writer) does, except that the thread that runs the
    /// interpreter calls it, which is faster.
    ///
    /// The writer takes as many bytes as it has room for. If it has no room, it returns an error of
    /// kind [`WouldBlock`](io::ErrorKind::WouldBlock) and is called again some milliseconds later.
    /// Nothing can stop the interpreter during a call.
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

    /// Writes all of `bytes`, and blocks until a reader takes them or `give_up` returns true. It is
    /// for the host's own output. While nothing can be written, `give_up` is called every 100 ms or
    /// more often.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](io::ErrorKind::TimedOut) if `give_up` returned true; some of the bytes may have
    /// been written. [`BrokenPipe`](io::ErrorKind::BrokenPipe) if the reader is gone. Otherwise the
    /// error of the destination.
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
                    // The receiver is gone if the write took too long.
                    let _ = done.send(output.write_waiting(&rest));
                })?;
                loop {
                    match result.recv_timeout(CHECK_INTERVAL) {
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

    /// Returns what was captured since the last call, and empties the output. It is empty for
    /// outputs that do not capture.
    pub fn take(&self) -> Captured {
        match &*self.0 {
            Sink::Captured { kept, .. } => std::mem::take(&mut *lock(kept)),
            _ => Captured::default(),
        }
    }

    /// Writes what can be written without blocking, which may be nothing.
    pub(crate) fn attempt(&self, bytes: &[u8]) -> io::Result<usize> {
        match &*self.0 {
            Sink::Discarded => Ok(bytes.len()),
            Sink::Host(stream) => door::write(*stream, bytes),
            Sink::Captured { limit, kept } => {
                let mut kept = lock(kept);
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

    /// Returns whether the output can only be written to by a blocking call.
    fn can_wait(&self) -> bool {
        match &*self.0 {
            Sink::Writer(_) => true,
            Sink::Host(stream) => door::can_wait(*stream),
            _ => false,
        }
    }

    /// Writes all of `bytes`, on a thread that may block.
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

    /// Blocks the calling thread until something can be written or a short time has passed.
    fn wait(&self) {
        match &*self.0 {
            Sink::Host(stream) => door::wait(*stream, CHECK_INTERVAL),
            _ => std::thread::sleep(PAUSE),
        }
    }

    /// Writes all of `bytes`. A worker never blocks for a reader: a thread of the blocking pool
    /// does. Nothing can cancel that thread, so where possible it blocks for a short time only.
    pub(crate) async fn write_all(&self, mut bytes: Bytes) -> io::Result<()> {
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

    pub(crate) fn is_terminal(&self) -> bool {
        match &*self.0 {
            Sink::Host(stream) => stream.is_terminal(),
            _ => false,
        }
    }
}

/// Calls a host writer. A panic must not unwind through the guest and its callers.
fn called<T>(
    writer: &Mutex<Box<dyn io::Write + Send>>,
    act: impl FnOnce(&mut dyn io::Write) -> io::Result<T>,
) -> io::Result<T> {
    let act = AssertUnwindSafe(|| {
        let mut writer = lock(writer);
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

    /// A writer that takes three bytes at every second call.
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

    /// A writer that blocks until the sender is dropped.
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
    fn a_guest_with_a_blocked_writer_reaches_its_limits_and_can_be_killed() {
        use crate::{Error, Limits, Runtime};
        let runtime = Runtime::builder()
            .max_interpreters(4)
            .workers(1)
            .build()
            .unwrap();
        let (let_go, held) = std::sync::mpsc::channel();
        let output = Output::writer(Stuck(held));
        let guest = |limits| {
            let guest = runtime.interpreter().limits(limits);
            guest.stdout(output.clone()).build().unwrap()
        };
        let limits = Limits::new().wall(Duration::from_millis(50));
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
            // The only worker is free.
            runtime.interpreter().build().unwrap().exec("1").unwrap();
            killed.kill();
            assert!(matches!(run.join().unwrap(), Err(Error::Killed)));
        });
        drop(let_go);
    }
}
