//! The granted directories as descriptors of an interpreter, which share what the policy has open.

use crate::policy::{Access, DirGrant};
use crate::state::State;
use std::fs::File;
use std::sync::OnceLock;
use wasmtime::Result;
use wasmtime::component::Resource;
use wasmtime_wasi::filesystem::{Descriptor, Dir};
use wasmtime_wasi::{FsPerms, OpenMode, WasiView};

impl State {
    /// A descriptor for each granted directory, with its path. No file is opened for it.
    pub(super) fn granted_directories(&mut self) -> Result<Vec<(Resource<Descriptor>, String)>> {
        let Some(island) = self.island.upgrade() else {
            return Ok(Vec::new());
        };
        let grants = &island.settings.policy.dirs;
        let table = self.ctx().table;
        let mut directories = Vec::with_capacity(grants.len());
        for grant in grants {
            let descriptor = table.push(Descriptor::Dir(directory(grant)?))?;
            directories.push((descriptor, grant.guest.clone()));
        }
        Ok(directories)
    }
}

fn directory(grant: &DirGrant) -> Result<Dir> {
    let (perms, open_mode) = match grant.access {
        Access::ReadOnly => (FsPerms::ReadOnly, OpenMode::READ),
        Access::ReadWrite => (FsPerms::ReadWrite, OpenMode::READ | OpenMode::WRITE),
    };
    let mut directory = template()?;
    directory.dir = grant.folder.file.clone();
    directory.perms = perms;
    directory.open_mode = open_mode;
    Ok(directory)
}

/// WASI's own type can only be made from a file that is nobody else's, but whose file it has can be changed.
fn template() -> Result<Dir> {
    static TEMPLATE: OnceLock<Dir> = OnceLock::new();
    if let Some(template) = TEMPLATE.get() {
        return Ok(template.clone());
    }
    let file = File::open(if cfg!(windows) { "NUL" } else { "/dev/null" })?;
    let made = Dir::new(file, FsPerms::ReadOnly, OpenMode::READ, false);
    Ok(TEMPLATE.get_or_init(|| made).clone())
}
