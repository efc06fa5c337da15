//! Which modules an interpreter can import.

use super::Policy;
use super::name::check_name;
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Which modules can be imported.  By default all can.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Modules {
    /// Modules that cannot be imported, nor anything in them.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub hide: BTreeSet<String>,
    /// If set, what can be imported: these modules, what is in them, and the packages that they
    /// are in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<BTreeSet<String>>,
}

/// Whether `name` is `module`, or lies in it.
fn is_in(name: &str, module: &str) -> bool {
    let rest = name.strip_prefix(module);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

impl Modules {
    /// Whether a module of that name may be imported.
    pub(crate) fn visible(&self, name: &str) -> bool {
        let hidden = self.hide.iter().any(|hidden| is_in(name, hidden));
        let listed = self.only.as_ref().is_none_or(|only| {
            let mut only = only.iter();
            only.any(|module| is_in(name, module) || is_in(module, name))
        });
        listed && !hidden
    }

    /// Whether neither `module` nor anything in it may be imported.
    fn hides_all_of(&self, module: &str) -> bool {
        let hidden = self.hide.iter().any(|hidden| is_in(module, hidden));
        let unlisted = self.only.as_ref().is_some_and(|only| {
            let mut only = only.iter();
            !only.any(|listed| is_in(module, listed) || is_in(listed, module))
        });
        hidden || unlisted
    }

    /// A module that these show and `parent` hides, if there is one.
    pub(crate) fn beyond(&self, parent: &Modules) -> Option<String> {
        let mut hidden = parent.hide.iter();
        if let Some(seen) = hidden.find(|module| !self.hides_all_of(module)) {
            return Some(format!("the module {seen}"));
        }
        let parents = parent.only.as_ref()?;
        let Some(own) = &self.only else {
            return Some("every module".to_owned());
        };
        let unlisted = |module: &&String| !parents.iter().any(|listed| is_in(module, listed));
        let seen = own.iter().find(unlisted)?;
        Some(format!("the module {seen}"))
    }

    /// These, with what `parent` hides hidden too.
    pub(crate) fn below(mut self, parent: &Modules) -> Self {
        self.hide.extend(parent.hide.iter().cloned());
        self.only = self.only.or_else(|| parent.only.clone());
        self
    }

    pub(crate) fn check(&self) -> Result<()> {
        let only = self.only.iter().flatten();
        let mut names = self.hide.iter().chain(only);
        names.try_for_each(|name| check_name("a module", name))
    }
}

impl Policy {
    /// Hides a module, and what is in it, from the interpreter: it cannot be imported.
    ///
    /// It is what keeps a script to what it was meant to use.  It is no safeguard: whatever code in an
    /// interpreter does, the host grants what the rest of the policy says and nothing more.
    ///
    /// # Errors
    ///
    /// When `name` is not the dotted name of a module.
    ///
    /// # Examples
    ///
    /// ```
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
        Ok(self)
    }

    /// Hides all modules but those named, what is in them, and the packages that they are in.  What
    /// was hidden by name stays hidden.
    ///
    /// # Errors
    ///
    /// When a name is not the dotted name of a module.
    ///
    /// # Examples
    ///
    /// ```
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
        self.modules.only = Some(names.into_iter().map(Into::into).collect());
        self.modules.check()?;
        Ok(self)
    }

    /// Whether the interpreter can import a module of that name, if there is one.
    #[must_use]
    pub fn sees_module(&self, name: &str) -> bool {
        self.modules.visible(name)
    }

    /// Which modules are hidden.
    #[must_use]
    pub fn modules(&self) -> &Modules {
        &self.modules
    }
}
