//! The aliases that an interpreter asks for, and those that it is given.

use super::Policy;
use super::env::{MOST, check_count};
use super::name::check_name;
use crate::alias::{AliasError, Call, HostFn};
use crate::error::Result;
use crate::value::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Functions of the host's, by the names under which scripts call them.
#[derive(Debug, Clone, Default)]
pub struct Functions(pub(crate) BTreeMap<String, HostFn>);

impl Functions {
    /// Returns each function with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &HostFn)> {
        self.0.iter()
    }
}

impl PartialEq for Functions {
    fn eq(&self, other: &Self) -> bool {
        self.0.keys().eq(other.0.keys())
    }
}

impl Policy {
    /// Notes that the interpreter wants an alias of that name, as a policy file says it.  It grants
    /// nothing: which function is behind the name, whoever creates the interpreter decides.
    ///
    /// # Errors
    ///
    /// When `name` is not made of identifiers of at most 128 bytes, with dots between them, or there are 4,096 already.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::Policy;
    ///
    /// let policy = Policy::new().wants_alias("settings.get")?;
    /// assert_eq!(policy.wanted_aliases().collect::<Vec<_>>(), ["settings.get"]);
    /// assert!(Policy::new().wants_alias("__import__").is_err());
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn wants_alias(mut self, name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        check_name("an alias", &name)?;
        self.aliases.insert(name);
        check_count("aliases", self.aliases.len(), MOST)?;
        Ok(self)
    }

    /// Lends the interpreter a function of the host's, as
    /// [`Interpreter::alias`](crate::Interpreter::alias) does.  It is the one part of a policy that is
    /// no data: files do not have it, and two policies with functions of the same names are equal.
    ///
    /// # Errors
    ///
    /// When `name` is not made of identifiers of at most 128 bytes, with dots between them.  What else
    /// can be wrong with it is seen when an interpreter is created.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::Policy;
    ///
    /// let policy = Policy::new().alias("version", |_| Ok("1.0".into()))?;
    /// assert!(Policy::new().alias("no name", |_| Ok("1.0".into())).is_err());
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn alias(
        self,
        name: impl Into<String>,
        function: impl Fn(Call) -> Result<Value, AliasError> + Send + Sync + 'static,
    ) -> Result<Self> {
        self.function(name.into(), HostFn::Direct(Arc::new(function)))
    }

    /// As [`alias`](Self::alias), for a function that waits; see
    /// [`Interpreter::alias_blocking`](crate::Interpreter::alias_blocking).
    ///
    /// # Errors
    ///
    /// As for [`alias`](Self::alias).
    pub fn alias_blocking(
        self,
        name: impl Into<String>,
        function: impl Fn(Call) -> Result<Value, AliasError> + Send + Sync + 'static,
    ) -> Result<Self> {
        self.function(name.into(), HostFn::Blocking(Arc::new(function)))
    }

    /// As [`alias`](Self::alias), for an asynchronous function; see
    /// [`Interpreter::alias_async`](crate::Interpreter::alias_async).
    ///
    /// # Errors
    ///
    /// As for [`alias`](Self::alias).
    pub fn alias_async<F>(
        self,
        name: impl Into<String>,
        function: impl Fn(Call) -> F + Send + Sync + 'static,
    ) -> Result<Self>
    where
        F: Future<Output = Result<Value, AliasError>> + Send + 'static,
    {
        let function = move |call| Box::pin(function(call)) as _;
        self.function(name.into(), HostFn::Async(Arc::new(function)))
    }

    fn function(mut self, name: String, function: HostFn) -> Result<Self> {
        check_name("an alias", &name)?;
        self.functions.0.insert(name, function);
        Ok(self)
    }

    /// An alias that was asked for, and that nobody gave.
    pub fn missing_alias(&self) -> Option<&str> {
        let mut wanted = self.wanted_aliases();
        wanted.find(|name| !self.functions.0.contains_key(*name))
    }

    /// The aliases that were asked for, in alphabetical order.
    pub fn wanted_aliases(&self) -> impl Iterator<Item = &str> {
        self.aliases.iter().map(String::as_str)
    }
}
