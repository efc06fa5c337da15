//! Outputs of interpreters: bytes that guests write, which reach a Python function as text.
//!
//! A guest writes into a buffer, without the GIL. A call of the host empties the buffers of its interpreter when it
//! ends, and a thread of the runtime empties them while a call is long.

use pyo3::prelude::*;
use std::io;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, ThreadId};
use std::time::Duration;

/// The maximum size of a buffer. A guest that is faster than the reader waits.
const MOST: usize = 1 << 20;

/// The time for which output can stay in a buffer while a call runs.
const DELAY: Duration = Duration::from_millis(10);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The thread that empties buffers while calls run. It ends when the last sink is dropped.
#[derive(Clone)]
pub(crate) struct Drainer(Sender<Weak<Sink>>);

impl Drainer {
    pub(crate) fn start() -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel::<Weak<Sink>>();
        let work = move || {
            while let Ok(first) = receiver.recv() {
                thread::sleep(DELAY);
                for sink in std::iter::once(first).chain(receiver.try_iter()) {
                    let Some(error) = sink.upgrade().and_then(|sink| sink.drain()) else {
                        continue;
                    };
                    Python::try_attach(|py| error.write_unraisable(py, None));
                }
            }
        };
        let name = "archipel-output".to_owned();
        thread::Builder::new().name(name).spawn(work)?;
        Ok(Drainer(sender))
    }
}

/// One output stream of an interpreter.
pub(crate) struct Sink {
    buffer: Mutex<Buffer>,
    /// Held while text is written, so that it is written in order.
    turn: Mutex<()>,
    drainer: Drainer,
}

#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    /// True if the thread will empty the buffer.
    scheduled: bool,
    /// The thread that writes text.
    writing: Option<ThreadId>,
    /// True after the function raised an exception.
    failed: bool,
    targets: Targets,
}

/// The functions that get the text. Without one, output is discarded.
#[derive(Default)]
struct Targets {
    usual: Option<Py<PyAny>>,
    /// Replaces the usual one, such as for a cell.
    instead: Option<Py<PyAny>>,
}

impl Sink {
    pub(crate) fn new(drainer: &Drainer, usual: Option<Py<PyAny>>) -> Arc<Self> {
        let targets = Targets {
            usual,
            instead: None,
        };
        Arc::new(Sink {
            buffer: Mutex::new(Buffer {
                targets,
                ..Buffer::default()
            }),
            turn: Mutex::new(()),
            drainer: drainer.clone(),
        })
    }

    /// Returns the output of the library that writes here.
    pub(crate) fn output(self: &Arc<Self>) -> archipel::Output {
        archipel::Output::prompt_writer(Writer(self.clone()))
    }

    /// Replaces the function until the next call of this. `None` restores the usual one. The caller has emptied the
    /// buffer.
    pub(crate) fn redirect(&self, instead: Option<Py<PyAny>>) {
        let mut buffer = lock(&self.buffer);
        let previous = std::mem::replace(&mut buffer.targets.instead, instead);
        buffer.failed = false;
        drop(buffer);
        // Dropped outside of the lock, since this can run code.
        drop(previous);
    }

    /// Returns whether text waits to be written, or is being written by another thread.
    pub(crate) fn has_text(&self) -> bool {
        let buffer = lock(&self.buffer);
        !buffer.bytes.is_empty() || buffer.writing.is_some()
    }

    /// Writes the text in the buffer, and returns the exception of the function. The caller does not have the GIL.
    pub(crate) fn drain(&self) -> Option<PyErr> {
        let this = thread::current().id();
        if lock(&self.buffer).writing == Some(this) {
            // The function itself called the interpreter.
            return None;
        }
        let _turn = lock(&self.turn);
        loop {
            let mut buffer = lock(&self.buffer);
            buffer.scheduled = false;
            let bytes = take_text(&mut buffer.bytes);
            if bytes.is_empty() || buffer.failed {
                return None;
            }
            buffer.writing = Some(this);
            drop(buffer);
            let result = Python::try_attach(|py| {
                let function = {
                    let targets = &lock(&self.buffer).targets;
                    let function = targets.instead.as_ref().or(targets.usual.as_ref());
                    function.map(|function| function.clone_ref(py))
                };
                match function {
                    Some(function) => function.call1(py, (String::from_utf8_lossy(&bytes),)),
                    None => Ok(py.None()),
                }
                .map(drop)
            });
            let mut buffer = lock(&self.buffer);
            buffer.writing = None;
            if let Some(Err(error)) = result {
                buffer.failed = true;
                return Some(error);
            }
        }
    }
}

/// Takes the bytes up to the last complete character.
fn take_text(bytes: &mut Vec<u8>) -> Vec<u8> {
    let tail = bytes.len().saturating_sub(3);
    let start = bytes[tail..].iter().rposition(|byte| byte & 0xc0 != 0x80);
    let kept = match start.map(|at| (at + tail, bytes[at + tail])) {
        Some((at, lead)) if lead >= 0xc0 => {
            let length = match lead {
                0xc0..=0xdf => 2,
                0xe0..=0xef => 3,
                _ => 4,
            };
            if at + length > bytes.len() {
                at
            } else {
                bytes.len()
            }
        }
        _ => bytes.len(),
    };
    let rest = bytes.split_off(kept);
    std::mem::replace(bytes, rest)
}

struct Writer(Arc<Sink>);

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut buffer = lock(&self.0.buffer);
        if buffer.targets.usual.is_none() && buffer.targets.instead.is_none() {
            return Ok(bytes.len());
        }
        if buffer.failed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let room = MOST.saturating_sub(buffer.bytes.len()).min(bytes.len());
        if !buffer.scheduled {
            buffer.scheduled = true;
            // The thread lives as long as this sender.
            let _ = self.0.drainer.0.send(Arc::downgrade(&self.0));
        }
        if room == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        buffer.bytes.extend_from_slice(&bytes[..room]);
        Ok(room)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
