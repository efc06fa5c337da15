//! The builder of an interpreter.

use super::Interpreter;
use crate::api::runtime::Runtime;
use crate::image::Image;
use crate::island::context::Context;
use crate::island::family::Family;
use crate::island::owner::{Handler, LimitCallback, LimitReached};
use crate::island::prewarm::Prewarmed;
use crate::island::{Island, Settings};
use crate::output::Output;
use archipel_core::error::{ConfigKind, Error, LimitKind, Result};
use archipel_core::limits::Limits;
use archipel_core::policy::Policy;
use std::sync::Arc;

/// The settings of a new interpreter; [`Runtime::interpreter`] returns one.
///
/// The defaults are an empty [`Policy`], the defaults of [`Limits`], no name, no limit callback,
/// and outputs that are discarded.
///
/// # Examples
///
/// ```no_run
/// use archipel::{Limits, Output};
/// # let runtime = archipel::Runtime::new()?;
///
/// let output = Output::captured(1 << 20);
/// let interpreter = runtime
///     .interpreter()
///     .name("worker")
///     .limits(Limits::new().memory(64 << 20))
///     .stdout(output.clone())
///     .build()?;
/// interpreter.exec("print('ready')")?;
/// assert_eq!(output.take().text(), "ready\n");
/// # Ok::<(), archipel::Error>(())
/// ```
#[must_use]
#[derive(Clone)]
pub struct InterpreterBuilder {
    runtime: Runtime,
    image: Option<Image>,
    policy: Policy,
    limits: Limits,
    stdout: Output,
    stderr: Output,
    name: Option<Arc<str>>,
    on_limit: Option<LimitCallback>,
}

impl std::fmt::Debug for InterpreterBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InterpreterBuilder")
            .field("image", &self.image)
            .field("policy", &self.policy)
            .field("limits", &self.limits)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl InterpreterBuilder {
    pub(crate) fn new(runtime: Runtime) -> Self {
        InterpreterBuilder {
            runtime,
            image: None,
            policy: Policy::new(),
            limits: Limits::new(),
            stdout: Output::discarded(),
            stderr: Output::discarded(),
            name: None,
            on_limit: None,
        }
    }

    /// Sets the image that the interpreter starts from. The default is that of [`RuntimeBuilder::image`]. Its children
    /// and copies have the same image, unless a child names another that its policy grants.
    ///
    /// The first interpreter of an image loads it into the runtime, as [`Runtime::load`] does. A runtime can keep
    /// prewarmed instances of an image: see [`RuntimeBuilder::prewarmed_image`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let image = archipel::Image::named("science", None)?;
    /// let interpreter = runtime.interpreter().image(&image).build()?;
    /// interpreter.exec("import numpy")?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    ///
    /// [`RuntimeBuilder::image`]: crate::RuntimeBuilder::image
    /// [`RuntimeBuilder::prewarmed_image`]: crate::RuntimeBuilder::prewarmed_image
    pub fn image(mut self, image: &Image) -> Self {
        self.image = Some(image.clone());
        self
    }

    /// Sets the policy: what the interpreter may do. The default grants nothing.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets the limits with which the interpreter starts, on what it and its descendants use.
    /// [`Interpreter::limit`] changes them later.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the destination of its standard output and that of its children. By default output is
    /// discarded.
    pub fn stdout(mut self, output: Output) -> Self {
        self.stdout = output;
        self
    }

    /// Sets the destination of its standard error and that of its children. By default output is
    /// discarded.
    pub fn stderr(mut self, output: Output) -> Self {
        self.stderr = output;
        self
    }

    /// Sets the name of the interpreter in logs and reports. It has no meaning for Python code.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into().into());
        self
    }

    /// Sets a callback for the moment when the interpreter and its descendants together exceed a
    /// limit.
    ///
    /// The callback returns new limits, which replace those that they set as [`Interpreter::limit`]
    /// does, and the interpreter continues where it was. If the callback returns `None`, or limits
    /// that are exceeded too, the limit takes effect as if there were no callback. The host calls it for memory, CPU
    /// time, wall time and output, on the thread that runs the interpreter. So it must return
    /// quickly and must not use the interpreter. It is never called while an earlier call of it
    /// runs for the same interpreter. A panic in it counts as `None`.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// use archipel::{LimitKind, Limits};
    /// use std::time::Duration;
    ///
    /// let interpreter = runtime
    ///     .interpreter()
    ///     .limits(Limits::new().cpu(Duration::from_secs(1)))
    ///     .on_limit(|reached| match reached.kind {
    ///         // No interpreter gets more: when three seconds are used up, this raises nothing.
    ///         LimitKind::Cpu => Some(Limits::new().cpu(Duration::from_secs(3))),
    ///         _ => None,
    ///     })
    ///     .build()?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn on_limit(
        mut self,
        callback: impl Fn(&LimitReached) -> Option<Limits> + Send + Sync + 'static,
    ) -> Self {
        self.on_limit = Some(Arc::new(callback));
        self
    }

    /// Creates the interpreter, and blocks until it can run code.
    ///
    /// # Errors
    ///
    /// [`Error::Capacity`] if the runtime is full, [`Error::Guest`] for an image that cannot be loaded
    /// ([`Runtime::load`]), [`Error::Config`] if the policy grants an image that does not exist, if a granted directory no
    /// longer exists, if a limit is out of range ([`Limits::check`]), if the memory limit is smaller
    /// than an interpreter needs, or if a fuel limit is set and the runtime does not count fuel, and [`Error::NoMemory`] if the system refuses
    /// memory.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// assert!(!interpreter.is_running());
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn build(self) -> Result<Interpreter> {
        let context = self.runtime.prepare(self.image.as_ref(), &self.policy)?;
        let made = self.create(context.clone());
        context.workers.block_on(made)?
    }

    /// Creates the interpreter as [`build`](Self::build) does. Dropping the future cancels the
    /// creation.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example() -> archipel::Result<()> {
    /// # let runtime = archipel::Runtime::new()?;
    /// let interpreter = runtime.interpreter().build_async().await?;
    /// interpreter.exec_async("x = 1").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn build_async(self) -> Result<Interpreter> {
        let prepared = self
            .runtime
            .prepare_async(self.image.as_ref(), &self.policy);
        let context = prepared.await?;
        let made = self.create(context.clone());
        context.workers.join(made).await?
    }

    async fn create(self, context: Arc<Context>) -> Result<Interpreter> {
        let context = &context;
        self.limits.check()?;
        if self.limits.get(LimitKind::Fuel).is_some() && !context.counts_fuel {
            return Err(Error::config(
                ConfigKind::Limit(LimitKind::Fuel),
                "a fuel limit needs a runtime that counts fuel (build it with Runtime::builder().fuel(true))",
            ));
        }
        let family = Family::new(context.next_family());
        let island = Island::create(
            context,
            &family,
            None,
            Settings {
                policy: self.policy.with_new_quotas(),
                limits: self.limits,
                stdout: self.stdout,
                stderr: self.stderr,
                name: self.name,
                trusted: false,
            },
            Prewarmed::find(&self.runtime.1, &context.image).and_then(Prewarmed::take),
        )
        .await
        .map_err(|error| match error {
            Error::LimitExceeded {
                kind: LimitKind::Memory,
                limit,
                used,
            } => Error::config(
                ConfigKind::Limit(LimitKind::Memory),
                format!(
                    "the memory limit of {} is too small: an interpreter starts with {}",
                    LimitKind::Memory.show(limit),
                    LimitKind::Memory.show(used)
                ),
            ),
            other => other,
        })?;
        if let Some(handler) = self.on_limit {
            island.owner.set(Some(Handler::Host(handler)));
        }
        Ok(Interpreter::own(island))
    }
}
