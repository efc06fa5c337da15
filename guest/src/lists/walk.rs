//! Generates the instructions that traverse a value and free its lists of bytes.

use super::World;
use anyhow::{Result, bail, ensure};
use std::iter;
use wasm_encoder::{self as enc, BlockType, Instruction, MemArg};
use wasmparser::ValType;
use wit_parser::abi::{FlatTypes, WasmType};
use wit_parser::{Int, Resolve, Type, TypeDefKind};

/// The lowest address that an allocation can have.
const LOWEST: i32 = 8;

/// The location of a value.
#[derive(Clone, Copy)]
pub(super) enum At {
    /// In parameters, starting with this one.
    Flat(u32),
    /// In memory, at an offset from the address in local `base`.
    Memory { base: u32, offset: usize },
}

/// A function under construction.
pub(super) struct Walk<'w> {
    world: &'w World,
    free: u32,
    parameters: &'w [ValType],
    /// The number of locals that are not parameters, all of them addresses and counts.
    locals: u32,
    pub(super) code: Vec<Instruction<'static>>,
}

impl<'w> Walk<'w> {
    pub(super) fn new(world: &'w World, free: u32, parameters: &'w [ValType]) -> Walk<'w> {
        Walk {
            world,
            free,
            parameters,
            locals: 0,
            code: Vec::new(),
        }
    }

    pub(super) fn finish(self) -> enc::Function {
        let mut function = enc::Function::new([(self.locals, enc::ValType::I32)]);
        for instruction in &self.code {
            function.instruction(instruction);
        }
        function.instruction(&Instruction::End);
        function
    }

    /// Frees the lists in a value of type `ty`.
    pub(super) fn value(&mut self, ty: &Type, at: At) -> Result<()> {
        let world = self.world;
        let (true, Type::Id(id)) = (world.holds(ty), ty) else {
            return Ok(());
        };
        match &world.resolve.types[*id].kind {
            TypeDefKind::Type(ty) => self.value(ty, at),
            TypeDefKind::List(Type::U8) => self.bytes(at),
            TypeDefKind::List(ty) => self.each(ty, at),
            TypeDefKind::Record(record) => self.fields(record.fields.iter().map(|f| &f.ty), at),
            TypeDefKind::Tuple(tuple) => self.fields(&tuple.types, at),
            TypeDefKind::FixedLengthList(ty, count) => {
                self.fields(iter::repeat_n(ty, *count as usize), at)
            }
            TypeDefKind::Variant(variant) => {
                let payloads: Vec<_> = variant.cases.iter().map(|c| c.ty.as_ref()).collect();
                self.cases(variant.tag(), &payloads, at)
            }
            TypeDefKind::Option(ty) => self.cases(Int::U8, &[None, Some(ty)], at),
            TypeDefKind::Result(result) => {
                self.cases(Int::U8, &[result.ok.as_ref(), result.err.as_ref()], at)
            }
            kind => bail!("lists of bytes in a {} cannot be freed", kind.as_str()),
        }
    }

    /// Frees the lists in consecutive values of these types.
    pub(super) fn fields<'t>(
        &mut self,
        types: impl IntoIterator<Item = &'t Type>,
        at: At,
    ) -> Result<()> {
        match at {
            At::Flat(mut first) => {
                for ty in types {
                    self.value(ty, At::Flat(first))?;
                    first += self.flat_count(ty)?;
                }
            }
            At::Memory { base, offset } => {
                for (distance, ty) in self.world.sizes.field_offsets(types) {
                    let offset = offset + distance.size_wasm32();
                    self.value(ty, At::Memory { base, offset })?;
                }
            }
        }
        Ok(())
    }

    /// Returns the number of parameters that a value takes.
    fn flat_count(&self, ty: &Type) -> Result<u32> {
        let mut storage = [WasmType::I32; Resolve::MAX_FLAT_PARAMS];
        let mut types = FlatTypes::new(&mut storage);
        ensure!(
            self.world.resolve.push_flat(ty, &mut types),
            "the type flattens to more than {} values",
            Resolve::MAX_FLAT_PARAMS
        );
        Ok(types.to_vec().len() as u32)
    }

    /// Frees the lists in the active case of a variant.
    fn cases(&mut self, tag: Int, payloads: &[Option<&Type>], at: At) -> Result<()> {
        let payload_at = match at {
            At::Flat(first) => At::Flat(first + 1),
            At::Memory { base, offset } => {
                let payloads = payloads.iter().copied();
                let distance = self.world.sizes.payload_offset(tag, payloads);
                let offset = offset + distance.size_wasm32();
                At::Memory { base, offset }
            }
        };
        for (case, payload) in payloads.iter().enumerate() {
            let Some(payload) = payload.filter(|ty| self.world.holds(ty)) else {
                continue;
            };
            self.discriminant(tag, at)?;
            self.code.extend([
                Instruction::I32Const(case as i32),
                Instruction::I32Eq,
                Instruction::If(BlockType::Empty),
            ]);
            self.value(payload, payload_at)?;
            self.code.push(Instruction::End);
        }
        Ok(())
    }

    fn discriminant(&mut self, tag: Int, at: At) -> Result<()> {
        let At::Memory { base, offset } = at else {
            return self.word(at, 0);
        };
        let place = |align| MemArg {
            offset: offset as u64,
            align,
            memory_index: 0,
        };
        self.code.push(Instruction::LocalGet(base));
        self.code.push(match tag {
            Int::U8 => Instruction::I32Load8U(place(0)),
            Int::U16 => Instruction::I32Load16U(place(1)),
            Int::U32 => Instruction::I32Load(place(2)),
            Int::U64 => bail!("the variant has too many cases"),
        });
        Ok(())
    }

    /// Frees a list of bytes.
    ///
    /// The runtime also allocates for empty lists. If it stopped doing so, their addresses would be null or Rust's
    /// dangling address, both below the lowest allocation.
    fn bytes(&mut self, at: At) -> Result<()> {
        self.word(at, 0)?;
        self.code.extend([
            Instruction::I32Const(LOWEST),
            Instruction::I32GeU,
            Instruction::If(BlockType::Empty),
        ]);
        self.word(at, 0)?;
        self.code
            .extend([Instruction::Call(self.free), Instruction::End]);
        Ok(())
    }

    /// Frees the lists in each element of a list. The runtime itself frees the memory of the list later.
    fn each(&mut self, ty: &Type, at: At) -> Result<()> {
        let size = self.world.sizes.size(ty).size_wasm32();
        let (element, left) = (self.local(), self.local());
        self.word(at, 0)?;
        self.code.push(Instruction::LocalSet(element));
        self.word(at, 1)?;
        self.code.extend([
            Instruction::LocalSet(left),
            Instruction::Block(BlockType::Empty),
            Instruction::Loop(BlockType::Empty),
            Instruction::LocalGet(left),
            Instruction::I32Eqz,
            Instruction::BrIf(1),
        ]);
        let (base, offset) = (element, 0);
        self.value(ty, At::Memory { base, offset })?;
        self.code.extend([
            Instruction::LocalGet(element),
            Instruction::I32Const(size as i32),
            Instruction::I32Add,
            Instruction::LocalSet(element),
            Instruction::LocalGet(left),
            Instruction::I32Const(1),
            Instruction::I32Sub,
            Instruction::LocalSet(left),
            Instruction::Br(0),
            Instruction::End,
            Instruction::End,
        ]);
        Ok(())
    }

    fn local(&mut self) -> u32 {
        self.locals += 1;
        self.parameters.len() as u32 + self.locals - 1
    }

    /// Pushes word `which` of a value: the address or the length of a list, or a discriminant among parameters.
    fn word(&mut self, at: At, which: u32) -> Result<()> {
        match at {
            At::Flat(first) => {
                let parameter = first + which;
                self.code.push(Instruction::LocalGet(parameter));
                match self.parameters.get(parameter as usize) {
                    Some(ValType::I32) => {}
                    // The parameter is shared with a wider case.
                    Some(ValType::I64) => self.code.push(Instruction::I32WrapI64),
                    _ => bail!("the parameters of a list do not match its type"),
                }
            }
            At::Memory { base, offset } => {
                let offset = offset as u64 + 4 * u64::from(which);
                let place = MemArg {
                    offset,
                    align: 2,
                    memory_index: 0,
                };
                self.code
                    .extend([Instruction::LocalGet(base), Instruction::I32Load(place)]);
            }
        }
        Ok(())
    }
}
