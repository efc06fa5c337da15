//! One interpreter fills its memory, and the next one in the same slot searches all of its memory for the contents.
//!
//! Python code can read memory outside of its own objects: forged bytecode makes it use its own data as an object,
//! here a `bytearray` that covers all memory from address 16 on.

use super::{Report, Size, Trouble, baseline};
use archipel::{Interpreter, LimitKind, Runtime, Value};

/// Defines `memory(size)`, which returns all of the interpreter's memory up to `size` as a `bytearray`.
const MEMORY: &str = "
import opcode, os, struct

def memory(size):
    fake = struct.pack('<iIiiIIi', 1 << 20, id(bytearray), size - 16, size - 15, 16, 16, 0)
    constants = (None,)
    def load(): pass
    holders = []
    while True:
        # The interpreter's constant that lies where a number is that points to the fake one.
        holder = struct.pack('<I', id(fake) + 16) + bytes(len(holders))
        holders.append(holder)
        far = id(holder) - id(constants)
        if far > 0 and far % 4 == 0:
            break
    index = far // 4
    extended = opcode.opmap['EXTENDED_ARG']
    code = [opcode.opmap['RESUME'], 0]
    for shift in 24, 16, 8:
        code += [extended, index >> shift & 255]
    code += [opcode.opmap['LOAD_CONST'], index & 255, opcode.opmap['RETURN_VALUE'], 0]
    load.__code__ = load.__code__.replace(co_code=bytes(code), co_consts=constants)
    kept.extend((fake, holders, constants, load))
    return load()

kept = []
# The canary is nowhere but here: neither in a constant nor in the source.
canary = bytearray(16)
for at, byte in enumerate(bytes.fromhex(MASKED)):
    canary[at] = byte ^ 0x5a
# More memory, without writing to it.
try:
    os.read(0, 8 << 20)
except OSError:
    pass
";

/// Fills new memory with large blocks, and the holes of the old memory with small objects.
const FILL: &str = "
blocks = [canary * (1 << 16) for _ in range(4)]
small = [bytes(canary) + bytes([n & 255]) for n in range(20_000)]
";

/// Reuses a slot many times.
pub fn check(size: Size, report: &mut Report) -> Result<(), Trouble> {
    let slots = size.times(10, 5..=1000);
    // The only slot, so that the next interpreter gets it.
    let runtime = Runtime::builder().max_interpreters(1).build()?;
    let (mut found, mut least) = (0, i64::MAX);
    for _ in 0..slots {
        let masked: String = (0..16)
            .map(|_| format!("{:02x}", super::random(256)))
            .collect();
        let source = format!("MASKED = '{masked}'\n{MEMORY}");
        let first = runtime.interpreter().build()?;
        first.exec(&source)?;
        first.exec(FILL)?;
        least = least.min(look(&first)?);
        drop(first);
        let second = runtime.interpreter().build()?;
        second.exec(&source)?;
        // The search pattern itself is one canary.
        found += look(&second)? - 1;
    }
    report.told("slots reused", slots);
    report.count(
        "canaries found by the filling interpreter",
        least,
        "> 250000",
        least > 250_000,
    );
    report.count(
        "canaries found by the next interpreter",
        found,
        0,
        found == 0,
    );
    let died = runtime.metrics().died;
    report.count("interpreters that died", died, 0, died == 0);
    baseline("leftovers", &runtime, report);
    Ok(())
}

/// Returns the number of canaries in an interpreter's memory.
fn look(interpreter: &Interpreter) -> Result<i64, Trouble> {
    let bytes = interpreter.usage().of(LimitKind::Memory).own;
    let seen = interpreter.eval::<Value>(format!("memory({bytes}).count(canary)"))?;
    Ok(seen.as_i64().ok_or("not a number")?)
}
