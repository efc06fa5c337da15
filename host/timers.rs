//! The thread that has the timers and the sockets, and lends out those for blocking calls.

use std::io;
use std::thread;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// A thread of tokio's work, which ends soon after this is dropped.
pub(crate) struct Timers {
    handle: Handle,
    /// Dropped to end the thread.
    _end: oneshot::Sender<()>,
}

impl Timers {
    /// Starts it.
    ///
    /// tokio's own threads are not asked for: where the system refuses one, it panics.
    ///
    /// # Errors
    ///
    /// When the system refuses a thread or a descriptor.
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
                // An error is what dropping the sender looks like from here.
                let _: Result<(), _> = runtime.block_on(ended);
                // Nobody waits for a blocking call that may never return.
                runtime.shutdown_background();
            })?;
        Ok(Timers { handle, _end: end })
    }

    /// What gives other threads access to it.
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }
}
