//! Resolving requirements to wheels with pip, which is kept from building anything (`resolve.py`).

use super::{Plan, wheel};
use crate::assemble::Step;
use crate::packages::{self, Recipe};
use crate::tools;
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The program that runs pip.
const PROGRAM: &str = include_str!("resolve.py");

/// The options for wheels that the guest can use.
const OPTIONS: &[&str] = &[
    "download",
    "--no-input",
    "--no-color",
    "--progress-bar=off",
    "--disable-pip-version-check",
    "--retries=1",
    "--timeout=15",
    "--only-binary=:all:",
    "--platform=any",
    "--python-version=3.14",
    "--implementation=cp",
    "--abi=cp314",
    "--abi=abi3",
    "--abi=none",
];

/// Signs of a missing network in pip's output.
const OFFLINE: &[&str] = &["connection broken", "Could not fetch URL", "Connection to"];

/// Downloads the wheels of a plan to `folder`, or copies them from the wheelhouse. Packages that need a recipe are built
/// first.
///
/// # Errors
///
/// Returns an error, in one line, if the requirements are invalid, conflict, or have no usable wheel.
pub(super) fn download(
    plan: &Plan,
    cache: &Path,
    folder: &Path,
    progress: &mut dyn FnMut(Step),
) -> Result<()> {
    fs::create_dir_all(folder)?;
    for file in &plan.requirements {
        ensure!(
            file.is_file(),
            "cannot read the requirements file {}",
            file.display()
        );
    }
    if plan.packages.is_empty() && plan.requirements.is_empty() {
        return Ok(());
    }
    let wheelhouse = packages::wheelhouse(cache);
    let mut wanted = Vec::new();
    for requirement in &plan.packages {
        wanted.push(with_recipe(requirement, cache, progress)?);
    }
    progress(Step::Resolve);
    let pip = Pip {
        files: &plan.requirements,
        wanted: &wanted,
        wheelhouse: &wheelhouse,
        folder,
    };
    // The wheelhouse comes first, so the network is used only for wheels that it lacks.
    let mut index = false;
    let mut built = BTreeSet::new();
    loop {
        let output = pip.run(index)?;
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            break;
        }
        let missing = missing(&said);
        let recipe = missing
            .as_deref()
            .and_then(|requirement| packages::exact(name_of(requirement)));
        if let (Some(recipe), Some(requirement)) = (recipe, &missing)
            && built.insert(recipe.name.clone())
            && fits(requirement, &recipe.version)?
        {
            build_wheel(recipe, cache, progress)?;
        } else if !index {
            index = true;
        } else if let Some(requirement) = missing {
            return Err(no_wheel(&requirement, &said));
        } else {
            bail!(
                "{}",
                explain(&said, &String::from_utf8_lossy(&output.stdout))
            );
        }
    }
    keep(plan, folder, &wheelhouse);
    Ok(())
}

/// A call of pip.
struct Pip<'a> {
    files: &'a [PathBuf],
    wanted: &'a [String],
    wheelhouse: &'a Path,
    folder: &'a Path,
}

impl Pip<'_> {
    /// Runs pip with the wheelhouse, and with the package index if `index` is true.
    fn run(&self, index: bool) -> Result<Output> {
        let mut pip = Command::new(tools::find_python()?);
        pip.args(["-c", PROGRAM]).args(OPTIONS);
        pip.args(["--platform", wheel::PLATFORM]);
        if !index {
            pip.arg("--no-index");
        }
        if self.wheelhouse.is_dir() {
            pip.arg("--find-links").arg(self.wheelhouse);
        }
        pip.arg("--dest").arg(self.folder);
        for file in self.files {
            pip.arg("--requirement").arg(file);
        }
        pip.arg("--").args(self.wanted);
        pip.stdin(Stdio::null());
        pip.output().context("cannot start pip")
    }
}

/// Returns a requirement as it is given to pip. If it has a recipe, its wheel is built first, unless the wheelhouse has
/// it.
///
/// # Errors
///
/// Returns an error if the recipe builds a version that does not fit, and the wheelhouse has no other.
fn with_recipe(requirement: &str, cache: &Path, progress: &mut dyn FnMut(Step)) -> Result<String> {
    let name = name_of(requirement);
    let direct = requirement.contains('@') || requirement.contains('/');
    let recipe = packages::find(name, None).ok().filter(|_| !direct);
    let Some(recipe) = recipe else {
        return Ok(requirement.to_owned());
    };
    if !fits(requirement, &recipe.version)? {
        let others = fs::read_dir(packages::wheelhouse(cache));
        let mut others = others.into_iter().flatten().flatten();
        let is_other = |file: fs::DirEntry| {
            let name = wheel::Name::parse(&file.file_name().to_string_lossy());
            name.is_ok_and(|name| name.name == recipe.name && name.version != recipe.version)
        };
        ensure!(
            others.any(is_other),
            "no version of {name} fits {requirement} (the recipe builds {})",
            recipe.version
        );
        return Ok(requirement.to_owned());
    }
    let wheel = build_wheel(recipe, cache, progress)?;
    // Other packages in the index can have the name of a module of the standard library.
    Ok(match recipe.provides.is_empty() {
        true => requirement.to_owned(),
        false => wheel.to_string_lossy().into_owned(),
    })
}

/// Builds the wheel of a recipe, unless the wheelhouse has it, and returns its path.
fn build_wheel(recipe: &Recipe, cache: &Path, progress: &mut dyn FnMut(Step)) -> Result<PathBuf> {
    let mut compiling = |_: &str| progress(Step::Compile);
    packages::ensure(&recipe.name, None, cache, &mut compiling)
}

/// The program that compares the version in its second argument with the requirement in its first. pip reports invalid
/// requirements later.
const COMPARE: &str = "\
import sys
from pip._vendor.packaging.requirements import InvalidRequirement, Requirement
try:
    wanted = Requirement(sys.argv[1]).specifier
except InvalidRequirement:
    sys.exit(0)
sys.exit(0 if wanted.contains(sys.argv[2], prereleases=True) else 3)
";

/// Returns whether a version satisfies a requirement.
fn fits(requirement: &str, version: &str) -> Result<bool> {
    let rest = requirement[name_of(requirement).len()..].trim();
    let exact = rest.strip_prefix("==").map(str::trim);
    if rest.is_empty() || exact == Some(version) {
        return Ok(true);
    }
    let mut python = Command::new(tools::find_python()?);
    python.args(["-c", COMPARE, requirement, version]);
    let status = python.stdin(Stdio::null()).status();
    Ok(status.context("cannot start Python")?.code() != Some(3))
}

/// Returns the name at the start of a requirement.
fn name_of(requirement: &str) -> &str {
    let end = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    requirement.split(end).next().unwrap_or_default()
}

/// Adds the wheels in `folder` to the wheelhouse, so that they are found without a network, except those that the plan
/// names by their paths. A failure does no harm.
fn keep(plan: &Plan, folder: &Path, wheelhouse: &Path) {
    let wheels = fs::read_dir(folder).into_iter().flatten().flatten();
    if fs::create_dir_all(wheelhouse).is_err() {
        return;
    }
    for wheel in wheels {
        let name = wheel.file_name();
        let given = plan.packages.iter().map(Path::new);
        if given.filter_map(Path::file_name).any(|given| given == name) {
            continue;
        }
        let to = wheelhouse.join(name);
        if !to.exists() {
            let unfinished = to.with_extension("unfinished");
            let copied = fs::copy(wheel.path(), &unfinished);
            if copied.and_then(|_| fs::rename(&unfinished, &to)).is_err() {
                let _ = fs::remove_file(unfinished);
            }
        }
    }
}

/// Returns the requirement for which pip found no wheel.
fn missing(said: &str) -> Option<String> {
    let prefix = "ERROR: No matching distribution found for ";
    let mut lines = said.lines();
    let found = lines.find_map(|line| line.trim().strip_prefix(prefix))?;
    Some(found.trim().to_owned())
}

/// The error of a requirement without a usable wheel. It says what exists.
fn no_wheel(requirement: &str, said: &str) -> anyhow::Error {
    let name = name_of(requirement);
    if let Some(recipe) = packages::exact(name) {
        return anyhow::anyhow!(
            "no version of {name} fits {requirement} (the recipe builds {})",
            recipe.version
        );
    }
    if OFFLINE.iter().any(|sign| said.contains(sign)) {
        return anyhow::anyhow!(
            "no wheel of {requirement} in the wheelhouse, and the package index cannot be reached (connect, or add the \
             wheel to ARCHIPEL_WHEELHOUSE)"
        );
    }
    let (_, versions) = said.split_once("(from versions: ").unwrap_or_default();
    let versions = versions.split(')').next().unwrap_or_default();
    if !matches!(versions, "" | "none") {
        let last: Vec<&str> = versions.rsplit(", ").take(5).collect();
        return anyhow::anyhow!(
            "no version of {name} fits {requirement} (choose one of: {})",
            last.join(", ")
        );
    }
    match tools::latest_version(name) {
        Some(version) => anyhow::anyhow!(
            "{name} {version} has no wheel of pure Python, and no recipe for a compiled one exists (leave it out; \
             `archipel package list` has the recipes)"
        ),
        None => anyhow::anyhow!("no package is named {name} (check the spelling)"),
    }
}

/// Returns pip's reason for another failure, in one line.
fn explain(said: &str, printed: &str) -> String {
    let conflict = printed.split_once("The conflict is caused by:");
    if let Some((_, rest)) = conflict {
        let causes = rest.lines().skip(1).map(str::trim);
        let causes: Vec<&str> = causes.take_while(|line| !line.is_empty()).collect();
        return format!(
            "the requirements conflict: {} (ask for versions that agree)",
            causes.join("; ")
        );
    }
    if said.contains("packages are not built for an image") {
        return "a requirement names a source instead of a wheel, and packages are not built for an image (name a \
                package with a wheel, or a wheel's file)"
            .to_owned();
    }
    if said.contains("No space left on device") {
        return "no space left on the cache's disk (free some, or set ARCHIPEL_CACHE_DIR to a folder on another disk)"
            .to_owned();
    }
    let errors = said.lines().map(str::trim);
    let errors = errors.filter_map(|line| line.strip_prefix("ERROR: "));
    let errors: Vec<&str> = errors.collect();
    let text = match errors.is_empty() {
        true => said.split_whitespace().collect::<Vec<_>>().join(" "),
        false => errors.join("; "),
    };
    let short: String = text.chars().take(500).collect();
    format!("pip cannot resolve the requirements: {short}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_is_explained_in_one_line() {
        let printed = "Processing a\n\nThe conflict is caused by:\n    aa 1 depends on cc<2\n    bb 1 depends on \
                       cc>=2\n\nTo fix this you could try to:\n1. loosen\n";
        let said = "ERROR: Cannot install aa==1 and bb==1 because of conflicting dependencies.\n";
        assert_eq!(
            explain(said, printed),
            "the requirements conflict: aa 1 depends on cc<2; bb 1 depends on cc>=2 (ask for versions that agree)"
        );
        assert_eq!(
            explain("WARNING: x\nERROR: Invalid requirement: '>bad'\n", ""),
            "pip cannot resolve the requirements: Invalid requirement: '>bad'"
        );
    }

    #[test]
    fn a_version_fits_a_requirement_as_pip_defines_it() {
        for (requirement, expected) in [
            ("numpy", true),
            ("numpy==2.5.5", true),
            ("numpy == 2.5.*", true),
            ("numpy[extra]>=2,<3; python_version > '3'", true),
            ("numpy==1.0", false),
            ("numpy<2.5", false),
            ("numpy>bad", true),
        ] {
            assert_eq!(
                fits(requirement, "2.5.5").unwrap(),
                expected,
                "{requirement}"
            );
        }
    }

    #[test]
    fn a_requirement_without_a_wheel_is_named_with_what_exists() {
        let said = "ERROR: Could not find a version that satisfies the requirement scipy>1 (from dd) (from versions: \
                    none)\nERROR: No matching distribution found for scipy>1\n";
        assert_eq!(missing(said).unwrap(), "scipy>1");
        let offline =
            format!("WARNING: Retrying after connection broken by 'x': /simple/scipy/\n{said}");
        let text = no_wheel("numpy<2", &offline).to_string();
        assert!(
            text.starts_with("no version of numpy fits numpy<2 (the recipe builds 2."),
            "{text}"
        );
        let text = no_wheel("scipy>1", &offline).to_string();
        assert!(
            text.contains("wheelhouse") && text.contains("cannot be reached"),
            "{text}"
        );
        let versions = said.replace("none", "1.0, 1.1, 2.0");
        let text = no_wheel("attrs>9", &versions).to_string();
        assert_eq!(
            text,
            "no version of attrs fits attrs>9 (choose one of: 2.0, 1.1, 1.0)"
        );
    }
}
