//! Which script is to be run.

use crate::Failure;
use clap::Args;
use std::io::Read;
use std::path::Path;

#[derive(Args)]
pub struct Target {
    /// The first word is source text instead of a script.
    #[arg(short = 'c')]
    code: bool,

    /// The first word is the name of a module, or of a package with a `__main__`, to be run.
    #[arg(short = 'm', conflicts_with = "code")]
    module: bool,

    /// The script, or `-` for standard input, or what `-c` or `-m` say, and its arguments.
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "SCRIPT [ARGS]"
    )]
    words: Vec<String>,
}

/// A script, ready to be run.
#[derive(Debug, Clone)]
pub struct Script {
    pub source: Vec<u8>,
    /// What tracebacks call it.
    pub name: String,
    pub arguments: Vec<String>,
    /// Whether it was read from standard input, where nothing is left then.
    pub took_stdin: bool,
    /// Whether it is a module, which may lie in the current folder.
    pub is_module: bool,
}

impl Target {
    /// Reads the script.
    pub fn load(self) -> Result<Script, Failure> {
        let mut words = self.words.into_iter();
        let first = words.next().filter(|word| word != ":::");
        let Some(first) = first else {
            return Err(Failure::usage(if self.code {
                "-c wants the source text after it"
            } else if self.module {
                "-m wants the name of a module after it"
            } else {
                "no script was given: name one, or use `-` for standard input, `-c CODE` or \
                 `-m MODULE`"
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
                "unknown option {first}; see `archipel --help`"
            )));
        } else {
            script.source = std::fs::read(Path::new(&first)).map_err(|error| {
                let why = match error.kind() {
                    std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
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

/// Source text that runs a module.
fn run_module(name: &str) -> Result<String, Failure> {
    let is_name = |part: &str| {
        let mut chars = part.chars();
        chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
            && chars.all(|c| c.is_alphanumeric() || c == '_')
    };
    if !name.split('.').all(is_name) {
        return Err(Failure::usage(format!(
            "-m {name:?}: it is no name of a module; give one such as json.tool, or leave -m out \
             for a file"
        )));
    }
    // `__main__` has no name of ours in it then.
    Ok(format!(
        "__import__('_island.modules', None, None, ['run']).run('{name}')"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_modules() {
        for right in ["a", "json.tool", "_x.é1"] {
            assert!(run_module(right).is_ok(), "{right}");
        }
        for wrong in ["", ".", "a.", "a b", "a'", "1a", "a/b.py", "-x"] {
            assert!(run_module(wrong).is_err(), "{wrong:?}");
        }
    }
}
