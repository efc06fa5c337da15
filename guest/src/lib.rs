//! The guest of Archipel: CPython 3.14 and its standard library as one statically linked
//! WebAssembly component, already initialised.
//!
//! [`ensure`] returns the path of the component and builds it first where that has not happened:
//!
//! 1. `componentize-py` makes a component of the Python sources in `guest/python` and takes a
//!    snapshot of the interpreter after its initialisation;
//! 2. [`link`](link::link) turns the dozen dynamically linked modules in it into one;
//! 3. `room` has it notice that memory is running out, `image` adds to it what reads and writes its memory, for copying interpreters, and `alarm` finds
//!    where an interrupt is to be noted in it;
//! 4. [`lists`] has it free what `componentize-py` forgets to free, and `intrinsics` adds a short way for
//!    plain messages;
//! 5. `locks` gives it locks on files, and `appending` mends the position of files that are opened to append;
//! 6. [`immortal`] takes the reference counts out of use, so that interpreters share more memory;
//! 7. Binaryen optimises that module, where the machine has it;
//! 8. [`direct`] has its calls go past the table, which each instance would have to fill for itself;
//! 9. [`encode`](encode::encode) makes the module a component again.

mod alarm;
mod appending;
mod assemble;
pub mod component;
pub mod direct;
mod emit;
pub mod encode;
mod files;
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
