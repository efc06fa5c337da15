//! Tests images: packages and state in the snapshot, several images in one runtime, and builds that are refused.
//!
//! The tests share one image, of wheels that they make themselves, so they need no network. It stays in the cache.

mod building;
mod commands;
mod damage;
mod grants;
mod resolving;
pub mod wheels;

use crate::runtime;
use archipel::{Error, Image, ImageBuilder, Interpreter, LimitKind, Limits, Output};
use std::sync::OnceLock;
use wheels::Wheel;

/// The script that prepares the shared image.
const SETUP: &str = python!("images/setup.py");

/// The name of the shared image.
const NAME: &str = "archipel-tests";

/// Returns the image that the tests share.
fn image() -> &'static Image {
    static IMAGE: OnceLock<Image> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let wheels = [
            Wheel::new("tiny-base", "1.5")
                .file("tiny_base/__init__.py", "LOADED = __name__\n")
                .file("tiny_base/data.txt", "some data\n")
                .file("tiny_base/broken.py", "this is not Python\n"),
            Wheel::new("Tiny_Top", "2.0")
                .needs("tiny-base>=1")
                .needs("absent-package; sys_platform != 'wasi' or python_version < '3.14'")
                .file("tiny_top.py", "from tiny_base import LOADED\nCOUNT = [0]\n")
                .file("tiny_space/part.py", "VALUE = 'in a namespace'\n")
                .file("json/__init__.py", "raise SystemError('replaced')\n")
                .file("tiny_top.pth", "import tiny_startup\n")
                .file(
                    "Tiny_Top-2.0.dist-info/entry_points.txt",
                    "[tiny]\na = tiny_top:COUNT\n",
                ),
        ];
        let setup = folder.path().join("setup.py");
        std::fs::write(&setup, SETUP).unwrap();
        ImageBuilder::new()
            .packages(wheels.map(|wheel| wheel.write(folder.path())))
            .import("tiny_base")
            .setup(setup)
            .name(NAME)
            .build()
            .unwrap()
    })
}

fn interpreter(image: &Image) -> Interpreter {
    runtime().interpreter().image(image).build().unwrap()
}

#[test]
fn an_image_describes_itself() {
    let image = image();
    assert_eq!(image.name(), Some(NAME));
    let packages = image.packages();
    let packages: Vec<_> = packages.iter().map(|p| (&*p.name, &*p.version)).collect();
    assert_eq!(packages, [("tiny-base", "1.5"), ("tiny-top", "2.0")]);
    assert!(image.packages().iter().all(|p| p.sha256.len() == 64));
    let named = Image::named(NAME, None).unwrap();
    assert_eq!(named.packages(), image.packages());
    assert_eq!(Image::standard().name(), Some("standard"));
}

#[test]
fn packages_and_their_metadata_are_there_in_each_interpreter() {
    let output = Output::captured(1 << 16);
    let builder = runtime().interpreter().image(image());
    let interpreter = builder.stdout(output.clone()).build().unwrap();
    interpreter.exec(python!("images/packages.py")).unwrap();
    assert_eq!(
        output.take().text(),
        "\
tiny_base /python/site-packages/tiny_base/__init__.py
in a namespace
json is the library's
1.5 2.0 ['tiny-base', 'Tiny_Top']
['a']
some data
LOADED = __name__
True some data
10 True ['__init__.py', 'broken.py', 'data.txt']
[('data.txt', True)]
b'some data\\n' ['data.txt']
True ['__init__.py', 'broken.py']
True False False
True False False
True False False
True False False
OSError Read-only file system
OSError Read-only file system
IsADirectoryError Is a directory
FileNotFoundError No such file or directory
FileNotFoundError
FileNotFoundError
no startup file ran
"
    );
}

#[test]
fn the_state_of_the_setup_script_is_each_interpreters_own() {
    let (first, second) = (interpreter(image()), interpreter(image()));
    for interpreter in [&first, &second] {
        assert_eq!(interpreter.eval::<i64>("scaled(4)").unwrap(), 12);
        assert_eq!(interpreter.eval::<String>("__name__").unwrap(), "__main__");
        interpreter.exec("FACTOR += 1").unwrap();
        assert_eq!(interpreter.eval::<i64>("scaled(4)").unwrap(), 16);
        interpreter.exec("top.COUNT[0] += 1").unwrap();
        let counted = interpreter.eval::<i64>("__import__('tiny_top').COUNT[0]");
        assert_eq!(counted.unwrap(), 1);
    }
    // A copy continues with the state of its original, in the same image.
    let copy = first.fork().unwrap();
    copy.exec("FACTOR += 1").unwrap();
    assert_eq!(copy.eval::<i64>("scaled(4)").unwrap(), 20);
    assert_eq!(first.eval::<i64>("scaled(4)").unwrap(), 16);
    first.reset().unwrap();
    assert_eq!(first.eval::<i64>("scaled(4)").unwrap(), 12);
}

#[test]
fn interpreters_of_an_image_draw_their_own_random_numbers() {
    let drawn = |interpreter: Interpreter| interpreter.eval::<String>("drawn()").unwrap();
    let (first, second) = (drawn(interpreter(image())), drawn(interpreter(image())));
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let (first, second) = (words(&first), words(&second));
    assert!(
        first.len() == 2 && first[0] != second[0] && first[1] != second[1],
        "{first:?} {second:?}"
    );
}

#[test]
fn images_in_one_runtime_do_not_mix() {
    let other = Image::standard();
    for _ in 0..20 {
        let plain = interpreter(&other);
        let with = interpreter(image());
        match plain.exec("import tiny_base") {
            Err(Error::Raised(raised)) => assert_eq!(raised.name, "ModuleNotFoundError"),
            other => panic!("{other:?}"),
        }
        assert!(plain.eval::<i64>("scaled(4)").is_err());
        with.exec("import tiny_base").unwrap();
    }
}

#[test]
fn limits_hold_in_an_image() {
    let limits = Limits::new().memory(256 << 20);
    let builder = runtime().interpreter().image(image());
    let interpreter = builder.limits(limits).build().unwrap();
    let error = interpreter.exec("bytearray(1 << 30)").unwrap_err();
    assert!(
        matches!(error, Error::Raised(_))
            || matches!(
                error,
                Error::LimitExceeded {
                    kind: LimitKind::Memory,
                    ..
                }
            ),
        "{error}"
    );
}

#[test]
fn prewarmed_instances_and_interpreters_count_for_their_image() {
    let runtime = archipel::Runtime::builder()
        .max_interpreters(4)
        .prewarmed(1)
        .prewarmed_image(image().clone(), 2)
        .build()
        .unwrap();
    // Instances are made and destroyed beside the test.
    let until = |expected: [(&str, usize, usize); 2]| {
        let uses = || {
            let images = runtime.images().into_iter();
            let uses =
                images.map(|image| (image.name.unwrap(), image.interpreters, image.prewarmed));
            uses.collect::<Vec<_>>()
        };
        let expected =
            expected.map(|(name, interpreters, ready)| (name.to_owned(), interpreters, ready));
        while uses() != expected {
            std::thread::yield_now();
        }
    };
    until([(NAME, 0, 2), ("standard", 0, 1)]);
    assert_eq!(runtime.metrics().prewarmed, 3);
    assert_eq!(runtime.metrics().interpreters, 0);
    let with_packages = runtime.interpreter().image(image()).build().unwrap();
    with_packages.exec("import tiny_base").unwrap();
    until([(NAME, 1, 2), ("standard", 0, 1)]);
    let plain = runtime.interpreter().build().unwrap();
    assert!(plain.exec("import tiny_base").is_err());
    until([(NAME, 1, 2), ("standard", 1, 1)]);
    drop(with_packages);
    until([(NAME, 0, 2), ("standard", 1, 1)]);
    let most = archipel::Runtime::builder()
        .prewarmed(1)
        .prewarmed_image(image().clone(), 10_000);
    assert!(matches!(most.build(), Err(Error::Config(_))));
}

#[test]
fn an_image_loads_asynchronously() {
    let runtime = archipel::Runtime::builder()
        .max_interpreters(4)
        .build()
        .unwrap();
    let made = runtime.interpreter().image(image()).build_async();
    let interpreter = pollster::block_on(made).unwrap();
    assert_eq!(interpreter.eval::<i64>("scaled(1)").unwrap(), 3);
}

#[test]
fn an_image_for_a_full_runtime_is_refused() {
    let runtime = archipel::Runtime::builder()
        .max_interpreters(1)
        .build()
        .unwrap();
    let only = runtime.interpreter().build().unwrap();
    assert!(matches!(
        runtime.load(image()),
        Err(Error::Capacity { limit: 1 })
    ));
    drop(only);
    runtime.load(image()).unwrap();
    let interpreter = runtime.interpreter().image(image()).build().unwrap();
    assert_eq!(interpreter.eval::<i64>("scaled(1)").unwrap(), 3);
}
