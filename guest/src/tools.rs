//! Finds and runs the external programs that build the guest.

mod bounds;

use crate::cached::wants_optimising;
use crate::variant::Target;
use anyhow::{Context, Result, bail, ensure};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub(crate) use bounds::Bounds;

/// The version of `componentize-py`, from PyPI, that makes the component.
pub const COMPONENTIZE_PY: &str = "0.25.1";

/// The version of `binaryen`, from npm, used if no `wasm-opt` is installed.
const BINARYEN: &str = "132.0.0";

/// The oldest supported version of an installed `wasm-opt`.
const OLDEST_WASM_OPT: u32 = 116;

/// Binaryen's optimisation level. `-O4` with more inlining gains another 2% of speed and takes three times as long.
const OPTIMISE: &str = "-O3";

/// The features that the linked module uses.
const FEATURES: &[&str] = &[
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-extended-const",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-simd",
];

/// A program that a build of the guest uses, for `archipel doctor`.
#[derive(Debug, Clone)]
pub struct Tool {
    /// The name of the program.
    pub name: &'static str,
    /// The program's version, or the reason that it cannot be used.
    pub found: std::result::Result<String, String>,
    /// The purpose of the program in a build.
    pub purpose: &'static str,
}

/// The optimiser of the linked module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Optimiser {
    /// An installed `wasm-opt`.
    Installed {
        /// Its version.
        version: u32,
    },
    /// Binaryen's npm package, run by Node.
    Npm,
    /// No optimisation.
    None {
        /// The reason that there is no optimiser.
        reason: String,
    },
}

impl Optimiser {
    /// Chooses an optimiser that this machine has.
    pub fn choose() -> Self {
        if !wants_optimising() {
            return Optimiser::None {
                reason: "ARCHIPEL_OPTIMISE is 0".to_owned(),
            };
        }
        match wasm_opt_version() {
            Ok(version) if version >= OLDEST_WASM_OPT => return Optimiser::Installed { version },
            _ => {}
        }
        match (version("node"), version("npm")) {
            (Ok(_), Ok(_)) => Optimiser::Npm,
            _ => Optimiser::None {
                reason: format!(
                    "neither wasm-opt {OLDEST_WASM_OPT} or newer nor node with npm is installed"
                ),
            },
        }
    }

    /// Returns a string that identifies the optimiser and its version.
    pub fn identity(&self) -> String {
        match self {
            Optimiser::Installed { version } => format!("binaryen {version}"),
            Optimiser::Npm => format!("binaryen {BINARYEN} (npm)"),
            Optimiser::None { .. } => "not optimised".to_owned(),
        }
    }

    /// Optimises `input` into `output`, and installs packages in `tools`.
    ///
    /// # Errors
    ///
    /// Returns an error, with the program's output, if the program cannot be installed or fails.
    pub fn run(&self, tools: &Path, input: &Path, output: &Path) -> Result<()> {
        let mut command = match self {
            Optimiser::Installed { .. } => Command::new("wasm-opt"),
            Optimiser::Npm => {
                let mut node = Command::new("node");
                node.arg(install_binaryen(tools)?);
                node
            }
            Optimiser::None { .. } => bail!("no optimiser is available"),
        };
        command.arg(input).arg(OPTIMISE).arg("-o").arg(output);
        run(command.args(FEATURES))
    }
}

fn install_binaryen(tools: &Path) -> Result<PathBuf> {
    let folder = tools.join(format!("binaryen-{BINARYEN}"));
    let program = folder.join("node_modules/binaryen/bin/wasm-opt");
    if !program.exists() {
        std::fs::create_dir_all(&folder)?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--no-save"])
            .args(["--ignore-scripts", "--loglevel=error", "--prefix"])
            .arg(&folder)
            .arg(format!("binaryen@{BINARYEN}"))
            .current_dir(&folder);
        run(&mut npm).context("npm cannot install binaryen")?;
    }
    Ok(program)
}

/// The inputs of a snapshot.
pub(crate) struct Snapshot<'a> {
    pub(crate) target: &'a Target,
    /// The folder of the target's world.
    pub(crate) wit: &'a Path,
    /// Folders of Python modules; the first ones come first in the search path.
    pub(crate) modules: &'a [PathBuf],
    /// The bounds for code that is not trusted.
    pub(crate) bounds: Option<&'a Bounds>,
}

impl Snapshot<'_> {
    /// Makes a component of the Python modules.
    ///
    /// # Errors
    ///
    /// Returns an error if no suitable Python is installed, if `componentize-py` cannot be installed or fails, or if
    /// the modules exceed the bounds.
    pub(crate) fn componentize(&self, tools: &Path, output: &Path) -> Result<()> {
        let mut command = componentize_py(tools, self.target, self.wit)?;
        command.arg("componentize");
        for folder in self.modules {
            command.arg("--python-path").arg(folder);
        }
        command.arg("--output").arg(output).arg(self.target.app);
        match self.bounds {
            None => run(&mut command).context("componentize-py failed"),
            Some(bounds) => bounds.run(command),
        }
    }
}

/// Writes the types of a world to a package in `output`. Its functions only raise.
///
/// # Errors
///
/// As for [`componentize`].
pub fn write_bindings(tools: &Path, target: &Target, wit: &Path, output: &Path) -> Result<()> {
    let mut command = componentize_py(tools, target, wit)?;
    run(command.arg("bindings").arg(output)).context("componentize-py failed")
}

/// Runs componentize-py, with a limit on the process's data if `SNAPSHOT_MEMORY` is set.
const COMPONENTIZE: &str = "
import os
most = os.environ.get('SNAPSHOT_MEMORY')
if most:
    try:
        import resource
    except ImportError:
        pass
    else:
        resource.setrlimit(resource.RLIMIT_DATA, (int(most), int(most)))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
import componentize_py
componentize_py.script()
";

/// Returns the folder of `componentize-py`, and installs it if it is missing.
///
/// # Errors
///
/// Returns an error if no suitable Python is installed, or pip fails.
pub(crate) fn install_componentize_py(tools: &Path) -> Result<PathBuf> {
    let folder = tools.join(format!("componentize-py-{COMPONENTIZE_PY}"));
    if !folder.join("componentize_py").exists() {
        let mut pip = Command::new(find_python()?);
        pip.args(["-m", "pip", "install", "--quiet", "--no-deps"])
            .args(["--disable-pip-version-check", "--target"])
            .arg(&folder)
            .arg(format!("componentize-py=={COMPONENTIZE_PY}"));
        run(&mut pip).context("pip cannot install componentize-py")?;
    }
    Ok(folder)
}

fn componentize_py(tools: &Path, target: &Target, wit: &Path) -> Result<Command> {
    let interpreter = find_python()?;
    let folder = install_componentize_py(tools)?;
    let nothing = tools.join("no-site-packages");
    std::fs::create_dir_all(&nothing)?;
    let mut command = Command::new(interpreter);
    command
        .args(["-c", COMPONENTIZE])
        .arg("--wit-path")
        .arg(wit)
        .args(["--world", target.world])
        .args(["--world-module", target.bindings])
        .env("PYTHONPATH", &folder)
        // componentize-py would add the packages of its own environment to the guest.
        .env("VIRTUAL_ENV", &nothing)
        .env("RUST_BACKTRACE", "0");
    Ok(command)
}

/// Installs packages from PyPI into `folder`, without dependencies, and only files whose hashes are in
/// `requirements`.
///
/// # Errors
///
/// Returns an error if no suitable Python is installed, or pip fails.
pub(crate) fn install_packages(requirements: &Path, folder: &Path) -> Result<()> {
    let mut pip = Command::new(find_python()?);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-compile",
    ])
    .args(["--require-hashes", "--only-binary=:all:"])
    .args(["--disable-pip-version-check", "--target"])
    .arg(folder)
    .arg("--requirement")
    .arg(requirements);
    run(&mut pip).context("pip cannot install packages")
}

/// Returns the latest version of a package in the index, for any platform; `None` if the index has no such package.
pub(crate) fn latest_version(name: &str) -> Option<String> {
    let mut pip = Command::new(find_python().ok()?);
    pip.args([
        "-m",
        "pip",
        "index",
        "versions",
        "--no-input",
        "--retries=1",
    ])
    .args(["--disable-pip-version-check", "--", name])
    .stdin(Stdio::null());
    let output = pip.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let (_, version) = text.lines().next()?.split_once(" (")?;
    Some(version.trim_end_matches(')').to_owned())
}

/// Returns the name of a Python that can run the build.
pub(crate) fn find_python() -> Result<&'static str> {
    let check = "import sys, pip; sys.exit(sys.version_info < (3, 10))";
    for name in ["python3", "python"] {
        let status = Command::new(name)
            .args(["-c", check])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if status.is_ok_and(|s| s.success()) {
            return Ok(name);
        }
    }
    bail!(
        "building the guest needs python3 3.10 or newer with pip (install it, or use a guest that \
         `archipel guest export` wrote on another machine: name it in ARCHIPEL_GUEST, or in Image::open)"
    )
}

/// Looks up the programs on this machine.
pub fn survey() -> Vec<Tool> {
    vec![
        Tool {
            name: "python3 with pip",
            found: find_python().map_err(|e| e.to_string()).and_then(version),
            purpose: "builds the guest (needed once)",
        },
        Tool {
            name: "wasm-opt",
            found: wasm_opt_version()
                .map(|v| format!("version {v}"))
                .map_err(|e| e.to_string()),
            purpose: "optimises the guest (not needed if node and npm are installed)",
        },
        Tool {
            name: "node",
            found: version("node"),
            purpose: "runs binaryen from npm if wasm-opt is not installed",
        },
        Tool {
            name: "npm",
            found: version("npm"),
            purpose: "installs binaryen if wasm-opt is not installed",
        },
    ]
}

fn version(program: &str) -> std::result::Result<String, String> {
    let output = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .map_err(|_| "not installed".to_owned())?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() {
        Ok(text)
    } else {
        Err("does not run".to_owned())
    }
}

fn wasm_opt_version() -> Result<u32> {
    let text = version("wasm-opt").map_err(anyhow::Error::msg)?;
    text.split_whitespace()
        .find_map(|word| word.parse().ok())
        .with_context(|| format!("unknown version: {text}"))
}

/// The error text of programs on a full disk.
const DISK_FULL: &str = "No space left on device";

/// Runs `command`, and reports its output only if it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or(OsStr::new("?"))
        .to_string_lossy()
        .into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {program}"))?;
    check_output(&program, &output)
}

/// Returns an error, in one line, if a program failed.
fn check_output(program: &str, output: &Output) -> Result<()> {
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success() || !said.contains(DISK_FULL),
        "{program} failed: no space left on the cache's disk (free about 400 MB, or set ARCHIPEL_CACHE_DIR to a \
         folder on another disk)"
    );
    // The error message is one line.
    let said = said
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("; ");
    let tail = said.len() - said.len().min(2000);
    let tail = (tail..said.len())
        .find(|i| said.is_char_boundary(*i))
        .unwrap_or(said.len());
    ensure!(
        output.status.success(),
        "{program} failed with {}: {}",
        output.status,
        &said[tail..]
    );
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_failing_program_is_reported_in_one_line() {
        for (script, told) in [
            ("exit 0", None),
            ("echo No space left on device >&2", None),
            (
                "echo one >&2; echo two >&2; exit 3",
                Some("sh failed with exit status: 3: one; two"),
            ),
            (
                "echo 'x: No space left on device' >&2; exit 1",
                Some("no space left on the cache's disk"),
            ),
        ] {
            let outcome = run(Command::new("sh").args(["-c", script]));
            let error = outcome.err().map(|error| error.to_string());
            assert_eq!(error.is_some(), told.is_some(), "{error:?}");
            let (error, told) = (error.unwrap_or_default(), told.unwrap_or_default());
            assert!(error.contains(told) && !error.contains('\n'), "{error}");
        }
    }
}
