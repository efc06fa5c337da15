//! Aliases: names in an interpreter that call a function of the host or of another interpreter.
//!
//! They follow Tcl's `interp alias`: the creator of an interpreter gives untrusted code exactly the commands
//! that it needs. Arguments and results are data only.

use crate::error::{ConfigKind, Error, Result};
use crate::name::check_name;
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

/// A call of an alias, as passed to the host function.
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
    /// The name of the alias.
    pub alias: String,
    /// The name of the calling interpreter, if it has one.
    pub caller: Option<String>,
    /// The positional arguments. Scripts can pass any data.
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

    /// Converts the positional arguments into a tuple of Rust values.
    ///
    /// # Errors
    ///
    /// Returns an [`AliasError`] for the script if the number of arguments is wrong, if there are keyword
    /// arguments, or if an argument does not have the type.
    pub fn arguments<T: FromArgs>(self) -> Result<T, AliasError> {
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

/// Tuples of up to six Rust types into which arguments can be converted; see [`Call::arguments`].
pub trait FromArgs: Sized {
    /// The number of arguments.
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
        impl<$($name: TryFrom<Value, Error: fmt::Display>),*> FromArgs for ($($name,)*) {
            const COUNT: usize = $count;

            fn take(
                _alias: &str,
                _args: &mut dyn Iterator<Item = (usize, Value)>,
            ) -> Result<Self, AliasError> {
                Ok(($({
                    // The number was checked before.
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

/// The error of an alias: a reason for the script, and a detail for the host's log.
///
/// The operator `?` converts any Rust error into an `AliasError`. Since such texts can contain paths and other
/// secrets of the host, they become the detail, and the script sees only "the command failed". The reason
/// given to [`AliasError::new`] is visible to the script.
///
/// # Examples
///
/// ```
/// # use archipel_core as archipel;
/// use archipel::AliasError;
///
/// let error = AliasError::new("no such key").with_detail("key 17 is missing in /srv/table");
/// assert_eq!(error.reason(), "no such key");
/// assert!(error.detail().is_some());
///
/// fn read() -> Result<String, AliasError> {
///     Ok(std::fs::read_to_string("/no/such/file")?)
/// }
/// assert_eq!(read().unwrap_err().reason(), "the command failed");
/// ```
#[derive(Debug)]
pub struct AliasError {
    plain: String,
    detail: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl AliasError {
    /// Creates an error with a reason for the script.
    pub fn new(reason: impl Into<String>) -> Self {
        AliasError {
            plain: reason.into(),
            detail: None,
        }
    }

    /// Adds a detail for the host's log.
    #[must_use]
    pub fn with_detail(
        mut self,
        detail: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Returns the reason, which the script sees.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.plain
    }

    /// Returns the detail, which only the host's log contains.
    #[must_use]
    pub fn detail(&self) -> Option<&(dyn std::error::Error + Send + Sync)> {
        self.detail.as_deref()
    }
}

/// The reason for errors whose text is not for scripts.
pub const FAILED: &str = "the command failed";

// Not an `Error` itself, so that the conversion from all errors does not overlap.
impl<E: std::error::Error + Send + Sync + 'static> From<E> for AliasError {
    fn from(error: E) -> Self {
        AliasError::new(FAILED).with_detail(error)
    }
}

type Outcome = std::result::Result<Value, AliasError>;

/// A future result of an alias.
type Later = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// A host function that scripts can call.
#[derive(Clone)]
pub enum HostFn {
    /// Called on the thread that runs the script.
    Direct(Arc<dyn Fn(Call) -> Outcome + Send + Sync>),
    /// Called on a thread that can block.
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

/// The bindings of an interpreter: its aliases, with targets of type `T`, and the names hidden from it. As in
/// Tcl, hiding an alias frees its name for another.
#[derive(Debug, Clone)]
pub struct Equipment<T> {
    aliases: BTreeMap<String, T>,
    hidden_aliases: BTreeMap<String, T>,
    /// Hidden modules and builtins.
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
    /// Makes the alias `name` call `target`.
    pub fn alias(&mut self, name: &str, target: T) -> Result<()> {
        check_name("an alias", name)?;
        if BUILTINS.contains(&name) && !self.hidden.contains(name) {
            return Err(Error::config(
                ConfigKind::Name,
                format!(
                    "an alias cannot be named {name}, which is a Python builtin: hide the builtin first, or use \
                 another name"
                ),
            ));
        }
        // Otherwise a name would have to be both a module and a function.
        let clash = self.aliases.keys().find(|other| {
            let below = |long: &str, short: &str| {
                let rest = long.strip_prefix(short);
                rest.is_some_and(|rest| rest.starts_with('.'))
            };
            below(other, name) || below(name, other)
        });
        if let Some(other) = clash {
            return Err(Error::config(
                ConfigKind::Name,
                format!(
                    "an alias cannot be named {name} while an alias {other} exists: one of them would be a \
                 module that contains the other"
                ),
            ));
        }
        if self.aliases.len() + self.hidden_aliases.len() >= MOST
            && !self.aliases.contains_key(name)
        {
            return Err(Error::config(
                ConfigKind::Name,
                format!("an interpreter can have at most {MOST} aliases"),
            ));
        }
        self.aliases.insert(name.to_owned(), target);
        Ok(())
    }

    /// Removes an alias, hidden or not. Returns whether it existed.
    pub fn unalias(&mut self, name: &str) -> bool {
        let found = self.aliases.remove(name);
        found.or_else(|| self.hidden_aliases.remove(name)).is_some()
    }

    /// Returns the target of a visible alias.
    pub fn find(&self, name: &str) -> Option<T> {
        self.aliases.get(name).cloned()
    }

    /// Returns the target of a hidden alias.
    pub fn find_hidden(&self, name: &str) -> Option<T> {
        self.hidden_aliases.get(name).cloned()
    }

    /// Returns the names of all aliases.
    pub fn names(&self) -> Vec<String> {
        let all: BTreeSet<_> = self
            .aliases
            .keys()
            .chain(self.hidden_aliases.keys())
            .collect();
        all.into_iter().cloned().collect()
    }

    /// Returns the names of visible aliases.
    pub fn visible_names(&self) -> Vec<String> {
        self.aliases.keys().cloned().collect()
    }

    /// Hides an alias or, if there is none of that name, a module or builtin.
    pub fn hide(&mut self, name: &str) -> Result<()> {
        check_name("a hidden object", name)?;
        match self.aliases.remove(name) {
            Some(target) => {
                self.hidden_aliases.insert(name.to_owned(), target);
            }
            None if self.hidden.len() >= MOST => {
                return Err(Error::config(
                    ConfigKind::Name,
                    format!("at most {MOST} names can be hidden"),
                ));
            }
            None => {
                self.hidden.insert(name.to_owned());
            }
        }
        Ok(())
    }

    /// Exposes a hidden name. Returns whether it was hidden.
    pub fn expose(&mut self, name: &str) -> Result<bool> {
        if self.hidden_aliases.contains_key(name) || self.hidden.contains(name) {
            if self.aliases.contains_key(name) {
                return Err(Error::config(
                    ConfigKind::Name,
                    format!(
                        "{name} cannot be exposed while an alias has its name: remove the alias first"
                    ),
                ));
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

    /// Returns whether a module or builtin is hidden.
    pub fn hides(&self, name: &str) -> bool {
        self.hidden.contains(name)
    }

    /// Returns the bindings of a safe child: hidden names, without aliases.
    pub fn without_aliases(&self) -> Self {
        Equipment {
            hidden: self.hidden.clone(),
            ..Equipment::default()
        }
    }

    /// Returns all hidden names.
    pub fn hidden(&self) -> Vec<String> {
        let all: BTreeSet<_> = self
            .hidden
            .iter()
            .chain(self.hidden_aliases.keys())
            .collect();
        all.into_iter().cloned().collect()
    }

    /// Returns the hidden modules and builtins.
    pub fn hidden_objects(&self) -> Vec<String> {
        self.hidden.iter().cloned().collect()
    }

    /// Returns the bindings with other targets, without the aliases for which `target` returns `None`.
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

    /// Returns whether there are no aliases and no hidden names.
    pub fn is_empty(&self) -> bool {
        self.aliases.is_empty() && self.hidden_aliases.is_empty() && self.hidden.is_empty()
    }
}

/// The maximum number of aliases, and of hidden names, of an interpreter.
const MOST: usize = 4096;

/// Python's builtin functions and classes, except exceptions.
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
    fn alias_refuses_invalid_and_builtin_names() {
        let rows = [
            ("", "empty"),
            ("a b", "letters"),
            ("kv.class", "keyword"),
            ("__import__", "reserved"),
            ("print", "builtin"),
        ];
        for (name, why) in rows {
            let error = Equipment::default().alias(name, 0).unwrap_err().to_string();
            assert!(error.contains(why), "{name:?}: {error}");
        }
    }

    #[test]
    fn alias_refuses_names_inside_other_aliases() {
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
    fn hidden_aliases_are_found_by_find_hidden_only() {
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
    fn arguments_convert_or_report_the_mismatch() {
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
    fn texts_of_rust_errors_are_for_the_host_only() {
        fn fails() -> Result<Value, AliasError> {
            Err(std::io::Error::other("/secret/path"))?
        }
        let error = fails().unwrap_err();
        assert_eq!(error.reason(), FAILED);
        assert_eq!(error.detail().unwrap().to_string(), "/secret/path");
    }
}
