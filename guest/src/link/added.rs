//! Adds new functions to the linked module.

use super::constant::{Constant, evaluate};
use super::{Defined, Function, Linker};
use crate::alarm::{Alarm, Memory};
use crate::emit::Output;
use crate::files::{Libc, MALLOC, NEEDED};
use crate::image::{self, Image};
use crate::intrinsics::{self, Intrinsics};
use crate::lists::{self, World};
use crate::locks::{self, Locks};
use anyhow::{Context, Result, ensure};
use std::collections::{HashMap, HashSet};
use wasm_encoder as enc;
use wasmparser::{DataKind, ExternalKind};

impl<'a> Linker<'_, 'a> {
    /// Adds functions that read and write the memory, if the guest has an allocator and a libc.
    pub(super) fn add_image(
        &self,
        out: &mut Output<'_, 'a>,
        constants: &HashMap<Defined, Constant>,
    ) -> Result<Option<Image>> {
        let mut roots = self.component.roots.iter();
        let allocator = roots.find(|(_, _, name)| *name == image::ALLOCATOR);
        let (Some((_, instance, name)), Some(functions)) = (allocator, self.named(NEEDED)) else {
            return Ok(None);
        };
        let index = |place| index_of(out, place);
        let mut libc = Libc {
            allocator: index(self.root(*instance, name)?)?,
            malloc: match self.named(MALLOC) {
                Some([malloc]) => index(Function::Defined(malloc))?,
                None => return Ok(None),
            },
            functions: Default::default(),
        };
        for (slot, defined) in libc.functions.iter_mut().zip(functions) {
            *slot = index(Function::Defined(defined))?;
        }
        let alarm = Alarm::find(&self.memory(constants))?;
        Image::announce(out, &libc, alarm).map(Some)
    }

    /// Returns the initial contents of the memory that the modules share.
    fn memory(&self, constants: &HashMap<Defined, Constant>) -> Memory<'a> {
        let modules = self.modules.iter().zip(&self.places).enumerate();
        let shared = modules.filter(|(index, _)| !self.is_shim(*index));
        let segments = shared.flat_map(|(_, (module, places))| {
            module.data.iter().filter_map(|data| {
                let DataKind::Active { offset_expr, .. } = &data.kind else {
                    return None;
                };
                match evaluate(offset_expr, places, constants) {
                    Some(Constant::I32(address)) => Some((address as u32, data.data)),
                    _ => None,
                }
            })
        });
        Memory::new(segments.collect())
    }

    /// Adds functions that free the lists of bytes passed and returned by the module with the exports.
    pub(super) fn add_lists(
        &self,
        out: &mut Output<'_, 'a>,
        world: &World,
    ) -> Result<Vec<enc::Function>> {
        let exports = world.export_names();
        let mut exported = Vec::new();
        let mut bindings = HashSet::new();
        for &(kind, instance, name) in &self.component.roots {
            if kind == ExternalKind::Func {
                let index = out.function(self.root(instance, name)?);
                exported.push((name, index.context("an export is missing")?));
                if exports.contains(name) {
                    bindings.insert(self.module_of[&instance]);
                }
            }
        }
        let (mut called, mut shared) = (HashSet::new(), HashSet::new());
        for (index, places) in self.places.iter().enumerate() {
            let by = match bindings.contains(&index) {
                true => &mut called,
                false => &mut shared,
            };
            by.extend(places.functions.iter().filter_map(|place| match place {
                Function::Host { namespace, name } => Some((*namespace, *name)),
                Function::Defined(_) => None,
            }));
        }
        let free = self.named(NEEDED).and_then(|libc| {
            let last = libc.last().copied()?;
            out.function(Function::Defined(last))
        });
        let parts = lists::Parts {
            called,
            shared,
            exported,
            free,
        };
        lists::announce(out, world, &parts)
    }

    /// Adds the fast path for plain messages, if the guest has CPython and channels.
    ///
    /// `room` is the function that returns whether an allocation would succeed.
    pub(super) fn add_intrinsics(
        &self,
        out: &mut Output<'_, 'a>,
        room: Option<u32>,
    ) -> Result<Option<Intrinsics>> {
        let (Some(python), Some(libc)) = (self.named(intrinsics::NEEDED), self.named(NEEDED))
        else {
            return Ok(None);
        };
        let index = |defined| index_of(out, Function::Defined(defined));
        let free = index(libc[NEEDED.len() - 1])?;
        let mut needed = [0; intrinsics::NEEDED.len()];
        for (slot, defined) in needed.iter_mut().zip(python) {
            *slot = index(defined)?;
        }
        Intrinsics::announce(out, needed, free, room)
    }

    /// Adds locks on files, to a guest whose libc has the functions in `needed`.
    ///
    /// # Errors
    ///
    /// When the guest has SQLite, and that does not compare names to choose its file system.
    pub(super) fn add_locks(
        &self,
        out: &mut Output<'_, 'a>,
        needed: [Defined; locks::NEEDED.len()],
        imports: Option<locks::Imports>,
    ) -> Result<Locks> {
        let mut indices = [0; locks::NEEDED.len()];
        for (slot, defined) in indices.iter_mut().zip(needed) {
            *slot = index_of(out, Function::Defined(defined))?;
        }
        let announces = self.called(locks::ANNOUNCES);
        if let Some(announces) = announces {
            let [.., compare] = needed;
            let called = self.scanned(announces)?.functions;
            let places = &self.places[announces.0].functions;
            let mut callees = called.iter().map(|local| places[*local as usize]);
            ensure!(
                callees.any(|callee| callee == Function::Defined(compare)),
                "SQLite chooses its file system without comparing names"
            );
        }
        Locks::announce(out, indices, imports, announces)
    }

    /// The function of the guest that has this name, which only its sources and not its exports have.
    fn called(&self, name: &str) -> Option<Defined> {
        self.modules.iter().enumerate().find_map(|(index, module)| {
            let (local, _) = module.names.iter().find(|(_, known)| **known == name)?;
            let defined = local.checked_sub(module.function_imports.len() as u32)?;
            module.bodies.get(defined as usize)?;
            Some((index, defined))
        })
    }
}

/// Returns the new index of a function that an added function calls.
fn index_of<'a>(out: &Output<'_, 'a>, place: Function<'a>) -> Result<u32> {
    out.function(place)
        .context("a required function is missing")
}
