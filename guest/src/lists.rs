//! Frees the lists of bytes that the runtime of `componentize-py` leaks.
//!
//! The runtime copies every `list<u8>` that an import takes or an export returns into newly allocated memory
//! (`maybe_pop_list` in its sources) and never frees it. It does free strings, other lists, and everything that
//! arrives in the guest. So imports with such lists are called through wrappers that free them afterwards, and the
//! post-return functions of exports first free the lists in the result. Each is a module in WebAssembly text, which the
//! linker adds to the guest.

mod walk;

use anyhow::{Context, Result, bail, ensure};
use std::collections::{HashMap, HashSet};
use walk::{At, Local, Walk};
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

    /// Returns a module with a function that calls an import and then frees the lists among its arguments.
    fn calling(&self, namespace: &str, function: &Function, ty: &FuncType) -> Result<String> {
        let signature = self
            .resolve
            .wasm_signature(AbiVariant::GuestImport, function);
        ensure!(
            signature.params.len() == ty.params().len(),
            "the import's parameters do not match its types"
        );
        let mut walk = Walk::new(self, ty.params());
        let at = match signature.indirect_params {
            true => At::Memory {
                base: Local::Parameter(0),
                offset: 0,
            },
            false => At::Flat(0),
        };
        let freed = walk.fields(function.params.iter().map(|p| &p.ty), at)?;
        let name = &function.name;
        let (ty, arguments) = (signature_text(ty)?, arguments(ty));
        let locals = walk.locals();
        // The results stay on the stack while the lists are freed.
        Ok(format!(
            "(module
{MEMORY}
(import \"{namespace}\" \"{name}\" (func $import {ty}))
{FREE}
(func (export \"{name}\") {ty}
{locals}(call $import {arguments})
{freed}))
"
        ))
    }

    /// Returns a module with a post-return function that frees the lists in the result, and then calls the guest's
    /// own, if it has one.
    fn post_return(&self, name: &str, function: &Function, calls_original: bool) -> Result<String> {
        let mut walk = Walk::new(self, &[ValType::I32]);
        let mut freed = String::new();
        if let Some(result) = &function.result {
            // A list is two core values, so a result with a list in it is returned through memory.
            let (base, offset) = (Local::Parameter(0), 0);
            freed = walk.value(result, At::Memory { base, offset })?;
        }
        let locals = walk.locals();
        let (import, call) = match calls_original {
            true => (
                format!("(import \"component\" \"{name}\" (func $original (param i32)))\n"),
                "(call $original (local.get $p0))",
            ),
            false => Default::default(),
        };
        Ok(format!(
            "(module
{MEMORY}
{import}{FREE}
(func (export \"{name}\") (param $p0 i32)
{locals}{freed}{call}))
"
        ))
    }
}

/// The memory of the guest, and its `free`.
const MEMORY: &str = r#"(import "guest" "memory" (memory 1))"#;
const FREE: &str = r#"(import "libc" "free" (func $free (param i32)))"#;

/// Returns a function type as text, with parameters named `$p0`, `$p1` and so on.
fn signature_text(ty: &FuncType) -> Result<String> {
    let text = |ty: &ValType| match ty {
        ValType::I32 => Ok("i32"),
        ValType::I64 => Ok("i64"),
        ValType::F32 => Ok("f32"),
        ValType::F64 => Ok("f64"),
        _ => bail!("an import has a parameter that is not a number"),
    };
    let mut parts = Vec::new();
    for (number, parameter) in ty.params().iter().enumerate() {
        parts.push(format!("(param $p{number} {})", text(parameter)?));
    }
    for result in ty.results() {
        parts.push(format!("(result {})", text(result)?));
    }
    Ok(parts.join(" "))
}

/// Returns code that pushes all parameters.
fn arguments(ty: &FuncType) -> String {
    let arguments = (0..ty.params().len()).map(|number| format!("(local.get $p{number})"));
    arguments.collect::<Vec<_>>().join(" ")
}

/// The parts of the guest that concern the lists.
#[derive(Default)]
pub(crate) struct Parts<'p> {
    /// The imports that the runtime calls, by namespace and name, and their types. libc's own calls pass lists that
    /// libc keeps using.
    pub(crate) called: HashMap<(&'p str, &'p str), &'p FuncType>,
    /// The imports that other modules call too.
    pub(crate) shared: HashSet<(&'p str, &'p str)>,
    /// The names of the exports that the component uses.
    pub(crate) exported: HashSet<&'p str>,
}

/// Returns the modules that wrap imports and post-return functions.
///
/// # Errors
///
/// Returns an error if another module calls an import whose lists are freed, or a type is not supported.
pub(crate) fn modules(world: &World, parts: &Parts<'_>) -> Result<Vec<String>> {
    let mut modules = Vec::new();
    for (namespace, function) in world.imports() {
        let name = (namespace.as_str(), function.name.as_str());
        let (Some(ty), true) = (
            parts.called.get(&name),
            function.params.iter().any(|p| world.holds(&p.ty)),
        ) else {
            continue;
        };
        let module = match parts.shared.contains(&name) {
            true => Err(anyhow::anyhow!(
                "libraries also call it, and may not own their lists"
            )),
            false => world.calling(&namespace, function, ty),
        };
        modules.push(module.with_context(|| format!("import `{}` `{}`", name.0, name.1))?);
    }
    for (name, function) in world.exports() {
        let exported = parts.exported.contains(name.as_str());
        if !exported || !function.result.iter().any(|ty| world.holds(ty)) {
            continue;
        }
        let post_return = format!("{POST_RETURN}{name}");
        let calls_original = parts.exported.contains(post_return.as_str());
        let module = world.post_return(&post_return, function, calls_original);
        modules.push(module.with_context(|| format!("export `{name}`"))?);
    }
    Ok(modules)
}

#[cfg(test)]
mod tests;
