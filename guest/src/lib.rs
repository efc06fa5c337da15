//! The guest of Archipel: CPython 3.14 and its standard library as one statically linked, pre-initialised
//! WebAssembly component.
//!
//! [`find`] looks a guest up in the cache. Without the feature `build`, the crate consists of this function, and has no
//! dependencies.
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

#[cfg(feature = "build")]
mod alarm;
#[cfg(feature = "build")]
mod appending;
#[cfg(feature = "build")]
mod assemble;
mod cached;
#[cfg(feature = "build")]
pub mod component;
#[cfg(feature = "build")]
pub mod direct;
#[cfg(feature = "build")]
mod emit;
#[cfg(feature = "build")]
pub mod encode;
#[cfg(feature = "build")]
mod files;
#[cfg(all(feature = "build", any(test, fuzzing)))]
#[doc(hidden)]
pub mod fuzz;
#[cfg(feature = "build")]
mod heap;
#[cfg(feature = "build")]
mod image;
#[cfg(feature = "build")]
pub mod immortal;
#[cfg(feature = "build")]
mod intrinsics;
#[cfg(feature = "build")]
pub mod link;
#[cfg(feature = "build")]
pub mod lists;
#[cfg(feature = "build")]
mod locks;
#[cfg(feature = "build")]
mod memory;
#[cfg(feature = "build")]
mod module;
#[cfg(feature = "build")]
mod network;
#[cfg(feature = "build")]
mod packages;
#[cfg(feature = "build")]
mod room;
#[cfg(feature = "build")]
mod sources;
#[cfg(feature = "build")]
mod tools;
mod variant;

#[cfg(feature = "build")]
pub use assemble::{Step, ensure};
pub use cached::{Built, find};
#[cfg(feature = "build")]
pub use tools::{COMPONENTIZE_PY, Optimiser, Tool, survey};
pub use variant::Variant;
