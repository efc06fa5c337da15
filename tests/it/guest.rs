//! Tests the guest as an input of the library: files and bytes, those that do not fit, and the ways to build a runtime
//! from one.

use crate::hostile::foreign_guest;
use crate::{root, runtime};
use archipel::{Error, Image, Progress, Result, Runtime, RuntimeBuilder};
use archipel_guest::Variant;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use tempfile::TempDir;

/// Returns a guest that is compiled in no time. Its programs do nothing.
fn tiny() -> Vec<u8> {
    foreign_guest::component(root(), &["(i32.const 0)"]).0
}

/// Returns the file of the standard guest.
fn standard() -> PathBuf {
    runtime();
    let cache = archipel::default_cache_dir().unwrap();
    archipel_guest::find(Variant::Island, &cache).unwrap().path
}

/// Returns a builder of a small runtime with its cache in `cache`.
fn builder(cache: &TempDir) -> RuntimeBuilder {
    let builder = Runtime::builder().max_interpreters(1).workers(1);
    builder.cache_dir(cache.path().join("cache"))
}

/// Returns the number of compiled guests in `cache`.
fn compiled(cache: &TempDir) -> usize {
    let files = std::fs::read_dir(cache.path().join("cache/compiled")).unwrap();
    let extension = |path: PathBuf| path.extension().map(|e| e.to_owned());
    files
        .filter(|entry| extension(entry.as_ref().unwrap().path()) == Some("cwasm".into()))
        .count()
}

fn run(cache: &TempDir, guest: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_archipel"))
        .args(arguments)
        .env("ARCHIPEL_CACHE_DIR", cache.path().join("cache"))
        .env("ARCHIPEL_GUEST", guest)
        .output()
        .unwrap()
}

#[test]
fn a_given_guest_is_compiled_once() {
    let cache = tempfile::tempdir().unwrap();
    let file = cache.path().join("guest.wasm");
    std::fs::write(&file, tiny()).unwrap();
    let bytes = || Image::from_bytes(tiny()).unwrap();
    let opened = || Image::open(&file).unwrap();
    for (guest, expected) in [
        (bytes(), vec![Progress::Compile]),
        (bytes(), vec![]),
        (opened(), vec![Progress::Compile]),
        (opened(), vec![]),
    ] {
        let (sender, steps) = mpsc::channel();
        let report = move |step| sender.send(step).unwrap();
        let runtime = builder(&cache).image(guest).progress(report).build();
        runtime.unwrap().interpreter().build().unwrap();
        assert_eq!(steps.iter().collect::<Vec<_>>(), expected);
    }
    assert_eq!(compiled(&cache), 2);
}

/// The bytes of a guest and all else that could be given, with the start of the error.
fn misfits() -> Vec<(Vec<u8>, &'static str)> {
    let standard = std::fs::read(standard()).unwrap();
    let half = standard[..standard.len() / 2].to_vec();
    let other = b"\0asm\x0d\0\x01\0".to_vec();
    vec![
        (
            b"print('hello')\n".to_vec(),
            "not a WebAssembly component: ",
        ),
        (Vec::new(), "not a WebAssembly component: "),
        (
            b"\0asm\x01\0\0\0".to_vec(),
            "a core module and not a WebAssembly component: ",
        ),
        (half, "not a valid WebAssembly component: "),
        (other, "not a guest of Archipel "),
    ]
}

/// Z-10: The guest is damaged, has another world, or is something else.
///
/// Outcome: a typed error that names it.
#[test]
fn invalid_guests_are_refused_by_name_and_in_one_line() {
    let cache = tempfile::tempdir().unwrap();
    let file = cache.path().join("given.wasm");
    let path = file.to_str().unwrap();
    for (bytes, start) in misfits() {
        std::fs::write(&file, &bytes).unwrap();
        for (guest, name) in [
            (Image::open(&file), path),
            (Image::from_bytes(bytes), "the given bytes"),
        ] {
            let built = guest.and_then(|guest| builder(&cache).image(guest).build());
            let Err(Error::Guest(cause)) = built else {
                panic!("{start}: {built:?}");
            };
            let text = format!("{cause:#}");
            assert!(text.starts_with(start) && text.contains(name), "{text}");
            assert!(text.contains("`archipel guest export`"), "{text}");
            assert!(
                !text.contains('\n') && !text.contains("ARCHIPEL_GUEST"),
                "{text}"
            );
        }
        // The command names the source of the path too.
        let output = run(&cache, &file, &["run", "-c", "pass"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(125), "{said}");
        assert!(
            said.starts_with(&format!("archipel: ARCHIPEL_GUEST: {start}")),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[cfg(unix)]
#[test]
fn open_follows_links() {
    let cache = tempfile::tempdir().unwrap();
    let (file, link) = (cache.path().join("a.wasm"), cache.path().join("b.wasm"));
    std::fs::write(&file, tiny()).unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let guest = Image::open(&link).unwrap();
    assert!(builder(&cache).image(guest).build().is_ok());
}

#[test]
fn build_async_works_with_any_executor() {
    let cache = tempfile::tempdir().unwrap();
    let start = |cache: &TempDir| {
        let guest = Image::from_bytes(tiny()).unwrap();
        builder(cache).image(guest).build_async()
    };
    let uses = |runtime: Result<Runtime>| runtime.unwrap().interpreter().build().is_ok();
    assert!(uses(pollster::block_on(start(&cache))));
    let mut host = tokio::runtime::Builder::new_multi_thread();
    let host = host.worker_threads(1).build().unwrap();
    let task = host.spawn(start(&cache));
    assert!(uses(host.block_on(task).unwrap()));
    let refused = pollster::block_on(Runtime::builder().workers(0).build_async());
    assert!(matches!(refused, Err(Error::Config(_))));
}

#[test]
fn dropping_the_future_of_a_build_lets_it_fill_the_cache() {
    let cache = tempfile::tempdir().unwrap();
    let (sender, steps) = mpsc::channel();
    let guest = Image::from_bytes(tiny()).unwrap();
    let builder = builder(&cache).image(guest);
    // The build waits in this callback until its future is gone.
    let (let_go, may_go) = mpsc::channel::<()>();
    let report = move |step| {
        let _ = may_go.recv();
        sender.send(step).unwrap();
    };
    let mut future = Box::pin(builder.progress(report).build_async());
    let polled = future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Pending));
    drop(future);
    drop(let_go);
    // The channel closes when the builder is dropped, at the end.
    assert_eq!(steps.iter().collect::<Vec<_>>(), [Progress::Compile]);
    assert_eq!(compiled(&cache), 1);
}

#[test]
fn the_guest_commands_use_the_guest_that_archipel_guest_names() {
    let cache = tempfile::tempdir().unwrap();
    let (file, copy) = (cache.path().join("a.wasm"), cache.path().join("b.wasm"));
    std::fs::write(&file, tiny()).unwrap();
    let exported = run(&cache, &file, &["guest", "export", copy.to_str().unwrap()]);
    assert!(exported.status.success(), "{exported:?}");
    assert_eq!(std::fs::read(&copy).unwrap(), tiny());
    let built = run(&cache, &file, &["guest", "build"]);
    assert!(built.status.success(), "{built:?}");
    assert_eq!(compiled(&cache), 1);
    assert!(!cache.path().join("cache/guest").exists());
}
