//! The script to run.

use crate::Failure;
use clap::Args;
use std::io::Read;
use std::path::Path;

#[derive(Args)]
pub struct Target {
    /// Take the first word as source text instead of a script.
    #[arg(short = 'c')]
    code: bool,

    /// Take the first word as the name of a module, or of a package with a `__main__`.
    #[arg(short = 'm', conflicts_with = "code")]
    module: bool,

    /// The script, `-` for standard input, or the source text or module for `-c` or `-m`; then its
    /// arguments.
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "SCRIPT [ARGS]"
    )]
    words: Vec<String>,
}

/// A script that was read.
#[derive(Debug, Clone)]
pub struct Script {
    pub source: Vec<u8>,
    /// Its name in tracebacks.
    pub name: String,
    pub arguments: Vec<String>,
    /// True if it was read from standard input, which is then at its end.
    pub took_stdin: bool,
    /// True if it is a module, which can be in the current folder.
    pub is_module: bool,
}

impl Target {
    /// Reads the script.
    pub fn load(self) -> Result<Script, Failure> {
        let mut words = self.words.into_iter();
        let first = words.next().filter(|word| word != ":::");
        let Some(first) = first else {
            return Err(Failure::usage(if self.code {
                "-c needs source text after it"
            } else if self.module {
                "-m needs the name of a module after it"
            } else {
                "no script (name one, or use `-` for standard input, `-c CODE` or `-m MODULE`)"
            }));
        };
        let mut script = Script {
            source: Vec::new(),
            name: String::new(),
            arguments: words.collect(),
            took_stdin: false,
            is_module: self.module,
        };
        if self.code {
            (script.source, script.name) = (first.into_bytes(), "<string>".to_owned());
        } else if self.module {
            script.source = run_module(&first)?.into_bytes();
            script.name = "<module>".to_owned();
        } else if first == "-" {
            std::io::stdin()
                .read_to_end(&mut script.source)
                .map_err(|error| Failure::failed(format!("cannot read standard input: {error}")))?;
            script.name = "<stdin>".to_owned();
            script.took_stdin = true;
        } else if first.starts_with('-') {
            return Err(Failure::usage(format!(
                "unknown option {first} (see `archipel --help`)"
            )));
        } else {
            script.source = std::fs::read(Path::new(&first)).map_err(|error| {
                let why = match error.kind() {
                    std::io::ErrorKind::NotFound => "no such file".to_owned(),
                    std::io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
                    _ => error.to_string(),
                };
                Failure::usage(format!("cannot run {first}: {why}"))
            })?;
            script.name = first;
        }
        Ok(script)
    }
}

/// Returns source text that runs a module.
fn run_module(name: &str) -> Result<String, Failure> {
    let is_name = |part: &str| {
        let mut chars = part.chars();
        chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
            && chars.all(|c| c.is_alphanumeric() || c == '_')
    };
    if !name.split('.').all(is_name) {
        return Err(Failure::usage(format!(
            "-m {name:?}: not a module name (give one such as json.tool, or omit -m for a file)"
        )));
    }
    // Run this way, `__main__` has no additional names.
    Ok(format!(
        "__import__('_island.modules', None, None, ['run']).run('{name}')"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_names_are_dotted_identifiers() {
        for right in ["a", "json.tool", "_x.é1"] {
            assert!(run_module(right).is_ok(), "{right}");
        }
        for wrong in ["", ".", "a.", "a b", "a'", "1a", "a/b.py", "-x"] {
            assert!(run_module(wrong).is_err(), "{wrong:?}");
        }
    }
}
