//! Writes the linked module, with all indices reassigned.

use crate::constant::{Constant, evaluate};
use crate::module::Module;
use crate::places::{DANGLING, Dangling, Defined, Function, Places};
use anyhow::{Context, Result, bail, ensure};
use std::collections::HashMap;
use wasm_encoder::reencode::{self, Reencode, utils};
use wasm_encoder::{self as enc, ExportKind};
use wasmparser::{ConstExpr, ElementItems, ElementKind, ExternalKind, FuncType, Operator};

/// The module under construction, and the new index of each item in it.
pub(crate) struct Output<'k, 'a> {
    constants: &'k HashMap<Defined, Constant>,
    types: HashMap<FuncType, u32>,
    host: HashMap<(&'a str, &'a str), u32>,
    functions: HashMap<Defined, u32>,
    tables: HashMap<Defined, u32>,
    memories: HashMap<Defined, u32>,
    globals: HashMap<Defined, u32>,
    elements: HashMap<Defined, u32>,
    data: HashMap<Defined, u32>,
    type_section: enc::TypeSection,
    import_section: enc::ImportSection,
    function_section: enc::FunctionSection,
    table_types: Vec<enc::TableType>,
    memory_section: enc::MemorySection,
    global_section: enc::GlobalSection,
    export_section: enc::ExportSection,
    element_section: enc::ElementSection,
    code_section: enc::CodeSection,
    data_section: enc::DataSection,
    names: enc::NameMap,
    /// The function that replaces the instruction that grows memory, in modules before this one.
    grow: Option<(Defined, usize)>,
}

impl<'k, 'a> Output<'k, 'a> {
    pub(crate) fn new(constants: &'k HashMap<Defined, Constant>) -> Self {
        Output {
            constants,
            types: HashMap::new(),
            host: HashMap::new(),
            functions: HashMap::new(),
            tables: HashMap::new(),
            memories: HashMap::new(),
            globals: HashMap::new(),
            elements: HashMap::new(),
            data: HashMap::new(),
            type_section: Default::default(),
            import_section: Default::default(),
            function_section: Default::default(),
            table_types: Vec::new(),
            memory_section: Default::default(),
            global_section: Default::default(),
            export_section: Default::default(),
            element_section: Default::default(),
            code_section: Default::default(),
            data_section: Default::default(),
            names: Default::default(),
            grow: None,
        }
    }

    fn type_index(&mut self, ty: &FuncType) -> Result<u32> {
        if let Some(index) = self.types.get(ty) {
            return Ok(*index);
        }
        let index = self.types.len() as u32;
        let encoded = enc::FuncType::try_from(ty.clone())
            .map_err(|_| anyhow::anyhow!("a function type is not supported"))?;
        self.type_section.ty().func_type(&encoded);
        self.types.insert(ty.clone(), index);
        Ok(index)
    }

    /// Makes the modules before `first` grow the memory by calling `function`.
    pub(crate) fn replace_grow(&mut self, function: Defined, first: usize) {
        self.grow = Some((function, first));
    }

    /// Returns the new index of a function.
    fn function(&self, place: Function<'a>) -> Option<u32> {
        match place {
            Function::Defined(defined) => self.functions.get(&defined).copied(),
            Function::Host { namespace, name } => self.host.get(&(namespace, name)).copied(),
        }
    }

    /// Returns the new index of a table, memory, global or segment of a module.
    fn item(&self, space: Space, defined: Defined) -> Option<u32> {
        let space = match space {
            Space::Table => &self.tables,
            Space::Memory => &self.memories,
            Space::Global => &self.globals,
            Space::Element => &self.elements,
            Space::Data => &self.data,
        };
        space.get(&defined).copied()
    }

    /// Adds the import that is function `local` of `module`. All imports come before the guest's own functions.
    pub(crate) fn add_host_function(
        &mut self,
        local: u32,
        module: &Module<'a>,
        places: &Places<'a>,
    ) -> Result<()> {
        let Function::Host { namespace, name } = places.functions[local as usize] else {
            bail!("a guest function was mistaken for a host function");
        };
        let ty = self.type_index(module.function_type(local)?)?;
        self.import_section
            .import(namespace, name, enc::EntityType::Function(ty));
        self.host.insert((namespace, name), self.host.len() as u32);
        Ok(())
    }

    pub(crate) fn add_function(&mut self, defined: Defined, module: &Module<'a>) -> Result<()> {
        let local = module.function_imports.len() as u32 + defined.1;
        let ty = module.function_type(local)?.clone();
        let ty = self.type_index(&ty)?;
        self.function_section.function(ty);
        let index = (self.host.len() + self.functions.len()) as u32;
        self.functions.insert(defined, index);
        Ok(())
    }

    pub(crate) fn add_items(&mut self, index: usize, module: &Module<'a>, grows_table: bool) {
        for (i, ty) in module.tables.iter().enumerate() {
            self.tables
                .insert((index, i as u32), self.tables.len() as u32);
            self.table_types.push(enc::TableType {
                element_type: enc::RefType::FUNCREF,
                table64: ty.table64,
                minimum: ty.initial,
                // The compiler knows the bounds of a table that cannot grow.
                maximum: if grows_table {
                    ty.maximum
                } else {
                    Some(ty.initial)
                },
                shared: false,
            });
        }
        for (i, ty) in module.memories.iter().enumerate() {
            self.memories
                .insert((index, i as u32), self.memories.len() as u32);
            self.memory_section.memory(enc::MemoryType {
                minimum: ty.initial,
                maximum: ty.maximum,
                memory64: ty.memory64,
                shared: ty.shared,
                page_size_log2: ty.page_size_log2,
            });
        }
        for i in 0..module.globals.len() {
            let defined = (index, i as u32);
            if !self.constants.contains_key(&defined) {
                self.globals.insert(defined, self.globals.len() as u32);
            }
        }
    }

    /// Appends `count` entries to the table.
    pub(crate) fn extend_table(&mut self, count: u64) {
        if let Some(ty) = self.table_types.first_mut() {
            ty.minimum += count;
            ty.maximum = ty.maximum.map(|maximum| maximum.max(ty.minimum));
        }
    }

    pub(crate) fn add_globals(
        &mut self,
        index: usize,
        module: &Module<'a>,
        places: &Places<'a>,
    ) -> Result<()> {
        for (i, (ty, init)) in module.globals.iter().enumerate() {
            if self.constants.contains_key(&(index, i as u32)) {
                continue;
            }
            let mut copy = Copy::new(self, index, module, places);
            let ty = copy.global_type(*ty).map_err(damaged)?;
            let init = copy.const_expr(init.clone()).map_err(damaged)?;
            self.global_section.global(ty, &init);
        }
        Ok(())
    }

    pub(crate) fn add_segments(
        &mut self,
        index: usize,
        module: &Module<'a>,
        places: &Places<'a>,
    ) -> Result<()> {
        for (i, element) in module.elements.iter().enumerate() {
            self.elements
                .insert((index, i as u32), self.elements.len() as u32);
            if let ElementKind::Active { offset_expr, .. } = &element.kind {
                ensure!(
                    evaluate(offset_expr, places, self.constants).is_some(),
                    "a table segment has no constant offset"
                );
            }
            if let ElementItems::Functions(_) = &element.items {
                let mut section = std::mem::take(&mut self.element_section);
                let result = Copy::new(self, index, module, places)
                    .parse_element(&mut section, element.clone());
                self.element_section = section;
                result.map_err(damaged)?;
            } else {
                bail!("table segments with expressions are not supported");
            }
        }
        for (i, data) in module.data.iter().enumerate() {
            self.data.insert((index, i as u32), self.data.len() as u32);
            let mut section = std::mem::take(&mut self.data_section);
            let result =
                Copy::new(self, index, module, places).parse_data(&mut section, data.clone());
            self.data_section = section;
            result.map_err(damaged)?;
        }
        Ok(())
    }

    pub(crate) fn add_body(
        &mut self,
        index: usize,
        module: &Module<'a>,
        places: &Places<'a>,
        body: &wasmparser::FunctionBody<'a>,
        name: Option<&str>,
    ) -> Result<()> {
        if let Some(name) = name {
            let function = self.host.len() as u32 + self.code_section.len();
            self.names.append(function, name);
        }
        let mut section = std::mem::take(&mut self.code_section);
        let result =
            Copy::new(self, index, module, places).parse_function_body(&mut section, body.clone());
        self.code_section = section;
        result.map_err(damaged)
    }

    pub(crate) fn add_export(
        &mut self,
        kind: ExternalKind,
        name: &str,
        module: &Module<'a>,
        places: &Places<'a>,
    ) -> Result<()> {
        let (_, local) = module.exports[name];
        let mut copy = Copy::new(self, 0, module, places);
        let (kind, index) = match kind {
            ExternalKind::Func => (ExportKind::Func, copy.function_index(local)),
            ExternalKind::Memory => (ExportKind::Memory, copy.memory_index(local)),
            _ => bail!("export `{name}` is neither a function nor a memory"),
        };
        self.export_section
            .export(name, kind, index.map_err(damaged)?);
        Ok(())
    }

    /// Exports a function as `name`.
    pub(crate) fn export_function(&mut self, name: &str, defined: Defined) -> Result<()> {
        let index = self.functions.get(&defined);
        let index = *index.with_context(|| format!("export `{name}` is missing"))?;
        self.export_section.export(name, ExportKind::Func, index);
        Ok(())
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        let mut table_section = enc::TableSection::new();
        for ty in &self.table_types {
            table_section.table(*ty);
        }
        let mut module = enc::Module::new();
        let data_count = enc::DataCountSection {
            count: self.data_section.len(),
        };
        module
            .section(&self.type_section)
            .section(&self.import_section)
            .section(&self.function_section)
            .section(&table_section)
            .section(&self.memory_section)
            .section(&self.global_section)
            .section(&self.export_section)
            .section(&self.element_section)
            .section(&data_count)
            .section(&self.code_section)
            .section(&self.data_section);
        if !self.names.is_empty() {
            let mut names = enc::NameSection::new();
            names.functions(&self.names);
            module.section(&names);
        }
        module.finish()
    }
}

fn damaged(error: reencode::Error<Dangling>) -> anyhow::Error {
    anyhow::anyhow!("cannot copy a core module: {error}")
}

/// Copies parts of one module into the output, with all indices reassigned.
struct Copy<'o, 'k, 'a> {
    output: &'o mut Output<'k, 'a>,
    index: usize,
    module: &'o Module<'a>,
    places: &'o Places<'a>,
}

#[derive(Clone, Copy)]
enum Space {
    Table,
    Memory,
    Global,
    Element,
    Data,
}

impl<'o, 'k, 'a> Copy<'o, 'k, 'a> {
    fn new(
        output: &'o mut Output<'k, 'a>,
        index: usize,
        module: &'o Module<'a>,
        places: &'o Places<'a>,
    ) -> Self {
        Copy {
            output,
            index,
            module,
            places,
        }
    }

    fn placed(
        &self,
        space: Space,
        places: &[Defined],
        index: u32,
    ) -> Result<u32, reencode::Error<Dangling>> {
        let place = places.get(index as usize).ok_or(DANGLING)?;
        self.output.item(space, *place).ok_or(DANGLING)
    }
}

impl Reencode for Copy<'_, '_, '_> {
    type Error = Dangling;

    fn function_index(&mut self, index: u32) -> Result<u32, reencode::Error<Dangling>> {
        let place = self.places.functions.get(index as usize).ok_or(DANGLING)?;
        self.output.function(*place).ok_or(DANGLING)
    }

    fn table_index(&mut self, index: u32) -> Result<u32, reencode::Error<Dangling>> {
        self.placed(Space::Table, &self.places.tables, index)
    }

    fn memory_index(&mut self, index: u32) -> Result<u32, reencode::Error<Dangling>> {
        self.placed(Space::Memory, &self.places.memories, index)
    }

    fn global_index(&mut self, index: u32) -> Result<u32, reencode::Error<Dangling>> {
        self.placed(Space::Global, &self.places.globals, index)
    }

    fn element_index(&mut self, index: u32) -> Result<u32, reencode::Error<Dangling>> {
        let element = (self.index, index);
        self.output.item(Space::Element, element).ok_or(DANGLING)
    }

    fn data_index(&mut self, index: u32) -> Result<u32, reencode::Error<Dangling>> {
        let data = (self.index, index);
        self.output.item(Space::Data, data).ok_or(DANGLING)
    }

    fn type_index(&mut self, index: u32) -> Result<u32, reencode::Error<Dangling>> {
        let ty = self.module.types.get(index as usize).ok_or(DANGLING)?;
        self.output.type_index(ty).map_err(|_| DANGLING)
    }

    fn const_expr(
        &mut self,
        expr: ConstExpr<'_>,
    ) -> Result<enc::ConstExpr, reencode::Error<Dangling>> {
        match evaluate(&expr, self.places, self.output.constants) {
            Some(Constant::I32(value)) => Ok(enc::ConstExpr::i32_const(value)),
            Some(Constant::I64(value)) => Ok(enc::ConstExpr::i64_const(value)),
            None => utils::const_expr(self, expr),
        }
    }

    fn instruction<'x>(
        &mut self,
        operator: Operator<'x>,
    ) -> Result<enc::Instruction<'x>, reencode::Error<Dangling>> {
        if let Operator::GlobalGet { global_index } = &operator {
            let places = &self.places.globals;
            let place = places.get(*global_index as usize).ok_or(DANGLING)?;
            match self.output.constants.get(place).copied() {
                Some(Constant::I32(value)) => return Ok(enc::Instruction::I32Const(value)),
                Some(Constant::I64(value)) => return Ok(enc::Instruction::I64Const(value)),
                None => {}
            }
        }
        if let (Operator::MemoryGrow { .. }, Some((grow, first))) = (&operator, self.output.grow)
            && self.index < first
        {
            let index = self.output.functions.get(&grow).ok_or(DANGLING)?;
            return Ok(enc::Instruction::Call(*index));
        }
        utils::instruction(self, operator)
    }
}
