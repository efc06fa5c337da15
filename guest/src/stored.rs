//! The images in the cache, by their names.

use crate::description::{Description, Unreadable};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The folder of images in the cache.
const FOLDER: &str = "images";

/// The extension of an image's file.
const EXTENSION: &str = "wasm";

/// The maximum length of a name, in bytes.
const LONGEST_NAME: usize = 64;

/// Returns whether `name` can be the name of an image: letters, digits, `.`, `_` and `-`, at most 64, and a letter or
/// digit first.
#[must_use]
pub fn is_image_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    name.len() <= LONGEST_NAME
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(allowed)
}

/// Returns the file of the image with this name in `cache`, which may not exist; `None` if the name is invalid.
#[must_use]
pub fn image_path(cache: &Path, name: &str) -> Option<PathBuf> {
    is_image_name(name).then(|| cache.join(FOLDER).join(format!("{name}.{EXTENSION}")))
}

/// An image in the cache.
#[derive(Debug)]
#[non_exhaustive]
pub struct Stored {
    /// Its name.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// The size of its file, in bytes.
    pub size: u64,
    /// Its description, or the reason that it cannot be used.
    pub description: Result<Description, Unreadable>,
}

/// Returns the images in `cache`, sorted by name.
///
/// # Errors
///
/// Returns an error if the folder exists and cannot be read.
pub fn images(cache: &Path) -> io::Result<Vec<Stored>> {
    let entries = match fs::read_dir(cache.join(FOLDER)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_stem().and_then(|name| name.to_str());
        let is_image = path.extension().is_some_and(|e| e == EXTENSION) && path.is_file();
        let Some(name) = name.filter(|name| is_image && is_image_name(name)) else {
            continue;
        };
        found.push(Stored {
            name: name.to_owned(),
            size: path.metadata()?.len(),
            description: describe(&path),
            path,
        });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Reads the description of an image's file.
///
/// # Errors
///
/// Returns an error if the file cannot be read, has no description, or a damaged one.
pub fn describe(path: &Path) -> Result<Description, Unreadable> {
    let description = Description::read(io::BufReader::new(File::open(path)?))?;
    description.ok_or_else(|| Unreadable::Damaged("it has no description".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_the_folder() {
        for name in ["science", "a", "3.14-x_y"] {
            assert!(is_image_name(name), "{name}");
        }
        let long = "a".repeat(LONGEST_NAME + 1);
        for name in [
            "", ".", "..", "../x", "a/b", "a\\b", "-o", "\u{e9}", "a b", &long,
        ] {
            assert!(image_path(Path::new("/cache"), name).is_none(), "{name}");
        }
    }
}
