//! Evaluates initialisers and offsets.

use crate::places::{Defined, Places};
use std::collections::HashMap;
use wasmparser::{ConstExpr, Operator};

/// The value of a constant global.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Constant {
    I32(i32),
    I64(i64),
}

/// Evaluates an initialiser or an offset that consists of integers and known globals.
pub(crate) fn evaluate(
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
