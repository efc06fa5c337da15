//! Tests builds of images that are refused: hostile and unfit packages, and set-up scripts that must not succeed.

use super::wheels::Wheel;
use archipel::{Error, Image, ImageBuilder, Result};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// Returns a builder whose cache is in `folder`, and which cannot build a snapshot in its time.
fn hurried(folder: &TempDir) -> ImageBuilder {
    ImageBuilder::new()
        .name("refused")
        .cache_dir(folder.path().join("cache"))
        .timeout(Duration::ZERO)
}

/// Checks that a build fails with a text of one line that has these parts.
fn check(outcome: Result<Image>, parts: &[&str]) {
    let text = match outcome {
        Err(error @ Error::Guest(_)) => error.to_string(),
        other => panic!("{other:?}"),
    };
    for part in parts {
        assert!(text.contains(part), "no {part:?}: {text}");
    }
    assert!(!text.contains('\n'), "{text}");
}

/// A wheel contains a path that escapes, a link, or native code for the host. The outcome: the build is refused, and nothing is written outside of its folder.
#[test]
fn hostile_wheels_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let rows = [
        (
            Wheel::new("escape", "1").file("../../../escaped.py", ""),
            "../../../escaped.py",
        ),
        (
            Wheel::new("absolute", "1").file("/tmp/escaped.py", ""),
            "/tmp/escaped.py",
        ),
        (
            Wheel::new("native", "1").file("native/fast.so", ""),
            "native/fast.so",
        ),
        (
            Wheel::new("startup", "1").file("native/x.dll", ""),
            "native/x.dll",
        ),
    ];
    for (wheel, why) in rows {
        let wheel = wheel.write(folder.path());
        let name = Path::new(&wheel).file_name().unwrap().to_str().unwrap();
        check(hurried(&folder).packages([&wheel]).build(), &[name, why]);
    }
    assert!(!folder.path().join("escaped.py").exists());
    let foreign = Wheel::new("foreign", "1").tag("cp314-cp314-win_amd64");
    let foreign = foreign.write(folder.path());
    check(
        hurried(&folder).packages([foreign]).build(),
        &["foreign-1-cp314-cp314-win_amd64.whl"],
    );
    let damaged = Wheel::new("damaged", "1").file("damaged.py", "x = 1\n".repeat(100));
    let damaged = damaged.write(folder.path());
    let mut bytes = std::fs::read(&damaged).unwrap();
    let at = bytes.windows(5).position(|w| w == b"x = 1").unwrap();
    bytes[at] = b'y';
    std::fs::write(&damaged, bytes).unwrap();
    check(
        hurried(&folder).packages([&damaged]).build(),
        &["damaged-1-py3-none-any.whl", "damaged.py"],
    );
}

/// A source package, or a wheel that requires one, would run its build script on the host. The outcome: pip cannot start a program, and the build is refused.
#[test]
fn nothing_of_a_package_runs_on_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("project");
    std::fs::create_dir(&project).unwrap();
    let mark = folder.path().join("ran");
    let script = format!("open({:?}, 'w').close()", mark.to_str().unwrap());
    std::fs::write(project.join("setup.py"), script).unwrap();
    let direct = project.to_str().unwrap();
    check(
        hurried(&folder).packages([direct]).build(),
        &["packages are not built for an image"],
    );
    let needed: &'static str = format!("evil @ file://{direct}").leak();
    let needs = Wheel::new("needs", "1").needs(needed).write(folder.path());
    check(
        hurried(&folder).packages([needs]).build(),
        &["packages are not built for an image"],
    );
    assert!(!mark.exists());
}

#[test]
fn requirements_without_a_solution_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b, c] = [
        Wheel::new("first", "1").needs("third<2"),
        Wheel::new("second", "1").needs("third>=2"),
        Wheel::new("third", "1"),
    ]
    .map(|wheel| wheel.write(folder.path()));
    check(
        hurried(&folder).packages([a, b, c]).build(),
        &[
            "first 1 depends on third<2; second 1 depends on third>=2",
            "versions that agree",
        ],
    );
    let absent = folder.path().join("absent.txt");
    let missing = hurried(&folder).requirements(&absent);
    check(
        missing.build(),
        &["cannot read the requirements file", "absent.txt"],
    );
    let script = hurried(&folder).setup(&absent);
    check(
        script.build(),
        &["cannot read the set-up script", "absent.txt"],
    );
    let one = |name: &str| Wheel::new("same", "1").file("same.py", name);
    let same = one("1").write(folder.path());
    let other = Wheel::new("other", "1")
        .file("same.py", "2")
        .write(folder.path());
    check(
        hurried(&folder).packages([same, other]).build(),
        &["another package has \"same.py\""],
    );
}

#[test]
fn a_name_is_required_and_checked() {
    for builder in [
        ImageBuilder::new(),
        ImageBuilder::new().name("../x"),
        ImageBuilder::new().name("standard"),
    ] {
        assert!(matches!(builder.build(), Err(Error::Config(_))));
    }
}

/// Returns a builder with a set-up script, which uses the tools in the user's cache.
fn setup(folder: &TempDir, source: &str) -> ImageBuilder {
    let script = folder.path().join("setup.py");
    std::fs::write(&script, source).unwrap();
    ImageBuilder::new().name("refused").setup(script)
}

/// The set-up script of an image leaves files and threads behind. The outcome: the build is refused, and the error names each.
#[test]
fn a_setup_script_that_leaves_handles_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let left = setup(&folder, python!("images/leaves_handles.py"));
    check(
        left.build(),
        &[
            "the set-up script left the file '/0/kept'",
            "the thread 'kept'",
            "close it",
        ],
    );
}

/// The set-up script of an image does not end. The outcome: the build ends after its time.
#[test]
fn a_build_ends_after_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let endless = setup(&folder, "while True: pass").timeout(Duration::from_secs(5));
    check(endless.build(), &["took longer than 5 s", "--timeout"]);
}
