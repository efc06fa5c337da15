//! `archipel image`: builds images, and lists those in the cache.

use crate::cache::cache_dir;
use crate::line::Line;
use crate::options::{Bytes, Nanoseconds, is_path, size, time};
use crate::{Failure, say};
use archipel::ImageBuilder;
use archipel_guest::{Description, Stored};
use clap::{Args, Subcommand};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Subcommand)]
pub enum ImageCommand {
    /// Build an image: CPython with packages, and with the state that a set-up script leaves.
    ///
    /// pip resolves the packages to wheels. Wheels of pure Python are used as they are; others need
    /// a recipe. Nothing of a package runs outside of the sandbox.
    Build(Box<Build>),
    /// List the images in the cache.
    List,
    /// Show the contents of an image.
    Show {
        /// The name of an image in the cache, or the path of a file.
        #[arg(value_name = "NAME|PATH")]
        image: String,
    },
    /// Delete an image from the cache.
    Rm {
        /// The name of the image.
        name: String,
    },
}

#[derive(Args)]
pub struct Build {
    /// The packages, as pip's requirements: `numpy`, `attrs==25.1.0`.
    #[arg(value_name = "PACKAGE[==VERSION]")]
    packages: Vec<String>,

    /// Add the packages in this requirements file.
    #[arg(short, long, value_name = "FILE")]
    requirements: Vec<PathBuf>,

    /// Run this script in the image before it is stored. Every interpreter starts with what it
    /// defines in `__main__`.
    #[arg(long, value_name = "FILE")]
    setup: Option<PathBuf>,

    /// Import this module in the image before it is stored, so that scripts import it without delay.
    #[arg(long, value_name = "MODULE")]
    import: Vec<String>,

    /// The name of the image. Default: the name of the first package.
    #[arg(long)]
    name: Option<String>,

    /// Write the image to this file, too.
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,

    /// Stop imports and the set-up script after this time. Default: 10m.
    #[arg(long, value_name = "TIME", value_parser = time)]
    timeout: Option<Nanoseconds>,

    /// Limit the memory of imports and of the set-up script. Default: 4GiB.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_memory: Option<Bytes>,
}

impl ImageCommand {
    /// Runs the command, and returns its exit status.
    pub fn execute(self) -> Result<u8, Failure> {
        match self {
            ImageCommand::Build(build) => build.execute(),
            ImageCommand::List => list(),
            ImageCommand::Show { image } => show(&image),
            ImageCommand::Rm { name } => remove(&name),
        }
    }
}

impl Build {
    fn execute(self) -> Result<u8, Failure> {
        let mut builder = ImageBuilder::new().packages(self.packages);
        for file in self.requirements {
            builder = builder.requirements(file);
        }
        for module in self.import {
            builder = builder.import(module);
        }
        if let Some(script) = self.setup {
            builder = builder.setup(script);
        }
        if let Some(name) = self.name {
            builder = builder.name(name);
        }
        if let Some(path) = self.output {
            builder = builder.output(path);
        }
        if let Some(time) = self.timeout {
            builder = builder.timeout(Duration::from_nanos(time));
        }
        if let Some(bytes) = self.max_memory {
            builder = builder.max_memory(bytes);
        }
        let terminal = std::io::stderr().is_terminal();
        let mut line = Line::default();
        let image = builder
            .progress(move |what| {
                if terminal {
                    line.show(what);
                }
            })
            .build()?;
        let name = image.name().unwrap_or_default();
        let packages = image.packages();
        let packages = packages.iter().map(|p| format!("{} {}", p.name, p.version));
        let packages: Vec<String> = packages.collect();
        say::say(&match packages.is_empty() {
            true => format!("archipel: built the image {name}"),
            false => format!(
                "archipel: built the image {name} with {}",
                packages.join(", ")
            ),
        });
        Ok(0)
    }
}

fn list() -> Result<u8, Failure> {
    let images = archipel_guest::images(&cache_dir()?)
        .map_err(|error| Failure::failed(format!("cannot read the cache: {error}")))?;
    for image in images {
        println!("{}", row(&image));
    }
    Ok(0)
}

fn row(image: &Stored) -> String {
    let size = image.size as f64 / 1048576.0;
    let contents = match &image.description {
        Err(why) => format!("unusable: {why}"),
        Ok(description) => match description.mismatch() {
            Some(why) => format!("unusable: it {why}"),
            None => {
                let packages = description.packages.iter();
                let packages = packages.map(|p| format!("{} {}", p.name, p.version));
                packages.collect::<Vec<_>>().join(", ")
            }
        },
    };
    format!("{:<20} {size:>7.1} MiB  {contents}", image.name)
}

fn show(name: &str) -> Result<u8, Failure> {
    let path = match is_path(name) {
        true => PathBuf::from(name),
        false => stored(name)?,
    };
    let description = archipel_guest::describe(&path)
        .map_err(|why| Failure::failed(format!("cannot show {}: {why}", path.display())))?;
    print!("{}", shown(&description, &path));
    Ok(0)
}

fn shown(description: &Description, path: &Path) -> String {
    let mut text = format!(
        "name      {}\nfile      {}\narchipel  {}\npython    {}\n",
        description.name,
        path.display(),
        description.archipel,
        description.python
    );
    for package in &description.packages {
        let (name, version, hash) = (&package.name, &package.version, &package.sha256);
        text += &format!("package   {name} {version} sha256:{hash}\n");
    }
    for module in &description.imports {
        text += &format!("import    {module}\n");
    }
    if let Some(hash) = &description.setup {
        text += &format!("setup     sha256:{hash}\n");
    }
    text += &format!("inputs    sha256:{}\n", description.inputs);
    text += &format!("built     {}\n", description.built);
    // An image is not trusted, and its description can contain anything.
    text.chars()
        .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
        .collect()
}

fn remove(name: &str) -> Result<u8, Failure> {
    let path = stored(name)?;
    std::fs::remove_file(&path)
        .map_err(|error| Failure::failed(format!("cannot delete {}: {error}", path.display())))?;
    Ok(0)
}

/// Returns the file of an image in the cache.
fn stored(name: &str) -> Result<PathBuf, Failure> {
    let path = archipel_guest::image_path(&cache_dir()?, name).filter(|path| path.exists());
    path.ok_or_else(|| {
        Failure::usage(format!(
            "no image is named {name} (`archipel image list` shows the images)"
        ))
    })
}
