//! Resolves the imports of the guest's modules.

use super::Linker;
use crate::component::Provider;
use crate::places::{Defined, Function, Places};
use anyhow::{Context, Result, bail, ensure};
use wasmparser::ExternalKind;

/// The shim of `wit-component`, which resolves a cycle between a module and the memory that its imports need: a
/// module of forwarding functions, whose table a second module fills once all instances exist.
pub(super) struct Shim {
    instance: usize,
    filled_by: usize,
}

/// The name under which the forwarding module exports its table.
const SHIM_TABLE: &str = "$imports";

impl<'a> Linker<'_, 'a> {
    pub(super) fn find_shim(&mut self, instance_of: &[usize]) -> Result<()> {
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
    pub(super) fn is_shim(&self, index: usize) -> bool {
        self.shim.as_ref().is_some_and(|shim| {
            [shim.instance, shim.filled_by]
                .iter()
                .any(|i| self.module_of.get(i) == Some(&index))
        })
    }

    pub(super) fn place(&self, index: usize, instance: usize) -> Result<Places<'a>> {
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

    /// Returns the target of a component's own export.
    pub(super) fn root(&self, instance: usize, name: &str) -> Result<Function<'a>> {
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
}
