//! Finds the items that a module refers to.

use super::{DANGLING, Dangling, Defined, Places};
use std::collections::HashSet;
use wasm_encoder as enc;
use wasm_encoder::reencode::{self, Reencode, utils};
use wasmparser::Operator;

/// Collects the references of instructions and segments.
pub(super) struct Scan<'p, 'a> {
    places: &'p Places<'a>,
    /// The indices in the module of existing functions.
    pub(super) functions: Vec<u32>,
    pub(super) assigned: HashSet<Defined>,
    pub(super) grows_table: bool,
}

impl<'p, 'a> Scan<'p, 'a> {
    pub(super) fn new(places: &'p Places<'a>) -> Self {
        Scan {
            places,
            functions: Vec::new(),
            assigned: HashSet::new(),
            grows_table: false,
        }
    }
}

impl Reencode for Scan<'_, '_> {
    type Error = Dangling;

    fn function_index(&mut self, index: u32) -> Result<u32, reencode::Error<Dangling>> {
        self.places.functions.get(index as usize).ok_or(DANGLING)?;
        self.functions.push(index);
        Ok(index)
    }

    fn instruction<'x>(
        &mut self,
        operator: Operator<'x>,
    ) -> Result<enc::Instruction<'x>, reencode::Error<Dangling>> {
        match &operator {
            Operator::GlobalSet { global_index } => {
                let places = &self.places.globals;
                let place = places.get(*global_index as usize).ok_or(DANGLING)?;
                self.assigned.insert(*place);
            }
            Operator::TableGrow { .. } => self.grows_table = true,
            _ => {}
        }
        utils::instruction(self, operator)
    }
}
