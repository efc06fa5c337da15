//! The attachments that escapes in a body refer to.

use super::{Refusal, escape};

/// The kind of an attachment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Travels {
    /// A sender of a channel.
    Sender,
    /// A receiver of a channel.
    Receiver,
    /// A reference to an interpreter.
    Interpreter,
}

/// The attachments of a message, as far as they are known.
pub enum Carries {
    /// This number of attachments of unknown kinds.
    Any(usize),
    /// The kinds of all ends, in the order of their numbers.
    These(Vec<Travels>),
}

impl Carries {
    pub(super) fn count(&self) -> usize {
        match self {
            Carries::Any(count) => *count,
            Carries::These(ends) => ends.len(),
        }
    }

    /// Checks that the escape `code` can be rebuilt from the end at `index`. A queue also uses the end after
    /// it.
    pub(super) fn check(&self, code: i32, index: i32) -> Result<(), Refusal> {
        let missing = || Refusal::NoSuchHandle {
            index: index.into(),
            handles: self.count(),
        };
        let at = usize::try_from(index).map_err(|_| missing())?;
        let ends = match self {
            Carries::Any(count) if at < *count => return Ok(()),
            Carries::Any(_) => return Err(missing()),
            Carries::These(ends) => ends.get(at..).unwrap_or_default(),
        };
        let fits = match (code, ends) {
            (_, []) => return Err(missing()),
            (escape::QUEUE, [first, second, ..]) => {
                (*first, *second) == (Travels::Sender, Travels::Receiver)
            }
            (escape::SENDER, [first, ..]) => *first == Travels::Sender,
            (escape::RECEIVER, [first, ..]) => *first == Travels::Receiver,
            (escape::INTERPRETER, [first, ..]) => *first == Travels::Interpreter,
            _ => false,
        };
        match fits {
            true => Ok(()),
            false => Err(Refusal::WrongHandle {
                index: index.into(),
            }),
        }
    }
}
