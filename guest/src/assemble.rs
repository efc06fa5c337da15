//! Builds the guest, once for the same inputs.

use crate::cached::{Built, COMPONENT, NOTE, find, folder, key};
use crate::component::Component;
use crate::lists::World;
use crate::tools::Bounds;
use crate::tuning::Tuning;
use crate::variant::Variant;
use crate::{appending, encode, intrinsics, library, link, sources, tools};
use anyhow::{Context, Result};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// A step of the build, for a progress display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Waiting for another process that builds the same guest.
    Wait,
    /// Resolving the requirements of an image, and downloading its packages.
    Resolve,
    /// Compiling a package of an image, by its recipe.
    Compile,
    /// Running `componentize-py`, after installing it if necessary.
    Componentize,
    /// Linking the modules into one.
    Link,
    /// Running Binaryen, after installing it if necessary.
    Optimise,
    /// Encoding the component.
    Encode,
}

impl Step {
    /// Describes the step to a user.
    pub fn describe(self) -> &'static str {
        match self {
            Step::Wait => "waiting for another process to build the guest",
            Step::Resolve => "building the image: getting packages",
            Step::Compile => "building the image: compiling a package (some minutes)",
            Step::Componentize => "building the guest: making a component of CPython",
            Step::Link => "building the guest: linking",
            Step::Optimise => "building the guest: optimising (about a minute)",
            Step::Encode => "building the guest: encoding",
        }
    }
}

/// Returns the guest of this `variant` in `cache`, and builds it if it is missing.
///
/// Calls `progress` at the start of each build step.
///
/// # Errors
///
/// Returns an error if a required tool is missing or fails, or if `cache` is not writable.
pub fn ensure(variant: Variant, cache: &Path, progress: &mut dyn FnMut(Step)) -> Result<Built> {
    if let Some(built) = find(variant, cache) {
        return Ok(built);
    }
    let _lock = lock(cache, progress)?;
    // The previous holder of the lock may have built it.
    if let Some(built) = find(variant, cache) {
        return Ok(built);
    }
    let optimiser = tools::Optimiser::choose();
    let work = fresh_work(cache)?;
    let extras = Extras::default();
    let note = assemble(variant, cache, &work, &optimiser, &extras, progress)?;
    fs::write(work.join(NOTE), &note)?;
    let key = key(variant);
    let folder = folder(cache, &key);
    let result = work.join("result");
    fs::create_dir_all(&result)?;
    for file in [COMPONENT, NOTE] {
        fs::rename(work.join(file), result.join(file))?;
    }
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::rename(&result, &folder)?;
    fs::remove_dir_all(&work)?;
    Ok(Built {
        path: folder.join(COMPONENT),
        key,
        optimised: note,
        fresh: true,
    })
}

/// The additions of an image to the guest.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    /// The folder of unpacked packages.
    pub(crate) packages: Option<PathBuf>,
    /// The modules to import before the snapshot.
    pub(crate) imports: Vec<String>,
    /// The source of the script that runs before the snapshot.
    pub(crate) setup: Option<Vec<u8>>,
    /// The bounds on making the snapshot, in which code of packages runs.
    pub(crate) bounds: Option<Bounds>,
}

impl Extras {
    /// Replaces the module of the guest's library that knows what to import and run.
    fn write(&self, python: &Path) -> Result<()> {
        if self.imports.is_empty() && self.setup.is_none() {
            return Ok(());
        }
        // Names of modules need no escapes.
        let imports = self.imports.iter().map(|name| format!("\"{name}\", "));
        let imports: String = imports.collect();
        let setup = self.setup.as_ref().map_or("None".to_owned(), |source| {
            let digits: String = source.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("bytes.fromhex(\"{digits}\")")
        });
        fs::write(
            python.join(SETTINGS),
            format!("IMPORTS = ({imports})\nSETUP = {setup}\n"),
        )
        .with_context(|| format!("cannot write {SETTINGS}"))
    }
}

/// The module that `Extras::write` replaces.
const SETTINGS: &str = "_island/settings.py";

/// Creates the cache folder, and locks it against other builds until the result is dropped.
pub(crate) fn lock(cache: &Path, progress: &mut dyn FnMut(Step)) -> Result<File> {
    fs::create_dir_all(cache)
        .with_context(|| format!("cannot create folder {}", cache.display()))?;
    let lock = File::create(cache.join("build.lock"))
        .with_context(|| format!("cannot write to folder {}", cache.display()))?;
    if lock.try_lock().is_err() {
        progress(Step::Wait);
        lock.lock()?;
    }
    Ok(lock)
}

/// Returns the folder for a build, which is empty. The cache must be locked.
pub(crate) fn fresh_work(cache: &Path) -> Result<PathBuf> {
    let work = cache.join("work");
    match fs::remove_dir_all(&work) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    fs::create_dir_all(&work)
        .with_context(|| format!("cannot create folder {}", work.display()))?;
    Ok(work)
}

/// Builds the guest in `work` and returns a one-line description of its optimisation.
pub(crate) fn assemble(
    variant: Variant,
    cache: &Path,
    work: &Path,
    optimiser: &tools::Optimiser,
    extras: &Extras,
    progress: &mut dyn FnMut(Step),
) -> Result<String> {
    let (python, wit) = (work.join("python"), work.join("wit"));
    sources::unpack(sources::PYTHON, &python)?;
    sources::unpack(variant.python(), &python)?;
    sources::unpack(variant.wit(), &wit)?;
    let tuning = Tuning::chosen();
    tuning.write(&python)?;
    extras.write(&python)?;
    let installed = cache.join("tools");
    fs::create_dir_all(&installed)?;

    progress(Step::Componentize);
    library::add(&installed, &python)?;
    if variant != Variant::Island {
        add_types(work, &installed, &python)?;
    }
    let dynamic = work.join("dynamic.wasm");
    let mut modules = vec![python];
    modules.extend(extras.packages.clone());
    let snapshot = tools::Snapshot {
        target: &variant.target(),
        wit: &wit,
        modules: &modules,
        bounds: extras.bounds.as_ref(),
    };
    snapshot.componentize(&installed, &dynamic)?;
    let dynamic = fs::read(dynamic)?;

    progress(Step::Link);
    let component = Component::read(&dynamic)?;
    let world = World::read(&dynamic)?;
    let options = link::Options {
        copied: variant.is_copied(),
        keep_names: false,
    };
    let (mut module, report) =
        link::link(&component, &world, options).context("cannot link the guest")?;
    if let Some(addresses) = report.intrinsics {
        intrinsics::install(&mut module, addresses)?;
    }
    appending::mend(&mut module)?;
    let arranged = tuning.arrange_memory(&mut module)?;
    let adapt = report.extensions > 0;
    if adapt {
        tuning.keep_targets(&mut module)?;
    }
    let linked = format!(
        "{} modules linked into one; {} globals folded; {} of {} functions dropped; {arranged}",
        report.modules,
        report.folded_globals,
        report.dropped_functions,
        report.functions + report.dropped_functions,
    );

    let note = match optimiser {
        tools::Optimiser::None { reason } => {
            format!("{linked}; not optimised, about a fifth slower: {reason}")
        }
        _ => {
            progress(Step::Optimise);
            let (input, output) = (work.join("linked.wasm"), work.join("optimised.wasm"));
            fs::write(&input, &module)?;
            match optimiser.run(&installed, &input, &output) {
                Ok(()) => {
                    module = fs::read(output)?;
                    format!("{linked}; optimised with {}", optimiser.identity())
                }
                // A failing optimiser does not fail the build.
                Err(error) => format!("{linked}; not optimised, about a fifth slower: {error:#}"),
            }
        }
    };

    progress(Step::Encode);
    let calls = tuning.replace_calls(&mut module, adapt)?;
    let component = encode::encode(&module, &dynamic)?;
    fs::write(work.join(COMPONENT), component)?;
    Ok(format!("{note}; {calls}"))
}

/// Adds the types of an island's world, which the modules in `python` need.
fn add_types(work: &Path, installed: &Path, python: &Path) -> Result<()> {
    let (wit, bindings) = (work.join("types.wit"), work.join("types"));
    sources::unpack(sources::ISLAND_WIT, &wit)?;
    let target = Variant::Island.target();
    tools::write_bindings(installed, &target, &wit, &bindings)?;
    // The other generated files are for reading only, and would hide the modules of the component.
    fs::rename(bindings.join(target.bindings), python.join(target.bindings))?;
    Ok(())
}
