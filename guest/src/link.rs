//! Links the core modules of a component into one.
//!
//! Every import is replaced by its provider, every address that dynamic linking kept in a global becomes a
//! constant, and unreachable items are removed. The result has one defined memory and one defined table. So
//! creating an instance copies no table and no globals, and no instruction loads an address that never changes.

mod added;
mod constant;
mod scan;

use crate::component::{Component, Instance, Provider};
use crate::emit::Output;
use crate::files::{MALLOC, NEEDED};
use crate::intrinsics;
use crate::lists::World;
use crate::locks;
use crate::module::Module;
use anyhow::{Context, Result, bail, ensure};
pub(crate) use constant::{Constant, evaluate};
use scan::Scan;
use std::collections::{HashMap, HashSet};
use wasm_encoder::reencode::{self, Reencode};
use wasmparser::ExternalKind;

/// A module index, and an index among the items that the module itself defines.
pub(crate) type Defined = (usize, u32);

/// The target of a module's function index.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Function<'a> {
    Defined(Defined),
    Host { namespace: &'a str, name: &'a str },
}

/// The targets of all local indices of one module.
#[derive(Default)]
pub(crate) struct Places<'a> {
    pub(crate) functions: Vec<Function<'a>>,
    pub(crate) tables: Vec<Defined>,
    pub(crate) memories: Vec<Defined>,
    pub(crate) globals: Vec<Defined>,
}

/// The results of linking, for the build's report.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    pub modules: usize,
    pub functions: usize,
    pub dropped_functions: usize,
    pub folded_globals: usize,
    /// The addresses of the two functions that replace functions of CPython.
    pub intrinsics: Option<[u32; 2]>,
}

/// Optional parts of the linked module.
#[derive(Debug, Default, Clone, Copy)]
pub struct Options {
    /// Functions that read and write the memory, for copying interpreters.
    pub copied: bool,
    /// The function names, for diagnosis.
    pub keep_names: bool,
}

/// Links `component`, which has the types in `world`, into one core module with the exports that the
/// component uses.
///
/// # Errors
///
/// Returns an error if the component is damaged or not initialised (a module has a start function, or a required
/// constant is not constant), or instantiates a module twice.
pub fn link(
    component: &Component<'_>,
    world: &World,
    options: Options,
) -> Result<(Vec<u8>, Report)> {
    let linker = Linker::new(component)?;
    let reached = linker.reach()?;
    let constants = linker.constants(&reached)?;
    linker.emit(&reached, &constants, world, options)
}

struct Linker<'c, 'a> {
    component: &'c Component<'a>,
    /// The linked modules, in the order in which the component instantiates them.
    modules: Vec<Module<'a>>,
    /// The module of each core instance.
    module_of: HashMap<usize, usize>,
    shim: Option<Shim>,
    places: Vec<Places<'a>>,
}

/// The shim of `wit-component`, which resolves a cycle between a module and the memory that its imports need: a
/// module of forwarding functions, whose table a second module fills once all instances exist.
struct Shim {
    instance: usize,
    filled_by: usize,
}

/// The name under which the forwarding module exports its table.
const SHIM_TABLE: &str = "$imports";

/// The live items: functions by module and index, and the globals that live code assigns.
#[derive(Default)]
pub(crate) struct Reached {
    functions: HashSet<Defined>,
    order: Vec<Defined>,
    /// The host functions, each by a module that imports it and its index there.
    host: Vec<(usize, u32)>,
    assigned: HashSet<Defined>,
    pub(crate) grows_table: bool,
}

impl<'c, 'a> Linker<'c, 'a> {
    fn new(component: &'c Component<'a>) -> Result<Self> {
        let mut linker = Linker {
            component,
            modules: Vec::new(),
            module_of: HashMap::new(),
            shim: None,
            places: Vec::new(),
        };
        let mut instance_of = Vec::new();
        for (instance, made) in component.instances.iter().enumerate() {
            let Instance::Module { module, .. } = made else {
                continue;
            };
            let module = Module::read(component.modules[*module])?;
            linker.module_of.insert(instance, linker.modules.len());
            linker.modules.push(module);
            instance_of.push(instance);
        }
        linker.find_shim(&instance_of)?;
        for (index, instance) in instance_of.into_iter().enumerate() {
            let places = linker.place(index, instance)?;
            linker.places.push(places);
        }
        Ok(linker)
    }

    fn find_shim(&mut self, instance_of: &[usize]) -> Result<()> {
        for (index, module) in self.modules.iter().enumerate() {
            let Some(import) = module.table_imports.iter().find(|i| i.name == SHIM_TABLE) else {
                continue;
            };
            let filled_by = instance_of[index];
            if let Provider::Export { instance, .. } =
                self.component
                    .provider(filled_by, import.module, import.name)?
            {
                self.shim = Some(Shim {
                    instance,
                    filled_by,
                });
            }
        }
        Ok(())
    }

    /// Returns whether module `index` is part of the shim, which linking removes.
    fn is_shim(&self, index: usize) -> bool {
        self.shim.as_ref().is_some_and(|shim| {
            [shim.instance, shim.filled_by]
                .iter()
                .any(|i| self.module_of.get(i) == Some(&index))
        })
    }

    fn place(&self, index: usize, instance: usize) -> Result<Places<'a>> {
        let module = &self.modules[index];
        let mut places = Places::default();
        if self.is_shim(index) {
            return Ok(places);
        }
        for (import, _) in &module.function_imports {
            let place = self
                .function(instance, import.module, import.name)
                .with_context(|| format!("import `{}` `{}`", import.module, import.name))?;
            places.functions.push(place);
        }
        let own = |count: usize| (0..count as u32).map(move |i| (index, i));
        places
            .functions
            .extend(own(module.functions.len()).map(Function::Defined));
        for (imports, into, count) in [
            (
                &module.table_imports,
                &mut places.tables,
                module.tables.len(),
            ),
            (
                &module.memory_imports,
                &mut places.memories,
                module.memories.len(),
            ),
            (
                &module.global_imports,
                &mut places.globals,
                module.globals.len(),
            ),
        ] {
            for import in imports {
                let place = self
                    .item(instance, import.module, import.name)
                    .with_context(|| format!("import `{}` `{}`", import.module, import.name))?;
                into.push(place);
            }
            into.extend(own(count));
        }
        Ok(places)
    }

    /// Returns the module and the local index of the export that provides an import, or `None` for the host.
    fn served(
        &self,
        instance: usize,
        namespace: &str,
        name: &'a str,
    ) -> Result<Option<(usize, usize, ExternalKind, u32)>> {
        match self.component.provider(instance, namespace, name)? {
            Provider::Host => Ok(None),
            Provider::Export { instance, name } => {
                let module = *self
                    .module_of
                    .get(&instance)
                    .context("the import is not provided by a module")?;
                let (kind, index) = self.modules[module]
                    .exports
                    .get(name)
                    .copied()
                    .with_context(|| format!("no module exports `{name}`"))?;
                Ok(Some((instance, module, kind, index)))
            }
        }
    }

    fn function(
        &self,
        mut instance: usize,
        original_namespace: &'a str,
        original_name: &'a str,
    ) -> Result<Function<'a>> {
        let (mut namespace, mut name) = (original_namespace, original_name);
        // Each step goes to an earlier instance, or once from the shim to the module that fills it.
        for _ in 0..=2 * self.component.instances.len() {
            let Some((served_by, module, kind, index)) = self.served(instance, namespace, name)?
            else {
                return Ok(Function::Host {
                    namespace: original_namespace,
                    name: original_name,
                });
            };
            ensure!(
                kind == ExternalKind::Func,
                "the import is not provided by a function"
            );
            if let Some(shim) = self.shim.as_ref().filter(|s| s.instance == served_by) {
                let Provider::Export { name: slot, .. } =
                    self.component.provider(instance, namespace, name)?
                else {
                    bail!("the shim lacks the function");
                };
                (instance, namespace, name) = (shim.filled_by, "", slot);
                continue;
            }
            let imports = &self.modules[module].function_imports;
            match imports.get(index as usize) {
                Some((import, _)) => {
                    (instance, namespace, name) = (served_by, import.module, import.name);
                }
                None => {
                    return Ok(Function::Defined((module, index - imports.len() as u32)));
                }
            }
        }
        bail!("the imports form a cycle")
    }

    /// Returns the table, memory or global that provides an import.
    fn item(&self, mut instance: usize, namespace: &str, name: &'a str) -> Result<Defined> {
        let (mut namespace, mut name) = (namespace, name);
        for _ in 0..=self.component.instances.len() {
            let (served_by, module, kind, index) = self
                .served(instance, namespace, name)?
                .context("only functions can come from the host")?;
            let imports = match kind {
                ExternalKind::Table => &self.modules[module].table_imports,
                ExternalKind::Memory => &self.modules[module].memory_imports,
                ExternalKind::Global => &self.modules[module].global_imports,
                _ => bail!("the import is provided by an item of another kind"),
            };
            match imports.get(index as usize) {
                Some(import) => {
                    (instance, namespace, name) = (served_by, import.module, import.name)
                }
                None => return Ok((module, index - imports.len() as u32)),
            }
        }
        bail!("the imports form a cycle")
    }

    /// Finds the items that the component's own exports and the tables reach.
    fn reach(&self) -> Result<Reached> {
        let mut reached = Reached::default();
        let mut ahead = Vec::new();
        for &(kind, instance, name) in &self.component.roots {
            if kind == ExternalKind::Func {
                match self.root(instance, name)? {
                    Function::Defined(defined) => ahead.push(defined),
                    Function::Host { .. } => bail!("the component exports one of its own imports"),
                }
            }
        }
        ahead.extend(self.named(NEEDED).into_iter().flatten());
        ahead.extend(self.named(MALLOC).into_iter().flatten());
        ahead.extend(self.named(intrinsics::NEEDED).into_iter().flatten());
        ahead.extend(self.named(locks::NEEDED).into_iter().flatten());
        // The host functions found so far. Several modules can import the same one.
        let mut host = HashSet::new();
        let mut note =
            |reached: &mut Reached, ahead: &mut Vec<Defined>, module: usize, scan: Scan<'_, '_>| {
                for local in scan.functions {
                    match self.places[module].functions[local as usize] {
                        Function::Defined(defined) => ahead.push(defined),
                        place if host.insert(place) => reached.host.push((module, local)),
                        Function::Host { .. } => {}
                    }
                }
                reached.assigned.extend(scan.assigned);
                reached.grows_table |= scan.grows_table;
            };
        for (index, module) in self.modules.iter().enumerate() {
            if self.is_shim(index) {
                continue;
            }
            let mut scan = Scan::new(&self.places[index]);
            for element in &module.elements {
                scan.element_items(element.items.clone())
                    .map_err(|e| anyhow::anyhow!("{e}"))?;
            }
            note(&mut reached, &mut ahead, index, scan);
        }
        while let Some(defined) = ahead.pop() {
            if !reached.functions.insert(defined) {
                continue;
            }
            reached.order.push(defined);
            let scan = self.scanned(defined)?;
            note(&mut reached, &mut ahead, defined.0, scan);
        }
        reached.order.sort_unstable();
        Ok(reached)
    }

    /// Scans the references in a function body.
    fn scanned(&self, (module, index): Defined) -> Result<Scan<'_, 'a>> {
        let mut scan = Scan::new(&self.places[module]);
        let mut operators = self.modules[module].bodies[index as usize].get_operators_reader()?;
        while !operators.eof() {
            scan.parse_instruction(&mut operators)
                .map_err(|e| anyhow::anyhow!("{e}"))?;
        }
        Ok(scan)
    }

    /// Returns the functions with these names, if a module of the guest exports all of them.
    fn named<const N: usize>(&self, names: [&str; N]) -> Option<[Defined; N]> {
        let function = |index: usize, name: &str| {
            let (kind, local) = self.modules[index].exports.get(name)?;
            match self.places[index].functions.get(*local as usize) {
                Some(Function::Defined(defined)) if *kind == ExternalKind::Func => Some(*defined),
                _ => None,
            }
        };
        (0..self.modules.len()).find_map(|index| {
            let found: Vec<_> = names.iter().map_while(|n| function(index, n)).collect();
            found.try_into().ok()
        })
    }

    fn root(&self, instance: usize, name: &str) -> Result<Function<'a>> {
        let module = self.module_of[&instance];
        let (_, index) = self.modules[module]
            .exports
            .get(name)
            .with_context(|| format!("no module exports `{name}`"))?;
        self.places[module]
            .functions
            .get(*index as usize)
            .copied()
            .with_context(|| format!("export `{name}` does not exist"))
    }

    /// Returns the value of every global that no live code assigns.
    fn constants(&self, reached: &Reached) -> Result<HashMap<Defined, Constant>> {
        let mut constants = HashMap::new();
        // The initial value of a global can refer only to an earlier global, of the same module or of one
        // instantiated before. So one pass in order is enough.
        for (index, module) in self.modules.iter().enumerate() {
            if self.is_shim(index) {
                continue;
            }
            for (i, (_, init)) in module.globals.iter().enumerate() {
                let defined = (index, i as u32);
                if !reached.assigned.contains(&defined)
                    && let Some(value) = evaluate(init, &self.places[index], &constants)
                {
                    constants.insert(defined, value);
                }
            }
        }
        Ok(constants)
    }

    fn emit(
        &self,
        reached: &Reached,
        constants: &HashMap<Defined, Constant>,
        world: &World,
        options: Options,
    ) -> Result<(Vec<u8>, Report)> {
        let mut out = Output::new(constants);
        // Imports come first in the index space.
        for &(module, local) in &reached.host {
            out.add_host_function(local, &self.modules[module], &self.places[module])?;
        }
        let locks = self.named(locks::NEEDED);
        let imports = match locks {
            Some(_) if options.copied => Some(locks::Imports::add(&mut out)?),
            _ => None,
        };
        for &defined in &reached.order {
            out.add_function(defined, &self.modules[defined.0])?;
        }
        for (index, module) in self.modules.iter().enumerate() {
            if self.is_shim(index) {
                continue;
            }
            out.add_items(index, module, reached);
        }
        let image = match options.copied {
            true => self.add_image(&mut out, constants)?,
            false => None,
        };
        let lists = self.add_lists(&mut out, world)?;
        let room = image.as_ref().map(|image| image.room);
        let intrinsics = self.add_intrinsics(&mut out, room)?;
        let locks = match locks {
            Some(needed) => Some(self.add_locks(&mut out, needed, imports)?),
            None => None,
        };
        for (index, module) in self.modules.iter().enumerate() {
            if !self.is_shim(index) {
                out.add_globals(index, module, &self.places[index])?;
            }
        }
        for (index, module) in self.modules.iter().enumerate() {
            if !self.is_shim(index) {
                out.add_segments(index, module, &self.places[index])?;
            }
        }
        for &defined in &reached.order {
            let (module, index) = defined;
            let name = options
                .keep_names
                .then(|| {
                    let local = self.modules[module].function_imports.len() as u32 + index;
                    self.modules[module].names.get(&local).copied()
                })
                .flatten();
            let body = &self.modules[module].bodies[index as usize];
            if let Some(locks) = &locks {
                locks.before(&mut out, defined);
            }
            out.add_body(
                module,
                &self.modules[module],
                &self.places[module],
                body,
                name,
            )?;
            if let Some(locks) = &locks {
                locks.after(&mut out, defined);
            }
        }
        if let Some(image) = image {
            image.finish(&mut out);
        }
        for body in &lists {
            out.add_announced(body);
        }
        if let Some(intrinsics) = &intrinsics {
            intrinsics.finish(&mut out);
        }
        if let Some(locks) = &locks {
            locks.finish(&mut out);
        }
        for &(kind, instance, name) in &self.component.roots {
            let module = self.module_of[&instance];
            out.add_export(kind, name, &self.modules[module], &self.places[module])?;
        }
        let report = Report {
            modules: (0..self.modules.len())
                .filter(|m| !self.is_shim(*m))
                .count(),
            functions: reached.order.len(),
            dropped_functions: self
                .modules
                .iter()
                .map(|m| m.functions.len())
                .sum::<usize>()
                - reached.order.len(),
            folded_globals: constants.len(),
            intrinsics: intrinsics.map(|intrinsics| intrinsics.addresses),
        };
        Ok((out.finish(), report))
    }
}

/// The error for a module that refers to a missing item.
pub(crate) type Dangling = &'static str;
pub(crate) const DANGLING: reencode::Error<Dangling> =
    reencode::Error::UserError("a core module refers to an item that does not exist");

#[cfg(test)]
mod tests;
