//! The guest of Archipel: CPython 3.14 and its standard library as one statically linked, pre-initialised
//! WebAssembly component.
//!
//! [`ensure`] returns the path of the component, and builds it first if necessary:
//!
//! 1. `componentize-py` makes a component of the Python sources in `guest/python` and takes a snapshot of the
//!    interpreter after its initialisation;
//! 2. [`link`](link::link) turns the dozen dynamically linked modules in it into one, and adds modules written for the
//!    guest in WebAssembly text (`guest/src/wat`): to detect that memory is running out, to copy and interrupt
//!    interpreters (`alarm` finds the words for that), for file locks and a fast path for plain messages (which
//!    `intrinsics` installs), and to free memory that `componentize-py` leaks ([`lists`]);
//! 3. `appending` fixes the position of files opened for appending;
//! 4. [`immortal`] disables reference counting in the snapshot's objects, and `heap` takes the free blocks of its
//!    memory, so that interpreters share more memory;
//! 5. Binaryen optimises that module, if the machine has it;
//! 6. [`direct`] replaces calls through the table, which each instance would have to fill, by direct calls;
//! 7. [`encode`](encode::encode) encodes the module as a component again.
//!
//! `ARCHIPEL_TUNE=0` leaves out steps 4 and 6 (`tuning`).

mod alarm;
mod appending;
mod assemble;
pub mod component;
mod constant;
pub mod direct;
mod emit;
pub mod encode;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
mod heap;
pub mod immortal;
mod interfaces;
mod intrinsics;
pub mod link;
pub mod lists;
mod memory;
mod module;
mod packages;
mod places;
mod snapshot;
mod sources;
mod tools;
mod tuning;
mod variant;

pub use assemble::{Built, Step, ensure, find};
pub use tools::{COMPONENTIZE_PY, Optimiser, Tool, survey};
pub use variant::Variant;
