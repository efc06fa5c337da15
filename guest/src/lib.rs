//! The guest of Archipel: CPython 3.14 and its standard library as one statically linked, pre-initialised
//! WebAssembly component.
//!
//! [`ensure`] returns the path of the component, and builds it first if necessary:
//!
//! 1. `componentize-py` makes a component of the Python sources in `guest/python` and takes a snapshot of the
//!    interpreter after its initialisation;
//! 2. [`link`](link::link) turns the dozen dynamically linked modules in it into one;
//! 3. `room` makes the guest detect that memory is running out, `image` adds functions that read and write its
//!    memory, for copying interpreters, and `alarm` finds the words with which the host interrupts it;
//! 4. [`lists`] frees memory that `componentize-py` leaks, and `intrinsics` adds a fast path for plain messages;
//! 5. `locks` adds file locks, and `appending` fixes the position of files opened for appending;
//! 6. [`immortal`] disables reference counting in the snapshot's objects, so that interpreters share more memory;
//! 7. Binaryen optimises that module, if the machine has it;
//! 8. [`direct`] replaces calls through the table, which each instance would have to fill, by direct calls;
//! 9. [`encode`](encode::encode) encodes the module as a component again.

#![forbid(unsafe_code)]

mod alarm;
mod appending;
mod assemble;
pub mod component;
pub mod direct;
mod emit;
pub mod encode;
mod files;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
mod heap;
mod image;
pub mod immortal;
mod intrinsics;
pub mod link;
pub mod lists;
mod locks;
mod memory;
mod module;
mod network;
mod packages;
mod room;
mod sources;
mod tools;
mod variant;

pub use assemble::{Built, Step, ensure, find};
pub use tools::{COMPONENTIZE_PY, Optimiser, Tool, survey};
pub use variant::Variant;
