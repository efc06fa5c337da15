//! Wanted aliases, and host functions granted as aliases.

use super::Policy;
use super::env::{MOST_ENTRIES, check_count};
use crate::alias::{AliasError, Call, HostFn};
use crate::error::Result;
use crate::name::check_name;
use crate::value::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Host functions by alias name.
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
    /// Declares that the interpreter wants an alias of that name, as the key `aliases` of a policy file does.
    /// It grants nothing: the creator of the interpreter chooses the function.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Config`](crate::Error::Config) if `name` is not made of identifiers separated by dots,
    /// at most 128 bytes in all, or if the policy has 4,096 wanted aliases already.
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
        check_count("aliases", self.aliases.len(), MOST_ENTRIES)?;
        Ok(self)
    }

    /// Grants the interpreter a host function as an alias, as
    /// `Interpreter::alias` does.
    ///
    /// Functions are the only part of a policy that is not data: files do not contain them, and two policies
    /// with functions of the same names are equal.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Config`](crate::Error::Config) if `name` is not made of identifiers separated by dots,
    /// at most 128 bytes in all. Creating an interpreter can fail for further reasons, such as too many
    /// aliases.
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

    /// Does what [`alias`](Self::alias) does, for a function that blocks; see
    /// `Interpreter::alias_blocking`.
    ///
    /// # Errors
    ///
    /// See [`alias`](Self::alias).
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::Policy;
    /// use std::time::Duration;
    ///
    /// let policy = Policy::new().alias_blocking("pause", |_| {
    ///     std::thread::sleep(Duration::from_millis(10));
    ///     Ok(().into())
    /// })?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn alias_blocking(
        self,
        name: impl Into<String>,
        function: impl Fn(Call) -> Result<Value, AliasError> + Send + Sync + 'static,
    ) -> Result<Self> {
        self.function(name.into(), HostFn::Blocking(Arc::new(function)))
    }

    /// Does what [`alias`](Self::alias) does, for an asynchronous function; see
    /// `Interpreter::alias_async`.
    ///
    /// # Errors
    ///
    /// See [`alias`](Self::alias).
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::Policy;
    ///
    /// let policy = Policy::new().alias_async("answer", |_| async { Ok(42.into()) })?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
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

    /// Returns a wanted alias without a function, if there is one.
    pub fn missing_alias(&self) -> Option<&str> {
        let mut wanted = self.wanted_aliases();
        wanted.find(|name| !self.functions.0.contains_key(*name))
    }

    /// Returns the names of the wanted aliases, in alphabetical order.
    pub fn wanted_aliases(&self) -> impl Iterator<Item = &str> {
        self.aliases.iter().map(String::as_str)
    }
}
