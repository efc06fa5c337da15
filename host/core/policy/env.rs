//! Environment variables, arguments and the module path.

use super::Policy;
use crate::error::{ConfigKind, Error, Result};

/// The maximum length of a variable or an argument, in bytes, as on Linux.
const MOST_BYTES: usize = 128 << 10;

/// The maximum number of variables, of arguments, of module path entries, of destinations, of aliases, and of
/// module names in a policy.
pub(crate) const MOST_ENTRIES: usize = 4096;

/// Refuses more than `most` of something.
pub(super) fn check_count(what: &str, count: usize, most: usize) -> Result<()> {
    match count <= most {
        true => Ok(()),
        false => Err(Error::config(
            ConfigKind::Grant,
            format!("cannot grant {count} {what}: at most {most}"),
        )),
    }
}

impl Policy {
    /// Sets an environment variable. A later call with the same name replaces the value.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Config`] if the name is empty or contains `=`, if the name or the value contains NUL,
    /// if they are longer than 128 KiB together, or if there are more than 4,096 variables.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::Policy;
    ///
    /// let policy = Policy::new().env("LANG", "C.UTF-8")?;
    /// assert!(policy.env("A=B", "x").is_err());
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Result<Self> {
        let (name, value) = (name.into(), value.into());
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            let shown: String = name.chars().take(128).collect();
            return Err(Error::config(
                ConfigKind::Grant,
                format!(
                    "cannot set the environment variable {shown:?}: its name must not be empty or contain \
                 `=`, and neither name nor value can contain NUL"
                ),
            ));
        }
        if name.len() + value.len() > MOST_BYTES {
            let shown: String = name.chars().take(128).collect();
            return Err(Error::config(
                ConfigKind::Grant,
                format!(
                    "cannot set the environment variable {shown:?}: name and value exceed 128 KiB"
                ),
            ));
        }
        self.env.insert(name, value);
        check_count("environment variables", self.env.len(), MOST_ENTRIES)?;
        Ok(self)
    }

    /// Passes on an environment variable of the host, with its current value. If the host does not have the
    /// variable, the policy stays unchanged.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`env`](Self::env), and [`Error::Config`] if the value is not valid UTF-8.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::Policy;
    ///
    /// // A variable that the host does not have is omitted.
    /// assert_eq!(Policy::new().pass_env("ARCHIPEL_NO_SUCH_VARIABLE")?, Policy::new());
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn pass_env(self, name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        if name.is_empty() || name.contains(['=', '\0']) {
            return self.env(name, "");
        }
        match std::env::var(&name) {
            Ok(value) => self.env(name, value),
            Err(std::env::VarError::NotPresent) => Ok(self),
            Err(std::env::VarError::NotUnicode(_)) => Err(Error::config(
                ConfigKind::Grant,
                format!(
                    "cannot pass on the environment variable {name:?}: its value is not valid UTF-8"
                ),
            )),
        }
    }

    /// Sets the elements of `sys.argv` after the first. A script that is run with its own arguments gets those
    /// instead (`Interpreter::run`). A later call replaces the arguments.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Config`] if an argument contains NUL or is longer than 128 KiB, or if there are more
    /// than 4,096.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::Policy;
    ///
    /// let policy = Policy::new().args(["--verbose", "in.txt"])?;
    /// assert!(Policy::new().args(["\0"]).is_err());
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Result<Self> {
        self.args = args
            .into_iter()
            .take(MOST_ENTRIES + 1)
            .map(Into::into)
            .collect();
        check_count("arguments", self.args.len(), MOST_ENTRIES)?;
        let wrong = |arg: &&String| arg.contains('\0') || arg.len() > MOST_BYTES;
        if let Some(wrong) = self.args.iter().find(wrong) {
            let shown: String = wrong.chars().take(128).collect();
            return Err(Error::config(
                ConfigKind::Grant,
                format!(
                    "cannot grant the argument {shown:?}: it contains NUL or is longer than 128 KiB"
                ),
            ));
        }
        Ok(self)
    }

    /// Adds an entry to `sys.path`: a folder, or an archive such as a wheel, from which modules are imported.
    /// It grants nothing: [`dir`](Self::dir) must grant the folder, or the folder with the archive. Entries
    /// are searched in the order in which they are added, after the folder of a script and after the standard
    /// library.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Config`] if `guest` is not an absolute path, or contains NUL or a colon, which
    /// separates the entries of the interpreter's `PYTHONPATH`, or if there are more than 4,096 entries.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::policy::Access;
    /// use archipel::Policy;
    ///
    /// let policy = Policy::new()
    ///     .dir(std::env::temp_dir(), "/packages", Access::ReadOnly)?
    ///     .path("/packages")?
    ///     .path("/packages/attrs-25.4.0-py3-none-any.whl")?;
    /// # Ok::<(), archipel::Error>(())
    /// ```
    pub fn path(mut self, guest: impl Into<String>) -> Result<Self> {
        let guest = guest.into();
        if !guest.starts_with('/') || guest.contains([':', '\0']) {
            return Err(Error::config(
                ConfigKind::Grant,
                format!(
                    "cannot add {guest:?} to the module path: it must be absolute, without `:` and NUL"
                ),
            ));
        }
        self.path.push(guest);
        check_count("module path entries", self.path.len(), MOST_ENTRIES)?;
        Ok(self)
    }

    /// Returns the environment variables, with the module path in `PYTHONPATH`.
    pub fn variables(&self) -> Vec<(String, String)> {
        const NAME: &str = "PYTHONPATH";
        let mut variables = self.env.clone();
        if !self.path.is_empty() {
            let own = self.path.iter().map(String::as_str);
            let set = variables.remove(NAME);
            let joined: Vec<&str> = own.chain(set.as_deref()).collect();
            variables.insert(NAME.to_owned(), joined.join(":"));
        }
        variables.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn env_and_pass_env_check_names_and_values() {
        let long = "x".repeat(MOST_BYTES);
        for (name, value) in [
            ("", "x"),
            ("A=B", "x"),
            ("A\0", "x"),
            ("A", "\0"),
            ("A", &long),
        ] {
            assert!(Policy::new().env(name, value).is_err());
        }
        let policy = Policy::new().env("A", "1").unwrap().env("A", "2").unwrap();
        assert_eq!(policy.variables(), [("A".to_owned(), "2".to_owned())]);
        let passed = Policy::new().pass_env("PATH").unwrap();
        assert_eq!(passed.env.get("PATH"), std::env::var("PATH").ok().as_ref());
        let absent = Policy::new().pass_env("ARCHIPEL_NO_SUCH_VARIABLE").unwrap();
        assert_eq!(absent, Policy::new());
        for wrong in ["", "A=B", "A\0"] {
            assert!(Policy::new().pass_env(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn args_refuses_nul_and_too_many() {
        assert!(Policy::new().args(["a", "b c", ""]).is_ok());
        assert!(Policy::new().args(["a\0"]).is_err());
        assert!(Policy::new().args(std::iter::repeat("")).is_err());
    }

    #[test]
    fn path_entries_come_before_pythonpath_from_the_environment() {
        let policy = Policy::new().env("PYTHONPATH", "/own").unwrap();
        let policy = policy.path("/a").unwrap().path("/b.whl").unwrap();
        let expected = [("PYTHONPATH".to_owned(), "/a:/b.whl:/own".to_owned())];
        assert_eq!(policy.variables(), expected);
        for wrong in ["a", "", "/a:b", "/a\0"] {
            assert!(Policy::new().path(wrong).is_err(), "{wrong:?}");
        }
    }
}
