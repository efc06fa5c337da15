//! The targets of the indices in the modules that are linked.

use wasm_encoder::reencode;

/// A module index, and an index among the items that the module itself defines.
pub(crate) type Defined = (usize, u32);

/// The module index of constants that the linker itself provides.
pub(crate) const LINKER: usize = usize::MAX;

/// The target of a module's function index.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Function<'a> {
    Defined(Defined),
    Host { namespace: &'a str, name: &'a str },
}

/// The targets of all local indices of one module.
#[derive(Default, Clone)]
pub(crate) struct Places<'a> {
    pub(crate) functions: Vec<Function<'a>>,
    pub(crate) tables: Vec<Defined>,
    pub(crate) memories: Vec<Defined>,
    pub(crate) globals: Vec<Defined>,
}

/// The error for a module that refers to a missing item.
pub(crate) type Dangling = &'static str;
pub(crate) const DANGLING: reencode::Error<Dangling> =
    reencode::Error::UserError("a core module refers to an item that does not exist");
