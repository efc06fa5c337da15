//! Finds the items that a module refers to.

use crate::places::{DANGLING, Dangling, Defined, Function, Places};
use std::collections::HashSet;
use wasm_encoder as enc;
use wasm_encoder::reencode::{self, Reencode, utils};
use wasmparser::Operator;

/// Collects the references of instructions and segments.
pub(super) struct Scan<'p, 'a> {
    places: &'p Places<'a>,
    /// The functions, by their indices in the module and their targets.
    pub(super) functions: Vec<(u32, Function<'a>)>,
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
        let place = self.places.functions.get(index as usize);
        self.functions.push((index, *place.ok_or(DANGLING)?));
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
