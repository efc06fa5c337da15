//! What an interpreter may do and how much it may use, in one file.

use super::{Policy, file};
use crate::error::{Error, Result};
use crate::limits::Limits;
use std::path::Path;

/// What an interpreter may do and how much it may use: what is in a policy file, `docs/policy.md`.
///
/// # Examples
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::{LimitKind, Profile};
///
/// let profile = Profile::from_toml(
///     r#"
///     net = ["example.org:443"]
///     [limits]
///     memory = "64MiB"
///     "#,
/// )?;
/// assert_eq!(profile.limits.get(LimitKind::Memory), Some(64 << 20));
/// assert_eq!(Profile::from_toml(&profile.to_toml()?)?, profile);
///
/// let error = Profile::from_toml("\nnett = []").unwrap_err().to_string();
/// assert!(error.starts_with("policy, line 2: `nett`: unknown field `nett`"), "{error}");
/// # Ok::<(), archipel::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Profile {
    /// What it may do.
    pub policy: Policy,
    /// How much it may use.
    pub limits: Limits,
}

/// The largest file that is read: more than any policy needs, and less than hurts.
const MOST: u64 = 1 << 20;

impl Profile {
    /// Reads the text of a policy file.  Its directories are relative to the current one.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for what is no TOML, an unknown key, a value of the wrong type, and
    /// whatever [`Policy`] and [`Limits`] refuse, in one line that names the line and the key.
    pub fn from_toml(text: &str) -> Result<Self> {
        file::read(text, "policy", Path::new(""))
    }

    /// Reads a policy file.  Its directories are relative to the folder that it is in.
    ///
    /// # Errors
    ///
    /// As for [`from_toml`](Self::from_toml), with the name of the file, and when it cannot be read or
    /// is larger than 1 MiB.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let shown = format!("{path:?}");
        let shown = shown.trim_matches('"');
        let cannot =
            |why: String| Error::Config(format!("cannot read the policy file {shown}: {why}"));
        let metadata = std::fs::metadata(path).map_err(|error| {
            cannot(match error.kind() {
                std::io::ErrorKind::NotFound => "it does not exist".to_owned(),
                _ => error.to_string(),
            })
        })?;
        // Opening a pipe would wait for somebody to write to it.
        if !metadata.is_file() {
            return Err(cannot("it is not a file".to_owned()));
        }
        if metadata.len() > MOST {
            return Err(cannot("it is larger than 1 MiB".to_owned()));
        }
        let text = std::fs::read_to_string(path).map_err(|error| cannot(error.to_string()))?;
        file::read(&text, shown, path.parent().unwrap_or(Path::new("")))
    }

    /// The text of a policy file that reads as this.  Directories are absolute in it.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] when the path of a directory is no valid UTF-8.
    pub fn to_toml(&self) -> Result<String> {
        file::write(self)
    }
}
