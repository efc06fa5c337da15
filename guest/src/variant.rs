//! The variants of the guest.

#[cfg(feature = "build")]
use crate::sources::{self, Files};

/// The kind of host that a guest is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Variant {
    /// A host that implements the interfaces in `wit`, as Archipel does.
    Island,
    /// Any host that runs WASI 0.2 commands, such as `wasmtime run`. Channels work within its one interpreter.
    Command,
}

#[cfg(feature = "build")]
impl Variant {
    /// Returns the Python sources that only this variant has.
    pub(crate) fn python(self) -> Files {
        match self {
            Variant::Island => sources::ISLAND_PYTHON,
            Variant::Command => sources::COMMAND_PYTHON,
        }
    }

    /// Returns the WIT of its world.
    pub(crate) fn wit(self) -> Files {
        match self {
            Variant::Island => sources::ISLAND_WIT,
            Variant::Command => sources::COMMAND_WIT,
        }
    }

    /// Returns the parameters for `componentize-py`.
    pub(crate) fn target(self) -> Target {
        match self {
            Variant::Island => Target {
                world: "island",
                bindings: "wit_world",
                app: "app",
            },
            Variant::Command => Target {
                world: "command",
                bindings: "command_world",
                app: "command_app",
            },
        }
    }

    /// Returns whether its interpreters can be copied, which needs a host like Archipel.
    pub(crate) fn is_copied(self) -> bool {
        self == Variant::Island
    }
}

#[cfg(feature = "build")]
/// The parameters of `componentize-py` for a component.
pub struct Target {
    /// The world.
    pub world: &'static str,
    /// The Python package of the world's bindings.
    pub bindings: &'static str,
    /// The module that implements the world's exports.
    pub app: &'static str,
}
