//! What the guest can be built for.

use crate::sources::{self, Files};
use crate::tools::Target;

/// What a guest is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Variant {
    /// A host that implements the interfaces in `wit`, as Archipel does.
    Island,
    /// Any host that runs commands of WASI 0.2, such as `wasmtime run`.  Channels work within the
    /// one interpreter that there is.
    Command,
}

impl Variant {
    /// The sources that this variant has besides those that all have.
    pub(crate) fn python(self) -> Files {
        match self {
            Variant::Island => sources::ISLAND_PYTHON,
            Variant::Command => sources::COMMAND_PYTHON,
        }
    }

    /// The WIT of its world.
    pub(crate) fn wit(self) -> Files {
        match self {
            Variant::Island => sources::ISLAND_WIT,
            Variant::Command => sources::COMMAND_WIT,
        }
    }

    /// What `componentize-py` is told of it.
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

    /// Whether its interpreters can be copied, which only a host of ours does.
    pub(crate) fn is_copied(self) -> bool {
        self == Variant::Island
    }
}
