//! Policies: the capabilities of an interpreter. A policy starts empty, and every entry is a grant.

mod alias;
mod children;
mod clock;
mod diff;
mod dir;
mod env;
mod file;
mod image;
mod module;
mod narrowing;
mod net;
mod profile;
mod quota;
mod request;
mod within;

#[cfg(test)]
mod file_tests;
#[cfg(test)]
mod model_tests;

pub use children::Children;
pub use clock::{Clock, Random};
pub use diff::Change;
pub use dir::Access;
pub use module::Modules;
pub use net::Destination;
pub use profile::Profile;
pub use request::{DirRequest, Request};
pub use within::Excess;

#[doc(hidden)]
pub use crate::name::check_name;
#[doc(hidden)]
pub use alias::Functions;
#[doc(hidden)]
pub use dir::{DirGrant, Hold};
#[doc(hidden)]
pub use narrowing::Narrowing;
#[doc(hidden)]
pub use net::{may_stand_for, plain_name};
#[doc(hidden)]
pub use quota::{Quota, QuotaExceeded};

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
/// # use archipel_core as archipel;
/// use archipel::policy::Access;
/// use archipel::Policy;
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
    dirs: Vec<DirGrant>,
    env: BTreeMap<String, String>,
    args: Vec<String>,
    path: Vec<String>,
    stdin: bool,
    net: BTreeSet<Destination>,
    clock: Clock,
    random: Random,
    children: Option<Children>,
    modules: Modules,
    /// The names of images for children.
    images: BTreeSet<String>,
    /// The names of wanted aliases.
    aliases: BTreeSet<String>,
    /// The host functions granted as aliases.
    functions: Functions,
}

/// The parts of a policy from which the library makes an interpreter.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Parts<'a> {
    /// The granted directories, sorted by their paths in the guest.
    pub dirs: &'a [DirGrant],
    /// The environment.
    pub env: &'a BTreeMap<String, String>,
    /// The arguments.
    pub args: &'a [String],
    /// The folders where modules are looked for first.
    pub path: &'a [String],
    /// True if the guest reads the host's standard input.
    pub stdin: bool,
    /// The destinations to which it may connect.
    pub net: &'a BTreeSet<Destination>,
    /// Its clock.
    pub clock: Clock,
    /// Its source of randomness.
    pub random: Random,
    /// The children that it may have.
    pub children: Option<Children>,
    /// The modules that it sees.
    pub modules: &'a Modules,
    /// The names of images from which it can make children.
    pub images: &'a BTreeSet<String>,
    /// The functions that the host lends it.
    pub functions: &'a Functions,
}

impl Policy {
    /// Creates a policy that grants nothing.
    pub fn new() -> Self {
        Policy::default()
    }

    /// Grants the host's standard input.
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::Policy;
    ///
    /// assert!(Policy::new().stdin().to_string().contains("read standard input"));
    /// ```
    pub fn stdin(mut self) -> Self {
        self.stdin = true;
        self
    }

    /// Returns the parts that the library reads.
    #[doc(hidden)]
    pub fn parts(&self) -> Parts<'_> {
        Parts {
            dirs: &self.dirs,
            env: &self.env,
            args: &self.args,
            path: &self.path,
            stdin: self.stdin,
            net: &self.net,
            clock: self.clock,
            random: self.random,
            children: self.children,
            modules: &self.modules,
            images: &self.images,
            functions: &self.functions,
        }
    }

    /// Replaces the grant of children.
    #[doc(hidden)]
    pub fn set_children(&mut self, children: Option<Children>) {
        self.children = children;
    }

    /// Makes `folder` the first folder of the module path.
    #[doc(hidden)]
    pub fn look_first_in(&mut self, folder: String) {
        self.path.insert(0, folder);
    }

    /// Returns the host memory that an interpreter with this policy takes because of it, in bytes: about four
    /// copies of each text, and overhead. A small policy counts as part of the interpreter and weighs 0.
    #[doc(hidden)]
    pub fn weight(&self) -> usize {
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
        let names = names.chain(&self.images);
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
    pub fn of_child(&self, trusted: bool) -> Policy {
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
