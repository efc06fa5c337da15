//! Reads a component: its core modules, and the export that provides each import.
//!
//! `componentize-py` links its libraries dynamically. A dozen core modules are instantiated in sequence, and an
//! export of one provides an import of another, often through one or two instances that only bundle names, or
//! through the shim with which `wit-component` resolves cyclic imports. [`Component::provider`] resolves these
//! indirections.

use anyhow::{Context, Result, bail, ensure};
use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, ExternalKind, Instance as CoreInstance,
    Parser, Payload, Validator,
};

/// The prefix of the core names of the interface through which `componentize-py` takes the snapshot.
pub const INITIALISER: &str = "exports#";

/// One entry of a core index space of the component.
#[derive(Clone, Copy, Debug)]
enum Item<'a> {
    /// An export of a core instance.
    Export { instance: usize, name: &'a str },
    /// A canonical function: lowered from an import of the component, or a built-in.
    Canonical,
}

/// The provider of an import, with all indirections resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider<'a> {
    /// The named export of an instantiated core module.
    Export {
        /// The index of the core instance.
        instance: usize,
        /// The name of its export.
        name: &'a str,
    },
    /// The host of the component: the import stays an import, under the same name.
    Host,
}

/// A core instance of the component.
#[derive(Debug)]
pub enum Instance<'a> {
    /// A module with the instances that provide each of its import namespaces.
    Module {
        /// The index of the core module.
        module: usize,
        /// The namespaces of its imports, each with the index of the core instance that provides it.
        namespaces: Vec<(&'a str, usize)>,
    },
    /// A bundle of names for items that are defined elsewhere.
    Bundle(Vec<(&'a str, ExternalKind, u32)>),
}

/// A parsed component.
#[derive(Default)]
pub struct Component<'a> {
    /// The bytes of its core modules.
    pub modules: Vec<&'a [u8]>,
    /// Its core instances, in the order of their creation.
    pub instances: Vec<Instance<'a>>,
    /// The core exports that the component itself uses: the lifted functions, and the memory, allocator and
    /// clean-up functions named in canonical options.
    pub roots: Vec<(ExternalKind, usize, &'a str)>,
    functions: Vec<Item<'a>>,
    tables: Vec<Item<'a>>,
    memories: Vec<Item<'a>>,
    globals: Vec<Item<'a>>,
}

impl<'a> Component<'a> {
    /// Parses `bytes`.
    ///
    /// # Errors
    ///
    /// Returns an error if `bytes` is not a valid component, or uses a feature that the output of `componentize-py`
    /// does not, such as core tags.
    pub fn read(bytes: &'a [u8]) -> Result<Self> {
        Validator::new()
            .validate_all(bytes)
            .context("the component is damaged")?;
        let mut component = Component::default();
        let mut used = Vec::new();
        // Zero inside the outermost component. Nested modules and components are skipped, since only the outermost
        // one instantiates.
        let mut depth = 0usize;
        let mut started = false;
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            match payload {
                Payload::Version { encoding, .. } if !started => {
                    ensure!(
                        encoding == wasmparser::Encoding::Component,
                        "expected a component, found a core module"
                    );
                    started = true;
                }
                Payload::ModuleSection {
                    unchecked_range, ..
                } => {
                    if depth == 0 {
                        let module = bytes
                            .get(unchecked_range)
                            .context("a core module is outside the component")?;
                        component.modules.push(module);
                    }
                    depth += 1;
                }
                Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                _ if depth > 0 => {}
                Payload::InstanceSection(section) => {
                    for instance in section {
                        component.add_instance(instance?)?;
                    }
                }
                Payload::ComponentAliasSection(section) => {
                    for alias in section {
                        component.add_alias(alias?)?;
                    }
                }
                Payload::ComponentCanonicalSection(section) => {
                    for canonical in section {
                        component.add_canonical(canonical?, &mut used);
                    }
                }
                _ => {}
            }
        }
        for (kind, index) in used {
            component.add_root(kind, index)?;
        }
        Ok(component)
    }

    fn add_instance(&mut self, instance: CoreInstance<'a>) -> Result<()> {
        let instance = match instance {
            CoreInstance::Instantiate { module_index, args } => {
                let module = module_index as usize;
                ensure!(
                    module < self.modules.len(),
                    "an instance names a module that does not exist"
                );
                let repeated = self.instances.iter().any(
                    |other| matches!(other, Instance::Module { module: m, .. } if *m == module),
                );
                ensure!(
                    !repeated,
                    "cannot link core module {module} statically: it is instantiated twice"
                );
                Instance::Module {
                    module,
                    namespaces: args.iter().map(|a| (a.name, a.index as usize)).collect(),
                }
            }
            CoreInstance::FromExports(exports) => {
                for export in &exports {
                    // A bundle that refers to a later item could refer to itself.
                    ensure!(
                        (export.index as usize) < self.space(export.kind)?.len(),
                        "an instance exports an item that does not exist"
                    );
                }
                Instance::Bundle(exports.iter().map(|e| (e.name, e.kind, e.index)).collect())
            }
        };
        self.instances.push(instance);
        Ok(())
    }

    fn add_alias(&mut self, alias: ComponentAlias<'a>) -> Result<()> {
        if let ComponentAlias::CoreInstanceExport {
            kind,
            instance_index,
            name,
        } = alias
        {
            let instance = instance_index as usize;
            ensure!(
                instance < self.instances.len(),
                "an alias names an instance that does not exist"
            );
            self.space(kind)?.push(Item::Export { instance, name });
        }
        Ok(())
    }

    fn add_canonical(&mut self, canonical: CanonicalFunction, used: &mut Vec<(ExternalKind, u32)>) {
        let options = match &canonical {
            CanonicalFunction::Lift {
                core_func_index,
                options,
                ..
            } => {
                used.push((ExternalKind::Func, *core_func_index));
                options
            }
            CanonicalFunction::Lower { options, .. } => {
                self.functions.push(Item::Canonical);
                options
            }
            _ => {
                self.functions.push(Item::Canonical);
                return;
            }
        };
        for option in options {
            match option {
                CanonicalOption::Memory(index) => used.push((ExternalKind::Memory, *index)),
                CanonicalOption::Realloc(index) | CanonicalOption::PostReturn(index) => {
                    used.push((ExternalKind::Func, *index));
                }
                _ => {}
            }
        }
    }

    fn add_root(&mut self, kind: ExternalKind, index: u32) -> Result<()> {
        match self.resolve(kind, index)? {
            // Functions that only served to take the snapshot have no callers.
            Provider::Export { name, .. } if name.contains(INITIALISER) => Ok(()),
            Provider::Export { instance, name } => {
                // Several libraries export a `cabi_realloc`, each a wrapper of libc's allocator. A component needs
                // one: the last, which belongs to the module with the world's exports.
                self.roots.retain(|(_, _, other)| *other != name);
                self.roots.push((kind, instance, name));
                Ok(())
            }
            Provider::Host => bail!("the component exports one of its own imports"),
        }
    }

    fn space(&mut self, kind: ExternalKind) -> Result<&mut Vec<Item<'a>>> {
        Ok(match kind {
            ExternalKind::Func | ExternalKind::FuncExact => &mut self.functions,
            ExternalKind::Table => &mut self.tables,
            ExternalKind::Memory => &mut self.memories,
            ExternalKind::Global => &mut self.globals,
            ExternalKind::Tag => bail!("core tags are not supported"),
        })
    }

    /// Returns the provider of entry `index` of the core index space of `kind`.
    fn resolve(&self, kind: ExternalKind, index: u32) -> Result<Provider<'a>> {
        let space = match kind {
            ExternalKind::Func | ExternalKind::FuncExact => &self.functions,
            ExternalKind::Table => &self.tables,
            ExternalKind::Memory => &self.memories,
            ExternalKind::Global => &self.globals,
            ExternalKind::Tag => bail!("core tags are not supported"),
        };
        match space.get(index as usize) {
            Some(Item::Export { instance, name }) => self.export(*instance, name),
            Some(Item::Canonical) => Ok(Provider::Host),
            None => bail!("the component uses a core item that does not exist"),
        }
    }

    /// Returns the provider of export `name` of `instance`, resolving bundles.
    fn export(&self, instance: usize, name: &'a str) -> Result<Provider<'a>> {
        // An instance refers only to earlier ones, so this recursion terminates.
        match self.instances.get(instance) {
            Some(Instance::Module { .. }) => Ok(Provider::Export { instance, name }),
            Some(Instance::Bundle(items)) => {
                let (_, kind, index) = items
                    .iter()
                    .find(|(n, ..)| *n == name)
                    .with_context(|| format!("no export is named `{name}`"))?;
                self.resolve(*kind, *index)
            }
            None => bail!("the component uses a core instance that does not exist"),
        }
    }

    /// Returns the provider of import `name` of `namespace` of the module instantiated as `instance`.
    ///
    /// # Errors
    ///
    /// Returns an error if `instance` is not an instance of a module, or the import has no provider.
    pub fn provider(
        &self,
        instance: usize,
        namespace: &str,
        name: &'a str,
    ) -> Result<Provider<'a>> {
        let Some(Instance::Module { namespaces, .. }) = self.instances.get(instance) else {
            bail!("core instance {instance} has no imports");
        };
        let (_, served_by) = namespaces
            .iter()
            .find(|(n, _)| *n == namespace)
            .with_context(|| format!("no instance provides the imports from `{namespace}`"))?;
        self.export(*served_by, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_refuses_bytes_that_are_not_a_component() {
        let module = wasm_encoder::Module::new().finish();
        assert!(Component::read(&module).is_err());
        assert!(Component::read(b"\0asm").is_err());
        assert!(Component::read(b"").is_err());
    }
}
