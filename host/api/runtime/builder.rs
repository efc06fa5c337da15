//! The settings of a runtime, and its creation.

use super::Runtime;
use crate::engine::cache::{CompiledCache, default_cache_dir};
use crate::engine::slot_history::SlotHistory;
use crate::engine::{self, Features};
use crate::exchange::Exchange;
use crate::exchange::quota::account_of_all;
use crate::exec::offload::Offload;
use crate::exec::thread::on_thread;
use crate::exec::workers::Workers;
use crate::image::{Image, Progress};
use crate::imports;
use crate::island::images::Images;
use crate::island::prewarm::Prewarmed;
use crate::island::shared::Shared;
use crate::island::ticker;
use crate::telemetry::Counters;
use archipel_core::error::{ConfigKind, Error, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use wasmtime::component::Linker;

/// The settings of a new runtime; [`Runtime::builder`] returns them.
#[must_use]
pub struct RuntimeBuilder {
    workers: Option<usize>,
    interpreters: u32,
    prewarmed: u32,
    prewarmed_images: Vec<(Image, u32)>,
    features: Features,
    cache_dir: Option<PathBuf>,
    image: Image,
    progress: Box<dyn FnMut(Progress) + Send>,
}

impl RuntimeBuilder {
    pub(super) fn new() -> Self {
        RuntimeBuilder {
            workers: None,
            interpreters: 1000,
            prewarmed: 0,
            prewarmed_images: Vec::new(),
            features: Features {
                interruption: true,
                fuel: false,
            },
            cache_dir: default_cache_dir(),
            image: Image::standard(),
            progress: Box::new(|_| {}),
        }
    }

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

    /// Sets the number of prewarmed instances of the default image: from 0, the default, to 10,000.
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
    pub fn prewarmed(mut self, prewarmed: u32) -> Self {
        self.prewarmed = prewarmed;
        self
    }

    /// Loads `image` when the runtime is built, and keeps prewarmed instances of it, too. All prewarmed instances of
    /// a runtime together are at most 10,000.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use archipel::{Image, Runtime};
    ///
    /// let science = Image::named("science", None)?;
    /// let runtime = Runtime::builder().prewarmed_image(science.clone(), 8).build()?;
    /// let interpreter = runtime.interpreter().image(&science).build()?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn prewarmed_image(mut self, image: Image, prewarmed: u32) -> Self {
        self.prewarmed_images.push((image, prewarmed));
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

    /// Sets the folder that caches the standard guest and the compiled guests. The default is
    /// [`default_cache_dir`].
    ///
    /// It is created if it does not exist, must belong to the user, and must not be writable for
    /// others. Otherwise guests are compiled at each start.
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
    pub fn progress(mut self, progress: impl FnMut(Progress) + Send + 'static) -> Self {
        self.progress = Box::new(progress);
        self
    }

    /// Sets the image of interpreters for which [`InterpreterBuilder::image`] names no other. The default is
    /// [`Image::standard`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use archipel::{Image, Runtime};
    ///
    /// let runtime = Runtime::builder().image(Image::open("python.wasm")?).build()?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    ///
    /// [`InterpreterBuilder::image`]: crate::InterpreterBuilder::image
    pub fn image(mut self, image: Image) -> Self {
        self.image = image;
        self
    }

    /// Creates the runtime, and blocks until it can create interpreters.
    ///
    /// With a compiled guest in the cache, this takes milliseconds. Otherwise the guest is compiled
    /// for this machine, in some seconds on all processors, and the result is cached. With the
    /// feature `build`, [`Image::standard`] can be built first, in about a minute; without the
    /// feature, nothing is built, installed or downloaded.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for a number out of range, [`Error::Guest`] if the guest is missing, cannot
    /// be built, read or compiled, or belongs to another version of Archipel, and
    /// [`Error::NoMemory`] or [`Error::Exhausted`] if the system refuses memory, threads or files.
    pub fn build(mut self) -> Result<Runtime> {
        let workers = self.checked_workers()?;
        let slots = self.interpreters + self.all_prewarmed();
        let progress = &mut *self.progress;
        let (engine, reserved) = engine::engine(slots, self.features)?;
        let cache = compiled_cache(self.cache_dir.as_deref(), progress);

        let mut linker = Linker::new(&engine);
        crate::wasi::add_to_linker(&mut linker)
            .and_then(|()| imports::add_to_linker(&mut linker))
            .map_err(|error| Error::Internal(error.into()))?;
        let images = Arc::new(Images::new(linker, self.cache_dir.clone(), cache));

        let seed = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), workers);
        let exchange = Exchange::new(seed);
        ticker::start(&engine, &exchange)?;
        let shared = Arc::new(Shared {
            engine,
            exchange,
            workers: Workers::start(workers)?,
            offload: Offload::new(workers),
            families: AtomicU64::new(1),
            counters: Counters::default(),
            kept: account_of_all(),
            counts_fuel: self.features.fuel,
            slots: SlotHistory::default(),
            large_pages: Arc::default(),
            reserved,
        });
        let context = super::loading::load(&images, &shared, &self.image, progress)?;
        let mut wanted = vec![(context.clone(), self.prewarmed)];
        for (image, prewarmed) in &self.prewarmed_images {
            let loaded = super::loading::load(&images, &shared, image, progress)?;
            wanted.push((loaded, *prewarmed));
        }
        let wanted = wanted.iter().filter(|(_, prewarmed)| *prewarmed > 0);
        let kept = wanted.map(|(context, prewarmed)| Prewarmed::keep(context, *prewarmed as usize));
        Ok(Runtime(context, kept.collect::<Result<_>>()?))
    }

    /// Creates the runtime as [`build`](Self::build) does, on a thread of its own. Any executor can
    /// poll the future.
    ///
    /// Dropping the future does not stop that thread: it completes the guest in the cache, from
    /// which the next build benefits, and then drops the runtime. Dropping a future that was never
    /// polled does nothing.
    ///
    /// # Errors
    ///
    /// As for [`build`](Self::build).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn start() -> archipel::Result<()> {
    /// let runtime = archipel::Runtime::builder().workers(2).build_async().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn build_async(self) -> Result<Runtime> {
        on_thread("archipel-build", move || self.build()).await
    }

    /// Returns the number of prewarmed instances of all images.
    fn all_prewarmed(&self) -> u32 {
        let images = self.prewarmed_images.iter();
        images.fold(self.prewarmed, |all, (_, prewarmed)| {
            all.saturating_add(*prewarmed)
        })
    }

    /// Checks the numbers, and returns the number of workers.
    fn checked_workers(&self) -> Result<usize> {
        if !(1..=100_000).contains(&self.interpreters) {
            return Err(out_of_range(format!(
                "room for {} interpreters is out of range (use 1 to 100000)",
                self.interpreters
            )));
        }
        if self.all_prewarmed() > 10_000 {
            let text = format!(
                "{} prewarmed instances are out of range (use 0 to 10000)",
                self.all_prewarmed()
            );
            return Err(out_of_range(text));
        }
        match self.workers {
            None => Ok(std::thread::available_parallelism().map_or(1, usize::from)),
            Some(n @ 1..=512) => Ok(n),
            Some(n) => Err(out_of_range(format!(
                "{n} workers are out of range (use 1 to 512)"
            ))),
        }
    }
}

fn out_of_range(text: String) -> Error {
    Error::config(ConfigKind::Runtime, text)
}

/// Opens the cache of compiled guests in the folder `cache`, if it is usable.
fn compiled_cache(
    cache: Option<&Path>,
    progress: &mut dyn FnMut(Progress),
) -> Option<CompiledCache> {
    match CompiledCache::open(&cache?.join("compiled")) {
        Ok(cache) => Some(cache),
        Err(error) => {
            tracing::warn!("cannot use the cache of compiled guests: {error}");
            progress(Progress::NoCache);
            None
        }
    }
}

const _: fn() = || {
    fn is_sendable<T: Send + 'static>() {}
    is_sendable::<RuntimeBuilder>();
};
