//! Whether one policy allows no more than another.

use super::Policy;
use super::net::Reach;
use crate::error::Error;
use std::fmt;

/// Something in a policy that another does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Excess(String);

/// Names what is too much as whoever asked for it calls it: a directory by its path in the guest.
impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is more than the parent has", self.0)
    }
}

impl From<Excess> for Error {
    fn from(excess: Excess) -> Self {
        Error::Denied(excess.to_string())
    }
}

impl Policy {
    /// Whether whoever has `parent` may give this to somebody: it allows nothing that `parent` does
    /// not.
    ///
    /// Directories are compared by where they are on the host: one in a granted directory, with no
    /// more access and no larger quota, is within it.  A variable of the environment is within if it is
    /// the same.  Arguments, folders of modules, and standing clocks and seeded random numbers give
    /// nothing away, so everybody may have them.
    ///
    /// # Errors
    ///
    /// The first thing that is too much.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::Policy;
    ///
    /// let parent = Policy::new().net("10.0.0.0/8:443")?;
    /// assert!(Policy::new().net("10.1.2.3:443")?.within(&parent).is_ok());
    /// let excess = Policy::new().net("10.1.2.3:80")?.within(&parent).unwrap_err();
    /// assert_eq!(excess.to_string(), "a connection to 10.1.2.3:80 is more than the parent has");
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn within(&self, parent: &Policy) -> Result<(), Excess> {
        match self.excess(parent) {
            None => Ok(()),
            Some(what) => Err(Excess(what)),
        }
    }

    fn excess(&self, parent: &Policy) -> Option<String> {
        for grant in &self.dirs {
            if !parent.dirs.iter().any(|parents| grant.is_within(parents)) {
                let access = grant.access.name();
                return Some(format!("the directory {:?}, {access},", grant.guest));
            }
        }
        for (name, value) in &self.env {
            if parent.env.get(name) != Some(value) {
                return Some(format!("the environment variable {name:?} with that value"));
            }
        }
        let reach = Reach::new(&parent.net);
        if let Some(beyond) = self.net.iter().find(|wanted| !reach.has(wanted)) {
            return Some(format!("a connection to {beyond}"));
        }
        if self.stdin && !parent.stdin {
            return Some("standard input".to_owned());
        }
        if !self.clock.is_within(&parent.clock) {
            return Some(format!("a clock that is {}", self.clock));
        }
        if !self.random.is_within(&parent.random) {
            return Some(format!("randomness that is {}", self.random));
        }
        if let Some(own) = self.children {
            let parents = parent.children;
            if parents.is_none_or(|parents| own.count > parents.count) {
                return Some(format!("having {} children", own.count));
            }
            if parents.is_none_or(|parents| own.depth > parents.depth) {
                return Some(format!("having {} generations of children", own.depth));
            }
        }
        if let Some(module) = self.modules.beyond(&parent.modules) {
            return Some(module);
        }
        let alias = self.aliases.difference(&parent.aliases).next()?;
        Some(format!("the alias {alias}"))
    }
}
