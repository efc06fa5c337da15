//! Building the guest, once for the same inputs.

use crate::component::Component;
use crate::lists::World;
use crate::variant::Variant;
use crate::{
    appending, direct, encode, heap, immortal, intrinsics, link, packages, sources, tools,
};
use anyhow::{Context, Result};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// What the build is doing, for a progress display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Another process builds the same guest.
    Wait,
    /// Running `componentize-py`, which may have to be installed.
    Componentize,
    /// Linking the modules into one.
    Link,
    /// Running Binaryen, which may have to be installed.
    Optimise,
    /// Encoding the component.
    Encode,
}

impl Step {
    /// What to tell a user.
    pub fn describe(self) -> &'static str {
        match self {
            Step::Wait => "waiting for another process that builds the guest",
            Step::Componentize => "building the guest: making a component of CPython",
            Step::Link => "building the guest: linking",
            Step::Optimise => "building the guest: optimising, which takes about a minute",
            Step::Encode => "building the guest: encoding",
        }
    }
}

/// A guest that is ready to be compiled.
#[derive(Debug, Clone)]
pub struct Built {
    /// The component's file.
    pub path: PathBuf,
    /// What tells this guest from every other: a hash of all that it was made from.
    pub key: String,
    /// How it was optimised, in one line.
    pub optimised: String,
    /// Whether this call built it.
    pub fresh: bool,
}

const COMPONENT: &str = "python.wasm";
const NOTE: &str = "optimised.txt";

/// The guest of this `variant` in `cache`, which is built if it is not there.
///
/// `progress` is called with each step that has to be taken.
///
/// # Errors
///
/// When a tool that the build needs is missing or fails, and when `cache` cannot be written to.
pub fn ensure(variant: Variant, cache: &Path, progress: &mut dyn FnMut(Step)) -> Result<Built> {
    if let Some(built) = find(variant, cache) {
        return Ok(built);
    }
    fs::create_dir_all(cache)
        .with_context(|| format!("cannot create the folder {}", cache.display()))?;
    let lock = File::create(cache.join("build.lock"))
        .with_context(|| format!("cannot write to the folder {}", cache.display()))?;
    if lock.try_lock().is_err() {
        progress(Step::Wait);
        lock.lock()?;
    }
    // Whoever held the lock may have built it.
    if let Some(built) = find(variant, cache) {
        return Ok(built);
    }
    let optimiser = tools::Optimiser::choose();
    let work = cache.join("work");
    match fs::remove_dir_all(&work) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let note = assemble(variant, cache, &work, &optimiser, progress)?;
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

/// The guest of this `variant` in `cache`, if it is there.
pub fn find(variant: Variant, cache: &Path) -> Option<Built> {
    let key = key(variant);
    let folder = folder(cache, &key);
    let path = folder.join(COMPONENT);
    let optimised = fs::read_to_string(folder.join(NOTE)).ok()?;
    path.exists().then_some(Built {
        path,
        key,
        optimised,
        fresh: false,
    })
}

fn folder(cache: &Path, key: &str) -> PathBuf {
    cache.join("guest").join(key)
}

/// What tells the guest of these sources from others.
///
/// Which optimiser the machine has is looked at only when there is something to build: asking
/// programs for their versions takes longer than running a script.
fn key(variant: Variant) -> String {
    let wanted = tools::wants_optimising();
    let optimised = if wanted { tools::OPTIMISE } else { "-O0" };
    sources::key(variant, &[tools::COMPONENTIZE_PY, optimised])
}

/// Builds the guest in `work` and returns a line on how it was optimised.
fn assemble(
    variant: Variant,
    cache: &Path,
    work: &Path,
    optimiser: &tools::Optimiser,
    progress: &mut dyn FnMut(Step),
) -> Result<String> {
    let (python, wit) = (work.join("python"), work.join("wit"));
    sources::unpack(sources::PYTHON, &python)?;
    sources::unpack(variant.python(), &python)?;
    sources::unpack(variant.wit(), &wit)?;
    let installed = cache.join("tools");
    fs::create_dir_all(&installed)?;

    progress(Step::Componentize);
    packages::add(&installed, &python)?;
    if variant != Variant::Island {
        add_types(work, &installed, &python)?;
    }
    let dynamic = work.join("dynamic.wasm");
    tools::componentize(&installed, &variant.target(), &wit, &python, &dynamic)?;
    let dynamic = fs::read(dynamic)?;

    progress(Step::Link);
    let component = Component::read(&dynamic)?;
    let world = World::read(&dynamic)?;
    let options = link::Options {
        copied: variant.is_copied(),
        keep_names: false,
    };
    let (mut module, report) =
        link::link(&component, &world, options).context("the guest cannot be linked")?;
    if let Some(addresses) = report.intrinsics {
        intrinsics::install(&mut module, addresses)?;
    }
    appending::mend(&mut module)?;
    let immortal = immortal::make_immortal(&mut module)?;
    let taken = heap::take_free_blocks(&mut module).map_or_else(
        |error| format!("free blocks left as they are: {error:#}"),
        |bytes| format!("{} KiB of free blocks taken", bytes >> 10),
    );
    let linked = format!(
        "{} modules linked into one; {} globals folded; {} of {} functions dropped; {immortal} \
         objects made immortal; {taken}",
        report.modules,
        report.folded_globals,
        report.dropped_functions,
        report.functions + report.dropped_functions,
    );

    let note = match optimiser {
        tools::Optimiser::None { reason } => {
            format!("{linked}; not optimised, which costs about a fifth of its speed: {reason}")
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
                // An optimiser that fails is no reason to have no guest.
                Err(error) => format!(
                    "{linked}; not optimised, which costs about a fifth of its speed: {error:#}"
                ),
            }
        }
    };

    progress(Step::Encode);
    // The optimiser would put the jumps back to where they are made.
    let jumps = direct::call_directly(&mut module)?;
    let component = encode::encode(&module, &dynamic)?;
    fs::write(work.join(COMPONENT), component)?;
    Ok(format!("{note}; calls of {jumps} types go past the table"))
}

/// Adds the types of an island's world to the modules in `python`, which cannot do without them.
fn add_types(work: &Path, installed: &Path, python: &Path) -> Result<()> {
    let (wit, bindings) = (work.join("types.wit"), work.join("types"));
    sources::unpack(sources::ISLAND_WIT, &wit)?;
    let target = Variant::Island.target();
    tools::write_bindings(installed, &target, &wit, &bindings)?;
    // What is beside it is there to be read, and would hide what the component has.
    fs::rename(bindings.join(target.bindings), python.join(target.bindings))?;
    Ok(())
}
