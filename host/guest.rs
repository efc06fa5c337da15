//! The guest: the component that interpreters are instances of.

mod compile;

pub use compile::Progress;
pub(crate) use compile::{Source, compile};
