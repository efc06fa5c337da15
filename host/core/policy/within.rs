//! Comparison of a child's policy with its parent's.

use super::Policy;
use super::net::Reach;
use crate::error::{Capability, Error};

/// A grant in a policy that the parent's policy does not include.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text} exceeds the parent's policy")]
#[non_exhaustive]
pub struct Excess {
    /// The capability that the grant gives.
    pub capability: Capability,
    /// The grant in the terms of the interpreter that asked for it: a directory by its guest path.
    pub text: String,
}

impl From<Excess> for Error {
    fn from(excess: Excess) -> Self {
        Error::denied(excess.capability, excess.to_string())
    }
}

impl Policy {
    /// Checks that an interpreter with `parent` can grant this policy, that is, that the policy grants nothing
    /// that `parent` does not.
    ///
    /// Directories are compared by their host paths: a directory is included if it is a granted directory or
    /// inside one, with no more access and no larger quota. An environment variable is included if it has the
    /// same value. Arguments, module paths, frozen clocks and seeded random numbers are always included,
    /// because they reveal nothing about the host.
    ///
    /// # Errors
    ///
    /// Returns the first grant that `parent` does not include.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::{Capability, Policy};
    ///
    /// let parent = Policy::new().net("10.0.0.0/8:443")?;
    /// assert!(Policy::new().net("10.1.2.3:443")?.within(&parent).is_ok());
    /// let excess = Policy::new().net("10.1.2.3:80")?.within(&parent).unwrap_err();
    /// assert_eq!(excess.capability, Capability::Net);
    /// assert_eq!(excess.to_string(), "a connection to 10.1.2.3:80 exceeds the parent's policy");
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn within(&self, parent: &Policy) -> Result<(), Excess> {
        match self.excess(parent) {
            None => Ok(()),
            Some((capability, text)) => Err(Excess { capability, text }),
        }
    }

    fn excess(&self, parent: &Policy) -> Option<(Capability, String)> {
        for grant in &self.dirs {
            if !parent.dirs.iter().any(|parents| grant.is_within(parents)) {
                let access = grant.access.name();
                let text = format!("the directory {:?}, {access},", grant.guest);
                return Some((Capability::Dir, text));
            }
        }
        for (name, value) in &self.env {
            if parent.env.get(name) != Some(value) {
                let text = format!("the environment variable {name:?} with that value");
                return Some((Capability::Env, text));
            }
        }
        let reach = Reach::new(&parent.net);
        if let Some(beyond) = self.net.iter().find(|wanted| !reach.has(wanted)) {
            return Some((Capability::Net, format!("a connection to {beyond}")));
        }
        if self.stdin && !parent.stdin {
            return Some((Capability::Stdin, "standard input".to_owned()));
        }
        if !self.clock.is_within(&parent.clock) {
            let text = format!("the clock setting `{}`", self.clock);
            return Some((Capability::Clock, text));
        }
        if !self.random.is_within(&parent.random) {
            let text = format!("the random setting `{}`", self.random);
            return Some((Capability::Random, text));
        }
        if let Some(own) = self.children {
            let parents = parent.children;
            if parents.is_none_or(|parents| own.count > parents.count) {
                let text = format!("a grant of {} children", own.count);
                return Some((Capability::Children, text));
            }
            if parents.is_none_or(|parents| own.depth > parents.depth) {
                let text = format!("a grant of {} generations of children", own.depth);
                return Some((Capability::Children, text));
            }
        }
        if let Some(image) = self.images.difference(&parent.images).next() {
            return Some((Capability::Image, format!("the image {image}")));
        }
        if let Some(module) = self.modules.beyond(&parent.modules) {
            return Some((Capability::Module, module));
        }
        let alias = self.aliases.difference(&parent.aliases).next()?;
        Some((Capability::Alias, format!("the alias {alias}")))
    }
}
