//! Adds items to the linked module, behind those of the guest's own modules.

use super::Output;
use anyhow::Result;
use std::collections::HashMap;
use wasm_encoder::{self as enc, ExportKind};
use wasmparser::{FuncType, ValType};

/// The announced additions.
#[derive(Default)]
pub(super) struct Later {
    /// Functions that replace others.
    replaced: HashMap<u32, u32>,
    /// Functions that are exported instead of the guest's own, by name.
    exported: HashMap<String, u32>,
    /// The function that replaces the instruction that grows memory.
    grow: Option<u32>,
    /// The initial values of the globals.
    globals: Vec<i32>,
    functions: u32,
    /// The functions appended to the table.
    elements: Vec<u32>,
}

impl Later {
    /// Returns the function to call instead of `function`.
    pub(super) fn stand_in(&self, function: u32) -> u32 {
        *self.replaced.get(&function).unwrap_or(&function)
    }

    /// Returns the function to call instead of growing the memory, if any.
    pub(super) fn grow(&self) -> Option<u32> {
        self.grow
    }

    /// Returns the function to export as `name`, if it replaces the guest's own.
    pub(super) fn exported_instead(&self, name: &str) -> Option<u32> {
        self.exported.get(name).copied()
    }
}

impl Output<'_, '_> {
    /// Returns the imports whose names begin with `prefix`, in order.
    pub(crate) fn host_functions(&self, prefix: &str) -> Vec<u32> {
        let named = self.host.iter().filter(|((_, n), _)| n.starts_with(prefix));
        let mut found: Vec<_> = named.map(|(_, index)| *index).collect();
        found.sort_unstable();
        found
    }

    /// Returns the import of this name, and its type.
    pub(crate) fn host_function(&self, name: &str) -> Option<(u32, FuncType)> {
        let (_, index) = self.host.iter().find(|((_, n), _)| *n == name)?;
        let ty = self.host_types.get(*index as usize)?;
        Some((*index, ty.clone()))
    }

    /// Returns the import of this name from this namespace, and its type.
    pub(crate) fn host_import(&self, namespace: &str, name: &str) -> Option<(u32, FuncType)> {
        let index = *self.host.get(&(namespace, name))?;
        let ty = self.host_types.get(index as usize)?;
        Some((index, ty.clone()))
    }

    /// Makes all code written from now on call `by` instead of `function`.
    pub(crate) fn replace(&mut self, function: u32, by: u32) {
        self.later.replaced.insert(function, by);
    }

    /// Makes all code written from now on grow the memory by calling `by`.
    pub(crate) fn replace_grow(&mut self, by: u32) {
        self.later.grow = Some(by);
    }

    /// Exports function `index` instead of the guest's own function `name`.
    pub(crate) fn export_instead(&mut self, name: String, index: u32) {
        self.later.exported.insert(name, index);
    }

    /// Returns the number of globals that the guest's own modules still have.
    pub(crate) fn global_count(&self) -> usize {
        self.globals.len()
    }

    /// Announces a 32-bit global and returns its index.
    pub(crate) fn announce_global(&mut self, first: i32) -> u32 {
        let index = self.globals.len() + self.later.globals.len();
        self.later.globals.push(first);
        index as u32
    }

    /// Announces a function and returns its index.
    ///
    /// All functions of the guest's own modules must be present already. The bodies follow theirs, in the same
    /// order, by [`Self::add_announced`].
    pub(crate) fn announce(&mut self, parameters: &[ValType], results: &[ValType]) -> Result<u32> {
        let ty = FuncType::new(parameters.iter().copied(), results.iter().copied());
        let ty = self.type_index(&ty)?;
        self.function_section.function(ty);
        let index = (self.host.len() + self.functions.len()) as u32 + self.later.functions;
        self.later.functions += 1;
        Ok(index)
    }

    /// Appends a function to the table, and returns its address.
    pub(crate) fn announce_element(&mut self, function: u32) -> u32 {
        let size = self.table_types.first().map_or(0, |ty| ty.minimum as u32);
        let address = size + self.later.elements.len() as u32;
        self.later.elements.push(function);
        address
    }

    /// Adds the body of the next function that was announced.
    pub(crate) fn add_announced(&mut self, body: &enc::Function) {
        self.code_section.function(body);
    }

    /// Exports function `index` as `name`.
    pub(crate) fn export_function(&mut self, name: &str, index: u32) {
        self.export_section.export(name, ExportKind::Func, index);
    }

    /// Returns the tables, with the announced entries at the end of the first.
    pub(super) fn write_tables(&mut self) -> enc::TableSection {
        let elements = std::mem::take(&mut self.later.elements);
        let mut section = enc::TableSection::new();
        for (index, ty) in self.table_types.iter_mut().enumerate() {
            if index == 0 && !elements.is_empty() {
                let offset = enc::ConstExpr::i32_const(ty.minimum as i32);
                let count = elements.len() as u64;
                ty.minimum += count;
                ty.maximum = ty.maximum.map(|maximum| maximum.max(ty.minimum));
                let functions = enc::Elements::Functions(elements.as_slice().into());
                self.element_section.active(None, &offset, functions);
            }
            section.table(*ty);
        }
        section
    }

    /// Writes the announced globals, after those of the guest's own modules.
    pub(super) fn write_later_globals(&mut self) {
        for first in std::mem::take(&mut self.later.globals) {
            let ty = enc::GlobalType {
                val_type: enc::ValType::I32,
                mutable: true,
                shared: false,
            };
            self.global_section
                .global(ty, &enc::ConstExpr::i32_const(first));
        }
    }
}
