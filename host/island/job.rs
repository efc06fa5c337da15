//! Jobs: requests to an interpreter, and the replies.

use crate::exchange::message::Message;

/// A request to an interpreter.
pub(crate) enum Job {
    /// Run source text in `__main__`.
    Exec(String),
    /// Evaluate an expression in `__main__`.
    Eval(String),
    /// Bind the items of a dict as names of `__main__`.
    Bind(Message),
    /// Call the function that the message contains, with its arguments.
    Call(Message),
    /// Call the named object in `__main__` with the arguments in the message.
    Apply(String, Message),
    /// Call the named hidden object in the same way.
    InvokeHidden(String, Message),
    /// Answer the calls that arrived.
    Serve,
    /// Run a script to its end.
    Run {
        source: Vec<u8>,
        name: String,
        directory: Option<String>,
        arguments: Vec<String>,
    },
}

/// The result of a job.
#[derive(Debug)]
pub(crate) enum Reply {
    Done,
    Value(Message),
    /// The guest has answered the calls that arrived, as far as the host can tell.
    Served,
    /// The script ended with this status.
    Status(u8),
    /// The interpreter exited with this status, and is gone.
    Exit(u8),
}
