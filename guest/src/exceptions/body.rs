//! Rewrites one function.
//!
//! Within a function, a jump replaces each throw. The function's code is in a block whose end is the target of
//! exceptions that leave the function. A function with handlers has one exit, at which it restores `catching`:
//!
//! ```text
//! block $exit (results)
//!   block $leave
//!     ...code, in which `return` is `br $exit`...
//!     br $exit
//!   end
//!   restore `catching`, call the helper `leave`, push zeros
//! end
//! restore `catching`
//! ```

use super::{Lowering, Outcome, is_exception};
use anyhow::{Context, anyhow};
use wasm_encoder as enc;
use wasm_encoder::reencode::{self, Reencode, utils};
use wasm_encoder::{BlockType, Instruction as I};
use wasmparser::{Catch, FunctionBody, Operator, ValType};

/// A handler, and the label at which it continues. Labels are counted from the outermost.
struct Handler {
    /// The exceptions that it handles: a tag plus 1, or all.
    kind: Option<u32>,
    /// True if it receives the exception as a value.
    by_reference: bool,
    label: u32,
}

/// An open block of the original function.
struct Frame {
    /// Its label in the rewritten function.
    label: u32,
    /// The label to which a throw in it jumps.
    throw: u32,
    /// True if it is inside of a `try_table`.
    tries: bool,
    /// The handlers of a `try_table`.
    handlers: Option<Vec<Handler>>,
}

/// The state of rewriting one function.
struct Body<'a> {
    lowering: &'a mut Lowering,
    out: enc::Function,
    frames: Vec<Frame>,
    /// The number of open blocks in the rewritten function, which is one itself.
    height: u32,
    results: Vec<enc::ValType>,
    /// True if the function has a `try_table`.
    tries: bool,
    /// True if exceptions can leave the function.
    throws: bool,
    /// The local with the value of `catching` at the function's start.
    saved: u32,
    /// The local for the table index of a call.
    index: u32,
}

fn refuse<T>(error: anyhow::Error) -> Outcome<T> {
    Err(reencode::Error::UserError(error))
}

/// Appends the rewritten function with this index to `code`.
pub(super) fn rewrite(
    lowering: &mut Lowering,
    index: u32,
    function: &FunctionBody<'_>,
    code: &mut enc::CodeSection,
) -> Outcome<()> {
    let (mut tries, mut leaves) = (false, false);
    for operator in function.get_operators_reader()? {
        match operator? {
            Operator::TryTable { .. } => tries = true,
            Operator::CallIndirect { .. } => leaves = true,
            Operator::Call { function_index } => {
                leaves |= lowering.survey.is_imported(function_index);
            }
            _ => {}
        }
    }
    let ty = lowering.survey.function_type(index);
    let ty = ty.map_err(reencode::Error::UserError)?.clone();
    let mut locals = Vec::new();
    let mut count = ty.params().len() as u32;
    for pair in function.get_locals_reader()? {
        let (number, ty) = pair?;
        count += number;
        locals.push((number, lowering.val_type(ty)?));
    }
    if tries || leaves {
        locals.push((2, enc::ValType::I32));
    }
    let results = lowering.val_types(ty.results().to_vec())?;
    let throws = lowering.survey.throws(index);
    let mut body = Body {
        lowering,
        out: enc::Function::new(locals),
        frames: Vec::new(),
        height: 1,
        results,
        tries,
        throws,
        saved: count,
        index: count + 1,
    };
    if tries || leaves {
        body.prologue();
    }
    body.open(ty.results())?;
    for operator in function.get_operators_reader()? {
        body.operator(operator?)?;
    }
    code.function(&body.out);
    Ok(())
}

impl Body<'_> {
    fn emit(&mut self, instruction: I<'_>) {
        self.out.instruction(&instruction);
    }

    /// Returns the depth of a label at this place.
    fn depth(&self, label: u32) -> u32 {
        self.height - 1 - label
    }

    fn branch(&mut self, label: u32) {
        self.emit(I::Br(self.depth(label)));
    }

    /// Saves `catching`.
    fn prologue(&mut self) {
        self.emit(I::GlobalGet(self.lowering.helpers.catching));
        self.emit(I::LocalSet(self.saved));
    }

    /// Restores `catching`.
    fn restore(&mut self) {
        self.emit(I::LocalGet(self.saved));
        self.emit(I::GlobalSet(self.lowering.helpers.catching));
    }

    /// Opens the blocks around the function's code.
    fn open(&mut self, results: &[ValType]) -> Outcome<()> {
        let mut exit = 0;
        if self.tries {
            let ty = match &self.results[..] {
                [] => BlockType::Empty,
                [ty] => BlockType::Result(*ty),
                _ => BlockType::FunctionType(self.type_of(results)?),
            };
            self.emit(I::Block(ty));
            exit = self.height;
            self.height += 1;
        }
        if self.tries || self.throws {
            self.emit(I::Block(BlockType::Empty));
            self.height += 1;
        }
        self.frames.push(Frame {
            label: exit,
            throw: self.height - 1,
            tries: false,
            handlers: None,
        });
        Ok(())
    }

    /// Returns the type of a block with several results.
    fn type_of(&self, results: &[ValType]) -> Outcome<u32> {
        let mut types = self.lowering.survey.types.iter();
        let found = types.position(|ty| ty.params().is_empty() && ty.results() == results);
        match found {
            Some(ty) => Ok(ty as u32),
            None => refuse(anyhow!(
                "functions with handlers and several results are not supported"
            )),
        }
    }

    /// Closes the blocks around the function's code.
    fn close(&mut self) -> Outcome<()> {
        if self.tries || self.throws {
            // The results are on the stack.
            self.emit(if self.tries { I::Br(1) } else { I::Return });
            self.emit(I::End);
            if self.tries {
                self.restore();
                self.emit(I::Call(self.lowering.helpers.leave));
            }
            for ty in self.results.clone() {
                self.emit(zero(ty)?);
            }
        }
        if self.tries {
            self.emit(I::End);
            self.restore();
        }
        self.emit(I::End);
        Ok(())
    }

    fn frame(&self) -> Outcome<&Frame> {
        let frame = self.frames.last();
        frame
            .context("a function ends twice")
            .map_err(reencode::Error::UserError)
    }

    /// Returns the new label for a depth in the original function.
    fn label(&self, depth: u32) -> Outcome<u32> {
        let frame = self.frames.iter().rev().nth(depth as usize);
        frame
            .map(|frame| frame.label)
            .context("a label does not exist")
            .map_err(reencode::Error::UserError)
    }

    /// Returns the new depth for a depth in the original function.
    fn moved(&self, depth: u32) -> Outcome<u32> {
        Ok(self.depth(self.label(depth)?))
    }

    /// Records a block that was opened.
    fn push(&mut self) -> Outcome<()> {
        let Frame { throw, tries, .. } = *self.frame()?;
        self.frames.push(Frame {
            label: self.height,
            throw,
            tries,
            handlers: None,
        });
        self.height += 1;
        Ok(())
    }

    fn operator(&mut self, operator: Operator<'_>) -> Outcome<()> {
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => {
                self.copy(operator)?;
                self.push()?;
            }
            Operator::TryTable { try_table } => self.open_try(&try_table)?,
            Operator::End => self.end()?,
            Operator::Br { relative_depth } => {
                let depth = self.moved(relative_depth)?;
                self.emit(I::Br(depth));
            }
            Operator::BrIf { relative_depth } => {
                let depth = self.moved(relative_depth)?;
                self.emit(I::BrIf(depth));
            }
            Operator::BrTable { targets } => {
                let default = self.moved(targets.default())?;
                let mut depths = Vec::new();
                for target in targets.targets() {
                    depths.push(self.moved(target?)?);
                }
                self.emit(I::BrTable(depths.into(), default));
            }
            Operator::Return if self.tries => {
                let label = self.frames.first().map_or(0, |frame| frame.label);
                self.branch(label);
            }
            Operator::Throw { tag_index } => {
                let helpers = &self.lowering.helpers;
                let (payload, pending) = (helpers.payload, helpers.pending);
                self.emit(I::GlobalSet(payload));
                self.emit(I::I32Const(tag_index as i32 + 1));
                self.emit(I::GlobalSet(pending));
                self.throw()?;
            }
            Operator::ThrowRef => {
                self.emit(I::Call(self.lowering.helpers.restore));
                self.throw()?;
            }
            Operator::Call { function_index } => {
                if self.lowering.survey.is_imported(function_index) {
                    self.call_outside(operator)?;
                } else if self.lowering.survey.throws(function_index) {
                    if self.tries {
                        self.load_catching()?;
                        self.emit(I::GlobalSet(self.lowering.helpers.catching));
                    }
                    self.copy(operator)?;
                    self.check()?;
                } else {
                    self.copy(operator)?;
                }
            }
            Operator::CallIndirect { .. } => self.call_indirect(operator)?,
            Operator::RefNull { hty }
                if wasmparser::RefType::new(true, hty).is_some_and(is_exception) =>
            {
                self.emit(I::I64Const(0));
            }
            Operator::Try { .. }
            | Operator::Catch { .. }
            | Operator::CatchAll
            | Operator::Rethrow { .. }
            | Operator::Delegate { .. } => {
                return refuse(anyhow!(
                    "the legacy encoding of exceptions is not supported (compile with -mllvm -wasm-use-legacy-eh=false)"
                ));
            }
            Operator::ReturnCall { .. }
            | Operator::ReturnCallIndirect { .. }
            | Operator::ReturnCallRef { .. }
            | Operator::CallRef { .. }
            | Operator::BrOnNull { .. }
            | Operator::BrOnNonNull { .. }
            | Operator::BrOnCast { .. }
            | Operator::BrOnCastFail { .. } => {
                return refuse(anyhow!(
                    "tail calls and typed references are not supported beside exceptions"
                ));
            }
            _ => self.copy(operator)?,
        }
        Ok(())
    }

    fn copy(&mut self, operator: Operator<'_>) -> Outcome<()> {
        let instruction = utils::instruction(self.lowering, operator)?;
        self.out.instruction(&instruction);
        Ok(())
    }

    /// Jumps to the code that handles the pending exception, or leaves the function.
    fn throw(&mut self) -> Outcome<()> {
        // The exit of a function with handlers does this.
        if !self.tries {
            self.emit(I::Call(self.lowering.helpers.leave));
        }
        let label = self.frame()?.throw;
        self.branch(label);
        Ok(())
    }

    /// Jumps to the code that handles exceptions, if one is pending.
    fn check(&mut self) -> Outcome<()> {
        self.emit(I::GlobalGet(self.lowering.helpers.pending));
        let depth = self.depth(self.frame()?.throw);
        self.emit(I::BrIf(depth));
        Ok(())
    }

    /// Pushes the value of `catching` for a call at this place.
    fn load_catching(&mut self) -> Outcome<()> {
        let value = match self.frame()?.tries {
            true => I::I32Const(1),
            false => I::LocalGet(self.saved),
        };
        self.emit(value);
        Ok(())
    }

    /// Calls a function outside of the module. Exceptions of the module's functions that it calls must not pass it.
    fn call_outside(&mut self, call: Operator<'_>) -> Outcome<()> {
        self.emit(I::I32Const(0));
        self.emit(I::GlobalSet(self.lowering.helpers.catching));
        self.copy(call)?;
        self.restore();
        Ok(())
    }

    /// Calls through a pointer, perhaps out of the module.
    fn call_indirect(&mut self, call: Operator<'_>) -> Outcome<()> {
        if !self.lowering.survey.indirect_throws {
            return self.call_outside(call);
        }
        let (is_own, catching) = (self.lowering.helpers.is_own, self.lowering.helpers.catching);
        self.emit(I::LocalTee(self.index));
        self.emit(I::Call(is_own));
        self.load_catching()?;
        self.emit(I::I32And);
        self.emit(I::GlobalSet(catching));
        self.emit(I::LocalGet(self.index));
        self.copy(call)?;
        self.restore();
        self.check()
    }

    /// Opens two blocks for a `try_table`: its own, and one whose end is the target of throws in it.
    fn open_try(&mut self, table: &wasmparser::TryTable) -> Outcome<()> {
        let mut handlers = Vec::new();
        for catch in &table.catches {
            let (tag, by_reference, depth) = match *catch {
                Catch::One { tag, label } => (Some(tag), false, label),
                Catch::OneRef { tag, label } => (Some(tag), true, label),
                Catch::All { label } => (None, false, label),
                Catch::AllRef { label } => (None, true, label),
            };
            handlers.push(Handler {
                kind: tag.map(|tag| tag + 1),
                by_reference,
                label: self.label(depth)?,
            });
        }
        if let wasmparser::BlockType::FuncType(ty) = table.ty {
            let ty = self.lowering.survey.types.get(ty as usize);
            if ty.is_none_or(|ty| !ty.params().is_empty()) {
                return refuse(anyhow!("try_table with parameters is not supported"));
            }
        }
        let ty = self.lowering.block_type(table.ty)?;
        self.emit(I::Block(ty));
        self.emit(I::Block(BlockType::Empty));
        self.frames.push(Frame {
            label: self.height,
            throw: self.height + 1,
            tries: true,
            handlers: Some(handlers),
        });
        self.height += 2;
        Ok(())
    }

    /// Ends a block or the function.
    fn end(&mut self) -> Outcome<()> {
        let Some(frame) = self.frames.pop() else {
            return refuse(anyhow!("a function ends twice"));
        };
        if self.frames.is_empty() {
            return self.close();
        }
        if let Some(handlers) = &frame.handlers {
            // The results are on the stack.
            self.emit(I::Br(1));
            self.emit(I::End);
            self.height -= 1;
            self.handle(handlers)?;
        }
        self.emit(I::End);
        self.height -= 1;
        Ok(())
    }

    /// Continues at the handler of the pending exception, or throws it again outside of the `try_table`.
    fn handle(&mut self, handlers: &[Handler]) -> Outcome<()> {
        let helpers = &self.lowering.helpers;
        let (pending, payload, take) = (helpers.pending, helpers.payload, helpers.take);
        for handler in handlers {
            if let Some(kind) = handler.kind {
                self.emit(I::GlobalGet(pending));
                self.emit(I::I32Const(kind as i32));
                self.emit(I::I32Eq);
                self.emit(I::If(BlockType::Empty));
                self.height += 1;
                self.emit(I::GlobalGet(payload));
            }
            if handler.by_reference {
                self.emit(I::Call(take));
            } else {
                for global in [pending, payload] {
                    self.emit(I::I32Const(0));
                    self.emit(I::GlobalSet(global));
                }
            }
            self.branch(handler.label);
            match handler.kind {
                Some(_) => {
                    self.emit(I::End);
                    self.height -= 1;
                }
                // Later handlers are never reached.
                None => return Ok(()),
            }
        }
        let label = self.frame()?.throw;
        self.branch(label);
        Ok(())
    }
}

/// Returns the instruction that pushes a zero.
fn zero(ty: enc::ValType) -> Outcome<I<'static>> {
    Ok(match ty {
        enc::ValType::I32 => I::I32Const(0),
        enc::ValType::I64 => I::I64Const(0),
        enc::ValType::F32 => I::F32Const(0.0.into()),
        enc::ValType::F64 => I::F64Const(0.0.into()),
        enc::ValType::V128 => I::V128Const(0),
        enc::ValType::Ref(ty) if ty.nullable => I::RefNull(ty.heap_type),
        enc::ValType::Ref(_) => {
            return refuse(anyhow!(
                "functions with references as results are not supported"
            ));
        }
    })
}
