//! What an interpreter is told when it starts: its environment, its arguments, and where modules are.

use super::Policy;
use crate::error::{Error, Result};

/// The longest text of a variable or an argument, as on Linux.
const MOST_BYTES: usize = 128 << 10;

/// The maximum number of variables, arguments, folders with modules, destinations, aliases, and names of modules, for
/// each.
pub(crate) const MOST: usize = 4096;

/// Refuses more than `most` of something.
pub(super) fn check_count(what: &str, count: usize, most: usize) -> Result<()> {
    match count <= most {
        true => Ok(()),
        false => Err(Error::Config(format!(
            "cannot grant {count} {what}: at most {most}"
        ))),
    }
}

impl Policy {
    /// Sets a variable of the environment.
    ///
    /// # Errors
    ///
    /// When the name is empty, or the name or the value has something in it that no environment
    /// can hold: NUL, or `=` in a name; or when they are longer than 128 KiB together, or there are
    /// more than 4,096.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Result<Self> {
        let (name, value) = (name.into(), value.into());
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            let shown: String = name.chars().take(128).collect();
            return Err(Error::Config(format!(
                "cannot set the environment variable {shown:?}: names are not empty and have no `=`, \
                 and neither names nor values have NUL in them"
            )));
        }
        if name.len() + value.len() > MOST_BYTES {
            let shown: String = name.chars().take(128).collect();
            return Err(Error::Config(format!(
                "cannot set the environment variable {shown:?}: it is longer than 128 KiB"
            )));
        }
        self.env.insert(name, value);
        check_count("environment variables", self.env.len(), MOST)?;
        Ok(self)
    }

    /// Passes on a variable of the host's own environment, as it is now.  If there is none of that
    /// name, there is none for the interpreter.
    ///
    /// # Errors
    ///
    /// As for [`env`](Self::env), and when the value is no text.
    pub fn pass_env(self, name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        if name.is_empty() || name.contains(['=', '\0']) {
            return self.env(name, "");
        }
        match std::env::var(&name) {
            Ok(value) => self.env(name, value),
            Err(std::env::VarError::NotPresent) => Ok(self),
            Err(std::env::VarError::NotUnicode(_)) => Err(Error::Config(format!(
                "cannot pass on the environment variable {name:?}: its value is no valid UTF-8"
            ))),
        }
    }

    /// What `sys.argv` has after its first element, unless a script is run with arguments of its own
    /// ([`Interpreter::run`](crate::Interpreter::run)).
    ///
    /// # Errors
    ///
    /// When an argument has NUL in it or is longer than 128 KiB, or there are more than 4,096.
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
        self.args = args.into_iter().take(MOST + 1).map(Into::into).collect();
        check_count("arguments", self.args.len(), MOST)?;
        let wrong = |arg: &&String| arg.contains('\0') || arg.len() > MOST_BYTES;
        if let Some(wrong) = self.args.iter().find(wrong) {
            let shown: String = wrong.chars().take(128).collect();
            return Err(Error::Config(format!(
                "cannot grant the argument {shown:?}: it has NUL in it or is longer than 128 KiB"
            )));
        }
        Ok(self)
    }

    /// Adds a folder, or an archive such as a wheel, from which modules are imported: an entry of
    /// `sys.path`.  It grants nothing: the folder, or the one that has the archive in it, must be
    /// granted by [`dir`](Self::dir).  Entries are searched in the order in which they are added,
    /// after the folder of a script, and after the standard library.
    ///
    /// # Errors
    ///
    /// When `guest` is not an absolute path, or has a colon in it, which separates the entries of
    /// the variable `PYTHONPATH` that the interpreter finds them in.
    ///
    /// # Examples
    ///
    /// ```
    /// # use archipel_core as archipel;
    /// use archipel::{Access, Policy};
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
            return Err(Error::Config(format!(
                "{guest:?} cannot be searched for modules: it must be an absolute path without `:`"
            )));
        }
        self.path.push(guest);
        check_count("folders with modules", self.path.len(), MOST)?;
        Ok(self)
    }

    /// The variables of the environment, with the one that has the path in it.
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
    fn environment() {
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
    fn arguments() {
        assert!(Policy::new().args(["a", "b c", ""]).is_ok());
        assert!(Policy::new().args(["a\0"]).is_err());
        assert!(Policy::new().args(std::iter::repeat("")).is_err());
    }

    #[test]
    fn the_path_goes_before_the_one_in_the_environment() {
        let policy = Policy::new().env("PYTHONPATH", "/own").unwrap();
        let policy = policy.path("/a").unwrap().path("/b.whl").unwrap();
        let expected = [("PYTHONPATH".to_owned(), "/a:/b.whl:/own".to_owned())];
        assert_eq!(policy.variables(), expected);
        for wrong in ["a", "", "/a:b", "/a\0"] {
            assert!(Policy::new().path(wrong).is_err(), "{wrong:?}");
        }
    }
}
