//! The aliases that an interpreter asks for.

use super::Policy;
use super::name::check_name;
use crate::error::Result;

impl Policy {
    /// Notes that the interpreter wants an alias of that name, as a policy file says it.  It grants
    /// nothing: which function is behind the name, whoever creates the interpreter decides.
    ///
    /// # Errors
    ///
    /// When `name` is not made of identifiers of at most 128 bytes, with dots between them.
    ///
    /// # Examples
    ///
    /// ```
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
        Ok(self)
    }

    /// The aliases that were asked for, in alphabetical order.
    pub fn wanted_aliases(&self) -> impl Iterator<Item = &str> {
        self.aliases.iter().map(String::as_str)
    }
}
