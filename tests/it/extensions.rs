//! Tests native extension modules: their state, their crashes, and the exceptions and jumps in them.
//!
//! The sources are in `tests/extensions`. The toolchain compiles them once for all runs, and one image contains all of
//! them. The tests pass without running if the toolchain is not installed, unless `CI` is set: installing it takes two
//! minutes.

use crate::images::wheels::Wheel;
use crate::runtime;
use archipel::{Error, Image, ImageBuilder, Interpreter, Output};
use archipel_guest::packages;
use std::path::Path;
use std::sync::OnceLock;

const MODULES: &[&str] = &[
    "casts.c",
    "counter.c",
    "crashes.c",
    "jumps.c",
    "throws.cpp",
    "visible.cpp",
];

/// Returns the image with all modules, three of which were imported before the snapshot.
fn image() -> Option<&'static Image> {
    static IMAGE: OnceLock<Option<Image>> = OnceLock::new();
    IMAGE.get_or_init(build).as_ref()
}

fn build() -> Option<Image> {
    let cache = archipel::default_cache_dir().unwrap();
    if packages::toolchain(&cache).is_err() && std::env::var_os("CI").is_none() {
        return None;
    }
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/extensions");
    let mut wheel = Wheel::new("native-tests", "1").tag("cp314-cp314-archipel_1_wasm32");
    wheel = wheel.file("wraps.py", "import counter\n");
    for source in MODULES {
        let compiled = packages::compile(&sources.join(source), &cache).unwrap();
        let (name, _) = source.split_once('.').unwrap();
        let path = format!("{name}.cpython-314-wasm32-wasi.so");
        wheel = wheel.file(&path, std::fs::read(compiled).unwrap());
    }
    let folder = tempfile::tempdir().unwrap();
    let image = ImageBuilder::new()
        .packages([wheel.write(folder.path())])
        .import("throws")
        .import("wraps")
        .name("archipel-extension-tests")
        .build();
    Some(image.unwrap())
}

/// Returns an interpreter that has imported the modules, and what it writes to stderr.
fn interpreter(image: &Image) -> (Interpreter, Output) {
    let errors = Output::captured(1 << 16);
    let builder = runtime().interpreter().image(image);
    let interpreter = builder.stderr(errors.clone()).build().unwrap();
    interpreter
        .exec("import casts, counter, crashes, jumps, throws")
        .unwrap();
    (interpreter, errors)
}

/// Checks that code ends the interpreter after it wrote `told` to stderr.
fn check_death(image: &Image, code: &str, told: &str) {
    let (interpreter, errors) = interpreter(image);
    let error = interpreter.exec(code).unwrap_err();
    assert!(matches!(error, Error::Died(_)), "{code}: {error:?}");
    assert_eq!(errors.take().text(), told, "{code}");
}

#[test]
fn a_global_counter_of_a_single_phase_module_is_each_interpreters_own() {
    let Some(image) = image() else { return };
    let [first, second] = [(); 2].map(|()| interpreter(image).0);
    let add = |interpreter: &Interpreter, amount: i64| {
        let code = format!("counter.add({amount})");
        interpreter.eval::<i64>(&code).unwrap()
    };
    for round in 1..=3 {
        assert_eq!(add(&first, 1), round);
        assert_eq!(add(&second, 10), 10 * round);
    }
    let copy = first.fork().unwrap();
    assert_eq!((add(&copy, 4), add(&first, 1)), (7, 4));
}

#[test]
fn a_crash_in_an_extension_leaves_other_interpreters_running() {
    let Some(image) = image() else { return };
    let (sibling, _) = interpreter(image);
    for (crash, count) in ["null_pointer", "trap", "abort", "overflow", "beyond_memory"]
        .iter()
        .zip(1..)
    {
        check_death(image, &format!("crashes.{crash}()"), "");
        assert_eq!(sibling.eval::<i64>("counter.add(1)").unwrap(), count);
        let caught = sibling.eval::<String>("throws.run('at')");
        assert_eq!(caught.unwrap(), "vector");
    }
}

#[test]
fn calls_through_pointers_of_another_signature_work() {
    let Some(image) = image() else { return };
    let (interpreter, _) = interpreter(image);
    interpreter.exec(python!("extensions/casts.py")).unwrap();
}

#[test]
fn cpp_exceptions_reach_their_handlers_and_run_destructors() {
    let Some(image) = image() else { return };
    let (interpreter, errors) = interpreter(image);
    let frames = "+a+b+c-c-b-a";
    for (case, expected) in [
        ("none", format!("5{frames}")),
        ("base", format!("Special 5: too many: 5{frames}")),
        ("rethrow", format!("Special 6: too many: 5{frames}*")),
        ("at", "vector".to_owned()),
        ("string", "basic_string".to_owned()),
        ("alloc", "bad_alloc".to_owned()),
        ("stoi", "stoi: no conversion".to_owned()),
        ("cast", "std::bad_cast".to_owned()),
        ("virtual", "virtual".to_owned()),
        ("function", format!("Special 9: too many: 9{frames}")),
        ("empty", "std::bad_function_call".to_owned()),
        ("constructor", "7+whole-whole".to_owned()),
        ("try block", "member!".to_owned()),
        ("sort", "4".to_owned()),
        (
            "stream",
            "ios_base::clear: unspecified iostream_category error".to_owned(),
        ),
        ("pointer", format!("Special 8: too many: 8{frames}|")),
        ("nested", format!("outside of too many: 6{frames}")),
    ] {
        let found = interpreter.eval::<String>(&format!("throws.run({case:?})"));
        assert_eq!(found.unwrap(), expected, "{case}");
    }
    assert_eq!(
        interpreter.eval::<i64>("throws.loop(30_000)").unwrap(),
        60_000
    );
    // Before the snapshot, in a static constructor and while the module was imported.
    let start = interpreter.eval::<String>("throws.START").unwrap();
    assert_eq!(start, format!("Special 5: too many: 5{frames}; vector"));
    assert_eq!(errors.take().text(), "");
}

#[test]
fn modules_that_export_the_same_exception_each_catch_their_own() {
    let Some(image) = image() else { return };
    let (interpreter, _) = interpreter(image);
    interpreter.exec("import visible").unwrap();
    for (code, expected) in [
        ("throws.run('visible')", "visible in throws"),
        ("visible.run()", "visible in visible"),
    ] {
        assert_eq!(interpreter.eval::<String>(code).unwrap(), expected);
    }
}

#[test]
fn modules_do_not_share_the_internals_of_pybind11() {
    let Some(image) = image() else { return };
    let (interpreter, _) = interpreter(image);
    interpreter.exec("import visible").unwrap();
    let names = "[throws.INTERNALS, visible.INTERNALS]";
    let names: Vec<String> = interpreter.eval(names).unwrap();
    assert_ne!(names[0], names[1]);
    for name in names {
        assert!(
            !name.contains("pybind11") && name.ends_with("0__"),
            "{name}"
        );
    }
}

#[test]
fn a_module_in_the_snapshot_is_not_imported_twice() {
    let Some(image) = image() else { return };
    let finder = "type('Finder', (), {'find_spec': staticmethod(lambda *arguments: None)})";
    let search = format!("import sys; sys.meta_path.append({finder})");
    // With another finder, the import system searches for the modules.
    for first in ["", &search] {
        let interpreter = runtime().interpreter().image(image).build().unwrap();
        let code = format!("{first}\nimport counter, wraps\nassert wraps.counter is counter");
        interpreter.exec(code).unwrap();
    }
}

#[test]
fn an_uncaught_cpp_exception_ends_the_interpreter_with_one_line() {
    let Some(image) = image() else { return };
    let start = "a C++ exception was not caught in its extension module:";
    let special = format!("{start} Special: too many: 7\n");
    check_death(image, "throws.uncaught(7)", &special);
    // The compiler makes the function call std::terminate.
    let told = "an extension module called std::terminate\n";
    check_death(image, "throws.break_promise()", told);
    check_death(image, "throws.uncaught_int()", &format!("{start} int\n"));
    // CPython is between the throw and the handler.
    check_death(image, "throws.across(lambda: throws.uncaught(7))", &special);
    let (interpreter, _) = interpreter(image);
    let across = "throws.across(lambda: throws.run('base') + str(throws.uncaught(1)))";
    let found = interpreter.eval::<String>(across).unwrap();
    assert!(
        found.starts_with("Special 5") && found.ends_with("-a3"),
        "{found}"
    );
}

#[test]
fn longjmp_returns_to_setjmp() {
    let Some(image) = image() else { return };
    let (interpreter, errors) = interpreter(image);
    for (code, expected) in [
        ("jumps.jump(0, 5)", 2005),
        ("jumps.jump(100, 7)", 2007),
        ("jumps.jump(3, 0)", 2001),
        ("jumps.nested(False)", 1),
        ("jumps.nested(True)", 2),
        ("jumps.loop(10_000)", 10_000),
        ("jumps.across(lambda: jumps.jump(1, 2))", 2002),
    ] {
        let found = interpreter.eval::<i64>(code).unwrap();
        assert_eq!(found, expected, "{code}");
    }
    assert_eq!(errors.take().text(), "");
}

#[test]
fn a_jump_to_a_place_that_is_gone_ends_the_interpreter_with_one_line() {
    let Some(image) = image() else { return };
    let told =
        "an extension module called longjmp, but the function that called setjmp has returned\n";
    check_death(image, "jumps.too_late()", told);
    // CPython is between the jump and its target.
    check_death(image, "jumps.across(jumps.leap)", told);
}
