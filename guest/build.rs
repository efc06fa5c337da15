//! Computes the cache keys of the guests: hashes of everything that determines them.
//!
//! This runs when the crate is compiled, so that a program that cannot build a guest finds one in the cache without
//! containing its sources, and no program hashes them at each start.

use std::path::Path;
use std::{fs, io};
use xxhash_rust::xxh3::Xxh3Default;

/// Sources that do not affect a guest, in addition to tests.
const EXCLUDED: [&str; 6] = [
    "src/cached.rs",
    "src/description.rs",
    "src/fuzz.rs",
    "src/lib.rs",
    "src/sources.rs",
    "src/stored.rs",
];

/// Sources of commands only.
const COMMAND: [&str; 3] = [
    "python/_standalone/",
    "python/command_app.py",
    "wit/command/",
];

/// Sources of islands only.
const ISLAND: [&str; 1] = ["python/app.py"];

fn main() -> io::Result<()> {
    let mut files = Vec::new();
    for root in ["python", "src", "wit"] {
        collect(Path::new(root), &mut files)?;
    }
    files.sort();
    let (mut island, mut command) = (Xxh3Default::new(), Xxh3Default::new());
    for file in &files {
        println!("cargo::rerun-if-changed={file}");
        if EXCLUDED.contains(&file.as_str()) || file.ends_with("tests.rs") {
            continue;
        }
        let text = fs::read(file)?;
        let is_among = |list: &[&str]| list.iter().any(|prefix| file.starts_with(prefix));
        for (hash, others) in [(&mut island, &COMMAND[..]), (&mut command, &ISLAND[..])] {
            if is_among(others) {
                continue;
            }
            for part in [file.as_bytes(), &text] {
                hash.update(&(part.len() as u64).to_le_bytes());
                hash.update(part);
            }
        }
    }
    println!("cargo::rustc-env=ISLAND_KEY={:032x}", island.digest128());
    println!("cargo::rustc-env=COMMAND_KEY={:032x}", command.digest128());
    Ok(())
}

/// Adds the sources below `folder` to `files`, with `/` between the parts of their paths.
fn collect(folder: &Path, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if path.is_dir() {
            collect(&path, files)?;
        } else if matches!(extension, Some("py" | "rs" | "wat" | "wit")) {
            let path = path
                .to_str()
                .ok_or_else(|| io::Error::other("a path is not UTF-8"))?;
            files.push(path.replace('\\', "/"));
        }
    }
    Ok(())
}
