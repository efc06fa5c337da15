//! A parsed core module: its index spaces, and the parts that linking copies.

use anyhow::{Context, Result, anyhow, bail};
use std::collections::HashMap;
use std::convert::Infallible;
use wasm_encoder::reencode::Reencode;
use wasmparser::{
    ConstExpr, Data, Element, ExternalKind, FuncType, FunctionBody, GlobalType, Import, MemoryType,
    Name, Parser, Payload, TableType, TypeRef,
};

/// The end of the file names of extension modules for the guest.
pub(crate) const EXTENSION_SUFFIX: &str = ".cpython-314-wasm32-wasi.so";

/// Replaces `module` by the result of `by`.
///
/// # Errors
///
/// Returns an error and changes nothing if `module` is damaged.
pub(crate) fn rewrite(
    module: &mut Vec<u8>,
    by: &mut impl Reencode<Error = Infallible>,
) -> Result<()> {
    let mut out = wasm_encoder::Module::new();
    by.parse_core_module(&mut out, Parser::new(0), module)
        .map_err(|error| anyhow!("cannot copy the linked module: {error}"))?;
    *module = out.finish();
    Ok(())
}

/// A core module, with every section that matters to linking.
#[derive(Default)]
pub struct Module<'a> {
    pub types: Vec<FuncType>,
    pub function_imports: Vec<(Import<'a>, u32)>,
    pub table_imports: Vec<Import<'a>>,
    pub memory_imports: Vec<Import<'a>>,
    pub global_imports: Vec<Import<'a>>,
    /// The type of each defined function.
    pub functions: Vec<u32>,
    pub bodies: Vec<FunctionBody<'a>>,
    pub tables: Vec<TableType>,
    pub memories: Vec<MemoryType>,
    pub globals: Vec<(GlobalType, ConstExpr<'a>)>,
    pub exports: HashMap<&'a str, (ExternalKind, u32)>,
    pub elements: Vec<Element<'a>>,
    pub data: Vec<Data<'a>>,
    pub names: HashMap<u32, &'a str>,
}

impl<'a> Module<'a> {
    /// Parses `bytes`.
    ///
    /// # Errors
    ///
    /// Returns an error if `bytes` is not a core module, has a start function (it was not initialised), or uses a
    /// feature that CPython's build does not.
    pub fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut module = Module::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.context("a core module is damaged")? {
                Payload::TypeSection(section) => {
                    for group in section {
                        for ty in group?.into_types() {
                            match ty.composite_type.inner {
                                wasmparser::CompositeInnerType::Func(f) => module.types.push(f),
                                _ => bail!("only function types are supported"),
                            }
                        }
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        match import.ty {
                            TypeRef::Func(ty) => module.function_imports.push((import, ty)),
                            TypeRef::Table(_) => module.table_imports.push(import),
                            TypeRef::Memory(_) => module.memory_imports.push(import),
                            TypeRef::Global(_) => module.global_imports.push(import),
                            _ => bail!("the kind of import `{}` is not supported", import.name),
                        }
                    }
                }
                Payload::FunctionSection(section) => {
                    module.functions = section.into_iter().collect::<Result<_, _>>()?;
                }
                Payload::TableSection(section) => {
                    for table in section {
                        module.tables.push(table?.ty);
                    }
                }
                Payload::MemorySection(section) => {
                    module.memories = section.into_iter().collect::<Result<_, _>>()?;
                }
                Payload::GlobalSection(section) => {
                    for global in section {
                        let global = global?;
                        module.globals.push((global.ty, global.init_expr));
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        module
                            .exports
                            .insert(export.name, (export.kind, export.index));
                    }
                }
                Payload::StartSection { .. } => bail!("a core module has a start function"),
                Payload::ElementSection(section) => {
                    module.elements = section.into_iter().collect::<Result<_, _>>()?;
                }
                Payload::DataSection(section) => {
                    module.data = section.into_iter().collect::<Result<_, _>>()?;
                }
                Payload::CodeSectionEntry(body) => module.bodies.push(body),
                Payload::TagSection(_) => bail!("core tags are not supported"),
                Payload::CustomSection(section) => {
                    if let wasmparser::KnownCustom::Name(names) = section.as_known() {
                        module.read_names(names);
                    }
                }
                _ => {}
            }
        }
        if module.bodies.len() != module.functions.len() {
            bail!("a core module's numbers of functions and bodies differ");
        }
        Ok(module)
    }

    /// Reads function names. Names serve only diagnosis, so damaged ones are skipped.
    fn read_names(&mut self, names: wasmparser::NameSectionReader<'a>) {
        for name in names.into_iter().flatten() {
            if let Name::Function(map) = name {
                for naming in map.into_iter().flatten() {
                    self.names.insert(naming.index, naming.name);
                }
            }
        }
    }

    /// Returns the type of function `index` of the module's index space.
    pub fn function_type(&self, index: u32) -> Result<&FuncType> {
        let imported = self.function_imports.len();
        let index = index as usize;
        let ty = match self.function_imports.get(index) {
            Some((_, ty)) => *ty,
            None => *self
                .functions
                .get(index - imported)
                .context("a core module uses a function that does not exist")?,
        };
        self.types
            .get(ty as usize)
            .context("a core module uses a type that does not exist")
    }
}
