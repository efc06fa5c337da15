//! The runtime: one engine, one compiled guest, one exchange, and the workers.

use crate::aside::Aside;
use crate::bindings::{IslandIndices, IslandPre};
use crate::cache::{CompiledCache, default_cache_dir};
use crate::channel::{Receiver, Sender};
use crate::engine::{self, Features, Progress, Source};
use crate::exchange::Exchange;
use crate::image::Image;
use crate::imports;
use crate::interpreter::InterpreterBuilder;
use crate::island::Run;
use crate::ready::Ready;
use crate::scheduler::Scheduler;
use crate::slots::Slots;
use crate::state::State;
use crate::telemetry::Counters;
use crate::timers::Timers;
use archipel_core::broker;
use archipel_core::error::{ConfigKind, Error, LimitKind, Result};
use archipel_core::ledger::Account;
use archipel_guest::Variant;
use async_task::FallibleTask;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::Poll;
use tokio::sync::oneshot;
use wasmtime::component::Linker;
use wasmtime::{Engine, PoolConcurrencyLimitError};

/// The state that all interpreters of a runtime share.
pub(crate) struct Context {
    pub(crate) engine: Engine,
    pub(crate) guest: IslandPre<State>,
    pub(crate) indices: IslandIndices,
    pub(crate) image: Image,
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) workers: Workers,
    pub(crate) aside: Aside,
    pub(crate) families: AtomicU64,
    pub(crate) counters: Counters,
    /// The memory that the host keeps for guests outside of queued messages.
    pub(crate) kept: Arc<Account>,
    /// True if the engine counts fuel.
    pub(crate) counts_fuel: bool,
    pub(crate) slots: Slots,
    /// The capacity in interpreters, if the pooling allocator reserved slots.
    reserved: Option<u32>,
}

impl Context {
    /// Translates the error of an instantiation that failed.
    pub(crate) fn not_created(&self, error: wasmtime::Error) -> Error {
        match self.reserved {
            Some(limit) if error.is::<PoolConcurrencyLimitError>() => Error::Capacity { limit },
            _ if error.to_string().contains("memory minimum size") => Error::config(
                ConfigKind::Limit(LimitKind::Memory),
                "the memory limit is smaller than what an interpreter starts with".to_owned(),
            ),
            _ => engine::failure(error),
        }
    }
}

/// The threads that run guests, and the timers that wake them.
pub(crate) struct Workers {
    scheduler: Scheduler,
    /// Timers, and the blocking pool.
    timers: Timers,
    /// The number of further callers that may run guests on their own threads.
    room_at_home: AtomicUsize,
}

impl Workers {
    fn start(workers: usize) -> Result<Self> {
        let timers = Timers::start().map_err(Error::of_system)?;
        let scheduler = Scheduler::start(workers, timers.handle()).map_err(Error::of_system)?;
        Ok(Workers {
            scheduler,
            timers,
            room_at_home: AtomicUsize::new(workers),
        })
    }

    /// Runs `future` on the workers.
    pub(crate) fn spawn<F>(&self, future: F) -> FallibleTask<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.scheduler.spawn(future)
    }

    /// Runs `future` on the workers while the caller awaits it. Dropping this cancels it.
    pub(crate) async fn join<F>(&self, future: F) -> Result<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.spawn(future).await.ok_or_else(given_up)
    }

    /// Runs `future` to its end and blocks the caller.
    ///
    /// It starts on the caller's thread, since a move to another thread takes longer than many
    /// scripts run. As soon as it waits, or has run for `TICKS_AT_HOME` ticks, it moves to the
    /// workers.
    pub(crate) fn block_on<F>(&self, future: F) -> Result<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        if self.scheduler.is_worker() {
            // A host alias makes this call. If every worker did that, no worker would be left to
            // run what they wait for.
            return Ok(self.wait(future));
        }
        let mut future = Box::pin(future);
        match self.at_home(future.as_mut()) {
            Some(output) => Ok(output),
            None => pollster::block_on(self.join(future)),
        }
    }

    /// Polls `future` on the caller's thread until it waits or has run for `TICKS_AT_HOME` ticks.
    ///
    /// At most as many callers do so as there are workers. With more, the operating system would
    /// decide which guest runs, and a guest to be killed could wait long for a processor.
    fn at_home<F: Future>(&self, mut future: Pin<&mut F>) -> Option<F::Output> {
        let _room = Room::take(&self.room_at_home)?;
        let _entered = self.timers.handle().enter();
        let woken = Arc::new(Woken(AtomicBool::new(false)));
        let waker = woken.clone().into();
        let mut context = std::task::Context::from_waker(&waker);
        for _ in 0..TICKS_AT_HOME {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return Some(output);
            }
            // A guest that only yielded is polled again at once. All other waits are polled again
            // by a worker.
            if !woken.0.swap(false, Ordering::Relaxed) {
                break;
            }
        }
        None
    }

    /// Runs `run` to its end, or until it is stopped, and blocks the caller.
    pub(crate) fn finish<T: Send + 'static>(&self, mut run: Run<T>) -> Result<T> {
        if self.scheduler.is_worker() {
            return self.wait(run);
        }
        if let Some(result) = self.at_home(Pin::new(&mut run)) {
            return result;
        }
        let stopped = stopped(&run);
        pollster::block_on(either(async { self.join(run).await? }, stopped))
    }

    /// Runs `run` as `finish` does, for asynchronous callers. Dropping this stops the run.
    pub(crate) async fn finish_async<T: Send + 'static>(&self, run: Run<T>) -> Result<T> {
        let stopped = stopped(&run);
        either(async { self.join(run).await? }, stopped).await
    }

    /// Enters the tokio runtime, for tests that poll by hand.
    #[cfg(test)]
    pub(crate) fn enter(&self) -> tokio::runtime::EnterGuard<'_> {
        self.timers.handle().enter()
    }

    /// Runs `future` to its end on the caller's thread.
    pub(crate) fn wait<F: Future>(&self, future: F) -> F::Output {
        let _entered = self.timers.handle().enter();
        pollster::block_on(future)
    }
}

/// Resolves when `run` is stopped. The task that polls `run` can see the request later.
fn stopped<T: Send + 'static>(run: &Run<T>) -> oneshot::Receiver<Result<T>> {
    let (sender, receiver) = oneshot::channel();
    run.when_stopped(move |error| {
        // The caller may be gone.
        let _ = sender.send(error);
    });
    receiver
}

/// Returns the result of `run`, or of `stopped` if that comes first.
async fn either<T>(
    run: impl Future<Output = Result<T>>,
    stopped: oneshot::Receiver<Result<T>>,
) -> Result<T> {
    tokio::select! {
        biased;
        Ok(stopped) = stopped => stopped,
        result = run => result,
    }
}

/// The error of a task that panicked or was dropped.
fn given_up() -> Error {
    Error::Internal("a worker dropped a task".into())
}

/// The number of ticks for which a call may run on the thread of its caller.
const TICKS_AT_HOME: usize = 4;

/// A permit from a counter of permits; dropping it returns the permit.
struct Room<'a>(&'a AtomicUsize);

impl<'a> Room<'a> {
    fn take(free: &'a AtomicUsize) -> Option<Self> {
        free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free| {
            free.checked_sub(1)
        })
        .ok()
        .map(|_| Room(free))
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A waker that records that it was woken.
struct Woken(AtomicBool);

impl std::task::Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// An engine with a compiled guest, in which interpreters are created.
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
pub struct Runtime(pub(crate) Arc<Context>, pub(crate) Option<Arc<Ready>>);

impl Runtime {
    /// Creates a runtime with the defaults of [`Runtime::builder`].
    ///
    /// It blocks. Where the cache has no guest yet, it builds one, which takes about a minute: see
    /// [`RuntimeBuilder::build`].
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
        RuntimeBuilder {
            workers: None,
            interpreters: 1000,
            ready: 0,
            features: Features {
                interruption: true,
                fuel: false,
            },
            cache_dir: default_cache_dir(),
            guest: None,
            progress: Box::new(|_| {}),
        }
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
    /// [`Error::Internal`] if the runtime has run out of channel numbers, after four billion channels.
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
        crate::channel::create(&self.0, capacity)
    }
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").finish_non_exhaustive()
    }
}

/// The number of messages that a channel queues before a send waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capacity {
    /// None: a send waits until a receiver takes the message.
    Rendezvous,
    /// At most this number. `Bounded(0)` is a rendezvous.
    Bounded(usize),
    /// Any number, up to 256 MiB of message bodies.
    Unbounded,
}

impl From<Capacity> for broker::Capacity {
    fn from(capacity: Capacity) -> Self {
        match capacity {
            Capacity::Rendezvous => broker::Capacity::Rendezvous,
            Capacity::Unbounded => broker::Capacity::Unbounded,
            Capacity::Bounded(n) => match n.try_into() {
                Ok(n) => broker::Capacity::Bounded(n),
                Err(_) => broker::Capacity::Rendezvous,
            },
        }
    }
}

/// The settings of a new runtime; [`Runtime::builder`] returns them.
#[must_use]
pub struct RuntimeBuilder {
    workers: Option<usize>,
    interpreters: u32,
    ready: u32,
    features: Features,
    cache_dir: Option<PathBuf>,
    guest: Option<PathBuf>,
    progress: Box<dyn FnMut(Progress)>,
}

/// Returns the path in `ARCHIPEL_GUEST`, unless that is unset or empty.
fn given_guest() -> Option<PathBuf> {
    let path = std::env::var_os("ARCHIPEL_GUEST")?;
    (!path.is_empty()).then(|| path.into())
}

/// Returns whether `folder` has the guest, or the guest can be built there.
fn can_have_guest(folder: &Path) -> bool {
    let private = crate::cache::open_private(folder).is_ok();
    private && (archipel_guest::find(Variant::Island, folder).is_some() || is_writable(folder))
}

#[cfg(unix)]
fn is_writable(folder: &Path) -> bool {
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(not(unix))]
fn is_writable(_folder: &Path) -> bool {
    true
}

impl RuntimeBuilder {
    /// Sets the number of worker threads, which run guests: from 1 to 512. The default is one for
    /// each processor.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// Sets the maximum number of interpreters that exist at a time: from 1 to 100,000. The default
    /// is 1,000.
    ///
    /// The runtime reserves 6 GiB of address space for each of them when it is built. If the system
    /// refuses the address space, memory is allocated for each interpreter when it is created,
    /// which takes longer. Linux limits the number of mappings of a process (`vm.max_map_count`);
    /// its default of 65,530 is enough for 10,755 interpreters. Building the runtime fails if the
    /// limit is too low.
    pub fn max_interpreters(mut self, interpreters: u32) -> Self {
        self.interpreters = interpreters;
        self
    }

    /// Sets the number of prewarmed instances: from 0, the default, to 10,000.
    ///
    /// A new interpreter of the host takes one of them, and the workers make another when they are
    /// idle. A prewarmed instance is as good as new: no code has run in it. Prewarmed instances do
    /// not count as [`max_interpreters`](Self::max_interpreters), and each takes address space and 40 KiB
    /// of memory. When none is left, as in a burst of creations, interpreters are created on
    /// demand.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// let runtime = archipel::Runtime::builder().prewarmed(16).build()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn prewarmed(mut self, ready: u32) -> Self {
        self.ready = ready;
        self
    }

    /// Sets whether guests count the instructions that they execute, which [`Limits::fuel`] needs.
    /// It slows all guests down, so the default is false.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use archipel::{Limits, Runtime};
    ///
    /// let runtime = Runtime::builder().fuel(true).build()?;
    /// let limits = Limits::new().fuel(1_000_000_000);
    /// let interpreter = runtime.interpreter().limits(limits).build()?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    ///
    /// [`Limits::fuel`]: crate::Limits::fuel
    pub fn fuel(mut self, fuel: bool) -> Self {
        self.features.fuel = fuel;
        self
    }

    /// Sets whether guests check for preemption while they compute, to measure the cost of the
    /// checks. Without them nothing ends a loop, whatever the limits are.
    #[doc(hidden)]
    pub fn interruption(mut self, interruption: bool) -> Self {
        self.features.interruption = interruption;
        self
    }

    /// Sets the folder that caches the built and the compiled guest. The default is the folder in
    /// `ARCHIPEL_CACHE_DIR` or, if that is unset, the user's cache folder.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// let runtime = archipel::Runtime::builder().cache_dir("/var/cache/archipel").build()?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn cache_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache_dir = Some(folder.into());
        self
    }

    /// Sets a callback for the steps that precede the first interpreter, such as building and
    /// compiling the guest. A warm cache makes all of them unnecessary.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use archipel::{Progress, Runtime};
    ///
    /// let runtime = Runtime::builder()
    ///     .progress(|step| match step {
    ///         Progress::Build(what) => eprintln!("building the guest: {what}"),
    ///         other => eprintln!("{other:?}"),
    ///     })
    ///     .build()?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn progress(mut self, progress: impl FnMut(Progress) + 'static) -> Self {
        self.progress = Box::new(progress);
        self
    }

    /// Sets the file of the guest, as the environment variable `ARCHIPEL_GUEST` does. It is meant
    /// for tests with foreign guests.
    #[doc(hidden)]
    pub fn guest(mut self, path: impl Into<PathBuf>) -> Self {
        self.guest = Some(path.into());
        self
    }

    /// Creates the runtime, and blocks until it can create interpreters.
    ///
    /// If the cache has no guest of this version, the guest is built first, which takes about a
    /// minute and needs Python 3.10 or newer with pip, and access to package registries. The
    /// environment variable `ARCHIPEL_GUEST` names the file of a built guest to use instead. The
    /// guest is then compiled for this machine, and the result is cached.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for a number out of range, [`Error::Guest`] if the guest cannot be built,
    /// read or compiled, and [`Error::NoMemory`] or [`Error::Exhausted`] if the system refuses
    /// memory, threads or files.
    pub fn build(mut self) -> Result<Runtime> {
        let workers = match self.workers {
            None => std::thread::available_parallelism().map_or(1, usize::from),
            Some(n @ 1..=512) => n,
            Some(n) => {
                let text = format!("{n} workers are out of range (use 1 to 512)");
                return Err(Error::config(ConfigKind::Runtime, text));
            }
        };
        if !(1..=100_000).contains(&self.interpreters) {
            return Err(Error::config(
                ConfigKind::Runtime,
                format!(
                    "room for {} interpreters is out of range (use 1 to 100000)",
                    self.interpreters
                ),
            ));
        }
        if self.ready > 10_000 {
            let text = format!(
                "{} prewarmed instances are out of range (use 0 to 10000)",
                self.ready
            );
            return Err(Error::config(ConfigKind::Runtime, text));
        }
        let given = self.guest.take().or_else(given_guest);
        let source = self.source(given.as_deref())?;
        let (engine, reserved) = engine::engine(self.interpreters + self.ready, self.features)?;
        let cache = self.compiled_cache();
        let component = engine::compile(&engine, &source, cache.as_ref(), &mut self.progress)?;

        let mut linker = Linker::new(&engine);
        let guest = crate::wasi::add_to_linker(&mut linker)
            .and_then(|()| imports::add_to_linker(&mut linker))
            .and_then(|()| linker.instantiate_pre(&component))
            .and_then(IslandPre::new)
            .map_err(|error| Error::Guest(error.into()))?;
        let indices =
            IslandIndices::new(guest.instance_pre()).map_err(|error| Error::Guest(error.into()))?;
        let image = Image::find(&component)
            .ok_or_else(|| Error::Guest("the guest lacks the functions of image.wit".into()))?;

        let seed = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), workers);
        let exchange = Exchange::new(seed);
        engine::start_ticker(&engine, &exchange)?;
        let mut runtime = Runtime(
            Arc::new(Context {
                engine,
                guest,
                indices,
                image,
                exchange,
                workers: Workers::start(workers)?,
                aside: Aside::new(workers),
                families: AtomicU64::new(1),
                counters: Counters::default(),
                kept: imports::account_of_all(),
                counts_fuel: self.features.fuel,
                slots: Slots::default(),
                reserved,
            }),
            None,
        );
        if let Some(path) = given {
            // Mismatched types only show when an instance is made.
            runtime.interpreter().build().map_err(|error| match error {
                Error::Internal(cause) => Error::Guest(
                    anyhow::Error::from_boxed(cause)
                        .context(format!(
                            "the guest {} does not fit this version of Archipel (check ARCHIPEL_GUEST)",
                            path.display()
                        ))
                        .into(),
                ),
                other => other,
            })?;
        }
        if self.ready > 0 {
            runtime.1 = Some(Ready::keep(&runtime.0, self.ready as usize)?);
        }
        Ok(runtime)
    }

    /// Returns the guest to compile, and builds it if necessary.
    fn source(&mut self, given: Option<&Path>) -> Result<Source> {
        if let Some(path) = given {
            let state = crate::cache::state(path).map_err(|error| {
                let text = format!(
                    "cannot read the guest {} (check ARCHIPEL_GUEST)",
                    path.display()
                );
                Error::Guest(anyhow::Error::new(error).context(text).into())
            })?;
            let key = format!("given-{}", state.replace(' ', "-"));
            return Ok(Source {
                path: path.to_owned(),
                key,
            });
        }
        let temporary;
        let folder = match &self.cache_dir {
            Some(folder) if can_have_guest(folder) => folder,
            _ => {
                temporary = std::env::temp_dir().join("archipel-without-cache");
                (self.progress)(Progress::NoCache);
                // Another user who could write to the folder could replace the guest.
                crate::cache::open_private(&temporary).map_err(|error| {
                    let text = "no cache folder and no temporary folder (set ARCHIPEL_CACHE_DIR)";
                    Error::Guest(anyhow::Error::new(error).context(text).into())
                })?;
                &temporary
            }
        };
        let progress = &mut self.progress;
        let built = archipel_guest::ensure(Variant::Island, folder, &mut |step| {
            progress(Progress::Build(step.describe()));
        })
        .map_err(|error| Error::Guest(error.into()))?;
        Ok(Source {
            path: built.path,
            key: built.key,
        })
    }

    fn compiled_cache(&mut self) -> Option<CompiledCache> {
        let folder = self.cache_dir.as_ref()?.join("compiled");
        match CompiledCache::open(&folder) {
            Ok(cache) => Some(cache),
            Err(error) => {
                tracing::warn!("cannot use the cache of compiled guests: {error}");
                (self.progress)(Progress::NoCache);
                None
            }
        }
    }
}

impl Context {
    /// Returns the number of a new family.
    pub(crate) fn next_family(&self) -> u64 {
        self.families.fetch_add(1, Ordering::Relaxed)
    }
}
