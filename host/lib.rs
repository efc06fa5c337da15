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
//! An interpreter starts with no powers: what it may do is in its [`Policy`], how much it may use in its
//! [`Limits`].  Aliases lend it functions of the host's, and channels connect it with others:
//!
//! ```no_run
//! use archipel::{AliasError, Binding, Capacity, Error, LimitKind, Limits, Policy, Runtime};
//! use std::time::Duration;
//!
//! let runtime = Runtime::new()?;
//! let policy = Policy::new()
//!     .env("LANG", "C.UTF-8")?
//!     .alias("settings.get", |call| {
//!         let (name,): (String,) = call.arguments()?;
//!         match name.as_str() {
//!             "factor" => Ok(3.into()),
//!             _ => Err(AliasError::new(format!("there is no setting {name}"))),
//!         }
//!     })?;
//! let limits = Limits::new().memory(64 << 20)?.cpu(Duration::from_secs(1))?;
//! let plugin = runtime.interpreter().name("plugin").policy(policy).limits(limits).build()?;
//!
//! let (numbers, inbox) = runtime.channel(Capacity::Bounded(16))?;
//! plugin.prepare_main([("inbox", Binding::from(inbox))])?;
//! numbers.send(14)?;
//! plugin.exec("answer = inbox.recv() * settings.get('factor')")?;
//! assert_eq!(plugin.get("answer")?, 42);
//!
//! // What the script does wrong, and what it is refused, are errors of different kinds.
//! assert!(matches!(plugin.exec("open('/etc/passwd')"), Err(Error::Raised(_))));
//! match plugin.exec("while True: pass") {
//!     Err(Error::LimitExceeded { kind: LimitKind::Cpu, .. }) => {}
//!     other => panic!("{other:?}"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `examples/guided_tour.rs` shows all of it in reading order, and `examples/plugin_host` a host.
//!
//! # Where it can be used
//!
//! Calls block, or have an `_async` twin that any executor can poll.  A runtime brings its own threads, and can
//! be made, used and dropped from plain threads and inside of tokio.
//!
//! # What a host is told
//!
//! With a subscriber of [`tracing`](https://docs.rs/tracing) there are spans `create`, `exec` (level debug) and `wait`
//! (trace), with the number and the name of the interpreter; events for limits that stop (info), for deaths and
//! cancellations (debug); and with the target `archipel::audit` (info) one event for each denial, with its full
//! reason.  Counts are in [`Runtime::metrics`], and what one interpreter used in [`Interpreter::usage`].

#![deny(unsafe_code)]
#![warn(missing_docs)]

mod aside;
mod bindings;
mod blocking;
mod cache;
mod channel;
mod descriptors;
mod discard;
mod engine;
mod exchange;
mod family;
mod image;
mod imports;
mod interpreter;
mod interrupt;
mod island;
mod job;
mod meter;
mod metrics;
mod output;
mod pages;
#[cfg(test)]
mod points;
mod promise;
mod ready;
mod runtime;
mod scheduler;
mod slots;
mod standing;
mod state;
mod telemetry;
mod timers;
mod wasi;

pub use archipel_core::{
    Access, AliasError, Arguments, Call, Change, Children, Clock, Destination, DirRequest, Error,
    ErrorKind, Excess, LimitKind, Limits, Modules, Policy, Profile, Raised, Random, Request,
    Result, Usage, Used, Value, value,
};
pub use cache::default_cache_dir;
pub use channel::{
    Receiver, RecvError, RecvTimeoutError, SendError, SendTimeoutError, Sender, TryRecvError,
    TrySendError,
};
pub use engine::Progress;
pub use interpreter::{Binding, Child, Interpreter, InterpreterBuilder};
pub use island::LimitReached;
pub use metrics::Metrics;
pub use output::{Captured, Output};
pub use runtime::{Capacity, Runtime, RuntimeBuilder};
pub use wasi::remove_private_folders;
