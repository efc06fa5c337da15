//! Printing and comparing policies.

use super::{Clock, Policy, Random};
use crate::amount::Amount;
use std::collections::BTreeSet;
use std::fmt;

/// A difference between two policies.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A grant that only the second policy has, as [`Policy`] prints it.
    Added(String),
    /// A grant that only the first policy has, as [`Policy`] prints it.
    Removed(String),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Added(line) => write!(f, "+ {line}"),
            Change::Removed(line) => write!(f, "- {line}"),
        }
    }
}

impl Policy {
    /// Returns a line for each difference from an empty policy.
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for grant in &self.dirs {
            // Debug's form, so that special characters in a name cannot break the line.
            let (host, guest) = (&grant.host, &grant.guest);
            let access = grant.access.name();
            let quota = grant.quota().map(Amount::from_bytes);
            let quota = quota.map_or(String::new(), |quota| format!(", at most {quota} written"));
            lines.push(format!("use {host:?} as {guest:?}, {access}{quota}"));
        }
        for (name, value) in &self.env {
            lines.push(format!("environment {name:?} = {value:?}"));
        }
        if !self.args.is_empty() {
            lines.push(format!("arguments {:?}", self.args));
        }
        if !self.path.is_empty() {
            lines.push(format!("import from {:?}", self.path));
        }
        if self.stdin {
            lines.push("read standard input".to_owned());
        }
        let net = self.net.iter();
        lines.extend(net.map(|destination| format!("connect to {destination}")));
        if self.clock != Clock::Real {
            lines.push(format!("clock {}", self.clock));
        }
        if self.random != Random::Real {
            lines.push(format!("random {}", self.random));
        }
        if let Some(children) = self.children {
            let (count, depth) = (children.count, children.depth);
            lines.push(format!("children {count}, generations {depth}"));
        }
        let images = self.images.iter();
        lines.extend(images.map(|image| format!("children from the image {image}")));
        let hidden = self.modules.hide.iter();
        lines.extend(hidden.map(|module| format!("no module {module}")));
        if let Some(only) = &self.modules.only {
            lines.push(format!(
                "only modules {:?}",
                only.iter().collect::<Vec<_>>()
            ));
        }
        lines.extend(
            self.aliases
                .iter()
                .map(|name| format!("wants alias {name}")),
        );
        lines
    }

    /// Returns the changes that turn this policy into `other`: first removed grants, then added ones. Host
    /// functions are not compared.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::Policy;
    ///
    /// let old = Policy::new().net("example.org:443")?;
    /// let new = Policy::new().net("example.org:80")?;
    /// let changes: Vec<String> = old.diff(&new).iter().map(|change| change.to_string()).collect();
    /// assert_eq!(changes, ["- connect to example.org:443", "+ connect to example.org:80"]);
    /// # Ok::<(), archipel::Error>(())
    /// ```
    #[must_use]
    pub fn diff(&self, other: &Policy) -> Vec<Change> {
        let (own, others) = (self.lines(), other.lines());
        let set = |lines: &[String]| lines.iter().cloned().collect::<BTreeSet<_>>();
        let (has, have) = (set(&own), set(&others));
        let removed = own.iter().filter(|line| !have.contains(*line));
        let added = others.iter().filter(|line| !has.contains(*line));
        let removed = removed.cloned().map(Change::Removed);
        removed.chain(added.cloned().map(Change::Added)).collect()
    }
}

/// Displays a line for each grant, or `nothing`.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lines().as_slice() {
            [] => f.write_str("nothing"),
            lines => f.write_str(&lines.join("\n")),
        }
    }
}
