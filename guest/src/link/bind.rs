//! Adds modules to those of the guest.
//!
//! An added module imports what it uses, and replaces what it exports under the name of an import:
//!
//! | import from | is |
//! |---|---|
//! | the name of another added module | its export |
//! | `guest` | the `memory`, the `table`, or the global `stack_pointer` |
//! | `libc`, `python` | a function that this library exports, or that has this name in its sources |
//! | `component` | a function that the component exports |
//! | `host` | a function that the guest imports, by its name in any interface |
//! | the name of an interface | a host function |
//! | `linker` | a constant: see [`Linker::addresses`] |
//!
//! | export | effect |
//! |---|---|
//! | the name of an import that is not from `component` | replaces this function in the guest's own modules |
//! | `A in B` | replaces the import A in the guest's function B only |
//! | `memory.grow` | replaces this instruction in the guest's own modules |
//! | `cabi_*`, or a name with `#` | becomes an export of the linked module, instead of the guest's own if it has one |
//! | any other | is for other added modules |

use super::Linker;
use super::additions::Addition;
use crate::alarm::Alarm;
use crate::constant::Constant;
use crate::module::Module;
use crate::places::{Defined, Function, LINKER, Places};
use anyhow::{Context, Result, bail, ensure};
use wasmparser::{ElementItems, ExternalKind, FuncType, Import};

/// The libraries of the guest, each with a function by which it is recognised.
const LIBRARIES: [(&str, &str); 2] = [
    ("libc", "descriptor_table_get_ref"),
    ("python", "PyMarshal_WriteObjectToString"),
];

/// The name of the instruction and of the function that replaces it.
const GROW: &str = "memory.grow";

/// The names of the linker's constants: the index in the table of the first function of the module, and the addresses
/// of two ranges of memory.
const CONSTANTS: [&str; 3] = ["table_base", "breaker", "signal"];

impl<'a> Linker<'_, 'a> {
    /// Adds a module. Its replacements take effect with [`Self::replace`].
    pub(super) fn add(&mut self, addition: &'a Addition) -> Result<()> {
        let name = addition.name.as_str();
        self.bind(name, &addition.wasm)
            .with_context(|| format!("cannot add module `{name}`"))
    }

    fn bind(&mut self, name: &'a str, wasm: &'a [u8]) -> Result<()> {
        let index = self.modules.len();
        let module = Module::read(wasm)?;
        let mut places = Places::default();
        for (number, (import, _)) in module.function_imports.iter().enumerate() {
            let target = self.target(import)?;
            let ty = module.function_type(number as u32)?;
            if let Some(found) = self.type_of(target)? {
                ensure!(
                    ty == found,
                    "`{}` has the type {found}, not {ty}",
                    import.name
                );
            }
            places.functions.push(target);
        }
        let own = |count: usize| (0..count as u32).map(move |i| (index, i));
        let functions = own(module.functions.len()).map(Function::Defined);
        places.functions.extend(functions);
        for import in &module.global_imports {
            places.globals.push(self.global(index, import)?);
        }
        places.globals.extend(own(module.globals.len()));
        if !module.memory_imports.is_empty() {
            places
                .memories
                .push(self.shared(|places| places.memories.as_slice())?);
        }
        if !module.table_imports.is_empty() {
            places
                .tables
                .push(self.shared(|places| places.tables.as_slice())?);
        }
        let size = self.table_size() + self.elements;
        self.given
            .insert((LINKER, constant(index, 0)), Constant::I32(size as i32));
        for element in &module.elements {
            if let ElementItems::Functions(functions) = &element.items {
                self.elements += functions.count();
            }
        }
        self.note_exports(index, &module, &places)?;
        self.modules.push(module);
        self.places.push(places);
        self.added.insert(name, index);
        Ok(())
    }

    /// Notes the effects of the exports of an added module.
    fn note_exports(
        &mut self,
        index: usize,
        module: &Module<'a>,
        places: &Places<'a>,
    ) -> Result<()> {
        let target = |name: &str| {
            let mut imports = module.function_imports.iter();
            imports
                .position(|(import, _)| import.name == name && import.module != "component")
                .map(|place| places.functions[place])
        };
        let mut exports: Vec<_> = module.exports.iter().collect();
        exports.sort_unstable_by_key(|(name, _)| **name);
        for (&name, &(kind, local)) in exports {
            if kind != ExternalKind::Func {
                continue;
            }
            let function = places.functions.get(local as usize);
            let Some(&Function::Defined(defined)) = function else {
                bail!("export `{name}` is not defined");
            };
            ensure!(defined.0 == index, "export `{name}` is an import");
            let by = Function::Defined(defined);
            if let Some(old) = target(name) {
                self.replaced.insert(old, by);
            } else if let Some((callee, caller)) = name.split_once(" in ") {
                let old = target(callee).with_context(|| format!("`{callee}` is not imported"))?;
                self.replaced_within.push((caller, old, by));
            } else if name == GROW {
                self.grow = Some(defined);
            } else if name.starts_with("cabi_") || name.contains('#') {
                self.exports.push((name, defined));
            }
        }
        Ok(())
    }

    /// Makes the guest's own modules use the replacements.
    pub(super) fn replace(&mut self) -> Result<()> {
        let replace = |places: &mut Places<'a>, old, by| {
            for function in &mut places.functions {
                if *function == old {
                    *function = by;
                }
            }
        };
        for (caller, old, by) in std::mem::take(&mut self.replaced_within) {
            let Some(function) = self.named(caller) else {
                continue;
            };
            let callees = self.scan(function)?.functions;
            ensure!(
                callees.iter().any(|(_, callee)| *callee == old),
                "`{caller}` does not call the function to replace in it"
            );
            let mut places = self.places[function.0].clone();
            replace(&mut places, old, by);
            self.exceptions.insert(function, places);
        }
        let own = self.places.iter_mut().take(self.own);
        for places in own.chain(self.exceptions.values_mut()) {
            for (old, by) in &self.replaced {
                replace(places, *old, *by);
            }
        }
        Ok(())
    }

    /// Returns the target of a function import of an added module.
    fn target(&self, import: &Import<'a>) -> Result<Function<'a>> {
        let (namespace, name) = (import.module, import.name);
        if let Some(&index) = self.added.get(namespace) {
            let (_, local) = self.export(index, name)?;
            let function = self.places[index].functions.get(local as usize);
            return function
                .copied()
                .with_context(|| format!("`{name}` of `{namespace}` is not a function"));
        }
        match namespace {
            "libc" | "python" => self
                .library_function(namespace, name)
                .with_context(|| format!("{namespace} lacks the function `{name}`")),
            "component" => {
                let mut roots = self.component.roots.iter();
                let root = roots
                    .find(|(kind, _, root)| *kind == ExternalKind::Func && *root == name)
                    .with_context(|| format!("the component does not export `{name}`"))?;
                self.root(root.1, name)
            }
            "host" => self
                .host_functions()
                .find(|function| matches!(function, Function::Host { name: n, .. } if *n == name))
                .with_context(|| format!("the guest does not import `{name}`")),
            "guest" | "linker" => bail!("`{namespace}` has no function `{name}`"),
            _ => Ok(Function::Host { namespace, name }),
        }
    }

    /// Returns the host functions that the guest's own modules import.
    pub(super) fn host_functions(&self) -> impl Iterator<Item = Function<'a>> {
        let functions = self.places.iter().take(self.own);
        let functions = functions.flat_map(|places| &places.functions).copied();
        functions.filter(|function| matches!(function, Function::Host { .. }))
    }

    /// Returns the function of this name in a library of the guest.
    pub(super) fn library_function(&self, library: &str, name: &str) -> Option<Function<'a>> {
        let function = |index: usize, name: &str| {
            let (kind, local) = self.modules[index].exports.get(name)?;
            let function = self.places[index].functions.get(*local as usize)?;
            let defined = *kind == ExternalKind::Func && matches!(function, Function::Defined(_));
            defined.then_some(*function)
        };
        let (_, mark) = LIBRARIES.iter().find(|(known, _)| *known == library)?;
        let index = (0..self.own).find(|index| function(*index, mark).is_some())?;
        let named = || self.named_in(index, name).map(Function::Defined);
        function(index, name).or_else(named)
    }

    /// Returns the target of a global import of an added module.
    fn global(&self, index: usize, import: &Import<'a>) -> Result<Defined> {
        let name = import.name;
        if let Some(&other) = self.added.get(import.module) {
            let (_, local) = self.export(other, name)?;
            let global = self.places[other].globals.get(local as usize);
            return global
                .copied()
                .with_context(|| format!("`{name}` of `{}` is not a global", import.module));
        }
        match (import.module, name) {
            ("guest", "stack_pointer") => self.stack_pointer(),
            ("linker", _) => {
                let number = CONSTANTS.iter().position(|known| *known == name);
                let number = number.with_context(|| format!("no constant is named `{name}`"))?;
                Ok((LINKER, constant(index, number)))
            }
            _ => bail!("`{}` has no global `{name}`", import.module),
        }
    }

    fn export(&self, index: usize, name: &str) -> Result<(ExternalKind, u32)> {
        let export = self.modules[index].exports.get(name);
        export
            .copied()
            .with_context(|| format!("no added module exports `{name}`"))
    }

    /// Returns the global that has the address of the stack.
    pub(super) fn stack_pointer(&self) -> Result<Defined> {
        let modules = self.modules.iter().zip(&self.places).take(self.own);
        let mut globals = modules.filter_map(|(module, places)| {
            let (kind, local) = module.exports.get("__stack_pointer")?;
            let global = places.globals.get(*local as usize);
            global.filter(|_| *kind == ExternalKind::Global)
        });
        globals.next().copied().context("the guest has no stack")
    }

    /// Returns the item of a kind that all of the guest's modules share.
    fn shared(&self, items: impl for<'p> Fn(&'p Places<'a>) -> &'p [Defined]) -> Result<Defined> {
        let mut places = self.places.iter().take(self.own);
        let first = places.find_map(|places| items(places).first());
        first
            .copied()
            .context("the guest has no memory or no table")
    }

    /// Returns the number of entries in the table of the guest's own modules.
    fn table_size(&self) -> u32 {
        let table = self.shared(|places| places.tables.as_slice()).ok();
        let ty = table.and_then(|(index, table)| self.modules[index].tables.get(table as usize));
        ty.map_or(0, |ty| ty.initial as u32)
    }

    /// Returns the index in the table of the first function of an added module.
    pub(super) fn table_base(&self, name: &str) -> Option<u32> {
        let index = self.added.get(name)?;
        match self.given.get(&(LINKER, constant(*index, 0)))? {
            Constant::I32(size) => Some(*size as u32),
            Constant::I64(_) => None,
        }
    }

    /// Returns the linker's constants for the added module `index`, except its place in the table.
    pub(super) fn addresses(&self, index: usize, alarm: Alarm) -> [(Defined, Constant); 2] {
        let place = |number| (LINKER, constant(index, number));
        [
            (place(1), Constant::I32(alarm.breaker as i32)),
            (place(2), Constant::I32(alarm.signal as i32)),
        ]
    }

    fn type_of(&self, function: Function<'a>) -> Result<Option<&FuncType>> {
        match function {
            Function::Defined((index, function)) => {
                let module = &self.modules[index];
                let local = module.function_imports.len() as u32 + function;
                module.function_type(local).map(Some)
            }
            Function::Host { .. } => {
                let modules = self.modules.iter().zip(&self.places);
                for (module, places) in modules {
                    let mut functions = places.functions.iter();
                    if let Some(local) = functions.position(|other| *other == function) {
                        return module.function_type(local as u32).map(Some);
                    }
                }
                Ok(None)
            }
        }
    }

    /// Returns the guest's function that has this name in its sources.
    fn named(&self, name: &str) -> Option<Defined> {
        (0..self.own).find_map(|index| self.named_in(index, name))
    }

    /// Returns the function of a module that has this name in its sources.
    fn named_in(&self, index: usize, name: &str) -> Option<Defined> {
        let module = &self.modules[index];
        let (local, _) = module.names.iter().find(|(_, known)| **known == name)?;
        let defined = local.checked_sub(module.function_imports.len() as u32)?;
        module.bodies.get(defined as usize)?;
        Some((index, defined))
    }
}

/// Returns the index of constant `number` of the module `index` among those of the linker.
fn constant(index: usize, number: usize) -> u32 {
    (CONSTANTS.len() * index + number) as u32
}

#[cfg(test)]
mod tests;
