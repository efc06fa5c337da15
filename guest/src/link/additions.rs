//! Chooses the modules that are added to a guest, and assembles them.

use super::{Linker, Options};
use crate::interfaces::LOCKS;
use crate::lists::{self, World};
use crate::module::Module;
use crate::places::Function;
use anyhow::{Context, Result, ensure};
use std::collections::HashSet;
use wasmparser::ExternalKind;

/// A module that is written for the guest.
pub(super) struct Addition {
    /// The namespace from which other additions import its exports.
    pub(super) name: String,
    pub(super) wasm: Vec<u8>,
}

macro_rules! wat {
    ($name:literal) => {
        include_str!(concat!("../wat/", $name, ".wat"))
    };
}

pub(super) const IMAGE: &str = "image";
pub(super) const MESSAGES: &str = "messages";

/// The prefix of the names of imports that drop a handle.
const DROP: &str = "[resource-drop]";

impl Addition {
    /// Assembles a module.
    pub(super) fn new(name: impl Into<String>, text: &str) -> Result<Addition> {
        let name = name.into();
        let wasm = wat::parse_str(text).with_context(|| format!("cannot assemble `{name}`"))?;
        Ok(Addition { name, wasm })
    }

    /// Creates the module that takes the place of an import that drops a handle.
    fn drop(namespace: &str, name: &str) -> Result<Addition> {
        let text = wat!("drop");
        let text = text.replace("{namespace}", &quoted(namespace)?);
        let text = text.replace("{name}", &quoted(name)?);
        Addition::new(format!("{namespace} {name}"), &text)
    }
}

/// Returns a name as it is written in a module's text.
fn quoted(name: &str) -> Result<String> {
    let plain = |c: char| !c.is_control() && !matches!(c, '"' | '\\' | '{' | '}');
    ensure!(name.chars().all(plain), "an import has an invalid name");
    Ok(name.to_owned())
}

impl<'a> Linker<'_, 'a> {
    /// Returns the modules to add to the guest, in order.
    ///
    /// # Errors
    ///
    /// Returns an error if there are lists to free but no `free`, or if another module calls an import whose lists are
    /// freed.
    pub(super) fn choose(&self, world: &World, options: Options) -> Result<Vec<Addition>> {
        let mut chosen = Vec::new();
        if options.copied {
            chosen.extend(self.copying()?);
        }
        for text in self.lists(world)? {
            chosen.push(Addition::new(format!("lists {}", chosen.len()), &text)?);
        }
        let image = chosen.iter().any(|addition| addition.name == IMAGE);
        let messages = Addition::new(MESSAGES, wat!("messages"))?;
        if image && self.provides(&messages)? && self.imports(&messages)? {
            chosen.push(messages);
        }
        let pread = Addition::new("pread", wat!("pread"))?;
        if self.provides(&pread)? {
            chosen.push(pread);
        }
        let locks = Addition::new(LOCKS.name, wat!("locks"))?;
        if self.provides(&locks)? {
            if !options.copied {
                chosen.push(Addition::new(LOCKS.full_name, wat!("no_locks"))?);
            }
            chosen.push(locks);
        }
        Ok(chosen)
    }

    /// Returns the modules with which interpreters are copied, if the guest has an allocator and a libc.
    fn copying(&self) -> Result<Vec<Addition>> {
        let mut all = vec![
            Addition::new("room", wat!("room"))?,
            Addition::new("files", wat!("files"))?,
            Addition::new(IMAGE, wat!("image"))?,
        ];
        for addition in &all {
            if !self.provides(addition)? {
                return Ok(Vec::new());
            }
        }
        let mut dropped = HashSet::new();
        for function in self.host_functions() {
            if let Function::Host { namespace, name } = function
                && name.starts_with(DROP)
                && dropped.insert(function)
            {
                all.push(Addition::drop(namespace, name)?);
            }
        }
        let requests = |f| matches!(f, Function::Host { name, .. } if name == "instance-network");
        if self.host_functions().any(requests) {
            all.push(Addition::new("network", wat!("network"))?);
        }
        Ok(all)
    }

    /// Returns modules that free the lists of bytes passed and returned by the module with the exports.
    fn lists(&self, world: &World) -> Result<Vec<String>> {
        let exports = world.export_names();
        let mut exported = HashSet::new();
        let mut bindings = HashSet::new();
        for &(kind, instance, name) in &self.component.roots {
            if kind == ExternalKind::Func {
                exported.insert(name);
                if exports.contains(name) {
                    bindings.insert(self.module_of[&instance]);
                }
            }
        }
        let mut parts = lists::Parts {
            exported,
            ..Default::default()
        };
        for (index, (module, places)) in self.modules.iter().zip(&self.places).enumerate() {
            for (local, place) in places.functions.iter().enumerate() {
                let Function::Host { namespace, name } = *place else {
                    continue;
                };
                if bindings.contains(&index) {
                    let ty = module.function_type(local as u32)?;
                    parts.called.insert((namespace, name), ty);
                } else {
                    parts.shared.insert((namespace, name));
                }
            }
        }
        lists::modules(world, &parts)
    }

    /// Returns whether the guest has the functions that a module imports from its libraries and its exports.
    fn provides(&self, addition: &Addition) -> Result<bool> {
        let module = Module::read(&addition.wasm)?;
        let mut imports = module.function_imports.iter().map(|(import, _)| import);
        let roots = &self.component.roots;
        Ok(imports.all(|import| match import.module {
            "libc" | "python" => self.library_function(import.module, import.name).is_some(),
            "component" => roots.iter().any(|(_, _, name)| *name == import.name),
            _ => true,
        }))
    }

    /// Returns whether the guest imports the host functions that a module imports.
    fn imports(&self, addition: &Addition) -> Result<bool> {
        let module = Module::read(&addition.wasm)?;
        let mut imports = module.function_imports.iter().map(|(import, _)| import);
        Ok(imports.all(|import| {
            let (namespace, name) = (import.module, import.name);
            let function = Function::Host { namespace, name };
            !namespace.contains(':') || self.host_functions().any(|other| other == function)
        }))
    }
}

#[cfg(test)]
mod tests;
