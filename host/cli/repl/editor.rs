//! The line editor and its history.

use super::session::Session;
use crate::Failure;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Config, Context, Helper, Highlighter, Hinter, Validator};
use std::path::PathBuf;

/// The maximum number of entries in the history.
const MOST_HISTORY: usize = 10_000;

/// The user's entry at a prompt.
pub enum Entry {
    Line(String),
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-D.
    End,
}

/// The line editor of a session.
pub struct Editor<'a> {
    editor: rustyline::Editor<Names<'a>, FileHistory>,
    /// The file of the history, if it is kept.
    history: Option<PathBuf>,
}

impl<'a> Editor<'a> {
    /// Creates an editor that completes the session's names, and loads the history if `history` is
    /// set.
    pub fn new(session: &'a Session, history: bool) -> Result<Self, Failure> {
        let config = Config::builder()
            .max_history_size(MOST_HISTORY)
            .and_then(|config| config.history_ignore_dups(true))
            .map_err(|error| failure(&error))?
            .completion_type(rustyline::CompletionType::List)
            .tab_stop(4)
            .build();
        let mut editor = rustyline::Editor::with_config(config).map_err(|error| failure(&error))?;
        editor.set_helper(Some(Names { session }));
        let history = history.then(file).flatten();
        if let Some(file) = &history {
            // Before the first session there is no file.
            let _ = editor.load_history(file);
        }
        Ok(Editor { editor, history })
    }

    /// Reads a line.
    pub fn ask(&mut self, prompt: &str) -> Result<Entry, Failure> {
        match self.editor.readline(prompt) {
            Ok(line) => Ok(Entry::Line(line)),
            Err(ReadlineError::Interrupted) => Ok(Entry::Interrupt),
            Err(ReadlineError::Eof) => Ok(Entry::End),
            Err(error) => Err(failure(&error)),
        }
    }

    /// Adds a statement to the history.
    pub fn remember(&mut self, source: &str) {
        let added = self.editor.add_history_entry(source);
        let Some(file) = &self.history else { return };
        let written = added.and_then(|_| {
            if let Some(folder) = file.parent() {
                make_private(folder)?;
            }
            self.editor.append_history(file)
        });
        if let Err(error) = written {
            eprintln!(
                "archipel: cannot write the history to {}: {error} (use --no-history)",
                file.display()
            );
            self.history = None;
        }
    }
}

fn failure(error: &ReadlineError) -> Failure {
    Failure::failed(format!("cannot read from the terminal: {error}"))
}

/// Returns the path of the history file.
fn file() -> Option<PathBuf> {
    let folder = dirs::state_dir().or_else(dirs::data_local_dir)?;
    Some(folder.join("archipel").join("history"))
}

/// Creates a folder that only its owner can enter.
fn make_private(folder: &std::path::Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Completes the names that the session knows.
#[derive(Helper, Highlighter, Hinter, Validator)]
struct Names<'a> {
    session: &'a Session,
}

impl rustyline::completion::Completer for Names<'_> {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let before = line.get(..at).unwrap_or_default();
        let word = before
            .rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.')))
            .map_or(before, |at| {
                before.get(at..).map_or("", |rest| {
                    let mut chars = rest.chars();
                    chars.next();
                    chars.as_str()
                })
            });
        let start = before.len() - word.len();
        if word.is_empty() {
            return Ok((at, vec!["    ".to_owned()]));
        }
        Ok((start, self.session.complete(word)))
    }
}
