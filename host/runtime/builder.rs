//! The settings of a runtime, and its creation.

use super::{Context, Runtime, Workers};
use crate::aside::Aside;
use crate::bindings::{IslandIndices, IslandPre};
use crate::cache::{CompiledCache, default_cache_dir};
use crate::engine::{self, Features};
use crate::exchange::Exchange;
use crate::guest::{self, Progress, Source};
use crate::image::Image;
use crate::imports;
use crate::ready::Ready;
use crate::slots::Slots;
use crate::telemetry::Counters;
use archipel_core::error::{Error, Result};
use archipel_guest::Variant;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use wasmtime::component::Linker;

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
    pub(super) fn new() -> Self {
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
    pub fn interpreters(mut self, interpreters: u32) -> Self {
        self.interpreters = interpreters;
        self
    }

    /// Sets the number of prewarmed instances: from 0, the default, to 10,000.
    ///
    /// A new interpreter of the host takes one of them, and the workers make another when they are
    /// idle. A prewarmed instance is as good as new: no code has run in it. Prewarmed instances do
    /// not count as [`interpreters`](Self::interpreters), and each takes address space and 40 KiB
    /// of memory. When none is left, as in a burst of creations, interpreters are created on
    /// demand.
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

    /// Sets whether guests count the instructions that they execute, which [`Limits::fuel`] needs.
    /// It slows all guests down, so the default is false.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use archipel::{Limits, Runtime};
    ///
    /// let runtime = Runtime::builder().fuel(true).build()?;
    /// let limits = Limits::new().fuel(1_000_000_000)?;
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
                return Err(Error::Config(text));
            }
        };
        if !(1..=100_000).contains(&self.interpreters) {
            return Err(Error::Config(format!(
                "room for {} interpreters is out of range (use 1 to 100000)",
                self.interpreters
            )));
        }
        if self.ready > 10_000 {
            let text = format!(
                "{} prewarmed instances are out of range (use 0 to 10000)",
                self.ready
            );
            return Err(Error::Config(text));
        }
        let given = self.guest.take().or_else(given_guest);
        let source = self.source(given.as_deref())?;
        let (engine, reserved) = engine::engine(self.interpreters + self.ready, self.features)?;
        let cache = self.compiled_cache();
        let component = guest::compile(&engine, &source, cache.as_ref(), &mut self.progress)?;

        let mut linker = Linker::new(&engine);
        let guest = crate::wasi::add_to_linker(&mut linker)
            .and_then(|()| imports::add_to_linker(&mut linker))
            .and_then(|()| linker.instantiate_pre(&component))
            .and_then(IslandPre::new)
            .map_err(|error| Error::Guest(error.into()))?;
        let indices =
            IslandIndices::new(guest.instance_pre()).map_err(|error| Error::Guest(error.into()))?;
        let image = Image::find(&component).ok_or_else(|| {
            Error::Guest(anyhow::anyhow!(
                "the guest lacks the functions of image.wit"
            ))
        })?;

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
                Error::Internal(cause) => Error::Guest(cause.context(format!(
                    "the guest {} does not fit this version of Archipel (check ARCHIPEL_GUEST)",
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

    /// Returns the guest to compile, and builds it if necessary.
    fn source(&mut self, given: Option<&Path>) -> Result<Source> {
        if let Some(path) = given {
            let state = crate::cache::state(path).map_err(|error| {
                Error::Guest(anyhow::anyhow!(
                    "cannot read the guest {}: {error} (check ARCHIPEL_GUEST)",
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
                // Another user who could write to the folder could replace the guest.
                crate::cache::open_private(&temporary).map_err(|error| {
                    let text = "no cache folder and no temporary folder (set ARCHIPEL_CACHE_DIR)";
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
                tracing::warn!("cannot use the cache of compiled guests: {error}");
                (self.progress)(Progress::NoCache);
                None
            }
        }
    }
}
