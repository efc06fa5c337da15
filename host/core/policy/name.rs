//! The names of modules and aliases.

use crate::error::{Error, Result};

/// The longest name, in bytes.
const MOST: usize = 128;

const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield",
];

/// Checks that `name` can name `what`, a module or an alias: identifiers of ASCII letters, digits and
/// underscores with dots between them, none of which is a keyword or begins and ends with two
/// underscores, 128 bytes in all.
pub fn check_name(what: &str, name: &str) -> Result<()> {
    let wrong = |why: &str| {
        // A name may be as long as it likes, and the text of an error not.
        let shown: String = name.chars().take(MOST).collect();
        Err(Error::Config(format!(
            "{shown:?} cannot name {what}: {why}"
        )))
    };
    if name.is_empty() {
        return wrong("it is empty");
    }
    if name.len() > MOST {
        return wrong("it is longer than 128 bytes");
    }
    for part in name.split('.') {
        if part.is_empty() {
            return wrong("each of its dots must stand between two names");
        }
        if !part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return wrong(
                "names have only ASCII letters, digits and underscores in them, and dots",
            );
        }
        if part.starts_with(|c: char| c.is_ascii_digit()) {
            return wrong("names do not begin with a digit");
        }
        if KEYWORDS.contains(&part) {
            return wrong(&format!("{part} is a keyword of Python"));
        }
        if part.starts_with("__") && part.ends_with("__") {
            return wrong("names that begin and end with two underscores are Python's own");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
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
            ("__import__", "Python's own"),
            ("a.__dict__", "Python's own"),
            ("__", "Python's own"),
        ];
        for (name, why) in wrong {
            let error = check_name("an alias", name).unwrap_err().to_string();
            assert!(error.contains(why), "{name:?}: {error}");
            assert!(!error.contains(['\0', '\n']), "{name:?}: {error}");
        }
    }
}
