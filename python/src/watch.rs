//! The ends of calls, as channels that close.

use archipel::{Capacity, Receiver, Runtime, Sender};
use std::sync::{Arc, Mutex, PoisonError};

/// The channels that close when the current call of an interpreter has ended.
pub(crate) struct Watch {
    runtime: Runtime,
    ends: Mutex<Vec<Sender>>,
}

impl Watch {
    pub(crate) fn new(runtime: Runtime) -> Self {
        Watch {
            runtime,
            ends: Mutex::default(),
        }
    }

    /// Returns the watch of another interpreter in the same runtime.
    pub(crate) fn another(&self) -> Arc<Self> {
        Arc::new(Watch::new(self.runtime.clone()))
    }

    /// Returns the receiving end of a new channel. It closes at once unless `is_running` returns true.
    pub(crate) fn add(&self, is_running: impl FnOnce() -> bool) -> archipel::Result<Receiver> {
        let (sender, receiver) = self.runtime.channel(Capacity::Rendezvous)?;
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        ends.push(sender);
        drop(ends);
        // A call that ends from now on closes it.
        if !is_running() {
            self.notify();
        }
        Ok(receiver)
    }

    /// Closes the channels. The call has ended.
    pub(crate) fn notify(&self) {
        let ends = std::mem::take(&mut *self.ends.lock().unwrap_or_else(PoisonError::into_inner));
        for end in ends {
            end.close();
        }
    }
}
