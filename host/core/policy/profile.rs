//! Policies and limits together.

use super::{Policy, file};
use crate::error::{ConfigKind, Error, Result};
use crate::limits::Limits;
use std::path::Path;

/// A policy and limits: the contents of a policy file, see `docs/policy.md`.
///
/// # Examples
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::policy::Profile;
/// use archipel::LimitKind;
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
#[non_exhaustive]
pub struct Profile {
    /// The interpreter's capabilities.
    pub policy: Policy,
    /// The interpreter's limits.
    pub limits: Limits,
}

/// The maximum size of a policy file, in bytes. It is more than any policy needs.
const MOST_FILE_BYTES: u64 = 1 << 20;

impl Profile {
    /// Joins a policy and limits.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::{Limits, Policy, policy::Profile};
    ///
    /// let profile = Profile::new(Policy::new(), Limits::new().children(0));
    /// assert!(profile.to_toml()?.contains("children = 0"));
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn new(policy: Policy, limits: Limits) -> Self {
        Profile { policy, limits }
    }

    /// Parses the text of a policy file. Its directories are relative to the current directory.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Config`] for invalid TOML, an unknown key, a value of the wrong type, and anything
    /// that [`Policy`] and [`Limits`] refuse. The error is one line that names the line of the file and the
    /// key.
    pub fn from_toml(text: &str) -> Result<Self> {
        file::read(text, "policy", Path::new(""))
    }

    /// Reads a policy file. Its directories are relative to the folder of the file.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`from_toml`](Self::from_toml), with the name of the file, and [`Error::Config`]
    /// if the file cannot be read or is larger than 1 MiB.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use archipel_core as archipel;
    /// use archipel::policy::Profile;
    ///
    /// let profile = Profile::read("policy.toml")?;
    /// println!("{}", profile.policy);
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let shown = format!("{path:?}");
        let shown = shown.trim_matches('"');
        let cannot = |why: String| {
            Error::config(
                ConfigKind::File,
                format!("cannot read the policy file {shown}: {why}"),
            )
        };
        let metadata = std::fs::metadata(path).map_err(|error| {
            cannot(match error.kind() {
                std::io::ErrorKind::NotFound => "it does not exist".to_owned(),
                _ => error.to_string(),
            })
        })?;
        // Checked first, since opening a pipe would wait for a writer.
        if !metadata.is_file() {
            return Err(cannot("it is not a file".to_owned()));
        }
        if metadata.len() > MOST_FILE_BYTES {
            return Err(cannot("it is larger than 1 MiB".to_owned()));
        }
        let text = std::fs::read_to_string(path).map_err(|error| cannot(error.to_string()))?;
        file::read(&text, shown, path.parent().unwrap_or(Path::new("")))
    }

    /// Returns the text of a policy file with this content. Directories are absolute.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Config`] if the path of a directory is not valid UTF-8.
    pub fn to_toml(&self) -> Result<String> {
        file::write(self)
    }
}
