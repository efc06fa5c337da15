//! Recipes: descriptions of packages that are compiled for the guest.

use super::PLATFORM;
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;

/// The recipes by name. The list is sorted.
const SOURCES: &[(&str, &str)] = &[
    ("contourpy", include_str!("../../recipes/contourpy.toml")),
    ("kiwisolver", include_str!("../../recipes/kiwisolver.toml")),
    ("markupsafe", include_str!("../../recipes/markupsafe.toml")),
    ("matplotlib", include_str!("../../recipes/matplotlib.toml")),
    ("msgpack", include_str!("../../recipes/msgpack.toml")),
    ("numpy", include_str!("../../recipes/numpy.toml")),
    ("pandas", include_str!("../../recipes/pandas.toml")),
    ("pillow", include_str!("../../recipes/pillow.toml")),
    ("pyyaml", include_str!("../../recipes/pyyaml.toml")),
    ("regex", include_str!("../../recipes/regex.toml")),
    ("stdlib-bz2", include_str!("../../recipes/stdlib-bz2.toml")),
    (
        "stdlib-lzma",
        include_str!("../../recipes/stdlib-lzma.toml"),
    ),
    (
        "stdlib-zstd",
        include_str!("../../recipes/stdlib-zstd.toml"),
    ),
];

macro_rules! files {
    ($($recipe:literal / $($name:literal)/+),* $(,)?) => {
        &[$(($recipe, concat!($("/", $name),+), include_bytes!(concat!("../../recipes/", $recipe, $("/", $name),+)))),*]
    };
}

/// The files that recipes add to the source: the recipe, the path with a slash before each part, and the contents.
const FILES: &[(&str, &str, &[u8])] = files!(
    "matplotlib" / "subprojects" / "freetype" / "meson.build",
    "matplotlib" / "subprojects" / "libqhull" / "meson.build",
    "pillow" / "configuration" / "jconfig.h",
    "pillow" / "configuration" / "jconfigint.h",
    "pillow" / "configuration" / "jversion.h",
    "pillow" / "setup.py",
    "stdlib-bz2" / "_bz2.pyx",
    "stdlib-bz2" / "setup.py",
    "stdlib-lzma" / "_lzma.pyx",
    "stdlib-lzma" / "setup.py",
    "stdlib-zstd" / "pyproject.toml",
    "stdlib-zstd" / "setup.py",
);

/// A recipe: the source of a package, and how to compile it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Recipe {
    /// The normalised name of the package.
    pub name: String,
    /// The version that the recipe builds.
    pub version: String,
    /// The SHA-256 of the package's source distribution on PyPI, in hexadecimal digits, if it has one.
    pub sha256: Option<String>,
    /// The modules of the standard library that the package adds. They are names of the package, too.
    #[serde(default)]
    pub provides: Vec<String>,
    /// The modules to import before the snapshot.
    #[serde(default)]
    pub imports: Vec<String>,
    /// The recipes of the packages that this one needs when it is built and used.
    #[serde(default)]
    pub needs: Vec<String>,
    /// A script that raises if the built package does not work in the guest.
    pub test: String,
    pub(super) backend: Backend,
    /// The Meson program in the source, instead of the toolchain's.
    pub(super) meson: Option<String>,
    /// Options of the build system.
    #[serde(default)]
    pub(super) options: Vec<String>,
    /// Options of Meson's installation.
    #[serde(default)]
    pub(super) install: Vec<String>,
    /// Options of Meson's installation of the package's own tests, which become a wheel of their own.
    #[serde(default)]
    pub(super) tests: Vec<String>,
    /// Options of the C and C++ compilers.
    #[serde(default)]
    pub(super) cflags: Vec<String>,
    /// The module that defines the floating-point flags for all modules of the package. Without it, each module has
    /// its own.
    pub(super) flags: Option<String>,
    /// Further source distributions, unpacked into folders of the first.
    #[serde(default)]
    pub(super) sources: Vec<Source>,
    #[serde(default)]
    pub(super) patches: Vec<Patch>,
}

/// A build system.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Backend {
    Setuptools,
    Meson,
}

/// A further source distribution.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    #[serde(default)]
    pub registry: Registry,
    pub name: String,
    pub version: String,
    pub sha256: String,
    pub folder: String,
}

/// A registry of source distributions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Registry {
    #[default]
    PyPi,
    Crates,
}

/// A replacement in a source file, which must contain the text.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Patch {
    file: String,
    find: String,
    replace: String,
}

impl Recipe {
    fn parse(text: &str) -> Result<Self> {
        let recipe: Recipe = toml::from_str(text)?;
        ensure!(
            normalise(&recipe.name) == recipe.name,
            "the name {:?} is not normalised",
            recipe.name
        );
        let further = recipe.sources.iter().map(|source| &source.sha256);
        for hash in further.chain(&recipe.sha256) {
            let digits = hash
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            ensure!(hash.len() == 64 && digits, "{hash:?} is not a SHA-256");
        }
        Ok(recipe)
    }

    /// Returns the name of the package in names of files.
    pub(super) fn distribution(&self) -> String {
        self.name.replace('-', "_")
    }

    /// Returns the name of the wheel's file.
    pub fn wheel(&self) -> String {
        format!(
            "{}-{}-cp314-cp314-{PLATFORM}.whl",
            self.distribution(),
            self.version
        )
    }

    /// Returns the name of the file of the wheel with the package's own tests, if the recipe makes one.
    pub(super) fn test_wheel(&self) -> Option<String> {
        let (name, version) = (self.distribution(), &self.version);
        let file = format!("{name}_tests-{version}-cp314-cp314-{PLATFORM}.whl");
        (!self.tests.is_empty()).then_some(file)
    }

    /// Returns the files that the recipe adds to the source, by their paths.
    pub(super) fn files(&self) -> impl Iterator<Item = (&'static str, &'static [u8])> {
        let own = FILES.iter().filter(|(recipe, ..)| *recipe == self.name);
        own.map(|(_, path, contents)| (path.trim_start_matches('/'), *contents))
    }

    /// Returns the text `NAME VERSION`.
    pub fn identity(&self) -> String {
        format!("{} {}", self.name, self.version)
    }
}

/// Returns a package's name in lower case, with single hyphens between its parts.
pub(crate) fn normalise(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

/// Returns all recipes, sorted by name.
pub fn recipes() -> &'static [Recipe] {
    static RECIPES: OnceLock<Vec<Recipe>> = OnceLock::new();
    RECIPES.get_or_init(|| {
        // A test checks that each one is valid.
        let parsed = SOURCES.iter().map(|(_, text)| Recipe::parse(text));
        parsed.filter_map(Result::ok).collect()
    })
}

/// Returns the recipe of a package, by its name or by a module of the standard library that it adds.
///
/// The name need not be normalised.
///
/// # Errors
///
/// Returns an error if no recipe has this name, or if the recipe builds another version.
pub fn find(name: &str, version: Option<&str>) -> Result<&'static Recipe> {
    let wanted = normalise(name);
    let adds = |recipe: &&Recipe| recipe.provides.iter().any(|m| normalise(m) == wanted);
    let found = exact(name).or_else(|| recipes().iter().find(adds));
    let recipe = found.with_context(|| {
        let names = recipes().iter().map(|recipe| recipe.name.as_str());
        let names = names.collect::<Vec<_>>().join(", ");
        format!(
            "package {name:?} has no recipe (recipes: {names}; packages of pure Python need none)"
        )
    })?;
    match version {
        Some(version) if version != recipe.version => bail!(
            "{name} {version} has no recipe (the recipe builds {})",
            recipe.identity()
        ),
        _ => Ok(recipe),
    }
}

/// Returns the recipe of a package that others can require. The name need not be normalised.
pub(crate) fn exact(name: &str) -> Option<&'static Recipe> {
    let wanted = normalise(name);
    recipes().iter().find(|recipe| recipe.name == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adds the paths of the files in a folder, if it exists.
    fn list(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => list(&path, found),
                false => found.push(path.to_str().unwrap().to_owned()),
            }
        }
    }

    #[test]
    fn every_recipe_is_valid_and_embedded() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/recipes");
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                files.push(path.file_stem().unwrap().to_str().unwrap().to_owned());
            }
        }
        files.sort();
        let embedded = SOURCES.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        assert_eq!(files, embedded);
        let added = FILES
            .iter()
            .map(|(recipe, path, _)| format!("{folder}/{recipe}{path}"));
        let mut there = Vec::new();
        for (name, _) in SOURCES {
            list(&std::path::Path::new(folder).join(name), &mut there);
        }
        there.sort();
        assert_eq!(added.collect::<Vec<_>>(), there);
        for (name, text) in SOURCES {
            let recipe = Recipe::parse(text).unwrap();
            assert_eq!(recipe.name, *name);
            assert!(recipe.sha256.is_some() || !recipe.sources.is_empty());
            for needed in &recipe.needs {
                assert!(find(needed, None).is_ok(), "{name} needs {needed}");
            }
        }
    }

    #[test]
    fn a_recipe_with_an_unknown_key_or_a_short_hash_is_invalid() {
        let valid = SOURCES[0].1;
        assert!(Recipe::parse(valid).is_ok());
        let unknown = format!("colour = 1\n{valid}");
        assert!(Recipe::parse(&unknown).is_err());
        let hash = recipes()[0].sha256.as_ref().unwrap();
        for wrong in ["abc", &hash.to_uppercase(), &hash[1..]] {
            let error = Recipe::parse(&valid.replace(hash.as_str(), wrong)).unwrap_err();
            assert!(error.to_string().contains("is not a SHA-256"), "{error}");
        }
    }

    #[test]
    fn a_recipe_is_found_by_any_spelling_of_its_name() {
        for name in ["MarkupSafe", "markupsafe", "markupsafe."] {
            assert_eq!(find(name, None).unwrap().name, "markupsafe");
        }
        for name in ["zstd", "stdlib_zstd"] {
            assert_eq!(find(name, None).unwrap().name, "stdlib-zstd");
        }
        assert_eq!(find("compression.zstd", None).unwrap().name, "stdlib-zstd");
        assert!(exact("numpy").is_some() && exact("bz2").is_none());
        let error = find("torch", None).unwrap_err().to_string();
        assert!(
            error.contains("numpy") && error.contains("\"torch\""),
            "{error}"
        );
        let error = find("numpy", Some("1.0")).unwrap_err().to_string();
        assert!(
            error.starts_with("numpy 1.0 has no recipe (the recipe builds numpy "),
            "{error}"
        );
    }
}
