//! Images: guests with packages, and with the state that a set-up script leaves.
//!
//! pip resolves the requirements to wheels (`resolve`), which are unpacked (`wheel`). Nothing of a package runs on the
//! host: its modules are imported only in the guest, while the snapshot is being made.

mod archive;
mod resolve;
mod wheel;

use crate::assemble::{self, Extras, Step};
use crate::cached;
use crate::description::{Description, INTERFACE, Package, sha256};
use crate::packages;
use crate::stored::{describe, image_path, is_image_name};
use crate::tools::{self, Bounds};
use crate::variant::Variant;
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The inputs of an image.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Plan {
    /// The name of the image. `None` stands for that of the first package.
    pub name: Option<String>,
    /// Requirements, such as `numpy` and `attrs==25.1.0`.
    pub packages: Vec<String>,
    /// Files of requirements.
    pub requirements: Vec<PathBuf>,
    /// The script that runs in the guest before the snapshot.
    pub setup: Option<PathBuf>,
    /// Modules to import before the snapshot.
    pub imports: Vec<String>,
    /// The longest time for making the snapshot.
    pub time: Duration,
    /// The memory that making the snapshot may take, in bytes.
    pub memory: u64,
}

impl Default for Plan {
    /// Returns a plan without packages, with 10 minutes and 4 GiB for the snapshot.
    fn default() -> Self {
        Plan {
            name: None,
            packages: Vec::new(),
            requirements: Vec::new(),
            setup: None,
            imports: Vec::new(),
            time: Duration::from_secs(600),
            memory: 4 << 30,
        }
    }
}

/// The maximum size of a set-up script, in bytes.
const LONGEST_SETUP: usize = 1 << 20;

/// The space that making a snapshot may take on disk, in bytes.
const DISK: u64 = 2 << 30;

/// The version of CPython in the guest.
const PYTHON: &str = "3.14";

/// Builds the image of a plan, stores it in `cache` under its name, and returns its file and description.
///
/// An image that was built from the same inputs is not built again. Calls `progress` at the start of each step.
///
/// # Errors
///
/// Returns an error if the requirements cannot be resolved, a wheel cannot be used, an import or the set-up script
/// fails, exceeds a limit or leaves a handle open, a required tool is missing or fails, or `cache` is not writable.
pub fn build_image(
    plan: &Plan,
    cache: &Path,
    progress: &mut dyn FnMut(Step),
) -> Result<(PathBuf, Description)> {
    let name = plan.image_name()?;
    let path = image_path(cache, &name).context("no valid name")?;
    let setup = plan.read_setup()?;
    for module in &plan.imports {
        ensure!(
            module.split('.').all(is_identifier),
            "--import {module}: not the name of a module"
        );
    }
    let lock = assemble::lock(cache, progress)?;
    let work = assemble::fresh_work(cache)?;
    let wheels = work.join("wheels");
    resolve::download(plan, cache, &wheels, progress)?;
    let folder = work.join("packages");
    fs::create_dir_all(&folder)?;
    let packages = unpack_all(&wheels, &folder)?;
    verify_compiled(&packages, cache)?;
    let imports = imports(plan, &packages);

    let optimiser = tools::Optimiser::choose();
    let inputs = inputs(&name, &packages, &imports, setup.as_deref());
    if let Some(description) = existing(&path, &inputs) {
        fs::remove_dir_all(&work)?;
        return Ok((path, description));
    }
    let extras = Extras {
        packages: Some(folder),
        imports: imports.clone(),
        setup: setup.clone(),
        bounds: Some(Bounds {
            time: plan.time,
            memory: plan.memory,
            folder: work.clone(),
            disk: DISK,
        }),
    };
    let note = assemble::assemble(Variant::Island, cache, &work, &optimiser, &extras, progress)?;
    let component = fs::read(work.join(cached::COMPONENT))?;
    let description = Description {
        name,
        archipel: env!("CARGO_PKG_VERSION").to_owned(),
        interface: INTERFACE,
        python: PYTHON.to_owned(),
        packages,
        imports,
        setup: setup.as_deref().map(sha256),
        inputs,
        built: format!("componentize-py {}; {note}", tools::COMPONENTIZE_PY),
        content: String::new(),
    };
    let (whole, description) = description.attach(&component)?;
    let finished = work.join("image.wasm");
    fs::write(&finished, whole)?;
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::rename(&finished, &path)
        .with_context(|| format!("cannot write the image to {}", path.display()))?;
    fs::remove_dir_all(&work)?;
    drop(lock);
    Ok((path, description))
}

impl Plan {
    /// Returns the name of the image.
    ///
    /// # Errors
    ///
    /// Returns an error if the name is missing or invalid.
    pub fn image_name(&self) -> Result<String> {
        let name = match (&self.name, self.packages.first()) {
            (Some(name), _) => name.clone(),
            (None, Some(first)) => {
                let end = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
                packages::normalise(first.split(end).next().unwrap_or_default())
            }
            (None, None) => bail!("the image has no name (give it one with --name)"),
        };
        ensure!(
            is_image_name(&name),
            "{name:?} is not a valid name of an image (use up to 64 letters, digits, dots, underscores and hyphens)"
        );
        ensure!(
            name != "standard",
            "the name standard stands for the guest without packages (choose another with --name)"
        );
        Ok(name)
    }

    fn read_setup(&self) -> Result<Option<Vec<u8>>> {
        let Some(path) = &self.setup else {
            return Ok(None);
        };
        let source = fs::read(path)
            .with_context(|| format!("cannot read the set-up script {}", path.display()))?;
        ensure!(
            source.len() <= LONGEST_SETUP,
            "the set-up script {} is larger than 1 MiB",
            path.display()
        );
        Ok(Some(source))
    }
}

fn is_identifier(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}

/// Unpacks all wheels into `folder`, and returns their descriptions, sorted by name.
fn unpack_all(wheels: &Path, folder: &Path) -> Result<Vec<Package>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(wheels)? {
        paths.push(entry?.path());
    }
    paths.sort();
    let unpacked = paths.iter().map(|wheel| wheel::unpack(wheel, folder));
    let mut packages = unpacked.collect::<Result<Vec<_>>>()?;
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(packages)
}

/// Checks the wheels that recipes built: they are those that were written to the wheelhouse.
fn verify_compiled(packages: &[Package], cache: &Path) -> Result<()> {
    for package in packages {
        let recipe = packages::find(&package.name, Some(&package.version));
        if recipe.is_ok_and(|recipe| recipe.wheel() == package.wheel) {
            packages::ensure(&package.name, Some(&package.version), cache, &mut |_| {})?;
        }
    }
    Ok(())
}

/// Returns the modules to import: those that the plan names, and those of recipes.
fn imports(plan: &Plan, packages: &[Package]) -> Vec<String> {
    let recipes = packages
        .iter()
        .filter_map(|package| packages::find(&package.name, Some(&package.version)).ok());
    let mut imports = plan.imports.clone();
    for module in recipes.flat_map(|recipe| &recipe.imports) {
        if !imports.contains(module) {
            imports.push(module.clone());
        }
    }
    imports
}

/// Returns the hash of everything that an image is built from.
fn inputs(name: &str, packages: &[Package], imports: &[String], setup: Option<&[u8]>) -> String {
    let guest = cached::key(Variant::Island);
    let setup = setup.map(sha256);
    let rest = (name, &guest, imports, &setup);
    // These types have no maps with other keys than strings, so this cannot fail.
    let text = serde_json::to_vec(&(packages, rest)).unwrap_or_default();
    sha256(&text)
}

/// Returns the description of an intact image that was built from the same inputs.
fn existing(path: &Path, inputs: &str) -> Option<Description> {
    let description = describe(path).ok()?;
    let same = description.inputs == inputs && description.mismatch().is_none();
    (same && description.verify(&fs::read(path).ok()?).is_ok()).then_some(description)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_named_after_its_first_package() {
        let named = |packages: &[&str], name: Option<&str>| {
            let plan = Plan {
                name: name.map(str::to_owned),
                packages: packages.iter().map(|&p| p.to_owned()).collect(),
                ..Plan::default()
            };
            plan.image_name().map_err(|error| error.to_string())
        };
        assert_eq!(named(&["Flask_Cors[x]>=1,<2"], None).unwrap(), "flask-cors");
        assert_eq!(named(&["numpy==2.5.5"], None).unwrap(), "numpy");
        assert_eq!(named(&["numpy"], Some("science")).unwrap(), "science");
        for (packages, name, why) in [
            (&[][..], None, "has no name"),
            (&["./a"], None, "not a valid name"),
            (&["numpy"], Some("../x"), "not a valid name"),
            (&["numpy"], Some("standard"), "without packages"),
        ] {
            let error = named(packages, name).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn every_input_changes_the_hash() {
        let package = |version: &str| Package {
            name: "a".to_owned(),
            version: version.to_owned(),
            wheel: "a".to_owned(),
            sha256: "0".to_owned(),
        };
        let imports = ["a".to_owned()];
        let hashes = [
            inputs("n", &[package("1")], &[], None),
            inputs("m", &[package("1")], &[], None),
            inputs("n", &[package("2")], &[], None),
            inputs("n", &[package("1")], &imports, None),
            inputs("n", &[package("1")], &[], Some(b"x")),
        ];
        let distinct: std::collections::BTreeSet<_> = hashes.iter().collect();
        assert_eq!(distinct.len(), hashes.len());
        assert_eq!(hashes[0], inputs("n", &[package("1")], &[], None));
    }
}
