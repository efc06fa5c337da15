//! The parts of a module that concern exceptions, and the functions that can throw.

use anyhow::{Context, Result, bail, ensure};
use wasmparser::{
    Catch, CompositeInnerType, ConstExpr, ElementItems, ElementKind, ExternalKind, FuncType,
    FunctionBody, Operator, Parser, Payload, TypeRef, ValType,
};

/// The functions that a module exports to report exceptions without a handler, and the tags of these exceptions.
const REPORTERS: &[(&str, &str)] = &[
    ("archipel_report_exception", "__cpp_exception"),
    ("archipel_report_longjmp", "__c_longjmp"),
];

/// Returns whether an export exists only for this step.
pub(super) fn is_reporter(export: &str) -> bool {
    REPORTERS.iter().any(|(name, _)| *name == export)
}

/// The name of the import that is the table index of a module's first function pointer.
const TABLE_BASE: &str = "__table_base";

/// The module of imports that are table indices of functions.
const FUNCTION_ADDRESSES: &str = "GOT.func";

#[derive(Default)]
pub(super) struct Survey {
    pub(super) types: Vec<FuncType>,
    pub(super) imported_functions: u32,
    /// The types of all functions, imports first.
    functions: Vec<u32>,
    /// The number of globals.
    pub(super) globals: u32,
    /// For each tag, the function that reports its exceptions.
    pub(super) tags: Vec<Option<u32>>,
    /// The global with the table index of the first function pointer.
    pub(super) table_base: Option<u32>,
    /// The number of function pointers that the module defines.
    pub(super) pointers: u32,
    /// The globals with the table indices of exported functions.
    pub(super) exported_pointers: Vec<u32>,
    throws: Vec<bool>,
    /// True if a call through a pointer of the module can throw.
    pub(super) indirect_throws: bool,
}

/// The exceptions of one function.
#[derive(Default)]
struct Function {
    /// True if an exception that it throws itself can leave it.
    throws: bool,
    /// True if an exception of an indirect call can leave it.
    calls_indirectly: bool,
    /// The functions whose exceptions can leave it.
    calls: Vec<u32>,
}

impl Survey {
    /// Reads `module`, which is valid.
    pub(super) fn read(module: &[u8]) -> Result<Self> {
        let mut survey = Survey::default();
        let (mut tag_names, mut pointed, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
        let (mut addresses, mut exports) = (Vec::new(), Vec::new());
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::TypeSection(section) => {
                    for group in section {
                        for ty in group?.into_types() {
                            match ty.composite_type.inner {
                                CompositeInnerType::Func(ty) => survey.types.push(ty),
                                _ => bail!("only function types are supported"),
                            }
                        }
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        match import.ty {
                            TypeRef::Func(ty) => survey.functions.push(ty),
                            TypeRef::Global(_) => {
                                if import.name == TABLE_BASE {
                                    survey.table_base = Some(survey.globals);
                                } else if import.module == FUNCTION_ADDRESSES {
                                    addresses.push((import.name, survey.globals));
                                }
                                survey.globals += 1;
                            }
                            TypeRef::Tag(ty) => tag_names.push((Some(import.name), ty)),
                            _ => {}
                        }
                    }
                    survey.imported_functions = survey.functions.len() as u32;
                }
                Payload::FunctionSection(section) => {
                    for ty in section {
                        survey.functions.push(ty?);
                    }
                }
                Payload::TagSection(section) => {
                    for tag in section {
                        tag_names.push((None, tag?));
                    }
                }
                Payload::GlobalSection(section) => survey.globals += section.count(),
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        if export.kind == ExternalKind::Func {
                            exports.push((export.name, export.index));
                        }
                    }
                }
                Payload::ElementSection(section) => {
                    for element in section {
                        survey.add(element?, &mut pointed)?;
                    }
                }
                Payload::CodeSectionEntry(body) => bodies.push(Function::read(&body)?),
                _ => {}
            }
        }
        for (name, tag) in tag_names {
            let ty = survey.types.get(tag.func_type_idx as usize);
            ensure!(
                ty.is_some_and(|ty| ty.params() == [ValType::I32]),
                "exceptions with other values than one i32 are not supported"
            );
            let reporter = REPORTERS.iter().find(|(_, tag)| name == Some(tag));
            let found = reporter.and_then(|(reporter, _)| {
                let export = exports.iter().find(|(name, _)| name == reporter);
                export.map(|(_, function)| *function)
            });
            survey.tags.push(match found {
                Some(function) => Some(survey.check_reporter(function)?),
                None => None,
            });
        }
        for (name, function) in exports {
            if let Some((_, global)) = addresses.iter().find(|(address, _)| *address == name) {
                survey.exported_pointers.push(*global);
                pointed.push(function);
            }
        }
        survey.find_throwing(&bodies, &pointed);
        Ok(survey)
    }

    /// Records the functions of an element segment.
    fn add(&mut self, element: wasmparser::Element<'_>, pointed: &mut Vec<u32>) -> Result<()> {
        let before = pointed.len();
        match (&element.kind, element.items) {
            (ElementKind::Declared, _) => return Ok(()),
            (ElementKind::Active { offset_expr, .. }, ElementItems::Functions(functions))
                if self.pointers == 0 && self.is_table_base(offset_expr) =>
            {
                for function in functions {
                    pointed.push(function?);
                }
            }
            _ => bail!("function pointers are not at {TABLE_BASE} in one segment"),
        }
        self.pointers = (pointed.len() - before) as u32;
        Ok(())
    }

    fn is_table_base(&self, expression: &ConstExpr<'_>) -> bool {
        let mut operators = expression.get_operators_reader().into_iter();
        let first = operators.next();
        matches!(first, Some(Ok(Operator::GlobalGet { global_index })) if Some(global_index) == self.table_base)
            && matches!(operators.next(), Some(Ok(Operator::End)))
    }

    fn check_reporter(&self, function: u32) -> Result<u32> {
        let ty = self.function_type(function)?;
        ensure!(
            ty.params() == [ValType::I32] && ty.results().is_empty(),
            "a function that reports exceptions has another type"
        );
        Ok(function)
    }

    /// Finds the functions that exceptions can leave: those that throw, and their callers.
    fn find_throwing(&mut self, bodies: &[Function], pointed: &[u32]) {
        let imported = self.imported_functions as usize;
        self.throws = vec![false; imported];
        self.throws.extend(bodies.iter().map(|body| body.throws));
        loop {
            let mut changed = false;
            for (number, body) in bodies.iter().enumerate() {
                let calls_throwing = || body.calls.iter().any(|callee| self.throws(*callee));
                let indirect = body.calls_indirectly && self.indirect_throws;
                if !self.throws[imported + number] && (indirect || calls_throwing()) {
                    self.throws[imported + number] = true;
                    changed = true;
                }
            }
            let indirect = pointed.iter().any(|function| self.throws(*function));
            changed |= indirect != self.indirect_throws;
            self.indirect_throws = indirect;
            if !changed {
                break;
            }
        }
    }

    /// Returns whether an exception can leave a function.
    pub(super) fn throws(&self, function: u32) -> bool {
        self.throws.get(function as usize).copied().unwrap_or(false)
    }

    pub(super) fn is_imported(&self, function: u32) -> bool {
        function < self.imported_functions
    }

    pub(super) fn function_type(&self, function: u32) -> Result<&FuncType> {
        let ty = self.functions.get(function as usize);
        ty.and_then(|ty| self.types.get(*ty as usize))
            .context("the module uses a type that does not exist")
    }

    /// Returns the number of functions.
    pub(super) fn count(&self) -> u32 {
        self.functions.len() as u32
    }
}

impl Function {
    fn read(body: &FunctionBody<'_>) -> Result<Self> {
        let mut function = Function::default();
        // For each open block, whether the function handles all exceptions within it.
        let mut handled = vec![false];
        for operator in body.get_operators_reader()? {
            let leaves = !handled.last().copied().unwrap_or(false);
            match operator? {
                Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => {
                    handled.push(!leaves);
                }
                Operator::TryTable { try_table } => {
                    let is_any =
                        |catch: &Catch| matches!(catch, Catch::All { .. } | Catch::AllRef { .. });
                    handled.push(!leaves || try_table.catches.iter().any(is_any));
                }
                Operator::End => {
                    handled.pop();
                }
                Operator::Throw { .. } | Operator::ThrowRef => function.throws |= leaves,
                Operator::CallIndirect { .. } => function.calls_indirectly |= leaves,
                Operator::Call { function_index } if leaves => function.calls.push(function_index),
                _ => {}
            }
        }
        function.calls.sort_unstable();
        function.calls.dedup();
        Ok(function)
    }
}
