//! The runtime: one engine, compiled images, one exchange, and the workers.

mod builder;
mod loading;

use crate::api::channel::{Capacity, Receiver, Sender};
use crate::api::interpreter::InterpreterBuilder;
use crate::island::context::Context;
use crate::island::prewarm::Prewarmed;
use archipel_core::error::Result;
use std::sync::Arc;

pub use builder::RuntimeBuilder;

/// An engine with compiled images, in which interpreters are created.
///
/// A process usually has one. Clones are handles of the same runtime. It ends when its last clone
/// and its last interpreter are dropped.
///
/// # Examples
///
/// ```no_run
/// let runtime = archipel::Runtime::new()?;
/// let interpreter = runtime.interpreter().build()?;
/// interpreter.exec("answer = 6 * 7")?;
/// assert_eq!(interpreter.eval::<i64>("answer")?, 42);
/// # Ok::<(), archipel::Error>(())
/// ```
#[derive(Clone)]
pub struct Runtime(pub(crate) Arc<Context>, pub(crate) Arc<[Arc<Prewarmed>]>);

impl Runtime {
    /// Creates a runtime with the defaults of [`Runtime::builder`].
    ///
    /// It blocks. It uses the standard guest, from the cache; only with the feature `build` does it
    /// build a missing one, which takes about a minute and runs pip and npm: see
    /// [`Image::standard`](crate::Image::standard) and [`RuntimeBuilder::build`].
    ///
    /// # Errors
    ///
    /// As for [`RuntimeBuilder::build`].
    pub fn new() -> Result<Self> {
        Runtime::builder().build()
    }

    /// Returns a builder with the defaults: one worker for each processor, at most 1,000
    /// interpreters, no prewarmed instances, no fuel, and the user's cache folder.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// let runtime = archipel::Runtime::builder().workers(2).max_interpreters(100).build()?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn builder() -> RuntimeBuilder {
        RuntimeBuilder::new()
    }

    /// Returns a builder for an interpreter with an empty policy, default limits and discarded
    /// outputs.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn interpreter(&self) -> InterpreterBuilder {
        InterpreterBuilder::new(self.clone())
    }

    /// Creates a channel and returns both ends to the host.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`](crate::Error::Internal) if the runtime has run out of channel numbers, after four billion channels.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use archipel::Capacity;
    /// # let runtime = archipel::Runtime::new()?;
    ///
    /// let (sender, receiver) = runtime.channel(Capacity::Bounded(1))?;
    /// sender.send("hello")?;
    /// assert_eq!(receiver.recv()?, "hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn channel(&self, capacity: Capacity) -> Result<(Sender, Receiver)> {
        crate::api::channel::create(&self.0, capacity)
    }
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").finish_non_exhaustive()
    }
}
