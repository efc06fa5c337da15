//! Tests recipes: listing, building and verifying the wheels of packages with extension modules.

use crate::cli::{folder, output, text};
use archipel_guest::packages;
use std::path::Path;
use std::process::{Command, Output};

/// Runs a `package` command with this wheelhouse and the cache folder of the tests.
fn package(arguments: &[&str], wheelhouse: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_archipel"));
    command.arg("package").args(arguments);
    output(command.env("ARCHIPEL_WHEELHOUSE", wheelhouse), "")
}

#[test]
fn package_list_names_each_recipe_and_its_state() {
    let house = folder("list");
    let recipe = packages::find("numpy", None).unwrap();
    let listed = |state: &str| {
        let output = package(&["list"], &house);
        assert!(output.status.success());
        let lines = text(&output.stdout);
        assert_eq!(lines.lines().count(), packages::recipes().len() + 1);
        let line = format!("{:<14} {:<12} {state}\n", recipe.name, recipe.version);
        assert!(lines.contains(&line), "{lines}");
    };
    listed("not built");
    std::fs::write(house.join(recipe.wheel()), "").unwrap();
    listed("built");
    std::fs::remove_dir_all(house).unwrap();
}

#[test]
fn package_build_refuses_unknown_packages_and_damaged_wheels() {
    let house = folder("refused");
    let recipe = packages::find("regex", None).unwrap();
    let wheel = house.join(recipe.wheel());
    std::fs::write(&wheel, "damaged").unwrap();
    std::fs::write(format!("{}.sha256", wheel.display()), "0000\n").unwrap();
    for (name, status, told) in [
        (
            "torch",
            2,
            "archipel: package \"torch\" has no recipe (recipes: ",
        ),
        (
            "NumPy==1.0",
            2,
            "archipel: NumPy 1.0 has no recipe (the recipe builds numpy ",
        ),
        ("regex", 125, "is damaged: its hash is not the recorded one"),
    ] {
        let output = package(&["build", name], &house);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{said}");
        assert!(said.contains(told) && said.lines().count() == 1, "{said}");
    }
    std::fs::remove_dir_all(house).unwrap();
}

/// Builds the smallest package twice, if the toolchain is installed or `CI` is set: installing it takes a minute.
#[test]
fn building_a_package_twice_gives_the_same_bytes() {
    let cache = archipel::default_cache_dir().unwrap();
    if packages::toolchain(&cache).is_err() && std::env::var_os("CI").is_none() {
        return;
    }
    let wheels = ["first", "second"].map(|name| {
        let house = folder(&format!("house-{name}"));
        let output = package(&["build", "MarkupSafe"], &house);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let path = text(&output.stdout);
        let data = std::fs::read(path.trim()).unwrap();
        // The second call uses the wheel.
        let again = package(&["build", "markupsafe"], &house);
        assert_eq!(
            (text(&again.stdout), text(&again.stderr)),
            (path, String::new())
        );
        std::fs::remove_dir_all(house).unwrap();
        data
    });
    assert!(wheels[0].starts_with(b"PK"));
    assert_eq!(wheels[0], wheels[1]);
}

/// Tests the smallest recipe, if its wheel is in the cache or can be built as above.
#[test]
fn package_test_runs_the_script_of_a_recipe_in_an_image() {
    let cache = archipel::default_cache_dir().unwrap();
    if packages::toolchain(&cache).is_err() && std::env::var_os("CI").is_none() {
        return;
    }
    let recipe = packages::find("markupsafe", None).unwrap();
    let tested = crate::cli::archipel(&["package", "test", "MarkupSafe"], "");
    let line = format!("{:<14} {:<12} passed\n", recipe.name, recipe.version);
    assert_eq!(
        (text(&tested.stdout), tested.status.code()),
        (line, Some(0)),
        "{}",
        text(&tested.stderr)
    );
    assert!(!cache.join("images/test-markupsafe.wasm").exists());
}

/// The wheel of a recipe is damaged. The outcome: the test of the recipe fails, with the reason.
#[test]
fn package_test_reports_a_package_that_fails() {
    let house = folder("fails");
    let recipe = packages::find("regex", None).unwrap();
    let wheel = house.join(recipe.wheel());
    std::fs::write(&wheel, "damaged").unwrap();
    std::fs::write(format!("{}.sha256", wheel.display()), "0000\n").unwrap();
    let tested = package(&["test", "regex"], &house);
    let line = format!("{:<14} {:<12} failed: ", recipe.name, recipe.version);
    let printed = text(&tested.stdout);
    assert!(
        printed.starts_with(&line) && printed.contains("is damaged"),
        "{printed}"
    );
    assert_eq!(
        (printed.lines().count(), tested.status.code()),
        (1, Some(1))
    );
    let unknown = package(&["test", "torch"], &house);
    assert_eq!(unknown.status.code(), Some(2));
    std::fs::remove_dir_all(house).unwrap();
}
