//! The output of one interpreter, which is charged to its account.

use crate::account::{LimitOwner, while_raised};
use crate::output::Output;
use archipel_core::error::LimitKind;
use archipel_core::ledger::{Account, Exceeded};
use bytes::{Buf, Bytes};
use std::io;
use std::sync::Arc;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

/// The maximum number of bytes in one write of a guest.
const CHUNK: usize = 4096;

/// A standard stream of an interpreter.
pub(super) struct CountedOutput {
    output: Output,
    owner: Arc<dyn LimitOwner>,
    account: Arc<Account>,
    /// Bytes that are charged and wait for a reader.
    unwritten: Bytes,
    /// Bytes beyond the limit, which wait for the limit to be raised.
    pending: Bytes,
    /// The error of the last write that was awaited.
    failed: Option<io::Error>,
    /// The limit that was exceeded and not raised.
    reached: Option<Exceeded>,
}

impl CountedOutput {
    pub(super) fn new(
        output: &Output,
        account: &Arc<Account>,
        owner: &Arc<dyn LimitOwner>,
    ) -> Self {
        CountedOutput {
            output: output.clone(),
            owner: owner.clone(),
            account: account.clone(),
            unwritten: Bytes::new(),
            pending: Bytes::new(),
            failed: None,
            reached: None,
        }
    }

    /// Charges `bytes`, and writes what can be written without blocking.
    fn write_counted(&mut self, mut bytes: Bytes) -> StreamResult<()> {
        self.account
            .take(LimitKind::Output, bytes.len() as u64)
            .map_err(|exceeded| StreamError::Trap(exceeded.into()))?;
        while !bytes.is_empty() {
            match self.output.attempt(&bytes).map_err(failure)? {
                0 => break,
                written => bytes.advance(written),
            }
        }
        self.unwritten = bytes;
        Ok(())
    }

    /// Writes the rest, however long it takes.
    async fn write_rest(&mut self) {
        if !self.unwritten.is_empty() {
            let written = self.output.write_all(self.unwritten.clone()).await;
            self.unwritten = Bytes::new();
            self.failed = written.err();
        }
    }

    /// Asks for a higher limit for the pending bytes, and writes them if it was raised.
    async fn write_pending(&mut self) {
        while !self.pending.is_empty() {
            let wanted = self.pending.len() as u64;
            let account = &self.account;
            let room = while_raised(&*self.owner, || {
                account.reserve(LimitKind::Output, wanted).map(drop)
            });
            if let Err(exceeded) = room.await {
                self.reached = Some(exceeded);
                return;
            }
            let bytes = std::mem::take(&mut self.pending);
            // If the reader is gone, the next write fails.
            let _ = self.write_counted(bytes);
            self.write_rest().await;
        }
    }
}

fn failure(error: io::Error) -> StreamError {
    match error.kind() {
        io::ErrorKind::BrokenPipe => StreamError::Closed,
        _ => StreamError::LastOperationFailed(error.into()),
    }
}

impl IsTerminal for CountedOutput {
    fn is_terminal(&self) -> bool {
        self.output.is_terminal()
    }
}

impl StdoutStream for CountedOutput {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        // Guests only get streams of WASI 0.2.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(CountedOutput {
            output: self.output.clone(),
            owner: self.owner.clone(),
            account: self.account.clone(),
            unwritten: Bytes::new(),
            pending: Bytes::new(),
            failed: None,
            reached: None,
        })
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for CountedOutput {
    async fn ready(&mut self) {
        self.write_rest().await;
        self.write_pending().await;
    }
}

#[wasmtime_wasi::async_trait]
impl OutputStream for CountedOutput {
    fn write(&mut self, mut bytes: Bytes) -> StreamResult<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let left = usize::try_from(self.account.left(LimitKind::Output)).unwrap_or(usize::MAX);
        let rest = bytes.split_off(left.min(bytes.len()));
        self.write_counted(bytes)?;
        // The guest waits for the stream to be ready, and that wait asks for a higher limit.
        self.pending = rest;
        Ok(())
    }

    async fn blocking_write_and_flush(&mut self, mut bytes: Bytes) -> StreamResult<()> {
        loop {
            self.ready().await;
            let chunk = bytes.split_to(self.check_write()?.min(bytes.len()));
            self.write(chunk)?;
            if bytes.is_empty() {
                break;
            }
        }
        // The outcome of this write is known once the stream is ready.
        self.ready().await;
        self.check_write().map(drop)
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        if let Some(reached) = &self.reached {
            return Err(StreamError::Trap(reached.clone().into()));
        }
        if let Some(error) = self.failed.take() {
            return Err(failure(error));
        }
        Ok(match self.unwritten.is_empty() && self.pending.is_empty() {
            true => CHUNK,
            false => 0,
        })
    }
}
