//! The output of one of many scripts: kept until it is the script's turn, and then shown.

use super::screen::Stream;
use crate::running::{Cause, Running};
use std::io::{self, BufReader, Read, Seek, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tempfile::SpooledTempFile;

/// The number of bytes kept in memory before the output goes to a temporary file.
const IN_MEMORY: usize = 64 << 10;

/// The number of bytes that wait to be shown before the script waits.
const MOST_UNSHOWN: usize = 1 << 20;

/// The interval at which the showing thread checks for a stop while it waits for output.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// The output of one script. Writes never block: without room the interpreter calls again later.
pub struct Lane {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    way: Way,
    /// True once the script has written everything.
    ended: bool,
    /// True if the script was stopped.
    stopped: bool,
}

enum Way {
    /// Another script is shown. The file has records of stream, length and bytes.
    Kept(SpooledTempFile),
    /// This script is shown: the bytes to show next, and the stream and length of each piece.
    Open(Vec<u8>, Vec<(Stream, usize)>),
    /// Nothing is shown any more.
    Shut,
}

/// Ends the output when dropped.
pub struct End(pub Arc<Lane>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.state().ended = true;
        self.0.changed.notify_all();
    }
}

impl Lane {
    /// Creates a lane for a script that is not shown yet.
    pub fn new() -> Self {
        Lane {
            state: Mutex::new(State {
                way: Way::Kept(SpooledTempFile::new(IN_MEMORY)),
                ended: false,
                stopped: false,
            }),
            changed: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that the script was stopped.
    pub fn stop(&self) {
        self.state().stopped = true;
    }

    /// Returns whether the script was stopped.
    pub fn was_stopped(&self) -> bool {
        self.state().stopped
    }

    /// Shows the output until the script has ended or `stops` returns true.
    pub fn show(
        &self,
        stops: impl Fn() -> bool,
        mut write: impl FnMut(Stream, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let shown = self.show_all(stops, &mut write);
        // Frees the output that was not shown. A script that still runs then never waits.
        self.state().way = Way::Shut;
        shown
    }

    fn show_all(
        &self,
        stops: impl Fn() -> bool,
        write: &mut impl FnMut(Stream, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let open = Way::Open(Vec::new(), Vec::new());
        // Shown without the lock, since the script still writes.
        let before = std::mem::replace(&mut self.state().way, open);
        if let Way::Kept(kept) = before {
            show_kept(kept, write)?;
        }
        loop {
            let (bytes, pieces) = {
                let mut state = self.state();
                loop {
                    if let Way::Open(bytes, pieces) = &mut state.way
                        && !pieces.is_empty()
                    {
                        break (std::mem::take(bytes), std::mem::take(pieces));
                    }
                    if state.ended || stops() {
                        return Ok(());
                    }
                    let waited = self.changed.wait_timeout(state, CHECK_INTERVAL);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            };
            let mut at = 0;
            for (stream, length) in pieces {
                let piece = bytes.get(at..at + length).unwrap_or_default();
                write(stream, piece)?;
                at += length;
            }
        }
    }

    /// Returns a writer for one of the script's streams.
    pub fn writer(self: &Arc<Self>, stream: Stream, running: &Running) -> LaneWriter {
        LaneWriter {
            lane: self.clone(),
            running: running.clone(),
            stream,
        }
    }
}

fn show_kept(
    mut kept: SpooledTempFile,
    write: &mut impl FnMut(Stream, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    kept.rewind()?;
    let mut kept = BufReader::new(kept);
    // Consecutive pieces for one stream are written together.
    let (mut pending, mut to) = (Vec::new(), Stream::Out);
    let mut head = [0; 5];
    while kept.read_exact(&mut head).is_ok() {
        let [stream, length @ ..] = head;
        let stream = if stream == 0 {
            Stream::Out
        } else {
            Stream::Err
        };
        if stream != to || pending.len() > IN_MEMORY {
            write(to, &pending)?;
            pending.clear();
            to = stream;
        }
        let at = pending.len();
        let length = u32::from_le_bytes(length) as usize;
        pending.resize(at + length, 0);
        kept.read_exact(pending.get_mut(at..).unwrap_or_default())?;
    }
    match pending.is_empty() {
        true => Ok(()),
        false => write(to, &pending),
    }
}

/// One of a script's streams.
pub struct LaneWriter {
    lane: Arc<Lane>,
    running: Running,
    stream: Stream,
}

impl Write for LaneWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.running.cause() == Some(Cause::Unread) {
            // The script must end silently, without a traceback.
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        let mut state = self.lane.state();
        match &mut state.way {
            // A stop shuts the lane a moment before it stops the script.
            Way::Shut if self.running.cause().is_some() => {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Way::Shut => return Err(io::ErrorKind::BrokenPipe.into()),
            Way::Open(kept, _) if kept.len() >= MOST_UNSHOWN => {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Way::Open(kept, pieces) => {
                kept.extend_from_slice(bytes);
                match pieces.last_mut() {
                    Some((stream, length)) if *stream == self.stream => *length += bytes.len(),
                    _ => {
                        pieces.push((self.stream, bytes.len()));
                        self.lane.changed.notify_all();
                    }
                }
            }
            Way::Kept(kept) => {
                kept.write_all(&[u8::from(self.stream == Stream::Err)])?;
                kept.write_all(&length.to_le_bytes())?;
                kept.write_all(bytes)?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
