//! Where the standard output and standard error of an interpreter go.

use crate::error::LimitKind;
use crate::island::Island;
use crate::ledger::{Account, Exceeded};
use bytes::Bytes;
use std::io::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

/// How much a guest may write with one call.
///
/// A pipe that is ready to be written to takes this much without making the writer wait.
const CHUNK: usize = 4096;

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
    HostStdout,
    HostStderr,
    Captured { limit: usize, kept: Mutex<Captured> },
    Writer(Mutex<Box<dyn io::Write + Send>>),
}

impl std::fmt::Debug for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Sink::Discarded => "Discarded",
            Sink::HostStdout => "HostStdout",
            Sink::HostStderr => "HostStderr",
            Sink::Captured { .. } => "Captured",
            Sink::Writer(_) => "Writer",
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
    pub fn host_stdout() -> Self {
        Output(Arc::new(Sink::HostStdout))
    }

    /// The host's standard error.
    pub fn host_stderr() -> Self {
        Output(Arc::new(Sink::HostStderr))
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
    /// It is called by whatever thread the interpreter runs on, which does nothing else until it
    /// returns.  To the script an error of kind [`BrokenPipe`](io::ErrorKind::BrokenPipe) means that
    /// nobody reads any more; others, and panics, are an `OSError`.
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

    /// Takes what was captured since the last call.  For other outputs it is empty.
    pub fn take(&self) -> Captured {
        match &*self.0 {
            Sink::Captured { kept, .. } => {
                std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner))
            }
            _ => Captured::default(),
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        match &*self.0 {
            Sink::Discarded => Ok(()),
            Sink::HostStdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(bytes)?;
                stdout.flush()
            }
            Sink::HostStderr => io::stderr().lock().write_all(bytes),
            Sink::Captured { limit, kept } => {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let room = limit.saturating_sub(kept.bytes.len()).min(bytes.len());
                kept.bytes.extend_from_slice(&bytes[..room]);
                kept.dropped += (bytes.len() - room) as u64;
                Ok(())
            }
            Sink::Writer(writer) => {
                let write = AssertUnwindSafe(|| {
                    let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
                    writer.write_all(bytes)?;
                    writer.flush()
                });
                // It would go through the guest, and up to whoever waits for that.
                catch_unwind(write).unwrap_or_else(|_| Err(io::Error::other("the writer panicked")))
            }
        }
    }

    /// Whether a chunk can be written without waiting for a reader.
    fn is_ready(&self) -> bool {
        match &*self.0 {
            Sink::HostStdout => can_write(&io::stdout(), Duration::ZERO),
            Sink::HostStderr => can_write(&io::stderr(), Duration::ZERO),
            _ => true,
        }
    }

    /// Waits, on the calling thread, until a chunk can be written or a moment has passed.
    fn wait(&self) {
        let moment = Duration::from_millis(100);
        match &*self.0 {
            Sink::HostStdout => can_write(&io::stdout(), moment),
            Sink::HostStderr => can_write(&io::stderr(), moment),
            _ => true,
        };
    }
}

/// Whether `file` takes a chunk within `limit`.
#[cfg(unix)]
fn can_write(file: &impl std::os::fd::AsFd, limit: Duration) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let limit = Timespec::try_from(limit).ok();
    let mut files = [PollFd::new(file, PollFlags::OUT)];
    // An error shows itself again when writing, which reports it better.
    poll(&mut files, limit.as_ref()).map_or(true, |ready| ready > 0)
}

#[cfg(not(unix))]
fn can_write<F>(_file: &F, _limit: Duration) -> bool {
    true
}

/// What an interpreter writes to, where it is counted.
pub(crate) struct CountedOutput {
    output: Output,
    island: Weak<Island>,
    account: Arc<Account>,
    /// What was written beyond the limit, and waits for somebody to raise that.
    pending: Bytes,
    /// The limit that was reached, which nobody raised.
    reached: Option<Exceeded>,
}

impl CountedOutput {
    pub(crate) fn new(island: &Arc<Island>, output: &Output) -> Self {
        CountedOutput {
            output: output.clone(),
            island: Arc::downgrade(island),
            account: island.account.clone(),
            pending: Bytes::new(),
            reached: None,
        }
    }

    /// Takes what is written from the account, and writes it.
    fn write_counted(&mut self, bytes: &[u8]) -> StreamResult<()> {
        self.account
            .take(LimitKind::Output, bytes.len() as u64)
            .map_err(|exceeded| StreamError::Trap(exceeded.into()))?;
        self.output
            .write(bytes)
            .map_err(|error| match error.kind() {
                io::ErrorKind::BrokenPipe => StreamError::Closed,
                _ => StreamError::LastOperationFailed(error.into()),
            })
    }

    /// Asks the owner to raise the limit that what is pending passes.
    async fn write_pending(&mut self) {
        while !self.pending.is_empty() {
            let wanted = self.pending.len() as u64;
            if let Err(exceeded) = self.account.reserve(LimitKind::Output, wanted) {
                let island = self.island.upgrade();
                let raised = match &island {
                    Some(island) => island.may_go_on(&exceeded).await,
                    None => false,
                };
                if !raised {
                    self.reached = Some(exceeded);
                    return;
                }
            }
            let bytes = std::mem::take(&mut self.pending);
            // A reader that is gone shows itself with the next write.
            let _ = self.write_counted(&bytes);
        }
    }
}

impl IsTerminal for CountedOutput {
    fn is_terminal(&self) -> bool {
        match &*self.output.0 {
            Sink::HostStdout => std::io::IsTerminal::is_terminal(&io::stdout()),
            Sink::HostStderr => std::io::IsTerminal::is_terminal(&io::stderr()),
            _ => false,
        }
    }
}

impl StdoutStream for CountedOutput {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        // Only the streams of the second preview are given to guests.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(CountedOutput {
            output: self.output.clone(),
            island: self.island.clone(),
            account: self.account.clone(),
            pending: Bytes::new(),
            reached: None,
        })
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for CountedOutput {
    async fn ready(&mut self) {
        self.write_pending().await;
        if self.reached.is_some() {
            return;
        }
        while !self.output.is_ready() {
            // The reader is slow.  A worker must not wait for it, so another thread does, and not
            // for long, since nothing can call it back.
            let output = self.output.clone();
            if tokio::task::spawn_blocking(move || output.wait())
                .await
                .is_err()
            {
                break;
            }
        }
    }
}

impl OutputStream for CountedOutput {
    fn write(&mut self, mut bytes: Bytes) -> StreamResult<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let left = usize::try_from(self.account.left(LimitKind::Output)).unwrap_or(usize::MAX);
        let rest = bytes.split_off(left.min(bytes.len()));
        self.write_counted(&bytes)?;
        // The guest waits until it may write again, which is when the owner is asked.
        self.pending = rest;
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        if let Some(reached) = &self.reached {
            return Err(StreamError::Trap(reached.clone().into()));
        }
        Ok(match self.pending.is_empty() && self.output.is_ready() {
            true => CHUNK,
            false => 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_up_to_the_limit() {
        let output = Output::captured(4);
        output.write(b"abc").unwrap();
        output.write(b"defg").unwrap();
        let captured = output.take();
        assert_eq!((captured.text().as_str(), captured.dropped), ("abcd", 3));
        assert_eq!(output.take(), Captured::default());
    }
}
