//! Policies: the capabilities of an interpreter. A policy starts empty, and every entry is a grant.

mod alias;
mod amount;
mod children;
mod clock;
mod diff;
mod dir;
mod env;
mod file;
mod module;
mod name;
mod narrowing;
mod net;
mod profile;
mod quota;
mod request;
mod within;

#[cfg(test)]
mod file_tests;
#[cfg(test)]
mod model;

pub use children::Children;
pub use clock::{Clock, Random};
pub use diff::Change;
pub use dir::Access;
pub use module::Modules;
pub use net::Destination;
pub use profile::Profile;
pub use request::{DirRequest, Request};
pub use within::Excess;

pub(crate) use alias::Functions;
pub(crate) use dir::{DirGrant, Hold};
pub(crate) use name::check_name;
pub(crate) use narrowing::Narrowing;
pub(crate) use net::{may_stand_for, plain_name};
pub(crate) use quota::{Full, Quota};

use std::collections::{BTreeMap, BTreeSet};

/// The capabilities of an interpreter.
///
/// The default grants nothing: no files, no environment, no arguments, no standard input, no network, and no
/// children. Clocks and random numbers are real, and all modules are visible.
///
/// A policy is data, except for its host functions ([`alias`](Self::alias)). It can be printed, compared with
/// [`diff`](Self::diff) and [`within`](Self::within), and stored in a file ([`Profile`]).
///
/// Each collection of a policy is limited to 4,096 entries, and directories to 256. The methods that add
/// entries check this, except that the number of host functions is checked when an interpreter is created.
///
/// # Examples
///
/// ```
/// use archipel::{Access, Policy};
///
/// let policy = Policy::new()
///     .env("LANG", "C.UTF-8")?
///     .dir(std::env::temp_dir(), "/data", Access::ReadOnly)?
///     .net("example.org:443")?;
/// assert!(policy.to_string().contains("connect to example.org:443"));
/// assert!(Policy::new().dir("/proc", "/data", Access::ReadOnly).is_err());
/// # Ok::<(), archipel::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use]
pub struct Policy {
    /// Sorted by guest path.
    pub(crate) dirs: Vec<DirGrant>,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) args: Vec<String>,
    pub(crate) path: Vec<String>,
    pub(crate) stdin: bool,
    pub(crate) net: BTreeSet<Destination>,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) children: Option<Children>,
    pub(crate) modules: Modules,
    /// The names of wanted aliases.
    pub(crate) aliases: BTreeSet<String>,
    /// The host functions granted as aliases.
    pub(crate) functions: Functions,
}

impl Policy {
    /// Creates a policy that grants nothing.
    pub fn new() -> Self {
        Policy::default()
    }

    /// Grants the host's standard input.
    ///
    /// ```
    /// use archipel::Policy;
    ///
    /// assert!(Policy::new().stdin().to_string().contains("read standard input"));
    /// ```
    pub fn stdin(mut self) -> Self {
        self.stdin = true;
        self
    }

    /// Returns the host memory that an interpreter with this policy takes because of it, in bytes: about four
    /// copies of each text, and overhead. A small policy counts as part of the interpreter and weighs 0.
    pub(crate) fn weight(&self) -> usize {
        const COPIES: usize = 4;
        const AROUND: usize = 64;
        const SMALL: usize = 16 << 10;
        let texts = |texts: &mut dyn Iterator<Item = usize>| -> usize {
            texts.map(|length| length + AROUND).sum()
        };
        let env = texts(
            &mut self
                .env
                .iter()
                .map(|(name, value)| name.len() + value.len()),
        );
        let words = self.args.iter().chain(&self.path);
        let names = self.modules.hide.iter().chain(&self.aliases);
        let names = names.chain(self.modules.only.iter().flatten());
        let names = texts(&mut words.chain(names).map(String::len));
        let net = texts(&mut self.net.iter().map(|_| size_of::<Destination>()));
        let dirs = self.dirs.iter();
        let dirs =
            texts(&mut dirs.map(|grant| {
                size_of::<DirGrant>() + grant.guest.len() + grant.host.as_os_str().len()
            }));
        match COPIES * (env + names + net + dirs) {
            small if small < SMALL => 0,
            weight => weight,
        }
    }

    /// Returns the default policy of a child. A trusted child gets everything that its parent has. A safe
    /// child gets only the parent's clock, random numbers, modules and right to have children. In both cases
    /// the child can have one generation of children less than its parent.
    pub(crate) fn of_child(&self, trusted: bool) -> Policy {
        let children = self.children.and_then(Children::below);
        match trusted {
            true => Policy {
                children,
                ..self.clone()
            },
            false => Policy {
                children,
                clock: self.clock,
                random: self.random,
                modules: self.modules.clone(),
                ..Policy::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_safe_child_gets_no_grants_and_a_trusted_child_gets_all() {
        let policy = Policy::new().env("A", "1").unwrap().stdin();
        let policy = policy.path("/p").unwrap().children(5, 2).unwrap();
        let policy = policy.random(Random::Seeded(3)).net("a.b:1").unwrap();
        let policy = policy.hide_module("socket").unwrap();
        let safe = policy.of_child(false);
        assert!(safe.variables().is_empty() && safe.dirs.is_empty() && !safe.stdin);
        assert!(safe.net.is_empty());
        let trusted = policy.of_child(true);
        assert_eq!(trusted.variables(), policy.variables());
        assert!(trusted.stdin && trusted.net == policy.net);
        for child in [safe, trusted] {
            assert_eq!(child.children, Some(Children { count: 5, depth: 1 }));
            assert_eq!(child.of_child(true).children, None);
            assert_eq!(child.random, Random::Seeded(3));
            assert!(!child.sees_module("socket"));
        }
        assert_eq!(Policy::new().of_child(true).children, None);
    }
}
