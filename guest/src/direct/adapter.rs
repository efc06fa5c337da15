//! Calls functions whose type differs from the type of the call.
//!
//! C code casts pointers to functions, and calls functions with more or fewer arguments than they have. Processors accept
//! that; WebAssembly traps. The adapter calls such functions as processors do:
//!
//! - missing arguments are zero, and surplus ones are dropped;
//! - a missing result is zero, and a surplus one is dropped;
//! - integers are sign-extended or truncated;
//! - between integers and floats, and between floats of different sizes, the bits are kept, not the number.
//!
//! Types with vectors, with several results or with more than 16 parameters are not adapted.

use super::{Table, switch};
use wasm_encoder as enc;
use wasm_encoder::{Instruction as I, ValType as Encoded};
use wasmparser::{FuncType, ValType};

/// The maximum number of parameters of an adapted call.
const MOST_PARAMETERS: usize = 16;

/// A function with parameters of 64 bits, and a table index, which it calls.
pub(super) struct Adapter {
    /// The index of its type. The type of functions with neither parameters nor results follows.
    pub(super) ty: u32,
    /// The index of the function.
    function: u32,
    /// The number of parameters without the index.
    width: u32,
    /// The types of its targets.
    types: Vec<Option<FuncType>>,
    /// The table indices of its targets, in ascending order, and their types.
    places: Vec<(u32, u32)>,
}

impl Adapter {
    pub(super) fn new(table: &Table, ty: u32, function: u32) -> Self {
        let type_of = |function: u32| {
            let ty = table.functions.get(function as usize).copied()?;
            let found = table.types.get(ty as usize)?.as_ref()?;
            is_adaptable(found).then_some(ty)
        };
        let typed = table
            .places
            .iter()
            .filter_map(|(place, function)| Some((*place, type_of(*function)?)));
        let mut places: Vec<_> = typed.collect();
        places.sort_unstable();
        let all = table.types.iter().flatten().filter(|ty| is_adaptable(ty));
        let width = all.map(|ty| ty.params().len() as u32).max();
        Adapter {
            ty,
            function,
            width: width.unwrap_or(0),
            types: table.types.clone(),
            places,
        }
    }

    pub(super) fn add_types(&self, types: &mut enc::TypeSection) {
        let mut parameters = vec![Encoded::I64; self.width as usize];
        parameters.push(Encoded::I32);
        types.ty().function(parameters, [Encoded::I64]);
        types.ty().function([], []);
    }

    /// Appends a call of the adapter to a function of the type `called` with the table index as its last parameter.
    pub(super) fn call(&self, body: &mut enc::Function, called: &FuncType) {
        let parameters = called.params();
        for number in 0..self.width {
            match parameters.get(number as usize) {
                Some(ty) => {
                    body.instruction(&I::LocalGet(number));
                    widen(body, *ty);
                }
                None => {
                    body.instruction(&I::I64Const(0));
                }
            }
        }
        body.instruction(&I::LocalGet(parameters.len() as u32))
            .instruction(&I::Call(self.function));
        match called.results().first() {
            Some(ty) => narrow(body, *ty),
            None => {
                body.instruction(&I::Drop);
            }
        }
    }

    pub(super) fn body(&self) -> enc::Function {
        let mut body = enc::Function::new([]);
        switch(&mut body, self.width, &self.places, |body, ty| {
            let Some(Some(target)) = self.types.get(ty as usize) else {
                body.instruction(&I::Unreachable);
                return;
            };
            for (number, ty) in target.params().iter().enumerate() {
                body.instruction(&I::LocalGet(number as u32));
                narrow(body, *ty);
            }
            body.instruction(&I::LocalGet(self.width))
                .instruction(&I::CallIndirect {
                    type_index: ty,
                    table_index: 0,
                });
            match target.results().first() {
                Some(ty) => widen(body, *ty),
                None => {
                    body.instruction(&I::I64Const(0));
                }
            }
            body.instruction(&I::Return);
        });
        // The engine reports an invalid index, or a type that cannot be adapted.
        body.instruction(&I::LocalGet(self.width))
            .instruction(&I::CallIndirect {
                type_index: self.ty + 1,
                table_index: 0,
            })
            .instruction(&I::Unreachable)
            .instruction(&I::End);
        body
    }
}

/// Returns whether calls of the type, and of functions of the type, can be adapted.
pub(super) fn is_adaptable(ty: &FuncType) -> bool {
    let is_plain = |ty: &ValType| {
        matches!(
            ty,
            ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64
        )
    };
    let fits = ty.params().len() <= MOST_PARAMETERS && ty.results().len() <= 1;
    fits && ty.params().iter().chain(ty.results()).all(is_plain)
}

/// Appends the conversion of a value to 64 bits.
fn widen(body: &mut enc::Function, from: ValType) {
    match from {
        ValType::I32 => body.instruction(&I::I64ExtendI32S),
        ValType::F32 => body
            .instruction(&I::I32ReinterpretF32)
            .instruction(&I::I64ExtendI32U),
        ValType::F64 => body.instruction(&I::I64ReinterpretF64),
        _ => body,
    };
}

/// Appends the conversion of 64 bits to a value.
fn narrow(body: &mut enc::Function, to: ValType) {
    match to {
        ValType::I32 => body.instruction(&I::I32WrapI64),
        ValType::F32 => body
            .instruction(&I::I32WrapI64)
            .instruction(&I::F32ReinterpretI32),
        ValType::F64 => body.instruction(&I::F64ReinterpretI64),
        _ => body,
    };
}
