//! The modules that an interpreter can import.

use super::Policy;
use super::env::{MOST_ENTRIES, check_count};
use crate::error::Result;
use crate::name::check_name;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::Bound;

/// The modules that an interpreter can import. By default it can import all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Modules {
    /// Hidden modules. They cannot be imported, nor can their submodules.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub hide: BTreeSet<String>,
    /// If set, only these modules can be imported, their submodules, and the packages that contain them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<BTreeSet<String>>,
}

/// Returns whether `modules` contains `name` or one of its packages.
fn has_one_around(modules: &BTreeSet<String>, name: &str) -> bool {
    let ends = name.match_indices('.').map(|(at, _)| at);
    let mut packages = ends.chain([name.len()]).filter_map(|end| name.get(..end));
    packages.any(|package| modules.contains(package))
}

/// Returns whether `modules` contains a submodule of `name`.
fn has_one_within(modules: &BTreeSet<String>, name: &str) -> bool {
    let prefix = format!("{name}.");
    let from = (Bound::Included(prefix.as_str()), Bound::Unbounded);
    let first = modules.range::<str, _>(from).next();
    first.is_some_and(|module| module.starts_with(&prefix))
}

impl Modules {
    /// Returns whether a module of that name can be imported.
    pub(crate) fn visible(&self, name: &str) -> bool {
        !self.hides_all_of(name)
    }

    /// Returns whether `module` and all of its submodules are hidden.
    fn hides_all_of(&self, module: &str) -> bool {
        let unlisted = self
            .only
            .as_ref()
            .is_some_and(|only| !has_one_around(only, module) && !has_one_within(only, module));
        unlisted || has_one_around(&self.hide, module)
    }

    /// Returns a module that these show and `parent` hides, if there is one.
    pub(crate) fn beyond(&self, parent: &Modules) -> Option<String> {
        let mut hidden = parent.hide.iter();
        if let Some(seen) = hidden.find(|module| !self.hides_all_of(module)) {
            return Some(format!("the module {seen}"));
        }
        let parents = parent.only.as_ref()?;
        let Some(own) = &self.only else {
            return Some("access to all modules".to_owned());
        };
        let seen = own.iter().find(|module| !has_one_around(parents, module))?;
        Some(format!("the module {seen}"))
    }

    /// Also hides the modules that `parent` hides.
    pub(crate) fn below(mut self, parent: &Modules) -> Self {
        self.hide.extend(parent.hide.iter().cloned());
        self.only = self.only.or_else(|| parent.only.clone());
        self
    }

    pub(crate) fn check(&self) -> Result<()> {
        check_count("hidden modules", self.hide.len(), MOST_ENTRIES)?;
        let listed = self.only.as_ref().map_or(0, BTreeSet::len);
        check_count("visible modules", listed, MOST_ENTRIES)?;
        let only = self.only.iter().flatten();
        let mut names = self.hide.iter().chain(only);
        names.try_for_each(|name| check_name("a module", name))
    }
}

impl Policy {
    /// Hides a module and its submodules: importing them fails.
    ///
    /// This restricts scripts to intended modules. It is not a security boundary: code in an interpreter can
    /// get around it, but the host still grants only what the rest of the policy says.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Config`](crate::Error::Config) if `name` is not the dotted name of a module, or if the
    /// policy hides 4,096 modules already.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::Policy;
    ///
    /// let policy = Policy::new().hide_module("urllib.request")?;
    /// assert!(!policy.sees_module("urllib.request"));
    /// assert!(policy.sees_module("urllib.parse"));
    /// assert!(Policy::new().hide_module("no module").is_err());
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn hide_module(mut self, name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        check_name("a module", &name)?;
        self.modules.hide.insert(name);
        check_count("hidden modules", self.modules.hide.len(), MOST_ENTRIES)?;
        Ok(self)
    }

    /// Hides all modules except the given ones, their submodules, and the packages that contain them. Modules
    /// that were hidden by name stay hidden. A later call replaces the list.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Config`](crate::Error::Config) if a name is not the dotted name of a module, or if
    /// there are more than 4,096.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::Policy;
    ///
    /// let policy = Policy::new().only_modules(["json", "os.path"])?;
    /// assert!(policy.sees_module("json.decoder") && policy.sees_module("os"));
    /// assert!(!policy.sees_module("socket"));
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn only_modules<N: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Result<Self> {
        let names = names.into_iter().map(Into::into);
        // One more than allowed is enough to detect too many.
        self.modules.only = Some(names.take(MOST_ENTRIES + 1).collect());
        self.modules.check()?;
        Ok(self)
    }

    /// Returns whether the policy lets the interpreter import a module of that name, if the module exists.
    #[must_use]
    pub fn sees_module(&self, name: &str) -> bool {
        self.modules.visible(name)
    }

    /// Returns the hidden and the allowed modules.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::Policy;
    ///
    /// let policy = Policy::new().hide_module("ctypes")?;
    /// assert!(policy.modules().hide.contains("ctypes"));
    /// # Ok::<(), archipel::Error>(())
    /// ```
    #[must_use]
    pub fn modules(&self) -> &Modules {
        &self.modules
    }
}
