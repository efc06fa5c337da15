//! Tests the resolution of an image's requirements: recipes and the wheelhouse come first, and the index is used last.

use super::wheels::Wheel;
use crate::cli::{output, text};
use archipel_guest::packages;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A wheelhouse, an empty cache, and a package index that only counts its connections.
struct Place {
    folder: TempDir,
    index: TcpListener,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("house")).unwrap();
        let index = TcpListener::bind("127.0.0.1:0").unwrap();
        index.set_nonblocking(true).unwrap();
        Place { folder, index }
    }

    fn house(&self) -> std::path::PathBuf {
        self.folder.path().join("house")
    }

    /// Builds an image, which must fail before the index is used. Returns the error's text.
    fn refused(&self, packages: &[&str]) -> String {
        let url = format!("http://{}/simple/", self.index.local_addr().unwrap());
        let mut command = Command::new(env!("CARGO_BIN_EXE_archipel"));
        command
            .args(["image", "build", "--name", "refused"])
            .args(packages)
            .env("ARCHIPEL_WHEELHOUSE", self.house())
            .env("ARCHIPEL_CACHE_DIR", self.folder.path().join("cache"))
            .env("PIP_INDEX_URL", url)
            .env_remove("PIP_FIND_LINKS");
        let output = output(&mut command, "");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(125), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(self.index.accept().is_err(), "the index was used: {said}");
        said
    }
}

/// Writes a damaged wheel of a recipe to the wheelhouse.
fn damage(house: &Path, recipe: &str) {
    let wheel = house.join(packages::find(recipe, None).unwrap().wheel());
    std::fs::write(&wheel, "damaged").unwrap();
    std::fs::write(format!("{}.sha256", wheel.display()), "0000\n").unwrap();
}

#[test]
fn a_version_that_no_recipe_builds_is_refused_with_the_recipes_version() {
    let place = Place::new();
    let version = &packages::find("numpy", None).unwrap().version;
    for requirement in ["numpy==1.0", "numpy>=99"] {
        let said = place.refused(&[requirement]);
        let told = format!("no version of numpy fits {requirement} (the recipe builds {version})");
        assert!(said.contains(&told), "{said}");
    }
}

/// The wheelhouse has all wheels, and one of them contains native code. The outcome: all are found without the index,
/// and that wheel is refused.
#[test]
fn a_full_wheelhouse_needs_no_index() {
    let place = Place::new();
    Wheel::new("needed", "1.5")
        .file("needed/native.so", "")
        .write(&place.house());
    Wheel::new("needs", "1")
        .needs("needed>=1")
        .write(&place.house());
    let said = place.refused(&["needs"]);
    assert!(
        said.contains("cannot use needed-1.5-py3-none-any.whl"),
        "{said}"
    );
}

#[test]
fn a_damaged_wheel_of_a_recipe_is_refused() {
    let place = Place::new();
    for (requirement, recipe) in [
        ("MarkupSafe", "markupsafe"),
        ("compression.zstd", "stdlib-zstd"),
    ] {
        damage(&place.house(), recipe);
        let said = place.refused(&[requirement]);
        let wheel = packages::find(recipe, None).unwrap().wheel();
        let told = format!("{wheel} is damaged");
        assert!(said.contains(&told), "{said}");
    }
}

/// The wheelhouse has another version than the recipe builds. The outcome: that wheel is used.
#[test]
fn a_wheel_of_another_version_in_the_wheelhouse_is_used() {
    let place = Place::new();
    Wheel::new("numpy", "1.0")
        .tag("cp314-cp314-archipel_1_wasm32")
        .file("numpy/native.so", "")
        .write(&place.house());
    let said = place.refused(&["numpy==1.0"]);
    assert!(said.contains("cannot use numpy-1.0-cp314"), "{said}");
}
