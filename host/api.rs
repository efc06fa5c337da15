//! The public types that an embedder holds: runtimes, interpreters, channel ends and metrics.
//!
//! They convert arguments and results, and leave the work to the layers below.

pub(crate) mod channel;
pub(crate) mod interpreter;
pub(crate) mod metrics;
pub(crate) mod runtime;
