//! The plain parts of Archipel: values, messages, the channel broker, policies, limits and accounts.
//!
//! Nothing here knows of WebAssembly, executors, threads or clocks: these are data and state machines that the library
//! `archipel` drives.  That library re-exports what its users need; the rest of this crate is its own, and changes
//! without notice.

#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod alias;
pub mod broker;
pub mod encoding;
pub mod error;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
pub mod ledger;
pub mod limits;
pub mod policy;
pub mod trust;
pub mod usage;
pub mod value;

pub use alias::{AliasError, Arguments, Call};
pub use error::{Error, ErrorKind, LimitKind, Raised, Result};
pub use limits::Limits;
pub use policy::{
    Access, Change, Children, Clock, Destination, DirRequest, Excess, Modules, Policy, Profile,
    Random, Request,
};
pub use usage::{Usage, Used};
pub use value::Value;
