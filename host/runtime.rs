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
use archipel_core::error::{Error, Result};
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

/// What everything in a runtime shares.
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
    /// What is kept for guests besides messages in channels.
    pub(crate) kept: Arc<Account>,
    /// Whether the engine counts fuel.
    pub(crate) counts_fuel: bool,
    pub(crate) slots: Slots,
    /// How many interpreters there is room for, where slots are reserved.
    reserved: Option<u32>,
}

impl Context {
    /// What it means that an instance could not be created.
    pub(crate) fn not_created(&self, error: wasmtime::Error) -> Error {
        match self.reserved {
            Some(limit) if error.is::<PoolConcurrencyLimitError>() => Error::Capacity { limit },
            _ if error.to_string().contains("memory minimum size") => Error::Config(
                "the memory limit is less than what an interpreter needs from the start".to_owned(),
            ),
            _ => engine::failure(error),
        }
    }
}

/// The threads that run guests, and the timers that wake them.
pub(crate) struct Workers {
    scheduler: Scheduler,
    /// Timers, and the threads in which WASI's blocking calls wait.
    timers: Timers,
    /// How many more callers may run guests on their own threads.
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

    /// Runs `future` on the workers while the caller awaits it; dropping this ends it.
    pub(crate) async fn join<F>(&self, future: F) -> Result<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.spawn(future).await.ok_or_else(given_up)
    }

    /// Runs `future` to its end while the caller waits.
    ///
    /// It begins on the caller's thread, since going to another one takes longer than many a
    /// script.  As soon as it waits, or has run for a while, it goes to the workers.
    pub(crate) fn block_on<F>(&self, future: F) -> Result<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        if self.scheduler.is_worker() {
            // An alias of the host's makes this call.  The workers may all do that, so that nobody
            // would be left to do what they wait for.
            return Ok(self.wait(future));
        }
        let mut future = Box::pin(future);
        match self.at_home(future.as_mut()) {
            Some(output) => Ok(output),
            None => pollster::block_on(self.join(future)),
        }
    }

    /// Polls `future` on the caller's thread, until it waits or has run for a while.
    ///
    /// Only as many callers do so as there are workers.  Were it more than that, the system would share the
    /// processors among them by its own lights, and one that is to be killed could stand far back.
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
            // A guest that was only interrupted wants to go on at once.  Whatever else it waits for is
            // asked again when it is polled by a worker.
            if !woken.0.swap(false, Ordering::Relaxed) {
                break;
            }
        }
        None
    }

    /// Runs `run` to its end, or until somebody stops it, while the caller waits.
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

    /// As `finish`, for asynchronous callers; dropping this ends the run.
    pub(crate) async fn finish_async<T: Send + 'static>(&self, run: Run<T>) -> Result<T> {
        let stopped = stopped(&run);
        either(async { self.join(run).await? }, stopped).await
    }

    /// Has the timers at hand, for tests that poll by hand.
    #[cfg(test)]
    pub(crate) fn enter(&self) -> tokio::runtime::EnterGuard<'_> {
        self.timers.handle().enter()
    }

    /// Waits for `future` on the caller's thread alone.
    pub(crate) fn wait<F: Future>(&self, future: F) -> F::Output {
        let _entered = self.timers.handle().enter();
        pollster::block_on(future)
    }
}

/// Resolves when somebody stops `run`, which its task may learn only later.
fn stopped<T: Send + 'static>(run: &Run<T>) -> oneshot::Receiver<Result<T>> {
    let (sender, receiver) = oneshot::channel();
    run.when_stopped(move |error| {
        // Whoever waited may be gone.
        let _ = sender.send(error);
    });
    receiver
}

/// What comes first: the end of `run`, or the news that somebody stopped it.
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

/// The error of a task that panicked.
fn given_up() -> Error {
    Error::Internal(anyhow::anyhow!("a worker gave up on a task"))
}

/// How many ticks a call may run on the thread of the caller.
const TICKS_AT_HOME: usize = 4;

/// One of a bounded number of places.
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

/// Notes that it was woken.
struct Woken(AtomicBool);

impl std::task::Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One engine with a compiled guest, in which interpreters are created.
///
/// A process usually has one.  Clones are the same runtime, which ends when its last clone and its
/// last interpreter are dropped.
///
/// # Examples
///
/// ```no_run
/// let runtime = archipel::Runtime::new()?;
/// let interpreter = runtime.interpreter().build()?;
/// interpreter.exec("answer = 6 * 7")?;
/// assert_eq!(interpreter.eval("answer")?.as_i64(), Some(42));
/// # Ok::<(), archipel::Error>(())
/// ```
#[derive(Clone)]
pub struct Runtime(pub(crate) Arc<Context>, pub(crate) Option<Arc<Ready>>);

impl Runtime {
    /// A runtime with the defaults of [`Runtime::builder`].
    ///
    /// # Errors
    ///
    /// As for [`RuntimeBuilder::build`].
    pub fn new() -> Result<Self> {
        Runtime::builder().build()
    }

    /// A builder with the defaults: as many workers as the machine has processors, room for 1,000
    /// interpreters, and the user's cache folder.
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

    /// A builder for an interpreter that may do nothing, of which every output is discarded.
    pub fn interpreter(&self) -> InterpreterBuilder {
        InterpreterBuilder::new(self.clone())
    }

    /// A channel, both ends of which the host holds.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when four billion channels exist.
    pub fn channel(&self, capacity: Capacity) -> Result<(Sender, Receiver)> {
        crate::channel::create(&self.0, capacity)
    }
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").finish_non_exhaustive()
    }
}

/// How many messages a channel holds for a receiver that has not come yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capacity {
    /// None: a send completes when a receiver takes the message.
    Rendezvous,
    /// So many.  With 0 it is a rendezvous.
    Bounded(usize),
    /// Any number, up to 256 MiB.
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

/// Settings of a runtime.
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

/// The guest that the environment names instead of the one that would be built.
fn given_guest() -> Option<PathBuf> {
    let path = std::env::var_os("ARCHIPEL_GUEST")?;
    (!path.is_empty()).then(|| path.into())
}

/// Whether the guest is in `folder`, or can be built there.
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
    /// How many threads run guests: from 1 to 512.  The default is one for each processor.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// How many interpreters can exist at a time: from 1 to 100,000.  The default is 1,000.
    ///
    /// Address space for so many is reserved from the start, 6 GiB for each; where the system
    /// refuses that, each is allocated when it is created, which takes longer.  Linux allows a process a number of
    /// mappings (`vm.max_map_count`), which is 65,530 unless it was raised and enough for 10,755 interpreters:
    /// building the runtime fails if there may be more than that allows.
    pub fn interpreters(mut self, interpreters: u32) -> Self {
        self.interpreters = interpreters;
        self
    }

    /// How many instances are made ahead of need: from 0, the default, to 10,000.
    ///
    /// An interpreter that the host creates is then one of these, and the workers make another as soon as
    /// they have nothing else to do.  It is the same as any other: nothing has run in it.  They take room beyond
    /// that for [`interpreters`](Self::interpreters), and none but address space and 40 KiB of memory for each.
    /// When none is left, as in a burst of creations, the rest are created as they are needed.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// let runtime = archipel::Runtime::builder().ready(16).build()?;
    /// let interpreter = runtime.interpreter().build()?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn ready(mut self, ready: u32) -> Self {
        self.ready = ready;
        self
    }

    /// Whether guests count the instructions that they execute, which [`Limits::fuel`] needs.  It makes
    /// all of them slower, so the default is that they do not.
    ///
    /// [`Limits::fuel`]: crate::Limits::fuel
    pub fn fuel(mut self, fuel: bool) -> Self {
        self.features.fuel = fuel;
        self
    }

    /// Whether guests can be interrupted while they compute: for measuring what that costs.  Without
    /// it nothing ends a loop, whatever the limits say.
    #[doc(hidden)]
    pub fn interruption(mut self, interruption: bool) -> Self {
        self.features.interruption = interruption;
        self
    }

    /// Where the guest is kept once it is built, and compiled.  The default is the user's cache
    /// folder, or `ARCHIPEL_CACHE_DIR` where that is set.
    pub fn cache_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache_dir = Some(folder.into());
        self
    }

    /// Calls `progress` with what has to be done before the first interpreter can be created.
    /// With a warm cache that is nothing.
    pub fn progress(mut self, progress: impl FnMut(Progress) + 'static) -> Self {
        self.progress = Box::new(progress);
        self
    }

    /// Takes the guest in that file, as the environment variable `ARCHIPEL_GUEST` does: for tests with
    /// guests that are not ours.
    #[doc(hidden)]
    pub fn guest(mut self, path: impl Into<PathBuf>) -> Self {
        self.guest = Some(path.into());
        self
    }

    /// The runtime.
    ///
    /// The first time on a machine this builds and compiles the guest, which takes a minute.  The
    /// environment variable `ARCHIPEL_GUEST` names the file of a ready guest to be used instead.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for a number out of range, and [`Error::Guest`] when the guest cannot be
    /// built, read or compiled.
    pub fn build(mut self) -> Result<Runtime> {
        let workers = match self.workers {
            None => std::thread::available_parallelism().map_or(1, usize::from),
            Some(n @ 1..=512) => n,
            Some(n) => {
                let text = format!("a runtime has from 1 to 512 workers, not {n}");
                return Err(Error::Config(text));
            }
        };
        if !(1..=100_000).contains(&self.interpreters) {
            return Err(Error::Config(format!(
                "a runtime has room for 1 to 100000 interpreters, not {}",
                self.interpreters
            )));
        }
        if self.ready > 10_000 {
            let text = format!(
                "a runtime keeps at most 10000 instances ready, not {}",
                self.ready
            );
            return Err(Error::Config(text));
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
            .ok_or_else(|| Error::Guest(anyhow::anyhow!("the guest cannot be copied")))?;

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
            // Whether the types fit is only seen when an instance is made.
            runtime.interpreter().build().map_err(|error| match error {
                Error::Internal(cause) => Error::Guest(cause.context(format!(
                    "ARCHIPEL_GUEST is {}, which is no guest of this version of Archipel",
                    path.display()
                ))),
                other => other,
            })?;
        }
        if self.ready > 0 {
            runtime.1 = Some(Ready::keep(&runtime.0, self.ready as usize)?);
        }
        Ok(runtime)
    }

    /// The guest to be compiled, built if need be.
    fn source(&mut self, given: Option<&Path>) -> Result<Source> {
        if let Some(path) = given {
            let state = crate::cache::state(path).map_err(|error| {
                Error::Guest(anyhow::anyhow!(
                    "ARCHIPEL_GUEST is {}, which cannot be read: {error}",
                    path.display()
                ))
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
                // Whoever can write there could put another guest into it.
                crate::cache::open_private(&temporary).map_err(|error| {
                    let text = "there is neither a cache folder nor a temporary one";
                    Error::Guest(anyhow::Error::new(error).context(text))
                })?;
                &temporary
            }
        };
        let progress = &mut self.progress;
        let built = archipel_guest::ensure(Variant::Island, folder, &mut |step| {
            progress(Progress::Build(step.describe()));
        })
        .map_err(Error::Guest)?;
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
                tracing::warn!("the cache for compiled guests cannot be used: {error}");
                (self.progress)(Progress::NoCache);
                None
            }
        }
    }
}

impl Context {
    /// A number for a new family.
    pub(crate) fn next_family(&self) -> u64 {
        self.families.fetch_add(1, Ordering::Relaxed)
    }
}
