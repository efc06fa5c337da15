//! Names of modules and aliases.

use crate::error::{ConfigKind, Error, Result};

/// The maximum length of a name, in bytes.
const MOST_NAME_BYTES: usize = 128;

const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield",
];

/// Checks that `name` is a valid name for `what`, a module or an alias. A name consists of identifiers
/// separated by dots, at most 128 bytes in all. Identifiers consist of ASCII letters, digits and underscores;
/// keywords and identifiers that start and end with two underscores are refused.
pub fn check_name(what: &str, name: &str) -> Result<()> {
    let wrong = |why: &str| {
        // Bounds the error text: a name can have any length.
        let shown: String = name.chars().take(MOST_NAME_BYTES).collect();
        Err(Error::config(
            ConfigKind::Name,
            format!("{shown:?} is not a valid name for {what}: {why}"),
        ))
    };
    if name.is_empty() {
        return wrong("it is empty");
    }
    if name.len() > MOST_NAME_BYTES {
        return wrong("it is longer than 128 bytes");
    }
    for part in name.split('.') {
        if part.is_empty() {
            return wrong("each dot must be between two names");
        }
        if !part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return wrong("only ASCII letters, digits, underscores and dots are allowed");
        }
        if part.starts_with(|c: char| c.is_ascii_digit()) {
            return wrong("names must not start with a digit");
        }
        if KEYWORDS.contains(&part) {
            return wrong(&format!("{part} is a Python keyword"));
        }
        if part.starts_with("__") && part.ends_with("__") {
            return wrong("names that start and end with two underscores are reserved");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_name_accepts_identifiers_separated_by_dots() {
        for right in ["log", "settings.get", "_x", "__private", "a.b.c", "A1"] {
            assert!(check_name("an alias", right).is_ok(), "{right}");
        }
        let long = "a".repeat(129);
        let wrong = [
            ("", "empty"),
            (&long, "longer"),
            ("a..b", "between"),
            (".a", "between"),
            ("a.", "between"),
            ("a b", "only ASCII"),
            ("a\0", "only ASCII"),
            ("\u{e9}", "only ASCII"),
            ("1a", "digit"),
            ("a.class", "keyword"),
            ("None", "keyword"),
            ("__import__", "reserved"),
            ("a.__dict__", "reserved"),
            ("__", "reserved"),
        ];
        for (name, why) in wrong {
            let error = check_name("an alias", name).unwrap_err().to_string();
            assert!(error.contains(why), "{name:?}: {error}");
            assert!(!error.contains(['\0', '\n']), "{name:?}: {error}");
        }
    }
}
