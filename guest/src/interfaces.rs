//! The interfaces that the linker adds to the guest's world, because `componentize-py` does not know them.

/// An interface in a package of its own.
pub(crate) struct Interface {
    pub(crate) name: &'static str,
    pub(crate) wit: &'static str,
    /// The name of the interface in a core module.
    pub(crate) full_name: &'static str,
}

/// The exports with which the host copies and interrupts interpreters: `wat/image.wat` implements them.
pub(crate) const IMAGE: Interface = Interface {
    name: "image",
    wit: include_str!("image.wit"),
    full_name: "archipel:image/image@0.1.0",
};

/// The imports with which `wat/locks.wat` locks files.
pub(crate) const LOCKS: Interface = Interface {
    name: "locks",
    wit: include_str!("locks.wit"),
    full_name: "archipel:locks/locks@0.1.0",
};
