//! The output of one script of many: kept while it is not its turn, and then let through.

use super::screen::{Screen, Stream};
use crate::running::{Cause, Running};
use std::io::{self, BufReader, Read, Seek, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tempfile::SpooledTempFile;

/// How much is kept in memory, before it goes to a temporary file.
const IN_MEMORY: usize = 64 << 10;

/// What one script writes.
pub struct Lane(Mutex<State>);

enum State {
    /// It is another script's turn: records of stream, length and bytes.
    Kept(SpooledTempFile),
    /// It is this script's turn.
    Open,
}

impl Lane {
    /// A lane that is not open yet.
    pub fn new() -> Self {
        Lane(Mutex::new(State::Kept(SpooledTempFile::new(IN_MEMORY))))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows what was kept, and lets through what follows.
    pub fn open(&self, screen: &Screen) -> io::Result<()> {
        let mut state = self.state();
        let State::Kept(mut kept) = std::mem::replace(&mut *state, State::Open) else {
            return Ok(());
        };
        kept.rewind()?;
        let mut kept = BufReader::new(kept);
        // What goes to the same stream goes there at once.
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
                screen.write(to, &pending)?;
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
            false => screen.write(to, &pending),
        }
    }

    /// A writer for one of the script's streams.
    pub fn writer(
        self: &Arc<Self>,
        stream: Stream,
        screen: &Arc<Screen>,
        running: &Running,
    ) -> LaneWriter {
        LaneWriter {
            lane: self.clone(),
            screen: screen.clone(),
            running: running.clone(),
            stream,
        }
    }
}

/// One of the streams of a script.
pub struct LaneWriter {
    lane: Arc<Lane>,
    screen: Arc<Screen>,
    running: Running,
    stream: Stream,
}

impl Write for LaneWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.running.cause() == Some(Cause::Unread) {
            // It ends without a word, the script's own complaint included.
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        match &mut *self.lane.state() {
            State::Open => {
                if let Err(error) = self.screen.write(self.stream, bytes) {
                    if error.kind() == io::ErrorKind::BrokenPipe {
                        self.running.stop(Cause::Unread);
                    }
                    return Err(error);
                }
            }
            State::Kept(kept) => {
                let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
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
