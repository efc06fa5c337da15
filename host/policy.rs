//! What an interpreter may do.  A policy starts empty, and everything in it is a grant.

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

/// What an interpreter may do.
///
/// The default grants nothing: no files, no environment, no arguments, no input, no network, no
/// children.  Clocks and random numbers are real, and all modules visible.
///
/// A policy is data: it can be printed, compared ([`diff`](Self::diff)), and written to and read from
/// a file ([`Profile`]).
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
    /// In the order of their paths in the guest.
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
    /// The aliases that are asked for.
    pub(crate) aliases: BTreeSet<String>,
    /// What the host lends.
    pub(crate) functions: Functions,
}

impl Policy {
    /// A policy that grants nothing.
    pub fn new() -> Self {
        Policy::default()
    }

    /// Grants the host's standard input.
    pub fn stdin(mut self) -> Self {
        self.stdin = true;
        self
    }

    /// What the host keeps for an interpreter with this policy, in bytes, as far as that depends on the policy: each of
    /// its texts some four times, with what a map needs around it. A small policy counts as part of the interpreter.
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

    /// What a child gets with nothing else said: if it is trusted, all that its parent has, and
    /// otherwise nothing but the right to have children in turn, and the clocks, random numbers and
    /// modules of its parent; and of children one generation fewer.
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
    fn a_safe_child_gets_nothing_and_a_trusted_one_everything() {
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
