//! Fixes how the guest's libc maintains the position of a file opened for appending.
//!
//! For such a file, `lseek` first moves to the end whatever its target, so that `tell` moves the position and a
//! read after `seek(0)` finds nothing. A write goes to the end but only advances the position by the number of
//! bytes written. POSIX specifies the reverse. The rewritten `lseek` therefore ignores the open flags, and every
//! function about to write to such a file first moves to its end.
//!
//! Both are static functions whose names were stripped. They are recognised by their calls; linking fails if they
//! do not match.

use crate::module::rewrite;
use anyhow::{Context, Result, ensure};
use std::convert::Infallible;
use wasm_encoder as enc;
use wasm_encoder::reencode::{self, Reencode, utils};
use wasm_encoder::{BlockType, Instruction as I, MemArg};
use wasmparser::{
    CompositeInnerType, FuncType, FunctionBody, Operator, Parser, Payload, TypeRef, ValType,
};

/// The import that only writes to append-mode files use.
const APPEND: &str = "[method]descriptor.append-via-stream";

/// The offset of libc's open flags of a file, and the flag for appending.
const OPENED: u64 = 16;
const TO_APPEND: i32 = 1;

/// Rewrites both functions in `module`. Does nothing if the module never appends to files.
///
/// # Errors
///
/// Returns an error if libc does not match or `module` is damaged.
pub(crate) fn mend(module: &mut Vec<u8>) -> Result<()> {
    let found = Functions::read(module)?;
    let Some(append) = found.append else {
        return Ok(());
    };
    let mut mended = found
        .mended(append)
        .context("libc's file functions do not match")?;
    rewrite(module, &mut mended)
}

/// The functions of a module.
#[derive(Default)]
struct Functions<'a> {
    types: Vec<Option<FuncType>>,
    /// The types of all functions, imports first.
    functions: Vec<u32>,
    imported: usize,
    bodies: Vec<FunctionBody<'a>>,
    append: Option<u32>,
}

impl<'a> Functions<'a> {
    fn read(module: &'a [u8]) -> Result<Self> {
        let mut found = Functions::default();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::TypeSection(section) => {
                    for group in section {
                        for ty in group?.into_types() {
                            found.types.push(match ty.composite_type.inner {
                                CompositeInnerType::Func(ty) => Some(ty),
                                _ => None,
                            });
                        }
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        if let TypeRef::Func(ty) = import.ty {
                            if import.name == APPEND {
                                found.append = Some(found.functions.len() as u32);
                            }
                            found.functions.push(ty);
                        }
                    }
                    found.imported = found.functions.len();
                }
                Payload::FunctionSection(section) => {
                    for ty in section {
                        found.functions.push(ty?);
                    }
                }
                Payload::CodeSectionEntry(body) => found.bodies.push(body),
                _ => {}
            }
        }
        Ok(found)
    }

    fn is(&self, function: usize, parameters: &[ValType], results: &[ValType]) -> bool {
        let ty = self.functions.get(function + self.imported);
        let ty = ty.and_then(|ty| self.types.get(*ty as usize)?.as_ref());
        ty.is_some_and(|ty| ty.params() == parameters && ty.results() == results)
    }

    /// Returns the functions that call `function`, as indices of bodies.
    fn callers(&self, function: u32) -> Result<Vec<usize>> {
        let mut callers = Vec::new();
        for (place, body) in self.bodies.iter().enumerate() {
            for operator in body.get_operators_reader()? {
                if matches!(operator?, Operator::Call { function_index } if function_index == function)
                {
                    callers.push(place);
                    break;
                }
            }
        }
        Ok(callers)
    }

    fn mended(&self, append: u32) -> Result<Mended> {
        let writing = self.writing(append)?;
        let mut seeking = None;
        for (place, body) in self.bodies.iter().enumerate() {
            if self.is(
                place,
                &[ValType::I32, ValType::I64, ValType::I32],
                &[ValType::I64],
            ) && let Some(to_end) = goes_to_the_end(body)?
            {
                ensure!(seeking.is_none(), "two functions match `seek`");
                seeking = Some((place, to_end));
            }
        }
        let (seeking, to_end) = seeking.context("no function matches `seek`")?;
        Ok(Mended {
            seeking,
            writing,
            to_end,
            at: 0,
            load: false,
        })
    }

    /// Returns the function that prepares a file for writing: the caller of the import, directly or through another
    /// function.
    fn writing(&self, append: u32) -> Result<usize> {
        let mut function = append;
        for _ in 0..3 {
            let callers = self.callers(function)?;
            let [caller] = callers[..] else { break };
            let takes_a_file = self.is(caller, &[ValType::I32; 2], &[ValType::I32]);
            if takes_a_file && asks_how_opened(&self.bodies[caller])? {
                return Ok(caller);
            }
            function = (caller + self.imported) as u32;
        }
        anyhow::bail!("no function prepares a file for writing")
    }
}

/// Returns the instructions that follow each check of the append flag.
fn looks<'a>(body: &FunctionBody<'a>) -> Result<Vec<Vec<Operator<'a>>>> {
    let operators: Vec<_> = body
        .get_operators_reader()?
        .into_iter()
        .collect::<Result<_, _>>()?;
    let looks = operators.windows(3).enumerate();
    let looks = looks.filter(|(_, three)| {
        is_load(&three[0])
            && matches!(three[1], Operator::I32Const { value: TO_APPEND })
            && matches!(three[2], Operator::I32And)
    });
    Ok(looks
        .map(|(place, _)| operators.iter().skip(place + 3).take(4).cloned().collect())
        .collect())
}

/// Returns whether a function loads the open flags and tests the append flag.
fn asks_how_opened(body: &FunctionBody<'_>) -> Result<bool> {
    let (mut loaded, mut one) = (false, false);
    for operator in body.get_operators_reader()? {
        let operator = operator?;
        if loaded && one && matches!(operator, Operator::I32And) {
            return Ok(true);
        }
        loaded |= is_load(&operator);
        one = matches!(operator, Operator::I32Const { value: TO_APPEND });
    }
    Ok(false)
}

fn is_load(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::I32Load { memarg } | Operator::I32Load8U { memarg } if memarg.offset == OPENED
    )
}

/// Returns the function that moves the position to the end of the file, if `body` tests the append flag twice and
/// then calls it.
fn goes_to_the_end(body: &FunctionBody<'_>) -> Result<Option<u32>> {
    let looks = looks(body)?;
    if looks.len() != 2 {
        return Ok(None);
    }
    let call = looks[0].iter().find_map(|operator| match operator {
        Operator::Call { function_index } => Some(*function_index),
        _ => None,
    });
    Ok(call)
}

/// Copies a module with both functions rewritten.
struct Mended {
    seeking: usize,
    writing: usize,
    to_end: u32,
    /// The index of the next body.
    at: usize,
    /// True if the previous instruction loaded the open flags.
    load: bool,
}

impl Reencode for Mended {
    type Error = Infallible;

    fn parse_function_body(
        &mut self,
        code: &mut enc::CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), reencode::Error<Infallible>> {
        let place = self.at;
        self.at += 1;
        if place != self.seeking && place != self.writing {
            return utils::parse_function_body(self, code, body);
        }
        let mut function = self.new_function_with_parsed_locals(&body)?;
        if place == self.writing {
            for instruction in self.go_to_the_end() {
                function.instruction(&instruction);
            }
        }
        let mut reader = body.get_operators_reader()?;
        while !reader.eof() {
            let operator = reader.read()?;
            let looks = std::mem::replace(&mut self.load, is_load(&operator));
            let instruction = match operator {
                Operator::I32Const { value: TO_APPEND } if looks && place == self.seeking => {
                    I::I32Const(0)
                }
                operator => self.instruction(operator)?,
            };
            function.instruction(&instruction);
        }
        code.function(&function);
        Ok(())
    }
}

impl Mended {
    /// Returns a prologue for a function whose first parameter is a file. It moves to the end of a file opened for
    /// appending, and returns the result of that call if it fails.
    fn go_to_the_end(&self) -> [I<'static>; 12] {
        let opened = MemArg {
            offset: OPENED,
            align: 2,
            memory_index: 0,
        };
        [
            I::LocalGet(0),
            I::I32Load(opened),
            I::I32Const(TO_APPEND),
            I::I32And,
            I::If(BlockType::Empty),
            I::LocalGet(0),
            I::Call(self.to_end),
            I::If(BlockType::Empty),
            I::I32Const(-1),
            I::Return,
            I::End,
            I::End,
        ]
    }
}
