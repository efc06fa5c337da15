//! Links the core modules of a component into one.
//!
//! Every import is replaced by its provider, every address that dynamic linking kept in a global becomes a
//! constant, and unreachable items are removed. The result has one defined memory and one defined table. So
//! creating an instance copies no table and no globals, and no instruction loads an address that never changes.
//!
//! Modules written for the guest, in `wat`, are linked in the same way (`bind`).

mod additions;
mod bind;
mod providers;
mod reach;
mod scan;

use crate::alarm::Alarm;
use crate::component::{Component, Instance};
use crate::constant::{Constant, evaluate};
use crate::emit::Output;
use crate::lists::World;
use crate::module::{EXTENSION_SUFFIX, Module};
use crate::places::{Defined, Function, Places};
use crate::snapshot::Snapshot;
use additions::Addition;
use anyhow::{Result, ensure};
use providers::Shim;
use reach::Reached;
use std::collections::{HashMap, HashSet};
use wasmparser::DataKind;

/// The results of linking, for the build's report.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// The number of modules that became one.
    pub modules: usize,
    /// The number of functions in the linked module.
    pub functions: usize,
    /// The number of functions that nothing reaches, which are left out.
    pub dropped_functions: usize,
    /// The number of globals that were replaced by their values.
    pub folded_globals: usize,
    /// The addresses of the two functions that replace functions of CPython.
    pub intrinsics: Option<[u32; 2]>,
    /// The number of extension modules.
    pub extensions: usize,
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
    let additions = linker.choose(world, options)?;
    finish(linker, &additions, options)
}

/// Links the guest's modules and the `additions` to them.
fn finish<'a>(
    mut linker: Linker<'_, 'a>,
    additions: &'a [Addition],
    options: Options,
) -> Result<(Vec<u8>, Report)> {
    for addition in additions {
        linker.add(addition)?;
    }
    linker.replace()?;
    let reached = linker.reach()?;
    let mut constants = linker.constants(&reached)?;
    if let Some(index) = linker.added.get(additions::IMAGE) {
        linker.check_state(&constants)?;
        let alarm = Alarm::find(&linker.snapshot(&constants))?;
        constants.extend(linker.addresses(*index, alarm));
    }
    linker.emit(&reached, &constants, options)
}

struct Linker<'c, 'a> {
    component: &'c Component<'a>,
    /// The linked modules: those of the guest, in the order in which the component instantiates them, and those
    /// added to it.
    modules: Vec<Module<'a>>,
    /// The module of each core instance.
    module_of: HashMap<usize, usize>,
    shim: Option<Shim>,
    places: Vec<Places<'a>>,
    /// The number of the guest's own modules.
    own: usize,
    /// The added modules by name.
    added: HashMap<&'a str, usize>,
    /// The functions of the guest that an added function replaces.
    replaced: HashMap<Function<'a>, Function<'a>>,
    /// Replacements within one function: its name, and both functions.
    replaced_within: Vec<(&'a str, Function<'a>, Function<'a>)>,
    /// The targets in functions with replacements of their own.
    exceptions: HashMap<Defined, Places<'a>>,
    /// The exports of added functions.
    exports: Vec<(&'a str, Defined)>,
    /// The function that replaces the instruction that grows memory.
    grow: Option<Defined>,
    /// The globals of added modules that are constants of the linker.
    given: HashMap<Defined, Constant>,
    /// The number of entries that the added modules append to the table.
    elements: u32,
}

impl<'c, 'a> Linker<'c, 'a> {
    fn new(component: &'c Component<'a>) -> Result<Self> {
        let mut linker = Linker {
            component,
            modules: Vec::new(),
            module_of: HashMap::new(),
            shim: None,
            places: Vec::new(),
            own: 0,
            added: HashMap::new(),
            replaced: HashMap::new(),
            replaced_within: Vec::new(),
            exceptions: HashMap::new(),
            exports: Vec::new(),
            grow: None,
            given: HashMap::new(),
            elements: 0,
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
        linker.own = linker.modules.len();
        linker.find_shim(&instance_of)?;
        for (index, instance) in instance_of.into_iter().enumerate() {
            let places = linker.place(index, instance)?;
            linker.places.push(places);
        }
        Ok(linker)
    }

    /// Returns the modules that are part of the result, with their indices.
    fn linked(&self) -> impl Iterator<Item = (usize, &Module<'a>)> {
        let modules = self.modules.iter().enumerate();
        modules.filter(|(index, _)| !self.is_shim(*index))
    }

    /// Returns the targets of the indices in a function.
    fn places_of(&self, function: Defined) -> &Places<'a> {
        let exception = self.exceptions.get(&function);
        exception.unwrap_or(&self.places[function.0])
    }

    /// Returns the value of every global that no live code assigns.
    fn constants(&self, reached: &Reached<'_>) -> Result<HashMap<Defined, Constant>> {
        let mut constants = self.given.clone();
        // The initial value of a global can refer only to an earlier global, of the same module or of one
        // instantiated before. So one pass in order is enough.
        for (index, module) in self.linked() {
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

    /// Checks that the guest's only state outside of its memory is the stack pointer. In extension modules, further
    /// globals describe exceptions (`exceptions`), and are zero whenever no call is active.
    fn check_state(&self, constants: &HashMap<Defined, Constant>) -> Result<()> {
        let own = self.linked().filter(|(index, _)| *index < self.own);
        let globals = own.flat_map(|(index, module)| {
            (0..module.globals.len()).map(move |global| (index, global as u32))
        });
        let has_extensions = self.count_extensions() > 0;
        let is_idle = |(index, global): &Defined| {
            let (_, init) = &self.modules[*index].globals[*global as usize];
            let value = evaluate(init, &self.places[*index], constants);
            has_extensions && matches!(value, Some(Constant::I32(0)))
        };
        let state: HashSet<_> = globals
            .filter(|global| !constants.contains_key(global) && !is_idle(global))
            .collect();
        ensure!(
            state.len() == 1 && state.contains(&self.stack_pointer()?),
            "expected one global, the stack pointer, found {}",
            state.len()
        );
        Ok(())
    }

    /// Returns the initial contents of the memory that the modules share.
    fn snapshot(&self, constants: &HashMap<Defined, Constant>) -> Snapshot<'a> {
        let segments = self.linked().flat_map(|(index, module)| {
            module.data.iter().filter_map(move |data| {
                let DataKind::Active { offset_expr, .. } = &data.kind else {
                    return None;
                };
                match evaluate(offset_expr, &self.places[index], constants) {
                    Some(Constant::I32(address)) => Some((address as u32, data.data)),
                    _ => None,
                }
            })
        });
        Snapshot::new(segments.collect())
    }

    /// Returns the number of extension modules, for each of which `wit-component` exports an address.
    fn count_extensions(&self) -> usize {
        let exports = self.linked().flat_map(|(_, module)| module.exports.keys());
        let files = exports.filter_map(|name| name.strip_suffix(":memory_base"));
        files
            .filter(|name| name.ends_with(EXTENSION_SUFFIX))
            .count()
    }

    fn emit(
        &self,
        reached: &Reached<'a>,
        constants: &HashMap<Defined, Constant>,
        options: Options,
    ) -> Result<(Vec<u8>, Report)> {
        let mut out = Output::new(constants);
        // Imports come first in the index space.
        for &(module, local) in &reached.host {
            out.add_host_function(local, &self.modules[module], &self.places[module])?;
        }
        for &defined in &reached.order {
            out.add_function(defined, &self.modules[defined.0])?;
        }
        for (index, module) in self.linked() {
            out.add_items(index, module, reached.grows_table);
        }
        out.extend_table(self.elements.into());
        if let Some(grow) = self.grow {
            out.replace_grow(grow, self.own);
        }
        for (index, module) in self.linked() {
            out.add_globals(index, module, &self.places[index])?;
        }
        for (index, module) in self.linked() {
            out.add_segments(index, module, &self.places[index])?;
        }
        for &defined in &reached.order {
            let (index, function) = defined;
            let module = &self.modules[index];
            let local = module.function_imports.len() as u32 + function;
            let name = module.names.get(&local).filter(|_| options.keep_names);
            let body = &module.bodies[function as usize];
            let places = self.places_of(defined);
            out.add_body(index, module, places, body, name.copied())?;
        }
        let replaced: HashSet<_> = self.exports.iter().map(|(name, _)| *name).collect();
        for &(kind, instance, name) in &self.component.roots {
            if !replaced.contains(name) {
                let module = self.module_of[&instance];
                out.add_export(kind, name, &self.modules[module], &self.places[module])?;
            }
        }
        for (name, function) in &self.exports {
            out.export_function(name, *function)?;
        }
        let own = self.linked().filter(|(index, _)| *index < self.own);
        let functions: usize = self.modules.iter().map(|m| m.functions.len()).sum();
        let report = Report {
            modules: own.count(),
            functions: reached.order.len(),
            dropped_functions: functions - reached.order.len(),
            folded_globals: constants.len(),
            intrinsics: self.table_base(additions::MESSAGES).map(|at| [at, at + 1]),
            extensions: self.count_extensions(),
        };
        Ok((out.finish(), report))
    }
}

#[cfg(test)]
mod tests;
