//! The globals and functions that are added to a module.

use super::survey::Survey;
use wasm_encoder as enc;
use wasm_encoder::{BlockType, Instruction as I, ValType};

/// The types of the added functions, in the order of the fields of `Helpers`.
const TYPES: [(&[ValType], &[ValType]); 4] = [
    (&[], &[]),
    (&[], &[ValType::I64]),
    (&[ValType::I64], &[]),
    (&[ValType::I32], &[ValType::I32]),
];

/// The number of added globals.
const GLOBALS: u32 = 3;

/// The indices of the added functions and globals.
pub(super) struct Helpers {
    /// Reports the pending exception and traps, if no caller within the module handles it.
    pub(super) leave: u32,
    /// Returns the pending exception as a value, which is pending no more.
    pub(super) take: u32,
    /// Makes an exception pending that `take` returned.
    pub(super) restore: u32,
    /// Returns 1 for the table index of a function of this module, and otherwise 0.
    pub(super) is_own: u32,
    /// The tag of the pending exception plus 1, or 0.
    pub(super) pending: u32,
    /// The value of the pending exception, or 0: globals are 0 whenever no call is active (`link`).
    pub(super) payload: u32,
    /// 1 if a caller within the module handles exceptions, and otherwise 0.
    pub(super) catching: u32,
    first_type: u32,
}

impl Helpers {
    pub(super) fn new(survey: &Survey) -> Self {
        let (function, global) = (survey.count(), survey.globals);
        Helpers {
            leave: function,
            take: function + 1,
            restore: function + 2,
            is_own: function + 3,
            pending: global,
            payload: global + 1,
            catching: global + 2,
            first_type: survey.types.len() as u32,
        }
    }

    pub(super) fn add_types(&self, types: &mut enc::TypeSection) {
        for (parameters, results) in TYPES {
            let [parameters, results] = [parameters, results].map(|side| side.iter().copied());
            types.ty().function(parameters, results);
        }
    }

    pub(super) fn add_functions(&self, functions: &mut enc::FunctionSection) {
        for number in 0..TYPES.len() as u32 {
            functions.function(self.first_type + number);
        }
    }

    pub(super) fn add_globals(&self, globals: &mut enc::GlobalSection) {
        let ty = enc::GlobalType {
            val_type: ValType::I32,
            mutable: true,
            shared: false,
        };
        for _ in 0..GLOBALS {
            globals.global(ty, &enc::ConstExpr::i32_const(0));
        }
    }

    pub(super) fn add_bodies(&self, code: &mut enc::CodeSection, survey: &Survey) {
        for body in [
            self.leave_body(survey),
            self.take_body(),
            self.restore_body(),
            self.is_own_body(survey),
        ] {
            code.function(&body);
        }
    }

    fn leave_body(&self, survey: &Survey) -> enc::Function {
        let mut body = enc::Function::new([]);
        body.instruction(&I::GlobalGet(self.catching))
            .instruction(&I::I32Eqz)
            .instruction(&I::If(BlockType::Empty));
        for (kind, reporter) in (1..).zip(&survey.tags) {
            if let Some(reporter) = reporter {
                body.instruction(&I::GlobalGet(self.pending))
                    .instruction(&I::I32Const(kind))
                    .instruction(&I::I32Eq)
                    .instruction(&I::If(BlockType::Empty))
                    .instruction(&I::I32Const(0))
                    .instruction(&I::GlobalSet(self.pending))
                    .instruction(&I::GlobalGet(self.payload))
                    .instruction(&I::Call(*reporter))
                    .instruction(&I::End);
            }
        }
        body.instruction(&I::Unreachable)
            .instruction(&I::End)
            .instruction(&I::End);
        body
    }

    fn take_body(&self) -> enc::Function {
        let mut body = enc::Function::new([]);
        body.instruction(&I::GlobalGet(self.pending))
            .instruction(&I::I64ExtendI32U)
            .instruction(&I::I64Const(32))
            .instruction(&I::I64Shl)
            .instruction(&I::GlobalGet(self.payload))
            .instruction(&I::I64ExtendI32U)
            .instruction(&I::I64Or)
            .instruction(&I::I32Const(0))
            .instruction(&I::GlobalSet(self.pending))
            .instruction(&I::I32Const(0))
            .instruction(&I::GlobalSet(self.payload))
            .instruction(&I::End);
        body
    }

    fn restore_body(&self) -> enc::Function {
        let mut body = enc::Function::new([]);
        body.instruction(&I::LocalGet(0))
            .instruction(&I::I32WrapI64)
            .instruction(&I::GlobalSet(self.payload))
            .instruction(&I::LocalGet(0))
            .instruction(&I::I64Const(32))
            .instruction(&I::I64ShrU)
            .instruction(&I::I32WrapI64)
            .instruction(&I::GlobalSet(self.pending))
            // Zero is the null reference.
            .instruction(&I::GlobalGet(self.pending))
            .instruction(&I::I32Eqz)
            .instruction(&I::If(BlockType::Empty))
            .instruction(&I::Unreachable)
            .instruction(&I::End)
            .instruction(&I::End);
        body
    }

    fn is_own_body(&self, survey: &Survey) -> enc::Function {
        let mut body = enc::Function::new([]);
        match survey.table_base {
            Some(base) => {
                body.instruction(&I::LocalGet(0))
                    .instruction(&I::GlobalGet(base))
                    .instruction(&I::I32Sub)
                    .instruction(&I::I32Const(survey.pointers as i32))
                    .instruction(&I::I32LtU);
            }
            None => {
                body.instruction(&I::I32Const(0));
            }
        }
        for pointer in &survey.exported_pointers {
            body.instruction(&I::LocalGet(0))
                .instruction(&I::GlobalGet(*pointer))
                .instruction(&I::I32Eq)
                .instruction(&I::I32Or);
        }
        body.instruction(&I::End);
        body
    }
}
