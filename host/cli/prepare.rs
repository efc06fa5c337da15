//! Preparation of runtimes, with a progress line on a terminal, and the commands for the guest and the cache.

use crate::Failure;
use crate::options::Options;
use archipel::{
    Error, Image, Interpreter, LimitKind, Limits, Output, Policy, Progress, Runtime, RuntimeBuilder,
};
use archipel_guest::Variant;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Creates a runtime with room for one interpreter and its children, and that interpreter. Its output
/// goes to the standard streams.
pub fn interpreter(
    options: &Options,
    policy: Policy,
    limits: Limits,
) -> Result<Interpreter, Failure> {
    let room = options.room(&policy, 1);
    let image = options.image()?;
    let interpreter = runtime(&limits, image, |builder| builder.max_interpreters(room))?
        .interpreter()
        .policy(policy)
        .limits(limits)
        .stdout(Output::host_stdout())
        .stderr(Output::host_stderr())
        .build()?;
    Ok(interpreter)
}

/// Creates a runtime with the settings that `set` makes, and shows the steps of its preparation. It
/// counts fuel if `limits` needs that. The default image is the guest in `ARCHIPEL_GUEST`, or the standard one.
pub fn runtime(
    limits: &Limits,
    image: Option<Image>,
    set: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder,
) -> Result<Runtime, Failure> {
    let builder = set(shown(limits));
    if let Some(image) = image {
        return Ok(builder.image(image).build()?);
    }
    let Some(path) = given_guest() else {
        return Ok(builder.build()?);
    };
    let runtime = Image::open(path).and_then(|image| builder.image(image).build());
    runtime.map_err(of_given)
}

/// Names the variable in an error about the guest in `ARCHIPEL_GUEST`.
fn of_given(error: Error) -> Failure {
    match error {
        Error::Guest(_) => Failure::failed(format!("ARCHIPEL_GUEST: {}", crate::describe(&error))),
        other => other.into(),
    }
}

/// Returns the path in `ARCHIPEL_GUEST`, unless that is unset or empty.
pub fn given_guest() -> Option<PathBuf> {
    let path = std::env::var_os("ARCHIPEL_GUEST")?;
    (!path.is_empty()).then(|| path.into())
}

/// Returns a builder that shows the steps of the preparation.
fn shown(limits: &Limits) -> RuntimeBuilder {
    let terminal = std::io::stderr().is_terminal();
    let mut line = Line::default();
    let counted = Runtime::builder().fuel(limits.get(LimitKind::Fuel).is_some());
    counted.progress(move |progress| match progress {
        Progress::Build(what) if terminal => line.show(what),
        Progress::Compile if terminal => line.show("compiling the guest for this machine"),
        Progress::Damaged(why) => {
            line.clear();
            eprintln!("archipel: the compiled guest in the cache is rebuilt: {why}");
        }
        Progress::NoCache if terminal => {
            line.clear();
            eprintln!("archipel: cannot use the cache folder, so starting takes longer");
        }
        _ => {}
    })
}

/// A line on the terminal that the next one replaces. It is erased in the end.
#[derive(Default)]
pub struct Line {
    shown: bool,
}

impl Line {
    pub fn show(&mut self, text: &str) {
        eprint!("\r\x1b[Karchipel: {text} ...");
        let _ = std::io::stderr().flush();
        self.shown = true;
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            eprint!("\r\x1b[K");
            let _ = std::io::stderr().flush();
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Returns the cache folder.
pub fn cache_dir() -> Result<PathBuf, Failure> {
    archipel::default_cache_dir()
        .ok_or_else(|| Failure::failed("this system has no cache folder (set ARCHIPEL_CACHE_DIR)"))
}

/// Prints the files in the cache and their sizes.
pub fn show_cache() -> Result<u8, Failure> {
    let folder = cache_dir()?;
    println!("{}", folder.display());
    let mut files = Vec::new();
    collect(&folder, &mut files);
    files.sort();
    let mut total = 0;
    for (path, size) in files {
        total += size;
        if size >= 1 << 20 {
            let path = path.strip_prefix(&folder).unwrap_or(&path);
            println!("{:>9.1} MiB  {}", size as f64 / 1048576.0, path.display());
        }
    }
    println!("{:>9.1} MiB  total", total as f64 / 1048576.0);
    Ok(0)
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, u64)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => collect(&entry.path(), files),
            Ok(metadata) => files.push((entry.path(), metadata.len())),
            Err(_) => {}
        }
    }
}

/// Deletes the contents of the cache.
pub fn clear_cache() -> Result<u8, Failure> {
    let folder = cache_dir()?;
    for part in ["compiled", "guest", "images", "tools", "wheels", "work"] {
        let part = folder.join(part);
        match std::fs::remove_dir_all(&part) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                let text = format!("cannot delete {}: {error}", part.display());
                return Err(Failure::failed(text));
            }
            _ => {}
        }
    }
    Ok(0)
}

/// Builds the guest, if necessary, and compiles it for this machine.
pub fn build_guest() -> Result<u8, Failure> {
    runtime(&Limits::new(), None, |builder| builder.max_interpreters(1))?;
    Ok(0)
}

/// Writes the guest component of this `variant` to `path`. An island's is the one that `ARCHIPEL_GUEST` names, if it
/// is set.
pub fn export(variant: Variant, path: &Path) -> Result<u8, Failure> {
    let component = match given_guest().filter(|_| variant == Variant::Island) {
        Some(given) => {
            Image::open(&given).map_err(of_given)?;
            given
        }
        None => build(variant)?,
    };
    std::fs::copy(&component, path).map_err(|error| {
        let from = component.display();
        Failure::failed(format!("cannot copy {from} to {}: {error}", path.display()))
    })?;
    Ok(0)
}

/// Returns the file of the guest in the cache, and builds it if it is missing.
fn build(variant: Variant) -> Result<PathBuf, Failure> {
    let built = archipel_guest::ensure(variant, &cache_dir()?, &mut |step| {
        eprintln!("archipel: {}", step.describe())
    });
    match built {
        Ok(built) => Ok(built.path),
        Err(error) => Err(Failure::failed(format!("{error:#}"))),
    }
}
