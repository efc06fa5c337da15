//! Aliases: names in an interpreter that call something in the host or in another interpreter.
//!
//! The idea is that of Tcl's `interp alias`: whoever runs untrusted code lends it exactly the commands
//! that it should have.  Arguments and results are data and nothing else.

use crate::error::{Error, Result};
use crate::policy::check_name;
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

/// A call of an alias, as the host's function gets it.
///
/// # Examples
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::{AliasError, Call, Value};
///
/// fn add(call: Call) -> Result<Value, AliasError> {
///     let (a, b): (i64, i64) = call.arguments()?;
///     a.checked_add(b).map(Value::from).ok_or_else(|| AliasError::new("the sum is too large"))
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Call {
    /// The name under which it was called.
    pub alias: String,
    /// The name of the interpreter that calls, if it has one.
    pub caller: Option<String>,
    /// The positional arguments: whatever the script passed, which may be anything.
    pub args: Vec<Value>,
    /// The keyword arguments, in the order in which they were passed.
    pub kwargs: Vec<(String, Value)>,
}

impl Call {
    #[doc(hidden)]
    pub fn new(
        alias: &str,
        caller: Option<&str>,
        args: Vec<Value>,
        kwargs: Vec<(String, Value)>,
    ) -> Self {
        Call {
            alias: alias.to_owned(),
            caller: caller.map(str::to_owned),
            args,
            kwargs,
        }
    }
}

impl Call {
    /// The positional arguments as Rust values: a tuple of as many as there must be.
    ///
    /// # Errors
    ///
    /// An [`AliasError`] that tells the script what is wrong with its arguments: too few or too many,
    /// keyword arguments, or one that is not of the type.
    pub fn arguments<T: Arguments>(self) -> Result<T, AliasError> {
        if let Some((name, _)) = self.kwargs.first() {
            return Err(AliasError::new(format!(
                "{}() takes no keyword argument {name:?}",
                self.alias
            )));
        }
        let (given, wanted) = (self.args.len(), T::COUNT);
        if given != wanted {
            let plural = if wanted == 1 { "" } else { "s" };
            return Err(AliasError::new(format!(
                "{}() takes {wanted} argument{plural}, not {given}",
                self.alias
            )));
        }
        let mut at = 0;
        let mut args = self.args.into_iter().map(|value| {
            at += 1;
            (at, value)
        });
        T::take(&self.alias, &mut args)
    }
}

/// Tuples of Rust types that the arguments of a call can become; see [`Call::arguments`].
pub trait Arguments: Sized {
    /// How many arguments there must be.
    #[doc(hidden)]
    const COUNT: usize;

    #[doc(hidden)]
    fn take(
        alias: &str,
        args: &mut dyn Iterator<Item = (usize, Value)>,
    ) -> Result<Self, AliasError>;
}

macro_rules! arguments {
    ($($count:literal: ($($name:ident),*);)*) => {$(
        impl<$($name: TryFrom<Value, Error: fmt::Display>),*> Arguments for ($($name,)*) {
            const COUNT: usize = $count;

            fn take(
                _alias: &str,
                _args: &mut dyn Iterator<Item = (usize, Value)>,
            ) -> Result<Self, AliasError> {
                Ok(($({
                    // There are exactly as many as there must be.
                    let (at, value) = _args.next().unwrap_or((0, Value::None));
                    $name::try_from(value).map_err(|error| {
                        AliasError::new(format!("argument {at} of {_alias}(): {error}"))
                    })?
                },)*))
            }
        }
    )*};
}

arguments! {
    0: ();
    1: (A);
    2: (A, B);
    3: (A, B, C);
    4: (A, B, C, D);
    5: (A, B, C, D, E);
    6: (A, B, C, D, E, F);
}

/// Why an alias has no result: what the script is told, and what only the host's log is told.
///
/// Whatever is an error in Rust becomes one by `?`.  The script is then told no more than that the
/// command failed, since such texts have paths and other secrets of the host's in them; what
/// [`AliasError::new`] is given is for the script.
#[derive(Debug)]
pub struct AliasError {
    plain: String,
    detail: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl AliasError {
    /// An error of which the script is told `reason`.
    pub fn new(reason: impl Into<String>) -> Self {
        AliasError {
            plain: reason.into(),
            detail: None,
        }
    }

    /// Adds what the host's log is told.
    #[must_use]
    pub fn with_detail(
        mut self,
        detail: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// What the script is told.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.plain
    }

    /// What the host's log is told besides.
    #[must_use]
    pub fn detail(&self) -> Option<&(dyn std::error::Error + Send + Sync)> {
        self.detail.as_deref()
    }
}

/// What a script is told of an error that is none of its business.
pub const FAILED: &str = "the command failed";

// It is no `Error` itself, so that every other error can become one.
impl<E: std::error::Error + Send + Sync + 'static> From<E> for AliasError {
    fn from(error: E) -> Self {
        AliasError::new(FAILED).with_detail(error)
    }
}

type Outcome = std::result::Result<Value, AliasError>;

/// An outcome that is still to come.
type Later = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// A function of the host's that scripts can call.
#[derive(Clone)]
pub enum HostFn {
    /// It is called on the thread that runs the script.
    Direct(Arc<dyn Fn(Call) -> Outcome + Send + Sync>),
    /// It is called on a thread on which it may wait.
    Blocking(Arc<dyn Fn(Call) -> Outcome + Send + Sync>),
    /// It returns a future, which a worker polls.
    Async(Arc<dyn Fn(Call) -> Later + Send + Sync>),
}

impl fmt::Debug for HostFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HostFn::Direct(_) => "function",
            HostFn::Blocking(_) => "blocking function",
            HostFn::Async(_) => "async function",
        })
    }
}

/// What an interpreter has besides what every one has: its aliases, which lead to a `T`, and what is
/// hidden from it.  As in Tcl, what is hidden makes room for another thing of its name.
#[derive(Debug, Clone)]
pub struct Equipment<T> {
    aliases: BTreeMap<String, T>,
    hidden_aliases: BTreeMap<String, T>,
    /// Modules and builtins.
    hidden: BTreeSet<String>,
}

impl<T> Default for Equipment<T> {
    fn default() -> Self {
        Equipment {
            aliases: BTreeMap::new(),
            hidden_aliases: BTreeMap::new(),
            hidden: BTreeSet::new(),
        }
    }
}

impl<T: Clone> Equipment<T> {
    /// Lets `name` lead to `target`.
    pub fn alias(&mut self, name: &str, target: T) -> Result<()> {
        check_name("an alias", name)?;
        if BUILTINS.contains(&name) && !self.hidden.contains(name) {
            return Err(Error::Config(format!(
                "an alias cannot be called {name}, which is a builtin of Python's: hide that first, \
                 or take another name"
            )));
        }
        // Otherwise a module of that name would have to be a function too.
        let clash = self.aliases.keys().find(|other| {
            let below = |long: &str, short: &str| {
                let rest = long.strip_prefix(short);
                rest.is_some_and(|rest| rest.starts_with('.'))
            };
            below(other, name) || below(name, other)
        });
        if let Some(other) = clash {
            return Err(Error::Config(format!(
                "an alias cannot be called {name} while there is one called {other}, since one of them \
                 would be a module with the other in it"
            )));
        }
        if self.aliases.len() + self.hidden_aliases.len() >= MOST
            && !self.aliases.contains_key(name)
        {
            return Err(Error::Config(format!(
                "an interpreter has at most {MOST} aliases"
            )));
        }
        self.aliases.insert(name.to_owned(), target);
        Ok(())
    }

    /// Takes an alias away, hidden or not, and says whether there was one.
    pub fn unalias(&mut self, name: &str) -> bool {
        let found = self.aliases.remove(name);
        found.or_else(|| self.hidden_aliases.remove(name)).is_some()
    }

    /// What an alias leads to that the interpreter's own code can call.
    pub fn find(&self, name: &str) -> Option<T> {
        self.aliases.get(name).cloned()
    }

    /// What a hidden alias leads to.
    pub fn find_hidden(&self, name: &str) -> Option<T> {
        self.hidden_aliases.get(name).cloned()
    }

    /// The names of all aliases.
    pub fn names(&self) -> Vec<String> {
        let all: BTreeSet<_> = self
            .aliases
            .keys()
            .chain(self.hidden_aliases.keys())
            .collect();
        all.into_iter().cloned().collect()
    }

    /// The names of those that are not hidden.
    pub fn visible_names(&self) -> Vec<String> {
        self.aliases.keys().cloned().collect()
    }

    /// Hides an alias, or else a module or a builtin.
    pub fn hide(&mut self, name: &str) -> Result<()> {
        check_name("what is hidden", name)?;
        match self.aliases.remove(name) {
            Some(target) => {
                self.hidden_aliases.insert(name.to_owned(), target);
            }
            None if self.hidden.len() >= MOST => {
                return Err(Error::Config(format!("at most {MOST} names can be hidden")));
            }
            None => {
                self.hidden.insert(name.to_owned());
            }
        }
        Ok(())
    }

    /// Ends hiding, and says whether it was hidden.
    pub fn expose(&mut self, name: &str) -> Result<bool> {
        if self.hidden_aliases.contains_key(name) || self.hidden.contains(name) {
            if self.aliases.contains_key(name) {
                return Err(Error::Config(format!(
                    "{name} cannot be exposed while an alias has its name: take that away first"
                )));
            }
            match self.hidden_aliases.remove(name) {
                Some(target) => {
                    self.aliases.insert(name.to_owned(), target);
                }
                None => {
                    self.hidden.remove(name);
                }
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// Whether a module or a builtin is hidden.
    pub fn hides(&self, name: &str) -> bool {
        self.hidden.contains(name)
    }

    /// The same without aliases, as a child has it that is not trusted.
    pub fn without_aliases(&self) -> Self {
        Equipment {
            hidden: self.hidden.clone(),
            ..Equipment::default()
        }
    }

    /// What is hidden.
    pub fn hidden(&self) -> Vec<String> {
        let all: BTreeSet<_> = self
            .hidden
            .iter()
            .chain(self.hidden_aliases.keys())
            .collect();
        all.into_iter().cloned().collect()
    }

    /// Modules and builtins that are hidden.
    pub fn hidden_objects(&self) -> Vec<String> {
        self.hidden.iter().cloned().collect()
    }

    /// The same with other targets, without the aliases that have none then.
    pub fn for_another(&self, target: impl Fn(&T) -> Option<T>) -> Self {
        let all = |aliases: &BTreeMap<String, T>| {
            let found = aliases.iter();
            found
                .filter_map(|(name, old)| Some((name.clone(), target(old)?)))
                .collect()
        };
        Equipment {
            aliases: all(&self.aliases),
            hidden_aliases: all(&self.hidden_aliases),
            hidden: self.hidden.clone(),
        }
    }

    /// Whether there is nothing special about it.
    pub fn is_empty(&self) -> bool {
        self.aliases.is_empty() && self.hidden_aliases.is_empty() && self.hidden.is_empty()
    }
}

/// How many aliases an interpreter can have, and how many names can be hidden from it.
const MOST: usize = 4096;

/// Python's builtin functions and classes, exceptions aside.
const BUILTINS: &[&str] = &[
    "abs",
    "aiter",
    "all",
    "anext",
    "any",
    "ascii",
    "bin",
    "bool",
    "breakpoint",
    "bytearray",
    "bytes",
    "callable",
    "chr",
    "classmethod",
    "compile",
    "complex",
    "copyright",
    "credits",
    "delattr",
    "dict",
    "dir",
    "divmod",
    "enumerate",
    "eval",
    "exec",
    "exit",
    "filter",
    "float",
    "format",
    "frozenset",
    "getattr",
    "globals",
    "hasattr",
    "hash",
    "help",
    "hex",
    "id",
    "input",
    "int",
    "isinstance",
    "issubclass",
    "iter",
    "len",
    "license",
    "list",
    "locals",
    "map",
    "max",
    "memoryview",
    "min",
    "next",
    "object",
    "oct",
    "open",
    "ord",
    "pow",
    "print",
    "property",
    "quit",
    "range",
    "repr",
    "reversed",
    "round",
    "set",
    "setattr",
    "slice",
    "sorted",
    "staticmethod",
    "str",
    "sum",
    "super",
    "tuple",
    "type",
    "vars",
    "zip",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn equipment(names: &[&str]) -> Equipment<u32> {
        let mut equipment = Equipment::default();
        for (number, name) in names.iter().enumerate() {
            equipment.alias(name, number as u32).unwrap();
        }
        equipment
    }

    #[test]
    fn names_that_are_refused() {
        let rows = [
            ("", "empty"),
            ("a b", "letters"),
            ("kv.class", "keyword"),
            ("__import__", "Python's own"),
            ("print", "builtin"),
        ];
        for (name, why) in rows {
            let error = Equipment::default().alias(name, 0).unwrap_err().to_string();
            assert!(error.contains(why), "{name:?}: {error}");
        }
    }

    #[test]
    fn a_name_is_a_module_or_a_function() {
        let mut equipment = equipment(&["kv.get", "kv.put", "log"]);
        for name in ["kv", "log.x", "kv.get.x"] {
            assert!(equipment.alias(name, 9).is_err(), "{name}");
        }
        assert!(equipment.alias("kv.gets", 9).is_ok() && equipment.alias("kv.get", 9).is_ok());
        assert_eq!(equipment.find("kv.get"), Some(9));
        assert!(equipment.unalias("kv.get") && !equipment.unalias("kv.get"));
        assert_eq!(equipment.find("kv.get"), None);
    }

    #[test]
    fn what_is_hidden_is_not_found() {
        let mut equipment = equipment(&["log"]);
        equipment.hide("log").unwrap();
        equipment.hide("socket").unwrap();
        assert_eq!(
            (equipment.find("log"), equipment.find_hidden("log")),
            (None, Some(0))
        );
        assert!(equipment.visible_names().is_empty());
        assert_eq!(equipment.names(), ["log"]);
        assert_eq!(equipment.hidden(), ["log", "socket"]);
        assert_eq!(equipment.hidden_objects(), ["socket"]);
        assert!(equipment.expose("log").unwrap() && !equipment.expose("log").unwrap());
        assert_eq!(equipment.find("log"), Some(0));
        assert!(equipment.hide("a b").is_err());
    }

    #[test]
    fn an_alias_can_take_the_place_of_a_hidden_builtin() {
        let mut equipment = equipment(&[]);
        assert!(equipment.alias("open", 1).is_err());
        equipment.hide("open").unwrap();
        equipment.alias("open", 1).unwrap();
        assert_eq!(equipment.find("open"), Some(1));
        assert_eq!(equipment.hidden_objects(), ["open"]);
        assert!(equipment.expose("open").is_err());
        assert!(equipment.unalias("open") && equipment.expose("open").unwrap());
    }

    #[test]
    fn arguments_become_what_the_function_takes() {
        let call = |args: Vec<Value>| Call {
            alias: "f".to_owned(),
            caller: None,
            args,
            kwargs: Vec::new(),
        };
        let two: (i64, String) = call(vec![1.into(), "x".into()]).arguments().unwrap();
        assert_eq!(two, (1, "x".to_owned()));
        let error = call(vec![1.into()]).arguments::<(i64, i64)>().unwrap_err();
        assert_eq!(error.reason(), "f() takes 2 arguments, not 1");
        let error = call(vec!["x".into()]).arguments::<(i64,)>().unwrap_err();
        assert!(
            error.reason().starts_with("argument 1 of f(): "),
            "{}",
            error.reason()
        );
        let mut named = call(vec![]);
        named.kwargs.push(("k".to_owned(), Value::None));
        let error = named.arguments::<()>().unwrap_err();
        assert_eq!(error.reason(), "f() takes no keyword argument \"k\"");
    }

    #[test]
    fn errors_of_the_hosts_are_told_to_the_host_alone() {
        fn fails() -> Result<Value, AliasError> {
            Err(std::io::Error::other("/secret/path"))?
        }
        let error = fails().unwrap_err();
        assert_eq!(error.reason(), FAILED);
        assert_eq!(error.detail().unwrap().to_string(), "/secret/path");
    }
}
