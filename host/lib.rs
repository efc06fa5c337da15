//! Python subinterpreters in hard isolation.
//!
//! Each interpreter is a WebAssembly instance of CPython with its own memory. A host creates
//! interpreters in a [`Runtime`], runs code in them, and connects them with channels. Interpreters
//! create children with Python's own `concurrent.interpreters` or with `interpreters`. All
//! interpreters run in parallel, on as many threads as the machine has processors.
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
//! A new interpreter can use nothing outside of its memory. Its [`Policy`] grants files, network
//! and other capabilities, and its [`Limits`] bound what it uses. Aliases give it host functions,
//! and channels connect it to other interpreters:
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
//! let limits = Limits::new().memory(64 << 20).cpu(Duration::from_secs(1));
//! let plugin = runtime.interpreter().name("plugin").policy(policy).limits(limits).build()?;
//!
//! let (numbers, inbox) = runtime.channel(Capacity::Bounded(16))?;
//! plugin.prepare_main([("inbox", Binding::from(inbox))])?;
//! numbers.send(14)?;
//! plugin.exec("answer = inbox.recv() * settings.get('factor')")?;
//! assert_eq!(plugin.get::<i64>("answer")?, 42);
//!
//! // Python exceptions and exceeded limits are different kinds of errors.
//! assert!(matches!(plugin.exec("open('/etc/passwd')"), Err(Error::Raised(_))));
//! match plugin.exec("while True: pass") {
//!     Err(Error::LimitExceeded { kind: LimitKind::Cpu, .. }) => {}
//!     other => panic!("{other:?}"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `examples/guided_tour.rs` shows every feature in reading order, and `examples/plugin_host` is a
//! complete host.
//!
//! # Guest and features
//!
//! Interpreters are instances of an [`Image`], CPython as a WebAssembly component. [`Runtime::new`]
//! uses the standard one in the user's cache, where `archipel guest build` puts it;
//! [`RuntimeBuilder::image`] takes another, such as a file. The crate has no default features. With
//! the feature `build`, it builds the standard guest if the cache has none, which runs pip and npm.
//!
//! # Threads and async
//!
//! Each blocking call has an `_async` twin that any executor can poll, except for calls with a time
//! limit, for which executors have their own means. [`Interpreter`] documents the effect of dropping
//! its future. A runtime starts its own threads. Plain threads and tokio tasks can create, use and
//! drop it.
//!
//! # Errors
//!
//! An [`Error`] is one of three [kinds](Error::kind): the script raised, the host refused, or
//! something is broken. [`Error::is_recoverable`] says whether the interpreter can be used again.
//! Fields of the variants tell errors apart, so no program needs to match texts, and
//! [`source`](std::error::Error::source) returns the causes.
//!
//! # Logs and metrics
//!
//! A [`tracing`](https://docs.rs/tracing) subscriber receives the spans `create`, `exec` (level
//! debug) and `wait` (trace), with the number and the name of the interpreter; events for
//! interpreters stopped by a limit (info) and for deaths and cancellations (debug); and, with the
//! target `archipel::audit` (info), one event for each denial, with its full reason.
//! [`Runtime::metrics`] has the counters, and [`Interpreter::usage`] what one interpreter used.

#![warn(missing_docs)]

mod account;
mod api;
mod engine;
mod exchange;
mod exec;
#[cfg(test)]
mod failpoints;
mod image;
mod imports;
mod island;
mod lock;
mod output;
mod telemetry;
mod text;
mod tls;
mod wasi;

pub use api::channel::{
    Capacity, Receiver, RecvError, RecvTimeoutError, Select, Selected, SendError, SendTimeoutError,
    Sender, TryRecvError, TrySendError,
};
pub use api::interpreter::{Binding, Child, Interpreter, InterpreterBuilder};
pub use api::metrics::{ImageUse, Metrics};
pub use api::runtime::{Runtime, RuntimeBuilder};
pub use archipel_core::encoding::Refusal;
pub use archipel_core::{
    AliasError, AmountError, Args, Call, Capability, Cause, ConfigKind, Death, Denial, Error,
    ErrorKind, FromArgs, Invalid, LimitKind, Limits, Policy, Raised, Result, Unshareable, Usage,
    Used, Value, value,
};
pub use engine::cache::default_cache_dir;
pub use exec::wait_hook::with_wait_hook;
#[cfg(feature = "build")]
pub use image::ImageBuilder;
pub use image::{Image, Package, Progress, supply_standard_guest};
pub use island::owner::LimitReached;
pub use output::{Captured, Output};
pub use wasi::remove_private_folders;

/// Policies: what interpreters may do, how two policies compare, and policy files.
///
/// ```
/// use archipel::Policy;
/// use archipel::policy::Profile;
///
/// let profile = Profile::from_toml("children = 3")?;
/// assert_eq!(profile.policy, Policy::new().children(3, 1)?);
/// # Ok::<(), archipel::Error>(())
/// ```
pub mod policy {
    pub use archipel_core::policy::{
        Access, Change, Children, Clock, Destination, DirRequest, Excess, Modules, Policy, Profile,
        Random, Request,
    };
}
