//! The plain parts of Archipel: values, messages, the channel broker, policies, limits and accounts.
//!
//! Nothing here knows of WebAssembly, executors, threads or clocks: these are data and state machines that the library
//! `archipel` drives. That library re-exports what its users need; the rest of this crate is its own, and changes
//! without notice.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod alias;
pub mod amount;
pub mod args;
pub mod broker;
pub mod encoding;
pub mod error;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
#[expect(
    clippy::expect_used,
    clippy::panic,
    reason = "fuzz targets report a failure by panicking"
)]
pub mod fuzz;
pub mod ledger;
mod limit_kind;
pub mod limits;
mod name;
pub mod one_line;
pub mod policy;
pub mod trust;
pub mod usage;
pub mod value;

pub use alias::{AliasError, Call, FromArgs};
pub use amount::AmountError;
pub use args::Args;
pub use error::{
    Capability, Cause, ConfigKind, Death, Denial, Error, ErrorKind, Invalid, LimitKind, Raised,
    Result, Unshareable,
};
pub use limits::Limits;
pub use policy::Policy;
pub use usage::{Usage, Used};
pub use value::Value;
