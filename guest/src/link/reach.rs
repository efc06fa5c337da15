//! Finds the items that the linked module needs.

use super::Linker;
use super::scan::Scan;
use crate::places::{Defined, Function};
use anyhow::{Result, bail};
use std::collections::HashSet;
use wasm_encoder::reencode::Reencode;
use wasmparser::ExternalKind;

/// The live items: functions by module and index, and the globals that live code assigns.
#[derive(Default)]
pub(super) struct Reached<'a> {
    functions: HashSet<Defined>,
    pub(super) order: Vec<Defined>,
    /// The host functions, each by a module that imports it and its index there.
    pub(super) host: Vec<(usize, u32)>,
    found: HashSet<Function<'a>>,
    pub(super) assigned: HashSet<Defined>,
    pub(super) grows_table: bool,
}

impl<'a> Linker<'_, 'a> {
    /// Finds the items that the exports and the tables reach.
    pub(super) fn reach(&self) -> Result<Reached<'a>> {
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
        ahead.extend(self.exports.iter().map(|(_, defined)| *defined));
        ahead.extend(self.grow);
        for (index, module) in self.linked() {
            let mut scan = Scan::new(&self.places[index]);
            for element in &module.elements {
                scan.element_items(element.items.clone())
                    .map_err(|e| anyhow::anyhow!("{e}"))?;
            }
            reached.add(index, scan, &mut ahead);
        }
        while let Some(defined) = ahead.pop() {
            if !reached.functions.insert(defined) {
                continue;
            }
            reached.order.push(defined);
            let scan = self.scan(defined)?;
            reached.add(defined.0, scan, &mut ahead);
        }
        reached.order.sort_unstable();
        Ok(reached)
    }

    /// Scans the references in a function body.
    pub(super) fn scan(&self, defined: Defined) -> Result<Scan<'_, 'a>> {
        let (module, index) = defined;
        let mut scan = Scan::new(self.places_of(defined));
        let mut operators = self.modules[module].bodies[index as usize].get_operators_reader()?;
        while !operators.eof() {
            scan.parse_instruction(&mut operators)
                .map_err(|e| anyhow::anyhow!("{e}"))?;
        }
        Ok(scan)
    }
}

impl<'a> Reached<'a> {
    /// Adds the references of code in `module`, and the functions among them to `ahead`.
    fn add(&mut self, module: usize, scan: Scan<'_, 'a>, ahead: &mut Vec<Defined>) {
        for (local, function) in scan.functions {
            match function {
                Function::Defined(defined) => ahead.push(defined),
                // Several modules can import the same one.
                Function::Host { .. } if self.found.insert(function) => {
                    self.host.push((module, local));
                }
                Function::Host { .. } => {}
            }
        }
        self.assigned.extend(scan.assigned);
        self.grows_table |= scan.grows_table;
    }
}
