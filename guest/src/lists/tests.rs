//! Runs the generated functions on handwritten memory.

use super::*;

const TYPES: &str = r#"
    package test:lists;

    interface all {
        record pair { number: u8, body: list<u8>, name: string }
        variant choice { none, text(string), body(list<u8>), wide(u64), pairs(list<pair>) }
        enum colour { red, green }
        type bytes = list<u8>;

        flat: func(a: u8, body: list<u8>, name: string, last: bytes);
        chosen: func(choice: choice);
        maybe: func(either: result<list<u8>, string>, other: option<tuple<bool, list<u8>>>);
        listed: func(choices: list<choice>);
        nested: func(lists: list<list<list<u8>>>);
        many: func(a: pair, b: pair, c: pair, d: pair);
        no-bytes: func(name: string, numbers: list<u32>, colour: colour);
        get: func() -> result<tuple<list<u8>, option<pair>>, string>;
    }

    world w { import all; export all; }
"#;

/// The indices of the functions that the generated code calls.
const OTHER: u32 = 0;
const FREE: u32 = 1;

fn world() -> World {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("types.wit", TYPES).unwrap();
    let world = resolve.select_world(&[package], Some("w")).unwrap();
    World::new(resolve, world)
}

fn function<'w>(world: &'w World, name: &str) -> &'w Function {
    let imports = world.imports();
    let (namespace, function) = imports.iter().find(|(_, f)| f.name == name).unwrap();
    assert_eq!(namespace, "test:lists/all");
    function
}

/// Runs the code with these parameters and this memory. Returns the freed addresses, and 0 for the call of the
/// wrapped function.
fn carry_out(code: &[Instruction<'_>], parameters: &[i64], memory: &[(u32, u32)]) -> Vec<u32> {
    let byte = |at: u32| {
        let word = memory.iter().find(|(address, _)| *address == at / 4 * 4);
        word.map_or(0, |(_, value)| value.to_le_bytes()[at as usize % 4])
    };
    let mut locals = parameters.to_vec();
    locals.resize(20, 0);
    let (mut stack, mut calls): (Vec<i64>, Vec<u32>) = Default::default();
    // The start of each enclosing block, if it is a loop.
    let mut blocks: Vec<Option<usize>> = Vec::new();
    let mut place = 0;
    // Returns the place behind the end of the innermost `depth` blocks.
    let leave = |mut place: usize, mut depth: usize| {
        while depth > 0 {
            match code[place] {
                Instruction::Block(_) | Instruction::Loop(_) | Instruction::If(_) => depth += 1,
                Instruction::End => depth -= 1,
                _ => {}
            }
            place += 1;
        }
        place
    };
    while place < code.len() {
        place += 1;
        let mut branch = None;
        match &code[place - 1] {
            Instruction::LocalGet(i) => stack.push(locals[*i as usize]),
            Instruction::LocalSet(i) => locals[*i as usize] = stack.pop().unwrap(),
            Instruction::I32Const(value) => stack.push(i64::from(*value)),
            Instruction::I32WrapI64 => {
                let value = stack.pop().unwrap();
                stack.push(i64::from(value as u32));
            }
            Instruction::I32Load(at) => {
                let address = stack.pop().unwrap() as u32 + at.offset as u32;
                let bytes = [0, 1, 2, 3].map(|i| byte(address + i));
                stack.push(i64::from(u32::from_le_bytes(bytes)));
            }
            Instruction::I32Load8U(at) => {
                let address = stack.pop().unwrap() as u32 + at.offset as u32;
                stack.push(i64::from(byte(address)));
            }
            Instruction::I32Eqz => {
                let value = stack.pop().unwrap();
                stack.push(i64::from(value == 0));
            }
            two @ (Instruction::I32Eq
            | Instruction::I32GeU
            | Instruction::I32Add
            | Instruction::I32Sub) => {
                let (b, a) = (stack.pop().unwrap(), stack.pop().unwrap());
                stack.push(match two {
                    Instruction::I32Eq => i64::from(a == b),
                    Instruction::I32GeU => i64::from(a >= b),
                    Instruction::I32Add => a + b,
                    _ => a - b,
                });
            }
            Instruction::Call(OTHER) => {
                stack.clear();
                calls.push(0);
            }
            Instruction::Call(FREE) => calls.push(stack.pop().unwrap() as u32),
            Instruction::Block(_) => blocks.push(None),
            Instruction::Loop(_) => blocks.push(Some(place)),
            Instruction::If(_) if stack.pop().unwrap() == 0 => place = leave(place, 1),
            Instruction::If(_) => blocks.push(None),
            Instruction::End => drop(blocks.pop()),
            Instruction::Br(depth) => branch = Some(*depth),
            Instruction::BrIf(depth) if stack.pop().unwrap() != 0 => branch = Some(*depth),
            Instruction::BrIf(_) => {}
            other => panic!("{other:?}"),
        }
        if let Some(depth) = branch {
            let target = blocks.len() - 1 - depth as usize;
            match blocks[target] {
                Some(start) => {
                    place = start;
                    blocks.truncate(target + 1);
                }
                None => {
                    place = leave(place, blocks.len() - target);
                    blocks.truncate(target);
                }
            }
        }
    }
    assert!(stack.is_empty() && blocks.is_empty());
    calls
}

/// Calls the import. All its parameters are 32 bits wide unless `wide`.
fn call(name: &str, wide: bool, parameters: &[i64], memory: &[(u32, u32)]) -> Vec<u32> {
    let world = world();
    let types: Vec<_> = (0..parameters.len())
        .map(|i| match wide && i == 1 {
            true => ValType::I64,
            false => ValType::I32,
        })
        .collect();
    let ty = FuncType::new(types, []);
    let function = function(&world, name);
    let code = world.calling(function, &ty, OTHER, FREE).unwrap();
    carry_out(&code.code, parameters, memory)
}

#[test]
fn lists_among_parameters_are_freed() {
    // The string at 3000 is not freed, and the empty list at 1 was not allocated.
    let calls = call("flat", false, &[7, 2000, 5, 3000, 6, 4000, 7], &[]);
    assert_eq!(calls, [0, 2000, 4000]);
    assert_eq!(
        call("flat", false, &[7, 2000, 0, 3000, 6, 1, 0], &[]),
        [0, 2000]
    );
}

#[test]
fn only_the_active_case_of_a_variant_is_freed() {
    // The address shares a parameter with a 64-bit number.
    let upper = 77 << 32;
    for (case, freed) in [(0, None), (1, None), (2, Some(2000)), (3, None)] {
        let calls = call("chosen", true, &[case, 2000 | upper, 5], &[]);
        assert_eq!(calls, [0].into_iter().chain(freed).collect::<Vec<_>>());
    }
    for (either, some, calls) in [
        (0, 1, vec![0, 2000, 3000]),
        (0, 0, vec![0, 2000]),
        (1, 1, vec![0, 3000]),
        (1, 0, vec![0]),
    ] {
        let parameters = [either, 2000, 5, some, 1, 3000, 5];
        assert_eq!(call("maybe", false, &parameters, &[]), calls);
    }
}

#[test]
fn lists_in_lists_are_freed() {
    // Three choices of 16 bytes: a body, a text, and two pairs of 20 bytes.
    let memory = [
        (96, 2),
        (104, 2000),
        (108, 5),
        (112, 1),
        (120, 2100),
        (124, 5),
        (128, 4),
        (136, 400),
        (140, 2),
        (404, 2200),
        (408, 5),
        (412, 2300),
        (416, 5),
        (424, 2400),
        (428, 5),
    ];
    let calls = call("listed", false, &[96, 3], &memory);
    assert_eq!(calls, [0, 2000, 2200, 2400]);
    assert_eq!(call("listed", false, &[96, 0], &memory), [0]);

    let memory = [
        (96, 200),
        (100, 2),
        (104, 300),
        (108, 0),
        (200, 2000),
        (204, 5),
        (208, 2100),
        (212, 5),
    ];
    let calls = call("nested", false, &[96, 2], &memory);
    assert_eq!(calls, [0, 2000, 2100]);
}

#[test]
fn lists_among_parameters_in_memory_are_freed() {
    let memory: Vec<_> = (0..4).map(|i| (100 + 20 * i, 2000 + i)).collect();
    let calls = call("many", false, &[96], &memory);
    assert_eq!(calls, [0, 2000, 2001, 2002, 2003]);
}

#[test]
fn results_are_freed_before_the_rest() {
    let world = world();
    let exports = world.exports();
    let (name, function) = exports.iter().find(|(_, f)| f.name == "get").unwrap();
    assert_eq!(name, "test:lists/all#get");
    let returned = [(96, 0), (100, 2000), (104, 5), (108, 1), (116, 2100)];
    let code = world.post_return(function, Some(OTHER), FREE).unwrap();
    assert_eq!(carry_out(&code.code, &[96], &returned), [2000, 2100, 0]);
    let mut failed = returned;
    failed[0].1 = 1;
    assert_eq!(carry_out(&code.code, &[96], &failed), [0]);
    let code = world.post_return(function, None, FREE).unwrap();
    assert_eq!(carry_out(&code.code, &[96], &returned), [2000, 2100]);
}

#[test]
fn functions_without_lists_of_bytes_are_not_wrapped() {
    let world = world();
    let function = function(&world, "no-bytes");
    assert!(!function.params.iter().any(|p| world.holds(&p.ty)));
}
