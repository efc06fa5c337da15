//! Replaces indirect calls by direct ones.
//!
//! CPython calls most of its functions through pointers, which are indices of a table. Each instance has its own
//! table. A new interpreter has the engine fill every entry that it uses, and the processor's caches hold neither
//! the entries nor their targets after other interpreters ran. The contents of the table, however, never change. So
//! each indirect call becomes a call of a function generated for its type, which jumps to the target by its index;
//! the targets are part of the code, which all instances share.
//!
//! In a guest with extension modules, a call whose target has another type is adapted to it (`adapter`).

mod adapter;

use crate::memory::constant;
use crate::module::rewrite;
use adapter::{Adapter, is_adaptable};
use anyhow::Result;
use std::collections::HashMap;
use std::convert::Infallible;
use wasm_encoder as enc;
use wasm_encoder::reencode::{self, Reencode, utils};
use wasm_encoder::{BlockType, Instruction as I};
use wasmparser::{
    CompositeInnerType, ElementItems, ElementKind, FuncType, FunctionBody, Operator, Parser,
    Payload, TypeRef,
};

/// The maximum number of targets of a valid jump.
const MOST_PLACES: u32 = 65_520;

/// The name under which [`keep_targets`] exports the table.
const TARGETS: &str = "targets";

/// Exports the table of `module`, until [`call_directly`] adapts its calls.
///
/// The optimiser empties functions of the table whose type no call has, since such calls trap. It leaves those of an
/// exported table.
///
/// # Errors
///
/// Returns an error if `module` is damaged.
pub fn keep_targets(module: &mut Vec<u8>) -> Result<()> {
    struct Keep;
    impl Reencode for Keep {
        type Error = Infallible;

        fn parse_export_section(
            &mut self,
            exports: &mut enc::ExportSection,
            section: wasmparser::ExportSectionReader<'_>,
        ) -> Result<(), reencode::Error<Infallible>> {
            utils::parse_export_section(self, exports, section)?;
            exports.export(TARGETS, enc::ExportKind::Table, 0);
            Ok(())
        }
    }
    rewrite(module, &mut Keep)
}

/// Rewrites the calls through the one table of `module`, and returns the number of types whose calls jump. With
/// `adapt`, calls are adapted to targets of another type; otherwise the engine traps.
///
/// Leaves a module unchanged if its table can change or a call is not understood.
///
/// # Errors
///
/// Returns an error if `module` is damaged.
pub fn call_directly(module: &mut Vec<u8>, adapt: bool) -> Result<usize> {
    let Some(table) = Table::read(module)? else {
        return Ok(0);
    };
    let mut direct = Direct::new(table, adapt);
    let count = direct.jumps.len();
    rewrite(module, &mut direct)?;
    Ok(count)
}

/// The parts of a module that concern indirect calls.
#[derive(Default)]
struct Table {
    types: Vec<Option<FuncType>>,
    /// The types of all functions, imports first.
    functions: Vec<u32>,
    /// The functions in the table, by index.
    places: HashMap<u32, u32>,
    /// The types of the calls through the table.
    called: Vec<u32>,
}

impl Table {
    /// Returns `None` if the table can change.
    fn read(module: &[u8]) -> Result<Option<Self>> {
        let mut table = Table::default();
        let mut tables = 0;
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::TypeSection(section) => {
                    for group in section {
                        for ty in group?.into_types() {
                            table.types.push(match ty.composite_type.inner {
                                CompositeInnerType::Func(ty) => Some(ty),
                                _ => None,
                            });
                        }
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        match import?.ty {
                            TypeRef::Func(ty) => table.functions.push(ty),
                            TypeRef::Table(_) => return Ok(None),
                            _ => {}
                        }
                    }
                }
                Payload::FunctionSection(section) => {
                    for ty in section {
                        table.functions.push(ty?);
                    }
                }
                Payload::TableSection(section) => tables += section.count(),
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        let is_table = export.kind == wasmparser::ExternalKind::Table;
                        if is_table && export.name != TARGETS {
                            return Ok(None);
                        }
                    }
                }
                Payload::ElementSection(section) => {
                    for element in section {
                        if !table.add(element?)? {
                            return Ok(None);
                        }
                    }
                }
                Payload::CodeSectionEntry(body) if !table.scan(&body)? => return Ok(None),
                _ => {}
            }
        }
        table.called.sort_unstable();
        table.called.dedup();
        Ok((tables == 1).then_some(table))
    }

    /// Records the entries of an element segment, and returns whether they are known statically.
    fn add(&mut self, element: wasmparser::Element<'_>) -> Result<bool> {
        let ElementKind::Active { offset_expr, .. } = &element.kind else {
            return Ok(false);
        };
        let (Some(offset), ElementItems::Functions(functions)) =
            (constant(offset_expr), &element.items)
        else {
            return Ok(false);
        };
        for (number, function) in functions.clone().into_iter().enumerate() {
            let place = u32::try_from(number)
                .ok()
                .and_then(|number| offset.checked_add(number));
            let Some(place) = place else { return Ok(false) };
            self.places.insert(place, function?);
        }
        Ok(true)
    }

    /// Records the calls in a function, and returns whether the function leaves the table unchanged.
    fn scan(&mut self, body: &FunctionBody<'_>) -> Result<bool> {
        for operator in body.get_operators_reader()? {
            match operator? {
                Operator::CallIndirect {
                    type_index,
                    table_index: 0,
                } => self.called.push(type_index),
                Operator::TableSet { .. }
                | Operator::TableGrow { .. }
                | Operator::TableFill { .. }
                | Operator::TableCopy { .. }
                | Operator::TableInit { .. } => return Ok(false),
                _ => {}
            }
        }
        Ok(true)
    }

    /// Returns the table indices of the functions of a type, in ascending order.
    fn places_of(&self, ty: u32) -> Vec<(u32, u32)> {
        let wanted = self.types.get(ty as usize);
        let is_wanted = |function: u32| {
            let found = self.functions.get(function as usize);
            found.is_some_and(|found| *found == ty || self.types.get(*found as usize) == wanted)
        };
        let all = self
            .places
            .iter()
            .map(|(place, function)| (*place, *function));
        let mut found: Vec<_> = all.filter(|(_, function)| is_wanted(*function)).collect();
        found.sort_unstable();
        found
    }
}

/// A function that jumps to the functions of one type.
struct Jump {
    called: u32,
    ty: FuncType,
    places: Vec<(u32, u32)>,
}

struct Direct {
    jumps: Vec<Jump>,
    adapter: Option<Adapter>,
    /// The generated function for the calls of a type.
    jump_of: HashMap<u32, u32>,
    /// The number of types without the new ones.
    types: u32,
}

impl Direct {
    fn new(table: Table, adapt: bool) -> Self {
        let mut jumps = Vec::new();
        let mut jump_of = HashMap::new();
        for called in &table.called {
            let places = table.places_of(*called);
            let Some(Some(ty)) = table.types.get(*called as usize) else {
                continue;
            };
            if places.is_empty() && !adapt {
                continue;
            }
            jump_of.insert(*called, (table.functions.len() + jumps.len()) as u32);
            jumps.push(Jump {
                called: *called,
                ty: ty.clone(),
                places,
            });
        }
        let types = table.types.len() as u32;
        let function = (table.functions.len() + jumps.len()) as u32;
        let adapter = adapt.then(|| Adapter::new(&table, types + jumps.len() as u32, function));
        Direct {
            jumps,
            adapter,
            jump_of,
            types,
        }
    }
}

impl Jump {
    /// Returns the type with the table index appended to its parameters.
    fn own_type(&self) -> Result<enc::FuncType, reencode::Error<Infallible>> {
        let ty = enc::FuncType::try_from(self.ty.clone())?;
        let parameters = ty.params().iter().copied();
        let results = ty.results().iter().copied();
        Ok(enc::FuncType::new(
            parameters.chain([enc::ValType::I32]),
            results,
        ))
    }

    fn body(&self, adapter: Option<&Adapter>) -> enc::Function {
        let count = self.ty.params().len() as u32;
        let mut body = enc::Function::new([]);
        switch(&mut body, count, &self.places, |body, target| {
            for parameter in 0..count {
                body.instruction(&I::LocalGet(parameter));
            }
            body.instruction(&I::ReturnCall(target));
        });
        match adapter {
            Some(adapter) => adapter.call(&mut body, &self.ty),
            // The engine reports invalid indices and type mismatches.
            None => {
                for parameter in 0..=count {
                    body.instruction(&I::LocalGet(parameter));
                }
                body.instruction(&I::CallIndirect {
                    type_index: self.called,
                    table_index: 0,
                });
            }
        }
        body.instruction(&I::End);
        body
    }
}

/// Appends a jump by the table index in the local `index` to the code that `case` appends for each target in `places`.
/// That code does not return. Other indices continue after the jump.
fn switch(
    body: &mut enc::Function,
    index: u32,
    places: &[(u32, u32)],
    mut case: impl FnMut(&mut enc::Function, u32),
) {
    let mut rest = places;
    while let Some((first, _)) = rest.first().copied() {
        // The places are in ascending order. Few tables need more than one jump.
        let count = rest.partition_point(|(place, _)| place - first < MOST_PLACES);
        let (part, others) = rest.split_at(count);
        rest = others;
        let mut targets: Vec<u32> = part.iter().map(|(_, target)| *target).collect();
        targets.sort_unstable();
        targets.dedup();
        let none = targets.len() as u32;
        let last = part.last().map_or(first, |(place, _)| *place);
        let mut labels = vec![none; (last - first + 1) as usize];
        for (place, target) in part {
            let label = targets.partition_point(|other| other < target);
            labels[(place - first) as usize] = label as u32;
        }
        for _ in 0..=none {
            body.instruction(&I::Block(BlockType::Empty));
        }
        body.instruction(&I::LocalGet(index))
            .instruction(&I::I32Const(first as i32))
            .instruction(&I::I32Sub)
            .instruction(&I::BrTable(labels.into(), none));
        for target in targets {
            body.instruction(&I::End);
            case(body, target);
        }
        body.instruction(&I::End);
    }
}

impl Reencode for Direct {
    type Error = Infallible;

    fn parse_type_section(
        &mut self,
        types: &mut enc::TypeSection,
        section: wasmparser::TypeSectionReader<'_>,
    ) -> Result<(), reencode::Error<Infallible>> {
        utils::parse_type_section(self, types, section)?;
        for jump in &self.jumps {
            types.ty().func_type(&jump.own_type()?);
        }
        if let Some(adapter) = &self.adapter {
            adapter.add_types(types);
        }
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut enc::FunctionSection,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Result<(), reencode::Error<Infallible>> {
        utils::parse_function_section(self, functions, section)?;
        for (ty, _) in (self.types..).zip(&self.jumps) {
            functions.function(ty);
        }
        if let Some(adapter) = &self.adapter {
            functions.function(adapter.ty);
        }
        Ok(())
    }

    fn parse_export(
        &mut self,
        exports: &mut enc::ExportSection,
        export: wasmparser::Export<'_>,
    ) -> Result<(), reencode::Error<Infallible>> {
        if export.name == TARGETS {
            return Ok(());
        }
        utils::parse_export(self, exports, export)
    }

    fn parse_code_section(
        &mut self,
        code: &mut enc::CodeSection,
        section: wasmparser::CodeSectionReader<'_>,
    ) -> Result<(), reencode::Error<Infallible>> {
        utils::parse_code_section(self, code, section)?;
        for jump in &self.jumps {
            let adapter = self.adapter.as_ref().filter(|_| is_adaptable(&jump.ty));
            code.function(&jump.body(adapter));
        }
        if let Some(adapter) = &self.adapter {
            code.function(&adapter.body());
        }
        Ok(())
    }

    fn instruction<'a>(
        &mut self,
        operator: Operator<'a>,
    ) -> Result<I<'a>, reencode::Error<Infallible>> {
        if let Operator::CallIndirect { type_index, .. } = &operator
            && let Some(jump) = self.jump_of.get(type_index)
        {
            return Ok(I::Call(*jump));
        }
        utils::instruction(self, operator)
    }
}

#[cfg(test)]
mod tests;
