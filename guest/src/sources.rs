//! The sources of the guest, embedded in this crate so that an installed `archipel` can build it.

use sha2::{Digest, Sha256};
use std::io;
use std::path::Path;

macro_rules! sources {
    ($root:literal: $($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../", $root, "/", $path)))),*]
    };
}

/// File contents by path below a root.
pub type Files = &'static [(&'static str, &'static str)];

/// The Python modules of every guest.
pub const PYTHON: Files = sources!("python":
    "_interpchannels.py",
    "_interpqueues.py",
    "_interpreters.py",
    "_island/__init__.py",
    "_island/aliases.py",
    "_island/arrivals.py",
    "_island/arriving.py",
    "_island/by_value.py",
    "_island/calls.py",
    "_island/codec.py",
    "_island/codes.py",
    "_island/configs.py",
    "_island/contents.py",
    "_island/copying.py",
    "_island/equipment.py",
    "_island/errors.py",
    "_island/functions.py",
    "_island/governing.py",
    "_island/interrupts.py",
    "_island/intrinsics.py",
    "_island/items.py",
    "_island/library.py",
    "_island/loop.py",
    "_island/modules.py",
    "_island/origins.py",
    "_island/pickles.py",
    "_island/polls.py",
    "_island/pool.py",
    "_island/private.py",
    "_island/process.py",
    "_island/prompt.py",
    "_island/queues.py",
    "_island/readiness.py",
    "_island/reductions.py",
    "_island/report.py",
    "_island/reserve.py",
    "_island/resources.py",
    "_island/run.py",
    "_island/scripts.py",
    "_island/sharing.py",
    "_island/snapshot.py",
    "_island/sockets.py",
    "_island/start.py",
    "_island/stash.py",
    "_island/steady.py",
    "_island/tasks.py",
    "_island/thread_pool.py",
    "_island/threads.py",
    "_island/tuning.py",
    "_island/waits.py",
    "archipel.py",
    "interpreters.py",
);

/// The Python modules of islands only.
pub const ISLAND_PYTHON: Files = sources!("python": "app.py");

/// The Python modules of commands only.
pub const COMMAND_PYTHON: Files = sources!("python":
    "_standalone/__init__.py",
    "_standalone/channels.py",
    "_standalone/interpreters.py",
    "_standalone/main.py",
    "_standalone/process.py",
    "_standalone/waiting.py",
    "command_app.py",
);

/// The world of an island. A command also has its types.
pub const ISLAND_WIT: Files = sources!("wit":
    "aliases.wit",
    "channels.wit",
    "copying.wit",
    "guest.wit",
    "interpreters.wit",
    "process.wit",
    "waiting.wit",
    "world.wit",
);

/// The world of a command.
pub const COMMAND_WIT: Files = sources!("wit/command": "command.wit");

/// The sources of the linker, which also determine the guest.
const LINKER: Files = sources!("src":
    "alarm.rs",
    "appending.rs",
    "assemble.rs",
    "component.rs",
    "constant.rs",
    "direct.rs",
    "emit.rs",
    "encode.rs",
    "heap.rs",
    "image.wit",
    "immortal.rs",
    "interfaces.rs",
    "intrinsics.rs",
    "link.rs",
    "link/additions.rs",
    "link/bind.rs",
    "link/providers.rs",
    "link/reach.rs",
    "link/scan.rs",
    "lists.rs",
    "lists/walk.rs",
    "locks.wit",
    "memory.rs",
    "module.rs",
    "packages.rs",
    "places.rs",
    "snapshot.rs",
    "tools.rs",
    "tuning.rs",
    "variant.rs",
    "wat/drop.wat",
    "wat/files.wat",
    "wat/image.wat",
    "wat/locks.wat",
    "wat/messages.wat",
    "wat/network.wat",
    "wat/no_locks.wat",
    "wat/room.wat",
);

/// Writes `files` below `root`.
pub fn unpack(files: Files, root: &Path) -> io::Result<()> {
    for (path, text) in files {
        let path = root.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, text)?;
    }
    Ok(())
}

/// Returns a hash of everything that determines the guest: the common sources, the variant's `own`, and `tools` for
/// the versions used and other settings.
pub fn key(own: [Files; 2], tools: &[&str]) -> String {
    let mut hash = Sha256::new();
    let own = own.into_iter().flatten();
    for (path, text) in PYTHON.iter().chain(ISLAND_WIT).chain(LINKER).chain(own) {
        hash.update((path.len() as u64).to_le_bytes());
        hash.update(path);
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    for tool in tools {
        hash.update((tool.len() as u64).to_le_bytes());
        hash.update(tool);
    }
    hash.finalize()[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(root: &Path, below: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(below).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if path.file_name().unwrap() != "__pycache__" {
                    listed(root, &path, found);
                }
            } else {
                let path = path.strip_prefix(root).unwrap();
                found.push(path.to_str().unwrap().replace('\\', "/"));
            }
        }
    }

    #[test]
    fn every_source_is_embedded() {
        let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let in_command = |(path, _): &(&str, _)| format!("command/{path}");
        let path = |(path, _): &(&str, _)| path.to_string();
        let python = [PYTHON, ISLAND_PYTHON, COMMAND_PYTHON].concat();
        let python = python.iter().map(path).collect::<Vec<_>>();
        let wit = ISLAND_WIT.iter().map(path);
        let wit = wit.chain(COMMAND_WIT.iter().map(in_command)).collect();
        let linker = LINKER.iter().map(path).collect();
        // These files affect the guest at most through the sources that they list.
        let others = ["fuzz.rs", "lib.rs", "sources.rs"];
        for (root, mut carried) in [("python", python), ("wit", wit), ("src", linker)] {
            let root = crate_root.join(root);
            let mut found = Vec::new();
            listed(&root, &root, &mut found);
            found.retain(|path| !others.contains(&&**path) && !path.ends_with("tests.rs"));
            found.sort();
            carried.sort();
            assert_eq!(found, carried);
        }
    }

    #[test]
    fn the_key_depends_on_the_tools_and_the_variant() {
        let (island, command) = ([ISLAND_PYTHON, ISLAND_WIT], [COMMAND_PYTHON, COMMAND_WIT]);
        assert_eq!(key(island, &["a", "b"]), key(island, &["a", "b"]));
        assert_ne!(key(island, &["a", "b"]), key(island, &["ab"]));
        assert_ne!(key(island, &["a"]), key(command, &["a"]));
    }
}
