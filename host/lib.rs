//! Python subinterpreters in hard isolation.
//!
//! Each interpreter is a WebAssembly instance of CPython with its own memory.  A host creates
//! interpreters in a [`Runtime`], runs code in them, and connects them by channels; interpreters
//! create further ones with Python's own `concurrent.interpreters` or with `interpreters`, and all
//! run in parallel on as many threads as the machine has processors.
//!
//! ```no_run
//! use archipel::{Output, Runtime};
//!
//! let runtime = Runtime::new()?;
//! let output = Output::captured(1 << 20);
//! let interpreter = runtime.interpreter().stdout(output.clone()).build()?;
//! interpreter.exec("print('hello from', __name__)")?;
//! assert_eq!(output.take().text(), "hello from __main__\n");
//! # Ok::<(), archipel::Error>(())
//! ```
//!
//! An interpreter starts with no powers: what it may do is in its [`Policy`], how much it may use
//! in its [`Limits`].

#![deny(unsafe_code)]
#![warn(missing_docs)]

mod alias;
mod bindings;
mod broker;
mod cache;
mod channel;
pub mod encoding;
mod engine;
mod error;
mod exchange;
mod family;
mod image;
mod imports;
mod interpreter;
mod interrupt;
mod island;
mod job;
mod ledger;
mod limits;
mod meter;
mod metrics;
mod output;
mod pages;
mod policy;
mod promise;
mod runtime;
mod scheduler;
mod standing;
mod state;
mod telemetry;
mod trust;
mod usage;
pub mod value;
mod wasi;

pub use alias::{AliasError, Arguments, Call};
pub use archipel_guest as guest;
pub use cache::default_cache_dir;
pub use channel::{Receiver, RecvError, SendError, Sender};
pub use engine::Progress;
pub use error::{Error, LimitKind, Raised, Result};
pub use interpreter::{Binding, Child, Interpreter, InterpreterBuilder};
pub use island::LimitReached;
pub use limits::Limits;
pub use metrics::Metrics;
pub use output::{Captured, Output};
pub use policy::{
    Access, Change, Children, Clock, Destination, DirRequest, Excess, Modules, Policy, Profile,
    Random, Request,
};
pub use runtime::{Capacity, Runtime, RuntimeBuilder};
pub use usage::{Usage, Used};
pub use value::Value;
