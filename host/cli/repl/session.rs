//! The guest's side of a session, `_island/prompt.py`, as method calls.

use crate::running::Running;
use archipel::{Error, Interpreter, Value};

/// A session in an interpreter.
pub struct Session {
    interpreter: Interpreter,
    running: Running,
}

/// The response to source text.
#[derive(Debug, PartialEq, Eq)]
pub enum Response {
    /// It is incomplete and needs more lines.
    More,
    /// It ran or failed.
    Done,
    /// The session ends, with this status.
    End(u8),
}

impl Session {
    pub fn new(interpreter: Interpreter, running: Running) -> Self {
        Session {
            interpreter,
            running,
        }
    }

    /// Prepares the interpreter, and returns Python's version text.
    pub fn begin(&self) -> Result<String, Error> {
        let version = self.ask("begin", &[])?;
        Ok(version.as_str().unwrap_or_default().to_owned())
    }

    /// Returns the prompts for the first line and for further lines of a statement.
    pub fn prompts(&self) -> Result<[String; 2], Error> {
        let prompts = self.ask("prompts", &[])?;
        let shown = |at: usize| {
            let prompt = items(&prompts).get(at).and_then(Value::as_str);
            // Control characters would confuse the editor.
            let chars = prompt.unwrap_or_default().chars();
            chars.filter(|c| !c.is_control()).collect()
        };
        Ok([shown(0), shown(1)])
    }

    /// Runs `source`. If it is incomplete and not `last`, more lines are expected.
    pub fn enter(&self, source: &str, last: bool) -> Result<Response, Error> {
        self.running.forget_interrupts();
        match self.ask("enter", &[source.into(), last.into()]) {
            Ok(Value::None) => Ok(Response::More),
            Ok(status) => Ok(match status.as_i64().map(u8::try_from) {
                Some(Ok(status)) => Response::End(status),
                _ => Response::Done,
            }),
            // The interrupt came before the statement began or after it ended.
            Err(Error::Raised(raised)) => {
                eprintln!("{}", raised.name);
                Ok(Response::Done)
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the completions of a name.
    pub fn complete(&self, text: &str) -> Vec<String> {
        let found = self.ask("complete", &[text.into()]);
        let found = found.unwrap_or(Value::None);
        let found = items(&found).iter().filter_map(Value::as_str);
        found.map(str::to_owned).collect()
    }

    /// Ends the session as a script ends, and returns the exit status.
    pub fn finish(&self, status: u8) -> Result<u8, Error> {
        self.running.forget_interrupts();
        let ended = self.ask("finish", &[i64::from(status).into()])?;
        Ok(ended
            .as_i64()
            .map_or(status, |status| (status & 0xff) as u8))
    }

    /// Calls a function of the guest's module without adding names to `__main__`.
    fn ask(&self, function: &str, arguments: &[Value]) -> Result<Value, Error> {
        let arguments: Vec<String> = arguments.iter().map(Value::to_string).collect();
        self.interpreter.eval(format!(
            "__import__('_island.prompt', None, None, ['{function}']).{function}({})",
            arguments.join(", ")
        ))
    }
}

fn items(value: &Value) -> &[Value] {
    match value {
        Value::Tuple(items) | Value::List(items) => items,
        _ => &[],
    }
}
