//! Tests `archipel image`, and `--image` of the other commands.

use super::{NAME, image};
use crate::cli::{archipel, check, folder, text};

#[test]
fn commands_start_from_an_image() {
    image();
    let code = "print(scaled(7))";
    check(&["run", "--image", NAME, "-c", code], "", 0, "21\n", &[]);
    check(
        &["repl", "--no-history", "--image", NAME],
        "scaled(8)\n",
        0,
        "24\n",
        &[],
    );
    let folder = folder("image");
    let script = folder.join("script.py");
    std::fs::write(&script, "import sys; print(scaled(int(sys.argv[1])))").unwrap();
    let script = script.to_str().unwrap();
    let map = ["map", "--image", NAME, script, ":::", "1", "2"];
    assert_eq!(text(&archipel(&map, "").stdout), "3\n6\n");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn images_are_listed_and_shown() {
    image();
    let listed = text(&archipel(&["image", "list"], "").stdout);
    let line = listed.lines().find(|line| line.starts_with(NAME)).unwrap();
    assert!(line.ends_with("MiB  tiny-base 1.5, tiny-top 2.0"), "{line}");
    let shown = text(&archipel(&["image", "show", NAME], "").stdout);
    for part in [
        "package   tiny-base 1.5 sha256:",
        "import    tiny_base",
        "setup     sha256:",
        "inputs    sha256:",
        "python    3.14",
    ] {
        assert!(shown.contains(part), "{shown}");
    }
}

#[test]
fn unusable_images_are_refused_in_one_line() {
    let absent = "archipel: --image absent: no image named \"absent\"";
    check(
        &["run", "--image", "absent", "-c", ""],
        "",
        2,
        "",
        &[absent],
    );
    let path = "archipel: --image ./absent.wasm: cannot read the image ./absent.wasm";
    check(
        &["run", "--image", "./absent.wasm", "-c", ""],
        "",
        2,
        "",
        &[path],
    );
    let removed = "archipel: no image is named ../x";
    check(&["image", "rm", "../x"], "", 2, "", &[removed]);
}

#[test]
fn an_image_is_deleted_by_its_name() {
    let cache = tempfile::tempdir().unwrap();
    let images = cache.path().join("images");
    std::fs::create_dir(&images).unwrap();
    std::fs::write(images.join("mine.wasm"), "damaged").unwrap();
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_archipel"));
        let command = command
            .args(arguments)
            .env("ARCHIPEL_CACHE_DIR", cache.path());
        command.output().unwrap()
    };
    let listed = text(&run(&["image", "list"]).stdout);
    assert!(
        listed.contains("mine") && listed.contains("unusable: it has no description"),
        "{listed}"
    );
    assert!(run(&["image", "rm", "mine"]).status.success());
    assert!(!images.join("mine.wasm").exists());
    assert_eq!(run(&["image", "rm", "mine"]).status.code(), Some(2));
}

#[test]
fn the_error_of_a_well_known_module_says_how_to_get_it() {
    let hint = "No module named 'yaml' (not in this image: archipel image build PyYAML, then --image pyyaml)";
    check(&["run", "-c", "import yaml"], "", 1, "", &[hint]);
    let code = "import importlib.util
print(importlib.util.find_spec('numpy'))
try: import numpy
except ImportError as error: print(error)
import unheard_of";
    let output = archipel(&["run", "-c", code], "");
    assert_eq!(text(&output.stdout), "None\nNo module named 'numpy'\n");
    let shown = text(&output.stderr);
    assert!(shown.ends_with("No module named 'unheard_of'\n"), "{shown}");
}
