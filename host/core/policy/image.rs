//! The images from which an interpreter can make children.

use super::Policy;
use super::env::{MOST_ENTRIES, check_count};
use crate::error::{ConfigKind, Error, Result};
use std::collections::BTreeSet;

/// The maximum length of an image's name, in bytes.
const LONGEST_NAME: usize = 64;

/// Checks the name of an image: letters, digits, `.`, `_` and `-`, at most 64, and a letter or digit first.
pub(super) fn check_image(name: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let first = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if first && name.len() <= LONGEST_NAME && name.chars().all(allowed) {
        return Ok(());
    }
    let shown: String = name.chars().take(LONGEST_NAME).collect();
    Err(Error::config(
        ConfigKind::Grant,
        format!(
            "{shown:?} is not a valid name of an image (use up to {LONGEST_NAME} letters, digits, dots, underscores and \
             hyphens)"
        ),
    ))
}

pub(super) fn check_images(names: &BTreeSet<String>) -> Result<()> {
    check_count("images", names.len(), MOST_ENTRIES)?;
    names.iter().try_for_each(|name| check_image(name))
}

impl Policy {
    /// Lets the interpreter create children from the image of this name, in addition to its own image. It also needs
    /// the right to have [`children`](Self::children).
    ///
    /// The host loads the image when it creates the interpreter, so the image must exist then.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Config`] if `name` is not a valid name of an image, or if the policy has 4,096 images already.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::Policy;
    ///
    /// let policy = Policy::new().children(8, 1)?.image("science")?;
    /// assert!(policy.to_string().contains("children from the image science"));
    /// assert!(Policy::new().image("../science").is_err());
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn image(mut self, name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        check_image(&name)?;
        self.images.insert(name);
        check_count("images", self.images.len(), MOST_ENTRIES)?;
        Ok(self)
    }
}
