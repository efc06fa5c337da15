//! A stream into a file of which every byte counts.

use crate::policy::Quota;
use bytes::Bytes;
use std::io;
use std::sync::Arc;
use wasmtime_wasi::p2::{DynOutputStream, OutputStream, Pollable, StreamError, StreamResult};

/// A stream into a file, which counts what is written before it is.
pub(super) struct Metered {
    inner: DynOutputStream,
    file: Arc<std::fs::File>,
    quota: Arc<Quota>,
    /// Where the next byte goes; at the end of the file if there is none.
    position: Option<u64>,
}

impl Metered {
    pub(super) fn new(
        inner: DynOutputStream,
        file: Arc<std::fs::File>,
        quota: Arc<Quota>,
        position: Option<u64>,
    ) -> Self {
        Metered {
            inner,
            file,
            quota,
            position,
        }
    }

    fn count(&mut self, bytes: usize) -> StreamResult<()> {
        let failed = |error: io::Error| StreamError::LastOperationFailed(error.into());
        let bytes = bytes as u64;
        // Writing behind the end makes the file larger by what lies between, too.
        let gap = match self.position {
            Some(position) if bytes > 0 => {
                let end = self.file.metadata().map_err(failed)?.len();
                position.saturating_sub(end)
            }
            _ => 0,
        };
        self.quota
            .write(bytes.saturating_add(gap))
            .map_err(|_| failed(rustix::io::Errno::NOSPC.into()))?;
        self.position = self.position.map(|at| at.saturating_add(bytes));
        Ok(())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Metered {
    async fn ready(&mut self) {
        self.inner.ready().await;
    }
}

#[wasmtime_wasi::async_trait]
impl OutputStream for Metered {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.count(bytes.len())?;
        self.inner.write(bytes)
    }

    async fn blocking_write_and_flush(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.count(bytes.len())?;
        self.inner.blocking_write_and_flush(bytes).await
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.inner.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.inner.check_write()
    }

    async fn cancel(&mut self) {
        self.inner.cancel().await;
    }
}
