//! The standard streams that all scripts of `archipel map` share, and the progress bar.

use archipel::Output;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One of the two streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Out,
    Err,
}

/// The destination of the output.
pub struct Screen {
    bar: Option<ProgressBar>,
    /// Unfinished lines of the streams that share the terminal with the bar.
    begun: Mutex<[Vec<u8>; 2]>,
    is_terminal: [bool; 2],
    outputs: [Output; 2],
    /// The time since which a stream blocks.
    stalled: Mutex<Option<Instant>>,
}

/// The size of a write: a reader that takes this much does not count as blocked.
const PIECE: usize = 4 << 10;

/// The length at which a line is shown before it ends.
const LONG_LINE: usize = 8 << 10;

impl Screen {
    /// Creates a screen for `count` scripts, if that is known. It has a bar if standard error is a
    /// terminal.
    pub fn new(count: Option<usize>) -> Self {
        let is_terminal = [io::stdout().is_terminal(), io::stderr().is_terminal()];
        let bar = is_terminal[1].then(|| {
            let target = ProgressDrawTarget::stderr_with_hz(10);
            let (bar, template) = match count {
                Some(count) => (
                    ProgressBar::with_draw_target(Some(count as u64), target),
                    "archipel: {wide_bar} {pos}/{len}, {eta} left",
                ),
                None => (
                    ProgressBar::with_draw_target(None, target),
                    "archipel: {spinner} {pos} done in {elapsed}",
                ),
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Screen {
            bar,
            begun: Mutex::default(),
            is_terminal,
            outputs: [Output::host_stdout(), Output::host_stderr()],
            stalled: Mutex::default(),
        }
    }

    /// Counts a script that has ended.
    pub fn count(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// Removes the bar.
    pub fn finish(&self, give_up: &dyn Fn(Duration) -> bool) {
        self.end_line(give_up);
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn begun(&self) -> MutexGuard<'_, [Vec<u8>; 2]> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes to a stream. `give_up` gets the time for which the stream has blocked.
    pub fn write(
        &self,
        stream: Stream,
        bytes: &[u8],
        give_up: &dyn Fn(Duration) -> bool,
    ) -> io::Result<()> {
        let mut begun = self.begun();
        let Some(bar) = self
            .bar
            .as_ref()
            .filter(|_| self.is_terminal[stream as usize])
        else {
            return self.put(stream, bytes, give_up);
        };
        // The bar has its own line, so only whole lines can be shown above it.
        let line = &mut begun[stream as usize];
        line.extend_from_slice(bytes);
        let whole = match line.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => at + 1,
            None if line.len() > LONG_LINE => line.len(),
            None => return Ok(()),
        };
        let rest = line.split_off(whole);
        let whole = std::mem::replace(line, rest);
        bar.suspend(|| self.put(stream, &whole, give_up))
    }

    /// Ends the unfinished lines of a script, if a bar is drawn below them.
    pub fn end_line(&self, give_up: &dyn Fn(Duration) -> bool) {
        for stream in [Stream::Out, Stream::Err] {
            if !self.begun()[stream as usize].is_empty() {
                // If the reader is gone, the next write fails.
                let _ = self.write(stream, b"\n", give_up);
            }
        }
    }

    fn put(
        &self,
        stream: Stream,
        bytes: &[u8],
        give_up: &dyn Fn(Duration) -> bool,
    ) -> io::Result<()> {
        let output = &self.outputs[stream as usize];
        for piece in bytes.chunks(PIECE) {
            output.write_unless(piece, || {
                let mut stalled = self.stalled();
                give_up(stalled.get_or_insert_with(Instant::now).elapsed())
            })?;
            *self.stalled() = None;
        }
        Ok(())
    }

    fn stalled(&self) -> MutexGuard<'_, Option<Instant>> {
        self.stalled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
