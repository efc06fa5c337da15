//! The guest's side of a session, `_island/prompt.py`, as calls.

use crate::running::Running;
use archipel::{Error, Interpreter, Value};

/// A session in an interpreter.
pub struct Session {
    interpreter: Interpreter,
    running: Running,
}

/// What became of what was entered.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is not complete: more lines are wanted.
    More,
    /// It ran, or was wrong.
    Done,
    /// The session is to end, with this status.
    End(u8),
}

impl Session {
    pub fn new(interpreter: Interpreter, running: Running) -> Self {
        Session {
            interpreter,
            running,
        }
    }

    /// Makes the interpreter ready, and returns what Python says of itself.
    pub fn begin(&self) -> Result<String, Error> {
        let version = self.ask("begin", &[])?;
        Ok(version.as_str().unwrap_or_default().to_owned())
    }

    /// The prompts for a statement and for the rest of one.
    pub fn prompts(&self) -> Result<[String; 2], Error> {
        let prompts = self.ask("prompts", &[])?;
        let shown = |at: usize| {
            let prompt = items(&prompts).get(at).and_then(Value::as_str);
            // What moves the cursor would confuse the editor.
            let chars = prompt.unwrap_or_default().chars();
            chars.filter(|c| !c.is_control()).collect()
        };
        Ok([shown(0), shown(1)])
    }

    /// Runs `source`, unless it is not complete and more can follow.
    pub fn enter(&self, source: &str, last: bool) -> Result<Answer, Error> {
        self.running.forget_interrupts();
        match self.ask("enter", &[source.into(), last.into()]) {
            Ok(Value::None) => Ok(Answer::More),
            Ok(status) => Ok(match status.as_i64().map(u8::try_from) {
                Some(Ok(status)) => Answer::End(status),
                _ => Answer::Done,
            }),
            // It came when the statement was over, or had not begun.
            Err(Error::Raised(raised)) => {
                eprintln!("{}", raised.name);
                Ok(Answer::Done)
            }
            Err(error) => Err(error),
        }
    }

    /// What the name that is being typed could become.
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

    /// Calls a function of the guest's module, which leaves no name in `__main__`.
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
