//! Writes the instructions that traverse a value and free its lists of bytes.

use super::World;
use anyhow::{Result, bail, ensure};
use std::fmt;
use std::iter;
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
    /// In memory, at an offset from the address in a local.
    Memory { base: Local, offset: usize },
}

/// The name of a local that has an address.
#[derive(Clone, Copy)]
pub(super) enum Local {
    Parameter(u32),
    /// The element of the list that the loop of this number visits.
    Element(u32),
}

impl fmt::Display for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Local::Parameter(number) => write!(f, "$p{number}"),
            Local::Element(number) => write!(f, "$element{number}"),
        }
    }
}

/// A function under construction.
pub(super) struct Walk<'w> {
    world: &'w World,
    parameters: &'w [ValType],
    /// The number of loops so far.
    pub(super) loops: u32,
}

impl<'w> Walk<'w> {
    pub(super) fn new(world: &'w World, parameters: &'w [ValType]) -> Walk<'w> {
        Walk {
            world,
            parameters,
            loops: 0,
        }
    }

    /// Returns the declarations of the locals that the code uses.
    pub(super) fn locals(&self) -> String {
        let numbers = 0..self.loops;
        numbers
            .map(|n| format!("(local $element{n} i32) (local $left{n} i32)\n"))
            .collect()
    }

    /// Frees the lists in a value of type `ty`.
    pub(super) fn value(&mut self, ty: &Type, at: At) -> Result<String> {
        let world = self.world;
        let (true, Type::Id(id)) = (world.holds(ty), ty) else {
            return Ok(String::new());
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
    ) -> Result<String> {
        let mut code = String::new();
        match at {
            At::Flat(mut first) => {
                for ty in types {
                    code += &self.value(ty, At::Flat(first))?;
                    first += self.flat_count(ty)?;
                }
            }
            At::Memory { base, offset } => {
                for (distance, ty) in self.world.sizes.field_offsets(types) {
                    let offset = offset + distance.size_wasm32();
                    code += &self.value(ty, At::Memory { base, offset })?;
                }
            }
        }
        Ok(code)
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
    fn cases(&mut self, tag: Int, payloads: &[Option<&Type>], at: At) -> Result<String> {
        let payload_at = match at {
            At::Flat(first) => At::Flat(first + 1),
            At::Memory { base, offset } => {
                let payloads = payloads.iter().copied();
                let distance = self.world.sizes.payload_offset(tag, payloads);
                let offset = offset + distance.size_wasm32();
                At::Memory { base, offset }
            }
        };
        let discriminant = self.discriminant(tag, at)?;
        let mut code = String::new();
        for (case, payload) in payloads.iter().enumerate() {
            if let Some(payload) = payload.filter(|ty| self.world.holds(ty)) {
                let freed = self.value(payload, payload_at)?;
                code +=
                    &format!("(if (i32.eq {discriminant} (i32.const {case}))\n(then\n{freed}))\n");
            }
        }
        Ok(code)
    }

    fn discriminant(&self, tag: Int, at: At) -> Result<String> {
        let At::Memory { base, offset } = at else {
            return self.word(at, 0);
        };
        let load = match tag {
            Int::U8 => "i32.load8_u",
            Int::U16 => "i32.load16_u",
            Int::U32 => "i32.load",
            Int::U64 => bail!("the variant has too many cases"),
        };
        Ok(format!("({load} offset={offset} (local.get {base}))"))
    }

    /// Frees a list of bytes.
    ///
    /// The runtime also allocates for empty lists. If it stopped doing so, their addresses would be null or Rust's
    /// dangling address, both below the lowest allocation.
    fn bytes(&self, at: At) -> Result<String> {
        let address = self.word(at, 0)?;
        Ok(format!(
            "(if (i32.ge_u {address} (i32.const {LOWEST})) (then (call $free {address})))\n"
        ))
    }

    /// Frees the lists in each element of a list. The runtime itself frees the memory of the list later.
    fn each(&mut self, ty: &Type, at: At) -> Result<String> {
        let n = self.loops;
        self.loops += 1;
        let size = self.world.sizes.size(ty).size_wasm32();
        let (address, length) = (self.word(at, 0)?, self.word(at, 1)?);
        let (base, offset) = (Local::Element(n), 0);
        let freed = self.value(ty, At::Memory { base, offset })?;
        Ok(format!(
            "(local.set $element{n} {address})
(local.set $left{n} {length})
(block $done{n}
(loop $next{n}
(br_if $done{n} (i32.eqz (local.get $left{n})))
{freed}(local.set $element{n} (i32.add (local.get $element{n}) (i32.const {size})))
(local.set $left{n} (i32.sub (local.get $left{n}) (i32.const 1)))
(br $next{n})))
"
        ))
    }

    /// Returns word `which` of a value: the address or the length of a list, or a discriminant among parameters.
    fn word(&self, at: At, which: u32) -> Result<String> {
        match at {
            At::Flat(first) => {
                let parameter = first + which;
                let local = format!("(local.get {})", Local::Parameter(parameter));
                match self.parameters.get(parameter as usize) {
                    Some(ValType::I32) => Ok(local),
                    // The parameter is shared with a wider case.
                    Some(ValType::I64) => Ok(format!("(i32.wrap_i64 {local})")),
                    _ => bail!("the parameters of a list do not match its type"),
                }
            }
            At::Memory { base, offset } => {
                let offset = offset + 4 * which as usize;
                Ok(format!("(i32.load offset={offset} (local.get {base}))"))
            }
        }
    }
}
