//! Execution: the threads on which guests and their blocking calls run, and the time that they use.

pub(crate) mod blocking;
pub(crate) mod deferred_drop;
pub(crate) mod frozen_clock;
pub(crate) mod interrupt;
pub(crate) mod meter;
pub(crate) mod offload;
pub(crate) mod run;
mod scheduler;
pub(crate) mod stop;
mod timers;
pub(crate) mod workers;
