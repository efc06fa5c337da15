//! Source distributions: fetching them from their registries. None of their code runs here.

use super::recipe::{Registry, Source};
use super::toolchain::Toolchain;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

impl Source {
    /// Returns the archive in the folder `sources`, and downloads it if it is missing.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be downloaded, or has another hash than the recipe names.
    pub fn fetch(&self, tools: &Toolchain, sources: &Path) -> Result<PathBuf> {
        let fetched = self.archive(tools, sources);
        fetched
            .with_context(|| format!("cannot fetch the source of {} {}", self.name, self.version))
    }

    fn archive(&self, tools: &Toolchain, sources: &Path) -> Result<PathBuf> {
        let file = sources.join(format!("{}-{}.tar.gz", self.name, self.version));
        if !file.exists() {
            let download = sources.join("download");
            if download.exists() {
                fs::remove_dir_all(&download)?;
            }
            fs::create_dir_all(&download)?;
            match self.registry {
                Registry::PyPi => {
                    let mut command = tools.run("fetch.py");
                    let command = command.args([&self.name, &self.version]).arg(&download);
                    crate::tools::run(command)?;
                }
                Registry::Crates => self.fetch_crate(&download)?,
            }
            let entry = fs::read_dir(&download)?.next();
            let entry = entry.context("no file was downloaded")??;
            fs::rename(entry.path(), &file)?;
            fs::remove_dir_all(&download)?;
        }
        if crate::description::sha256(&fs::read(&file)?) != self.sha256 {
            fs::remove_file(&file)?;
            bail!("its hash is not the one in the recipe (the file was deleted; try again)");
        }
        Ok(fs::canonicalize(file)?)
    }

    /// Copies the archive of a crate to the folder `download`. Cargo keeps it in a folder of its own.
    fn fetch_crate(&self, download: &Path) -> Result<()> {
        // The part after `+` describes a version, and does not select it.
        let (version, _) = self.version.split_once('+').unwrap_or((&self.version, ""));
        let name = &self.name;
        let manifest = download.join("Cargo.toml");
        let text = format!(
            "[package]\nname = \"sources\"\n[lib]\npath = \"Cargo.toml\"\n[workspace]\n[dependencies]\n{name} = \
             \"={version}\"\n"
        );
        fs::write(&manifest, text)?;
        let mut cargo = Command::new("cargo");
        let cargo = cargo.args(["fetch", "--quiet"]).current_dir(download);
        crate::tools::run(cargo).context("cargo, of Rust, fetches it")?;
        let home = match std::env::var_os("CARGO_HOME") {
            Some(home) => PathBuf::from(home),
            None => std::env::home_dir().unwrap_or_default().join(".cargo"),
        };
        for entry in fs::read_dir(download)? {
            fs::remove_file(entry?.path())?;
        }
        let file = format!("{name}-{}.crate", self.version);
        for registry in fs::read_dir(home.join("registry/cache"))? {
            let archive = registry?.path().join(&file);
            if archive.exists() {
                fs::copy(archive, download.join(&file))?;
                return Ok(());
            }
        }
        bail!("cargo did not keep {file}")
    }
}
