//! Frees the lists of bytes that the runtime of `componentize-py` leaks.
//!
//! The runtime copies every `list<u8>` that an import takes or an export returns into newly allocated memory
//! (`maybe_pop_list` in its sources) and never frees it. It does free strings, other lists, and everything that
//! arrives in the guest. So imports with such lists are called through wrappers that free them afterwards, and the
//! post-return functions of exports first free the lists in the result.

mod walk;

use crate::emit::Output;
use anyhow::{Context, Result, bail, ensure};
use std::collections::HashSet;
use walk::{At, Walk};
use wasm_encoder::{self as enc, Instruction};
use wasmparser::{FuncType, ValType};
use wit_component::DecodedWasm;
use wit_parser::abi::AbiVariant;
use wit_parser::{
    Function, Mangling, Resolve, SizeAlign, Type, TypeDefKind, WorldId, WorldItem, WorldKey,
};

/// The namespace of the imports that are not part of an interface.
const ROOT: &str = "$root";

/// The prefix of the names of the functions that clean up after an export.
const POST_RETURN: &str = "cabi_post_";

/// The types of a component's imports and exports.
pub struct World {
    resolve: Resolve,
    world: WorldId,
    sizes: SizeAlign,
}

impl World {
    /// Reads the world of `component`.
    ///
    /// # Errors
    ///
    /// Returns an error if `component` is not a component, or its types cannot be expressed in WIT.
    pub fn read(component: &[u8]) -> Result<World> {
        match wit_component::decode(component).context("the component has no readable world")? {
            DecodedWasm::Component(resolve, world) => Ok(World::new(resolve, world)),
            DecodedWasm::WitPackage(..) => {
                bail!("expected a component, found a WIT package")
            }
        }
    }

    fn new(resolve: Resolve, world: WorldId) -> World {
        let mut sizes = SizeAlign::default();
        sizes.fill(&resolve);
        World {
            resolve,
            world,
            sizes,
        }
    }

    /// Returns the imported functions, with their namespaces in a core module.
    fn imports(&self) -> Vec<(String, &Function)> {
        let items = &self.resolve.worlds[self.world].imports;
        let mut found = Vec::new();
        for (key, item) in items {
            let named = |function| (self.resolve.name_world_key(key), function);
            found.extend(self.functions_of(item).map(named));
            if let WorldItem::Function(function) = item {
                found.push((ROOT.to_owned(), function));
            }
        }
        found
    }

    /// Returns the exported functions, with their names in a core module.
    fn exports(&self) -> Vec<(String, &Function)> {
        let name = |function: &Function, key: Option<&WorldKey>| {
            let interface = key.map(|key| self.resolve.name_world_key(key));
            function
                .core_export_name(interface.as_deref(), Mangling::Legacy)
                .into_owned()
        };
        let items = &self.resolve.worlds[self.world].exports;
        let mut found = Vec::new();
        for (key, item) in items {
            let named = |function| (name(function, Some(key)), function);
            found.extend(self.functions_of(item).map(named));
            if let WorldItem::Function(function) = item {
                found.push((name(function, None), function));
            }
        }
        found
    }

    fn functions_of(&self, item: &WorldItem) -> impl Iterator<Item = &Function> {
        let interface = match item {
            WorldItem::Interface { id, .. } => Some(&self.resolve.interfaces[*id]),
            _ => None,
        };
        interface.into_iter().flat_map(|i| i.functions.values())
    }

    /// Returns the names of the exports in a core module.
    pub(crate) fn export_names(&self) -> HashSet<String> {
        self.exports().into_iter().map(|(name, _)| name).collect()
    }

    /// Returns whether values of this type can contain a list of bytes.
    fn holds(&self, ty: &Type) -> bool {
        let Type::Id(id) = ty else { return false };
        match &self.resolve.types[*id].kind {
            TypeDefKind::List(Type::U8) => true,
            TypeDefKind::Type(ty)
            | TypeDefKind::List(ty)
            | TypeDefKind::FixedLengthList(ty, _)
            | TypeDefKind::Option(ty) => self.holds(ty),
            TypeDefKind::Map(key, value) => self.holds(key) || self.holds(value),
            TypeDefKind::Record(record) => record.fields.iter().any(|f| self.holds(&f.ty)),
            TypeDefKind::Tuple(tuple) => tuple.types.iter().any(|ty| self.holds(ty)),
            TypeDefKind::Variant(variant) => {
                let mut payloads = variant.cases.iter().filter_map(|c| c.ty.as_ref());
                payloads.any(|ty| self.holds(ty))
            }
            TypeDefKind::Result(result) => {
                let mut payloads = result.ok.iter().chain(&result.err);
                payloads.any(|ty| self.holds(ty))
            }
            // Values sent through a future or a stream are not part of the call.
            TypeDefKind::Resource
            | TypeDefKind::Handle(_)
            | TypeDefKind::Flags(_)
            | TypeDefKind::Enum(_)
            | TypeDefKind::Future(_)
            | TypeDefKind::Stream(_)
            | TypeDefKind::Unknown => false,
        }
    }

    /// Returns a function that calls `import` and then frees the lists among its arguments.
    fn calling<'w>(
        &'w self,
        function: &Function,
        ty: &'w FuncType,
        import: u32,
        free: u32,
    ) -> Result<Walk<'w>> {
        let signature = self
            .resolve
            .wasm_signature(AbiVariant::GuestImport, function);
        ensure!(
            signature.params.len() == ty.params().len(),
            "the import's parameters do not match its types"
        );
        let mut walk = Walk::new(self, free, ty.params());
        let parameters = 0..ty.params().len() as u32;
        walk.code.extend(parameters.map(Instruction::LocalGet));
        // The results stay on the stack while the lists are freed.
        walk.code.push(Instruction::Call(import));
        let at = match signature.indirect_params {
            true => At::Memory { base: 0, offset: 0 },
            false => At::Flat(0),
        };
        walk.fields(function.params.iter().map(|p| &p.ty), at)?;
        Ok(walk)
    }

    /// Returns a post-return function that frees the lists in the result, and then calls `original`.
    fn post_return(
        &self,
        function: &Function,
        original: Option<u32>,
        free: u32,
    ) -> Result<Walk<'_>> {
        let mut walk = Walk::new(self, free, &[ValType::I32]);
        if let Some(result) = &function.result {
            // A list is two core values, so a result with a list in it is returned through memory.
            walk.value(result, At::Memory { base: 0, offset: 0 })?;
        }
        if let Some(original) = original {
            walk.code
                .extend([Instruction::LocalGet(0), Instruction::Call(original)]);
        }
        Ok(walk)
    }
}

/// The parts of the linked module that concern the lists.
pub(crate) struct Parts<'p> {
    /// The imports that the runtime calls, by namespace and name. libc's own calls pass lists that libc keeps
    /// using.
    pub(crate) called: HashSet<(&'p str, &'p str)>,
    /// The imports that other modules call too.
    pub(crate) shared: HashSet<(&'p str, &'p str)>,
    /// The functions that the component uses, by their export names.
    pub(crate) exported: Vec<(&'p str, u32)>,
    /// libc's `free`.
    pub(crate) free: Option<u32>,
}

/// Announces the wrappers of imports and post-return functions, and returns their bodies.
///
/// # Errors
///
/// Returns an error if there are lists to free but no `free`, or if another module calls an import whose lists are
/// freed.
pub(crate) fn announce(
    out: &mut Output<'_, '_>,
    world: &World,
    parts: &Parts<'_>,
) -> Result<Vec<enc::Function>> {
    let free = || {
        parts
            .free
            .context("there are lists to free but `free` is missing")
    };
    let mut bodies = Vec::new();
    for (namespace, function) in world.imports() {
        let name = (namespace.as_str(), function.name.as_str());
        if !parts.called.contains(&name) || !function.params.iter().any(|p| world.holds(&p.ty)) {
            continue;
        }
        let Some((import, ty)) = out.host_import(name.0, name.1) else {
            continue;
        };
        let body = (|| {
            ensure!(
                !parts.shared.contains(&name),
                "libraries also call it, and may not own their lists"
            );
            Ok(world.calling(function, &ty, import, free()?)?.finish())
        })();
        bodies.push(body.with_context(|| format!("import `{}` `{}`", name.0, name.1))?);
        let stand_in = out.announce(ty.params(), ty.results())?;
        out.replace(import, stand_in);
    }
    let exported = |name: &str| parts.exported.iter().find(|(n, _)| *n == name);
    for (name, function) in world.exports() {
        if exported(&name).is_none() || !function.result.iter().any(|ty| world.holds(ty)) {
            continue;
        }
        let post_return = format!("{POST_RETURN}{name}");
        let original = exported(&post_return).map(|(_, index)| *index);
        let body = free()
            .and_then(|free| Ok(world.post_return(function, original, free)?.finish()))
            .with_context(|| format!("export `{name}`"))?;
        bodies.push(body);
        let stand_in = out.announce(&[ValType::I32], &[])?;
        match original {
            Some(_) => out.export_instead(post_return, stand_in),
            None => out.export_function(&post_return, stand_in),
        }
    }
    Ok(bodies)
}

#[cfg(test)]
mod tests;
