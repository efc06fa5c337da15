//! Gives the guest's libc locks on files, and has SQLite use them.
//!
//! `fcntl` of libc knows no locks.  The function that takes its place passes `F_GETLK` and `F_SETLK` on to the
//! functions of `locks.wit`.  A guest without them, which runs under any host, has locks that exclude no one else.
//!
//! SQLite is compiled to take its dot-file locks by default, since WASI has no others: a folder beside the database,
//! which shuts out all but one connection and stays when an interpreter is stopped.  It compares the names of its file
//! systems with the one that is to be the default, and takes the first one, `unix`, where none is equal.  So that
//! comparison is made to fail.

use crate::emit::Output;
use crate::image;
use crate::link::Defined;
use anyhow::Result;
use wasm_encoder as enc;
use wasm_encoder::{BlockType, Instruction as I, MemArg};
use wasmparser::{FuncType, ValType};

/// The interface, and how its functions are named in a core module.
pub(crate) const WIT: &str = include_str!("locks.wit");
pub(crate) const INTERFACE: &str = "archipel:locks/locks@0.1.0";

/// The functions of libc that this needs, by their names.
pub(crate) const NEEDED: [&str; 4] = [
    "fcntl",
    "descriptor_table_get_ref",
    "__errno_location",
    "strcmp",
];

/// SQLite's function that announces its file systems.
pub(crate) const ANNOUNCES: &str = "sqlite3_os_init";

/// The commands, as SQLite is compiled with them: `F_GETLK`, and `F_SETLK` behind it.
const FIND: i32 = 12;
const COMMANDS: i32 = 2;

/// `F_WRLCK` and `F_UNLCK`, which is the last kind.
const EXCLUSIVE: i32 = 1;
const NONE: i32 = 2;

// Numbers of errors.
const EAGAIN: i32 = 6;
const EBADF: i32 = 8;
const EINVAL: i32 = 28;
const EIO: i32 = 29;
const ENOLCK: i32 = 46;
const ENOMEM: i32 = 48;
const EPERM: i32 = 63;

/// The outcome after `done`, which is 0.
const TAKEN: i32 = 1;

/// The errors of the outcomes in `locks.wit`, from `taken` on.
const ERRORS: [i32; 7] = [EAGAIN, EBADF, EPERM, EINVAL, ENOLCK, ENOMEM, EIO];

// Where the fields of a `struct flock` are.
const KIND: u64 = 0;
const WHENCE: u64 = 2;
const START: u64 = 8;
const LENGTH: u64 = 16;

// Where those of an entry in libc's table of descriptors are, and the method of a file that has its handle.
const DATA: u64 = 0;
const METHODS: u64 = 4;
const GET_FILE: u64 = 20;

/// The offset of the handle in a file.
const HANDLE: u64 = 0;

// The parameters and locals of the function.
const DESCRIPTOR: u32 = 0;
const COMMAND: u32 = 1;
const ARGUMENTS: u32 = 2;
const ENTRY: u32 = 3;
const LOCK: u32 = 4;
const OUTCOME: u32 = 5;

/// The host's functions: `find` and `set`.
#[derive(Clone, Copy)]
pub(crate) struct Imports {
    find: u32,
    set: u32,
}

impl Imports {
    /// Adds them to the module's imports.
    pub(crate) fn add(out: &mut Output<'_, '_>) -> Result<Self> {
        let parameters = [ValType::I32, ValType::I32, ValType::I64, ValType::I64];
        let ty = FuncType::new(parameters, [ValType::I32]);
        Ok(Imports {
            find: out.add_import(INTERFACE, "find", &ty)?,
            set: out.add_import(INTERFACE, "set", &ty)?,
        })
    }
}

/// The replacements of libc's functions.
pub(crate) struct Locks {
    bodies: [enc::Function; 2],
    /// The function in which strings are never equal.
    announces: Option<Defined>,
    compare: u32,
    differs: u32,
}

impl Locks {
    /// Announces the functions, and lets all that is written from now on call the new `fcntl`.  `needed` are the indices
    /// of [`NEEDED`], and `announces` is SQLite's [`ANNOUNCES`].
    pub(crate) fn announce(
        out: &mut Output<'_, '_>,
        needed: [u32; NEEDED.len()],
        imports: Option<Imports>,
        announces: Option<Defined>,
    ) -> Result<Self> {
        let [fcntl, get, errno, compare] = needed;
        let locking = out.announce(&[ValType::I32; 3], &[ValType::I32])?;
        let differs = out.announce(&[ValType::I32; 2], &[ValType::I32])?;
        out.replace(fcntl, locking);
        Ok(Locks {
            bodies: [
                locks_or(fcntl, get, errno, imports),
                image::body(&[I::I32Const(1)]),
            ],
            announces,
            compare,
            differs,
        })
    }

    /// Lets `function`, which is written next, see different strings if it is SQLite's.
    pub(crate) fn before(&self, out: &mut Output<'_, '_>, function: Defined) {
        if self.announces == Some(function) {
            out.replace(self.compare, self.differs);
        }
    }

    /// Ends what `before` began.
    pub(crate) fn after(&self, out: &mut Output<'_, '_>, function: Defined) {
        if self.announces == Some(function) {
            out.replace(self.compare, self.compare);
        }
    }

    /// Writes the bodies of the announced functions.
    pub(crate) fn finish(&self, out: &mut Output<'_, '_>) {
        for body in &self.bodies {
            out.add_announced(body);
        }
    }
}

/// `fcntl(descriptor, command, arguments)`: finds or sets a lock, and otherwise does what libc's own does.
fn locks_or(fcntl: u32, get: u32, errno: u32, imports: Option<Imports>) -> enc::Function {
    let at = |offset, align| MemArg {
        offset,
        align,
        memory_index: 0,
    };
    let word = |offset| I::I32Load(at(offset, 2));
    let half = |offset| I::I32Load16U(at(offset, 1));
    let fails = |error: I<'static>| {
        [
            I::Call(errno),
            error,
            I::I32Store(at(0, 2)),
            I::I32Const(-1),
            I::Return,
        ]
    };
    let mut body = vec![
        I::LocalGet(COMMAND),
        I::I32Const(FIND),
        I::I32Sub,
        I::I32Const(COMMANDS),
        I::I32GeU,
        I::If(BlockType::Empty),
        I::LocalGet(DESCRIPTOR),
        I::LocalGet(COMMAND),
        I::LocalGet(ARGUMENTS),
        I::Call(fcntl),
        I::Return,
        I::End,
        // It leaves the error behind.
        I::LocalGet(DESCRIPTOR),
        I::Call(get),
        I::LocalTee(ENTRY),
        I::I32Eqz,
        I::If(BlockType::Empty),
        I::I32Const(-1),
        I::Return,
        I::End,
        I::LocalGet(ENTRY),
        word(METHODS),
        word(GET_FILE),
        I::I32Eqz,
        I::If(BlockType::Empty),
    ];
    body.extend(fails(I::I32Const(EBADF)));
    body.extend([
        I::End,
        I::LocalGet(ARGUMENTS),
        word(0),
        I::LocalTee(LOCK),
        half(KIND),
        I::I32Const(NONE),
        I::I32GtU,
        I::LocalGet(LOCK),
        half(WHENCE),
        I::I32Or,
        I::If(BlockType::Empty),
    ]);
    body.extend(fails(I::I32Const(EINVAL)));
    body.push(I::End);
    // The first outcome, which the local has already, is that it is done.
    if let Some(Imports { find, set }) = imports {
        let pass = [
            I::LocalGet(ENTRY),
            word(DATA),
            word(HANDLE),
            I::LocalGet(LOCK),
            half(KIND),
            I::LocalGet(LOCK),
            I::I64Load(at(START, 3)),
            I::LocalGet(LOCK),
            I::I64Load(at(LENGTH, 3)),
        ];
        body.extend(is_find());
        body.push(I::If(BlockType::Result(enc::ValType::I32)));
        body.extend(pass.clone());
        body.extend([I::Call(find), I::Else]);
        body.extend(pass);
        body.extend([I::Call(set), I::End, I::LocalSet(OUTCOME)]);
    }
    // What was found is a kind, and no error.
    body.extend(is_find());
    body.extend([
        I::LocalGet(OUTCOME),
        I::I32Const(TAKEN),
        I::I32LeU,
        I::I32And,
        I::If(BlockType::Empty),
        I::LocalGet(LOCK),
        I::I32Const(EXCLUSIVE),
        I::I32Const(NONE),
        I::LocalGet(OUTCOME),
        I::Select,
        I::I32Store16(at(KIND, 1)),
        I::I32Const(0),
        I::Return,
        I::End,
    ]);
    for (outcome, error) in (TAKEN..).zip(ERRORS) {
        body.extend([
            I::LocalGet(OUTCOME),
            I::I32Const(outcome),
            I::I32Eq,
            I::If(BlockType::Empty),
        ]);
        body.extend(fails(I::I32Const(error)));
        body.push(I::End);
    }
    body.push(I::I32Const(0));
    let mut function = enc::Function::new([(3, enc::ValType::I32)]);
    for instruction in &body {
        function.instruction(instruction);
    }
    function.instruction(&I::End);
    function
}

/// Tests whether the command finds a lock.
fn is_find() -> [I<'static>; 3] {
    [I::LocalGet(COMMAND), I::I32Const(FIND), I::I32Eq]
}

#[cfg(test)]
mod tests;
