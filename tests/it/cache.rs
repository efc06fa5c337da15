//! Tests the cache of compiled guests: damaged, unusable and refused files.

use crate::runtime;
use archipel_guest::Variant;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Returns a cache folder with the guest that the tests have already built.
fn folder_with_guest(name: &str) -> (PathBuf, PathBuf) {
    runtime();
    let folder = std::env::temp_dir().join(format!("archipel-cache-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let built =
        archipel_guest::find(Variant::Island, &archipel::default_cache_dir().unwrap()).unwrap();
    (folder, built.path)
}

fn run(cache: &Path, guest: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_archipel"))
        .args(["run", "-c", "print('ran')"])
        .env("ARCHIPEL_CACHE_DIR", cache)
        .env("ARCHIPEL_GUEST", guest)
        .output()
        .unwrap()
}

fn compiled(cache: &Path) -> PathBuf {
    std::fs::read_dir(cache.join("compiled"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|e| e == "cwasm"))
        .unwrap()
}

/// Z-5: The compiled guest in the cache is damaged or was replaced.
///
/// Outcome: its hash reveals this before it is used, and it is rebuilt.
#[test]
fn a_damaged_compiled_guest_is_rebuilt_and_reported_once() {
    let (cache, guest) = folder_with_guest("damage");
    let first = run(&cache, &guest);
    assert_eq!(first.stdout, b"ran\n", "{first:?}");
    let path = compiled(&cache);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let second = run(&cache, &guest);
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.stdout, b"ran\n", "{said}");
    assert_eq!(
        said,
        "archipel: the compiled guest in the cache is rebuilt: its content has changed\n"
    );
    let third = run(&cache, &guest);
    assert_eq!((&*third.stdout, &*third.stderr), (&b"ran\n"[..], &b""[..]));
    std::fs::remove_dir_all(&cache).unwrap();
}

/// A process killed during compilation leaves no state that stops the next one.
#[test]
fn a_process_killed_while_compiling_does_not_block_the_next() {
    let (cache, guest) = folder_with_guest("killed");
    let mut first = Command::new(env!("CARGO_BIN_EXE_archipel"))
        .args(["run", "-c", "print('ran')"])
        .env("ARCHIPEL_CACHE_DIR", &cache)
        .env("ARCHIPEL_GUEST", &guest)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // It holds the lock from now on.
    while !cache.join("compiled/lock").exists() {
        assert!(first.try_wait().unwrap().is_none(), "it ended before");
        std::thread::yield_now();
    }
    first.kill().unwrap();
    first.wait().unwrap();
    std::fs::write(cache.join("compiled/half.1-0.new"), "half-writ").unwrap();
    let second = run(&cache, &guest);
    assert_eq!(second.stdout, b"ran\n", "{second:?}");
    let mut names: Vec<_> = std::fs::read_dir(cache.join("compiled"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter_map(|path| Some(path.extension()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    assert_eq!(names, ["cwasm", "stamp"]);
    std::fs::remove_dir_all(&cache).unwrap();
}

#[cfg(unix)]
#[test]
fn an_unusable_cache_folder_is_not_used() {
    use std::os::unix::fs::PermissionsExt;
    let (cache, guest) = folder_with_guest("unusable");
    let compiled = cache.join("compiled");
    std::fs::create_dir(&compiled).unwrap();
    std::fs::set_permissions(&compiled, std::fs::Permissions::from_mode(0o777)).unwrap();
    let output = run(&cache, &guest);
    assert_eq!(output.stdout, b"ran\n", "{output:?}");
    assert_eq!(std::fs::read_dir(&compiled).unwrap().count(), 0);
    // A file at the folder's path, where even root cannot create a folder.
    std::fs::remove_dir_all(&cache).unwrap();
    std::fs::write(&cache, "").unwrap();
    assert_eq!(run(&cache, &guest).stdout, b"ran\n");
    std::fs::remove_file(&cache).unwrap();
}

/// Z-10: The guest cannot be read.
///
/// Outcome: a typed error that names it.
#[test]
fn an_unreadable_guest_is_a_typed_error() {
    let (cache, _) = folder_with_guest("unreadable");
    let output = run(&cache, Path::new("/no/such.wasm"));
    assert_eq!(output.status.code(), Some(125));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.starts_with("archipel: ARCHIPEL_GUEST: cannot read the image /no/such.wasm"),
        "{said}"
    );
    std::fs::remove_dir_all(&cache).unwrap();
}
