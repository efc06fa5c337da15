//! Links the core modules of a component into one.
//!
//! Every import is replaced by its provider, every address that dynamic linking kept in a global
//! becomes a constant, and what nothing reaches any more is left out. The result has one defined
//! memory and one defined table, so that creating an instance copies no table and no globals, and
//! no instruction goes through a pointer for an address that never changes.

use crate::component::{Component, Instance, Provider};
use crate::module::Module;
use anyhow::{Context, Result, bail, ensure};
use std::collections::{HashMap, HashSet};
use wasm_encoder::reencode::{self, Reencode, utils};
use wasm_encoder::{self as enc, ExportKind};
use wasmparser::{ConstExpr, ElementItems, ElementKind, ExternalKind, FuncType, Operator};

/// Module index and index among the items that this module itself defines.
type Defined = (usize, u32);

/// What a function index of a module refers to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Function<'a> {
    Defined(Defined),
    Host { namespace: &'a str, name: &'a str },
}

/// Where every local index of one module leads.
#[derive(Default)]
struct Places<'a> {
    functions: Vec<Function<'a>>,
    tables: Vec<Defined>,
    memories: Vec<Defined>,
    globals: Vec<Defined>,
}

/// What linking did, for the build's report.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    pub modules: usize,
    pub functions: usize,
    pub dropped_functions: usize,
    pub folded_globals: usize,
}

/// Links `component` into one core module with the exports that the component uses.
///
/// # Errors
///
/// When the component is damaged, was not initialised before (a module has a start function or a
/// global that is not constant where one must be), or instantiates a module twice.
pub fn link(component: &Component<'_>, keep_names: bool) -> Result<(Vec<u8>, Report)> {
    let linker = Linker::new(component)?;
    let reached = linker.reach()?;
    let constants = linker.constants(&reached)?;
    linker.emit(&reached, &constants, keep_names)
}

struct Linker<'c, 'a> {
    component: &'c Component<'a>,
    /// The linked modules, in the order in which the component instantiates them.
    modules: Vec<Module<'a>>,
    /// The module that a core instance was made from.
    module_of: HashMap<usize, usize>,
    shim: Option<Shim>,
    places: Vec<Places<'a>>,
}

/// `wit-component` ties the knot between a module and the memory that its imports need with a
/// module of forwarding functions, whose table a second module fills once everything exists.
struct Shim {
    instance: usize,
    filled_by: usize,
}

/// The name under which the forwarding module exports its table.
const SHIM_TABLE: &str = "$imports";

/// What is live: functions by module and index, and the globals that live code assigns.
#[derive(Default)]
struct Reached {
    functions: HashSet<Defined>,
    order: Vec<Defined>,
    assigned: HashSet<Defined>,
    grows_table: bool,
}

impl<'c, 'a> Linker<'c, 'a> {
    fn new(component: &'c Component<'a>) -> Result<Self> {
        let mut linker = Linker {
            component,
            modules: Vec::new(),
            module_of: HashMap::new(),
            shim: None,
            places: Vec::new(),
        };
        let mut instance_of = Vec::new();
        for (instance, made) in component.instances.iter().enumerate() {
            let Instance::Module { module, .. } = made else {
                continue;
            };
            let module = Module::read(component.modules[*module])?;
            linker.module_of.insert(instance, linker.modules.len());
            linker.modules.push(module);
            instance_of.push(instance);
        }
        linker.find_shim(&instance_of)?;
        for (index, instance) in instance_of.into_iter().enumerate() {
            let places = linker.place(index, instance)?;
            linker.places.push(places);
        }
        Ok(linker)
    }

    fn find_shim(&mut self, instance_of: &[usize]) -> Result<()> {
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

    /// Whether module `index` is part of the shim, which linking makes superfluous.
    fn is_shim(&self, index: usize) -> bool {
        self.shim.as_ref().is_some_and(|shim| {
            [shim.instance, shim.filled_by]
                .iter()
                .any(|i| self.module_of.get(i) == Some(&index))
        })
    }

    fn place(&self, index: usize, instance: usize) -> Result<Places<'a>> {
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

    /// The module and the local index of the export that serves an import, or the host.
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
                    .context("the import is served by something that is no module")?;
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
        // Each step goes to an earlier instance, or once from the shim to what fills it.
        for _ in 0..=2 * self.component.instances.len() {
            let Some((served_by, module, kind, index)) = self.served(instance, namespace, name)?
            else {
                return Ok(Function::Host {
                    namespace: original_namespace,
                    name: original_name,
                });
            };
            ensure!(kind == ExternalKind::Func, "it is served by no function");
            if let Some(shim) = self.shim.as_ref().filter(|s| s.instance == served_by) {
                let Provider::Export { name: slot, .. } =
                    self.component.provider(instance, namespace, name)?
                else {
                    bail!("the shim has no such function");
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
        bail!("the imports form a circle")
    }

    /// The module and index among its own items of the table, memory or global that serves an
    /// import.
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
                _ => bail!("it is served by something of another kind"),
            };
            match imports.get(index as usize) {
                Some(import) => {
                    (instance, namespace, name) = (served_by, import.module, import.name)
                }
                None => return Ok((module, index - imports.len() as u32)),
            }
        }
        bail!("the imports form a circle")
    }

    /// Finds what the component's own exports and the tables reach.
    fn reach(&self) -> Result<Reached> {
        let mut reached = Reached::default();
        let mut found = Vec::new();
        for &(kind, instance, name) in &self.component.roots {
            if kind == ExternalKind::Func {
                found.push(self.root(instance, name)?);
            }
        }
        for (index, module) in self.modules.iter().enumerate() {
            if self.is_shim(index) {
                continue;
            }
            let mut scan = Scan::new(&self.places[index]);
            for element in &module.elements {
                scan.element_items(element.items.clone())
                    .map_err(|e| anyhow::anyhow!("{e}"))?;
            }
            found.append(&mut scan.functions);
        }
        while let Some(function) = found.pop() {
            let Function::Defined(defined) = function else {
                continue;
            };
            if !reached.functions.insert(defined) {
                continue;
            }
            reached.order.push(defined);
            let (module, index) = defined;
            let mut scan = Scan::new(&self.places[module]);
            let mut operators =
                self.modules[module].bodies[index as usize].get_operators_reader()?;
            while !operators.eof() {
                scan.parse_instruction(&mut operators)
                    .map_err(|e| anyhow::anyhow!("{e}"))?;
            }
            found.append(&mut scan.functions);
            reached.assigned.extend(scan.assigned);
            reached.grows_table |= scan.grows_table;
        }
        reached.order.sort_unstable();
        Ok(reached)
    }

    fn root(&self, instance: usize, name: &str) -> Result<Function<'a>> {
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

    /// The value of every global that no live code assigns, by module and index.
    fn constants(&self, reached: &Reached) -> Result<HashMap<Defined, Constant>> {
        let mut constants = HashMap::new();
        // A global's first value may refer to an earlier one only, in its own module or in one
        // that was instantiated before, so one pass in order is enough.
        for (index, module) in self.modules.iter().enumerate() {
            if self.is_shim(index) {
                continue;
            }
            for (i, (_, init)) in module.globals.iter().enumerate() {
                let defined = (index, i as u32);
                if !reached.assigned.contains(&defined)
                    && let Some(value) = evaluate(init, &self.places[index], &constants)
                {
                    constants.insert(defined, value);
                }
            }
        }
        Ok(constants)
    }

    fn emit(
        &self,
        reached: &Reached,
        constants: &HashMap<Defined, Constant>,
        keep_names: bool,
    ) -> Result<(Vec<u8>, Report)> {
        let mut out = Output::new(constants);
        // Live functions may call the host; those imports come first in the index space.
        for &(module, index) in &reached.order {
            let mut scan = Scan::new(&self.places[module]);
            let mut operators =
                self.modules[module].bodies[index as usize].get_operators_reader()?;
            while !operators.eof() {
                scan.parse_instruction(&mut operators)
                    .map_err(|e| anyhow::anyhow!("{e}"))?;
            }
            out.note_host_functions(&scan.functions, &self.modules[module], &self.places[module])?;
        }
        for (index, module) in self.modules.iter().enumerate() {
            if self.is_shim(index) {
                continue;
            }
            let mut scan = Scan::new(&self.places[index]);
            for element in &module.elements {
                scan.element_items(element.items.clone())
                    .map_err(|e| anyhow::anyhow!("{e}"))?;
            }
            out.note_host_functions(&scan.functions, module, &self.places[index])?;
        }
        for &defined in &reached.order {
            out.add_function(defined, &self.modules[defined.0])?;
        }
        for (index, module) in self.modules.iter().enumerate() {
            if self.is_shim(index) {
                continue;
            }
            out.add_items(index, module, reached, constants);
        }
        for (index, module) in self.modules.iter().enumerate() {
            if !self.is_shim(index) {
                out.add_globals(index, module, &self.places[index], constants)?;
            }
        }
        for (index, module) in self.modules.iter().enumerate() {
            if !self.is_shim(index) {
                out.add_segments(index, module, &self.places[index])?;
            }
        }
        for &defined in &reached.order {
            let (module, index) = defined;
            let name = keep_names
                .then(|| {
                    let local = self.modules[module].function_imports.len() as u32 + index;
                    self.modules[module].names.get(&local).copied()
                })
                .flatten();
            let body = &self.modules[module].bodies[index as usize];
            out.add_body(
                module,
                &self.modules[module],
                &self.places[module],
                body,
                name,
            )?;
        }
        for &(kind, instance, name) in &self.component.roots {
            let module = self.module_of[&instance];
            out.add_export(kind, name, &self.modules[module], &self.places[module])?;
        }
        let report = Report {
            modules: (0..self.modules.len())
                .filter(|m| !self.is_shim(*m))
                .count(),
            functions: reached.order.len(),
            dropped_functions: self
                .modules
                .iter()
                .map(|m| m.functions.len())
                .sum::<usize>()
                - reached.order.len(),
            folded_globals: constants.len(),
        };
        Ok((out.finish(), report))
    }
}

/// The value of a constant global.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Constant {
    I32(i32),
    I64(i64),
}

/// Evaluates an initialiser or an offset, as far as it is made of integers and known globals.
fn evaluate(
    expr: &ConstExpr<'_>,
    places: &Places<'_>,
    known: &HashMap<Defined, Constant>,
) -> Option<Constant> {
    use Constant::{I32, I64};
    let mut stack = Vec::new();
    for operator in expr.get_operators_reader() {
        let value = match operator.ok()? {
            Operator::I32Const { value } => I32(value),
            Operator::I64Const { value } => I64(value),
            Operator::GlobalGet { global_index } => {
                *known.get(places.globals.get(global_index as usize)?)?
            }
            Operator::I32Add => match (stack.pop()?, stack.pop()?) {
                (I32(b), I32(a)) => I32(a.wrapping_add(b)),
                _ => return None,
            },
            Operator::I32Sub => match (stack.pop()?, stack.pop()?) {
                (I32(b), I32(a)) => I32(a.wrapping_sub(b)),
                _ => return None,
            },
            Operator::End => continue,
            _ => return None,
        };
        stack.push(value);
    }
    match stack[..] {
        [value] => Some(value),
        _ => None,
    }
}

/// Collects what instructions and segments refer to.
struct Scan<'p, 'a> {
    places: &'p Places<'a>,
    functions: Vec<Function<'a>>,
    assigned: HashSet<Defined>,
    grows_table: bool,
}

impl<'p, 'a> Scan<'p, 'a> {
    fn new(places: &'p Places<'a>) -> Self {
        Scan {
            places,
            functions: Vec::new(),
            assigned: HashSet::new(),
            grows_table: false,
        }
    }
}

/// The error of a module that refers to what it does not have.
type Dangling = &'static str;
const DANGLING: reencode::Error<Dangling> =
    reencode::Error::UserError("a core module refers to an item that does not exist");

impl Reencode for Scan<'_, '_> {
    type Error = Dangling;

    fn function_index(&mut self, index: u32) -> Result<u32, reencode::Error<Dangling>> {
        let place = self.places.functions.get(index as usize).ok_or(DANGLING)?;
        self.functions.push(*place);
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

/// The module under construction, and the new index of everything in it.
struct Output<'k, 'a> {
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
    table_section: enc::TableSection,
    memory_section: enc::MemorySection,
    global_section: enc::GlobalSection,
    export_section: enc::ExportSection,
    element_section: enc::ElementSection,
    code_section: enc::CodeSection,
    data_section: enc::DataSection,
    names: enc::NameMap,
}

impl<'k, 'a> Output<'k, 'a> {
    fn new(constants: &'k HashMap<Defined, Constant>) -> Self {
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
            table_section: Default::default(),
            memory_section: Default::default(),
            global_section: Default::default(),
            export_section: Default::default(),
            element_section: Default::default(),
            code_section: Default::default(),
            data_section: Default::default(),
            names: Default::default(),
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

    fn note_host_functions(
        &mut self,
        used: &[Function<'a>],
        module: &Module<'a>,
        places: &Places<'a>,
    ) -> Result<()> {
        for function in used {
            let Function::Host { namespace, name } = function else {
                continue;
            };
            if self.host.contains_key(&(*namespace, *name)) {
                continue;
            }
            let local = places
                .functions
                .iter()
                .position(|f| f == function)
                .context("a host function has no index")?;
            let ty = module.function_type(local as u32)?.clone();
            let ty = self.type_index(&ty)?;
            let index = self.host.len() as u32;
            self.import_section
                .import(namespace, name, enc::EntityType::Function(ty));
            self.host.insert((namespace, name), index);
        }
        Ok(())
    }

    fn add_function(&mut self, defined: Defined, module: &Module<'a>) -> Result<()> {
        let local = module.function_imports.len() as u32 + defined.1;
        let ty = module.function_type(local)?.clone();
        let ty = self.type_index(&ty)?;
        self.function_section.function(ty);
        let index = (self.host.len() + self.functions.len()) as u32;
        self.functions.insert(defined, index);
        Ok(())
    }

    fn add_items(
        &mut self,
        index: usize,
        module: &Module<'a>,
        reached: &Reached,
        constants: &HashMap<Defined, Constant>,
    ) {
        for (i, ty) in module.tables.iter().enumerate() {
            self.tables
                .insert((index, i as u32), self.tables.len() as u32);
            self.table_section.table(enc::TableType {
                element_type: enc::RefType::FUNCREF,
                table64: ty.table64,
                minimum: ty.initial,
                // A table that cannot grow has bounds that the compiler knows.
                maximum: if reached.grows_table {
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
            if !constants.contains_key(&defined) {
                self.globals.insert(defined, self.globals.len() as u32);
            }
        }
    }

    fn add_globals(
        &mut self,
        index: usize,
        module: &Module<'a>,
        places: &Places<'a>,
        constants: &HashMap<Defined, Constant>,
    ) -> Result<()> {
        for (i, (ty, init)) in module.globals.iter().enumerate() {
            if constants.contains_key(&(index, i as u32)) {
                continue;
            }
            let mut copy = Copy::new(self, index, module, places);
            let ty = copy.global_type(*ty).map_err(damaged)?;
            let init = copy.const_expr(init.clone()).map_err(damaged)?;
            self.global_section.global(ty, &init);
        }
        Ok(())
    }

    fn add_segments(
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
                bail!("a table segment is made of expressions, which is not supported");
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

    fn add_body(
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

    fn add_export(
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

    fn finish(self) -> Vec<u8> {
        let mut module = enc::Module::new();
        let data_count = enc::DataCountSection {
            count: self.data_section.len(),
        };
        module
            .section(&self.type_section)
            .section(&self.import_section)
            .section(&self.function_section)
            .section(&self.table_section)
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

/// Copies parts of one module into the output, with every index made new.
struct Copy<'o, 'a> {
    output: &'o mut dyn Renumber,
    index: usize,
    module: &'o Module<'a>,
    places: &'o Places<'a>,
}

/// The part of [`Output`] that copying needs.
trait Renumber {
    fn function(&self, place: &Function<'_>) -> Option<u32>;
    fn item(&self, space: Space, defined: Defined) -> Option<u32>;
    fn type_of(&mut self, ty: &FuncType) -> Option<u32>;
    fn constant(&self, defined: Defined) -> Option<Constant>;
    fn evaluate(&self, expr: &ConstExpr<'_>, places: &Places<'_>) -> Option<Constant>;
}

#[derive(Clone, Copy)]
enum Space {
    Table,
    Memory,
    Global,
    Element,
    Data,
}

impl Renumber for Output<'_, '_> {
    fn function(&self, place: &Function<'_>) -> Option<u32> {
        match place {
            Function::Defined(defined) => self.functions.get(defined).copied(),
            Function::Host { namespace, name } => self.host.get(&(*namespace, *name)).copied(),
        }
    }

    fn item(&self, space: Space, defined: Defined) -> Option<u32> {
        match space {
            Space::Table => &self.tables,
            Space::Memory => &self.memories,
            Space::Global => &self.globals,
            Space::Element => &self.elements,
            Space::Data => &self.data,
        }
        .get(&defined)
        .copied()
    }

    fn type_of(&mut self, ty: &FuncType) -> Option<u32> {
        self.type_index(ty).ok()
    }

    fn constant(&self, defined: Defined) -> Option<Constant> {
        self.constants.get(&defined).copied()
    }

    fn evaluate(&self, expr: &ConstExpr<'_>, places: &Places<'_>) -> Option<Constant> {
        evaluate(expr, places, self.constants)
    }
}

impl<'o, 'a> Copy<'o, 'a> {
    fn new(
        output: &'o mut dyn Renumber,
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

impl Reencode for Copy<'_, '_> {
    type Error = Dangling;

    fn function_index(&mut self, index: u32) -> Result<u32, reencode::Error<Dangling>> {
        let place = self.places.functions.get(index as usize).ok_or(DANGLING)?;
        self.output.function(place).ok_or(DANGLING)
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
        self.output.type_of(ty).ok_or(DANGLING)
    }

    fn const_expr(
        &mut self,
        expr: ConstExpr<'_>,
    ) -> Result<enc::ConstExpr, reencode::Error<Dangling>> {
        match self.output.evaluate(&expr, self.places) {
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
            match self.output.constant(*place) {
                Some(Constant::I32(value)) => return Ok(enc::Instruction::I32Const(value)),
                Some(Constant::I64(value)) => return Ok(enc::Instruction::I64Const(value)),
                None => {}
            }
        }
        utils::instruction(self, operator)
    }
}
