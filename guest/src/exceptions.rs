//! Lowers WebAssembly's exceptions in extension modules to plain WebAssembly.
//!
//! `componentize-py` refuses modules with exceptions, and the engine would need a garbage-collected heap for them. So
//! each extension module that uses them is rewritten before it becomes part of the guest:
//!
//! - A pending exception is stored in two globals of the module: `pending` is the number of its tag plus 1, and
//!   `payload` its value. An `exnref` becomes an `i64` of both.
//! - A throw sets them and jumps to the code that handles exceptions at this place (`body`). A function without a
//!   handler returns zeros. After each call of a function that can throw, the caller checks `pending`. Functions that
//!   cannot throw are found first, and their calls are not checked (`survey`).
//! - An exception must not leave the module, because its caller would continue as if nothing had happened. The global
//!   `catching` is 1 if a caller within the module handles exceptions. It is 0 after a call from outside of the module:
//!   each call that leaves the module clears it, and restores it afterwards. A throw while it is 0 calls the module's
//!   function that reports the exception, if the module exports one, and then traps.
//!
//! A module without tags is left unchanged.

mod body;
mod helpers;
mod survey;

use anyhow::{Context, Result, bail};
use helpers::Helpers;
use survey::Survey;
use wasm_encoder as enc;
use wasm_encoder::reencode::{self, Reencode, utils};
use wasmparser::{AbstractHeapType, ExternalKind, HeapType, Parser, RefType, TypeRef, ValType};

type Outcome<T> = Result<T, reencode::Error<anyhow::Error>>;

/// Rewrites a module without exceptions. Returns `None` if it has none.
///
/// # Errors
///
/// Returns an error if `module` is invalid, or uses exceptions in a way that compilers of C and C++ do not: tags with
/// other values than one `i32`, `try_table` with parameters, the legacy encoding, or tail calls.
///
/// # Examples
///
/// ```
/// # fn main() -> anyhow::Result<()> {
/// let thrower = wat::parse_str(
///     r#"(module
///         (tag $oops (param i32))
///         (func (export "caught") (result i32)
///           (block $handler (result i32)
///             (try_table (catch $oops $handler) (throw $oops (i32.const 7)))
///             unreachable)))"#,
/// )?;
/// let lowered = archipel_guest::exceptions::lower(&thrower)?;
/// assert!(lowered.is_some_and(|module| module != thrower));
/// assert!(archipel_guest::exceptions::lower(&wat::parse_str("(module)")?)?.is_none());
/// # Ok(())
/// # }
/// ```
pub fn lower(module: &[u8]) -> Result<Option<Vec<u8>>> {
    if !has_tags(module)? {
        return Ok(None);
    }
    let features =
        wasmparser::WasmFeatures::default() | wasmparser::WasmFeatures::LEGACY_EXCEPTIONS;
    wasmparser::Validator::new_with_features(features)
        .validate_all(module)
        .context("the module is not valid")?;
    let survey = Survey::read(module)?;
    let helpers = Helpers::new(&survey);
    let mut out = enc::Module::new();
    let mut lowering = Lowering {
        survey,
        helpers,
        has_globals: false,
        bodies: 0,
    };
    let module = without_tag_section(module)?;
    match lowering.parse_core_module(&mut out, Parser::new(0), &module) {
        Ok(()) => Ok(Some(out.finish())),
        Err(reencode::Error::UserError(error)) => Err(error),
        Err(error) => bail!("cannot copy the module: {error}"),
    }
}

/// Returns whether a module imports or defines a tag.
fn has_tags(module: &[u8]) -> Result<bool> {
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            wasmparser::Payload::TagSection(_) => return Ok(true),
            wasmparser::Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    if matches!(import?.ty, TypeRef::Tag(_)) {
                        return Ok(true);
                    }
                }
            }
            wasmparser::Payload::CodeSectionStart { .. } => break,
            _ => {}
        }
    }
    Ok(false)
}

/// Returns a module's bytes without the section of tags, which the encoder would copy even if it is empty.
fn without_tag_section(module: &[u8]) -> Result<Vec<u8>> {
    let tags = enc::SectionId::Tag as u8;
    let mut start = 0;
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        match payload.as_section() {
            Some((id, range)) if id == tags => {
                return Ok([&module[..start], &module[range.end..]].concat());
            }
            Some((_, range)) => start = range.end,
            None if matches!(payload, wasmparser::Payload::Version { .. }) => start = 8,
            None => {}
        }
    }
    Ok(module.to_vec())
}

/// Returns whether a value is an exception.
fn is_exception(ty: RefType) -> bool {
    matches!(
        ty.heap_type(),
        HeapType::Abstract {
            ty: AbstractHeapType::Exn | AbstractHeapType::NoExn,
            ..
        }
    )
}

/// The rewriting of one module.
struct Lowering {
    survey: Survey,
    helpers: Helpers,
    /// True if the section of globals was written.
    has_globals: bool,
    /// The number of functions that were rewritten.
    bodies: u32,
}

impl Reencode for Lowering {
    type Error = anyhow::Error;

    fn val_type(&mut self, ty: ValType) -> Outcome<enc::ValType> {
        match ty {
            ValType::Ref(ty) if is_exception(ty) => Ok(enc::ValType::I64),
            _ => utils::val_type(self, ty),
        }
    }

    fn parse_type_section(
        &mut self,
        types: &mut enc::TypeSection,
        section: wasmparser::TypeSectionReader<'_>,
    ) -> Outcome<()> {
        utils::parse_type_section(self, types, section)?;
        self.helpers.add_types(types);
        Ok(())
    }

    fn parse_import_section(
        &mut self,
        imports: &mut enc::ImportSection,
        section: wasmparser::ImportSectionReader<'_>,
    ) -> Outcome<()> {
        for import in section.into_imports() {
            let import = import?;
            if !matches!(import.ty, TypeRef::Tag(_)) {
                self.parse_import(imports, import)?;
            }
        }
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut enc::FunctionSection,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Outcome<()> {
        utils::parse_function_section(self, functions, section)?;
        self.helpers.add_functions(functions);
        Ok(())
    }

    fn parse_global_section(
        &mut self,
        globals: &mut enc::GlobalSection,
        section: wasmparser::GlobalSectionReader<'_>,
    ) -> Outcome<()> {
        utils::parse_global_section(self, globals, section)?;
        self.helpers.add_globals(globals);
        self.has_globals = true;
        Ok(())
    }

    /// Adds the section of globals to a module without one.
    fn intersperse_section_hook(
        &mut self,
        module: &mut enc::Module,
        _after: Option<enc::SectionId>,
        before: Option<enc::SectionId>,
    ) -> Outcome<()> {
        use enc::SectionId::{Code, Data, DataCount, Element, Export, Start};
        let is_later = matches!(
            before,
            None | Some(Export | Start | Element | DataCount | Code | Data)
        );
        if is_later && !self.has_globals {
            let mut globals = enc::GlobalSection::new();
            self.helpers.add_globals(&mut globals);
            module.section(&globals);
            self.has_globals = true;
        }
        Ok(())
    }

    fn parse_export(
        &mut self,
        exports: &mut enc::ExportSection,
        export: wasmparser::Export<'_>,
    ) -> Outcome<()> {
        let is_tag = export.kind == ExternalKind::Tag;
        if is_tag || survey::is_reporter(export.name) {
            return Ok(());
        }
        utils::parse_export(self, exports, export)
    }

    fn parse_code_section(
        &mut self,
        code: &mut enc::CodeSection,
        section: wasmparser::CodeSectionReader<'_>,
    ) -> Outcome<()> {
        utils::parse_code_section(self, code, section)?;
        self.helpers.add_bodies(code, &self.survey);
        Ok(())
    }

    fn parse_function_body(
        &mut self,
        code: &mut enc::CodeSection,
        function: wasmparser::FunctionBody<'_>,
    ) -> Outcome<()> {
        let index = self.survey.imported_functions + self.bodies;
        self.bodies += 1;
        body::rewrite(self, index, &function, code)
    }

    /// Copies custom sections, except the one that lists the features that the module needs.
    fn parse_custom_section(
        &mut self,
        module: &mut enc::Module,
        section: wasmparser::CustomSectionReader<'_>,
    ) -> Outcome<()> {
        match section.name() {
            "target_features" => Ok(()),
            _ => utils::parse_custom_section(self, module, section),
        }
    }

    fn parse_custom_name_subsection(
        &mut self,
        names: &mut enc::NameSection,
        section: wasmparser::Name<'_>,
    ) -> Outcome<()> {
        match section {
            // The labels of a function change.
            wasmparser::Name::Tag(_) | wasmparser::Name::Label(_) => Ok(()),
            _ => utils::parse_custom_name_subsection(self, names, section),
        }
    }
}

#[cfg(test)]
mod tests;
