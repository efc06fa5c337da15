//! The sources of the guest, embedded in this crate so that an installed `archipel` can build it.

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
    "_ctypes.py",
    "_interpchannels.py",
    "_interpqueues.py",
    "_interpreters.py",
    "_island/__init__.py",
    "_island/absent.py",
    "_island/aliases.py",
    "_island/arrivals.py",
    "_island/arrays.py",
    "_island/arriving.py",
    "_island/by_value.py",
    "_island/calls.py",
    "_island/certificates.py",
    "_island/codec.py",
    "_island/codes.py",
    "_island/configs.py",
    "_island/contents.py",
    "_island/copying.py",
    "_island/data_files.py",
    "_island/descriptors.py",
    "_island/distributions.py",
    "_island/enums.py",
    "_island/equipment.py",
    "_island/errors.py",
    "_island/extensions.py",
    "_island/files.py",
    "_island/functions.py",
    "_island/governing.py",
    "_island/image.py",
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
    "_island/seeding.py",
    "_island/settings.py",
    "_island/sharing.py",
    "_island/snapshot.py",
    "_island/sockets.py",
    "_island/standard_input.py",
    "_island/start.py",
    "_island/stash.py",
    "_island/steady.py",
    "_island/tasks.py",
    "_island/thread_pool.py",
    "_island/threads.py",
    "_island/times.py",
    "_island/tls.py",
    "_island/tls_context.py",
    "_island/tls_errors.py",
    "_island/tuning.py",
    "_island/waits.py",
    "_ssl.py",
    "archipel.py",
    "interpreters/__init__.py",
    "interpreters/_channel.py",
    "interpreters/_interpreter.py",
    "mmap.py",
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
    "tls.wit",
    "waiting.wit",
    "world.wit",
);

/// The world of a command.
pub const COMMAND_WIT: Files = sources!("wit/command": "command.wit");

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
        for (root, mut carried) in [("python", python), ("wit", wit)] {
            let root = crate_root.join(root);
            let mut found = Vec::new();
            listed(&root, &root, &mut found);
            found.sort();
            carried.sort();
            assert_eq!(found, carried);
        }
    }
}
