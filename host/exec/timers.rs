//! The tokio runtime: timers, sockets and the blocking pool.

use std::io;
use std::thread;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// The thread of the tokio runtime, which ends soon after this is dropped.
pub(crate) struct Timers {
    handle: Handle,
    /// Dropped to end the thread.
    _end: oneshot::Sender<()>,
}

impl Timers {
    /// Starts the thread.
    ///
    /// It does not use tokio's own threads, because tokio panics if the system refuses one.
    ///
    /// # Errors
    ///
    /// If the system refuses a thread or a descriptor.
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .thread_name("archipel-timers")
            .enable_time()
            .enable_io()
            .build()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel();
        thread::Builder::new()
            .name("archipel-timers".to_owned())
            .spawn(move || {
                // Dropping the sender is an error here.
                let _: Result<(), _> = runtime.block_on(ended);
                // Blocking calls may never return, so this does not wait for them.
                runtime.shutdown_background();
            })?;
        Ok(Timers { handle, _end: end })
    }

    /// Returns the handle with which other threads enter the runtime.
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }
}
