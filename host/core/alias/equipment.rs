//! The aliases and hidden names of an interpreter.

use crate::error::{ConfigKind, Error, Result};
use crate::name::check_name;
use std::collections::{BTreeMap, BTreeSet};

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
        if self.aliases.len() + self.hidden_aliases.len() >= MOST_NAMES
            && !self.aliases.contains_key(name)
        {
            return Err(Error::config(
                ConfigKind::Name,
                format!("an interpreter can have at most {MOST_NAMES} aliases"),
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
            None if self.hidden.len() >= MOST_NAMES => {
                return Err(Error::config(
                    ConfigKind::Name,
                    format!("at most {MOST_NAMES} names can be hidden"),
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
const MOST_NAMES: usize = 4096;

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
}
