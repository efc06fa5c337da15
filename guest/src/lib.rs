//! The guest of Archipel: CPython 3.14 and its standard library as one statically linked, pre-initialised
//! WebAssembly component.
//!
//! [`find`] looks a guest up in the cache, and [`images`] lists the images there. Without the feature `build`, the crate
//! consists of these functions.
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
//! [`packages`] builds packages with extension modules into wheels for the guest.
//!
//! `ARCHIPEL_TUNE=0` leaves out steps 4 and 6 (`tuning`).

#![forbid(unsafe_code)]
#![warn(missing_docs)]

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
mod constant;
mod description;
#[cfg(feature = "build")]
pub mod direct;
#[cfg(feature = "build")]
mod emit;
#[cfg(feature = "build")]
pub mod encode;
#[cfg(feature = "build")]
pub mod exceptions;
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
mod interfaces;
#[cfg(feature = "build")]
mod intrinsics;
#[cfg(feature = "build")]
mod library;
#[cfg(feature = "build")]
pub mod link;
#[cfg(feature = "build")]
pub mod lists;
#[cfg(feature = "build")]
mod memory;
#[cfg(feature = "build")]
mod module;
#[cfg(feature = "build")]
pub mod packages;
#[cfg(feature = "build")]
mod places;
#[cfg(feature = "build")]
mod snapshot;
#[cfg(feature = "build")]
mod sources;
mod stored;
#[cfg(feature = "build")]
mod tools;
#[cfg(feature = "build")]
mod tuning;
mod variant;

#[cfg(feature = "build")]
pub use assemble::{Step, ensure};
pub use cached::{Built, add, find, key};
pub use description::{Description, Package, Unreadable};
#[cfg(feature = "build")]
pub use image::{Plan, build_image};
pub use stored::{Stored, describe, image_path, images, is_image_name};
#[cfg(feature = "build")]
pub use tools::{COMPONENTIZE_PY, Optimiser, Tool, survey};
pub use variant::Variant;
