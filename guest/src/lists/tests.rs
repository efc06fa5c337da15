//! Runs the generated functions on handwritten memory.

use super::*;
use crate::module::Module;
use wasmparser::Operator;

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

/// Runs the function in the module with these parameters and this memory. Returns the freed addresses, and 0 for the
/// call of the wrapped function.
fn carry_out(text: &str, parameters: &[i64], memory: &[(u32, u32)]) -> Vec<u32> {
    let bytes = wat::parse_str(text).unwrap();
    wasmparser::validate(&bytes).unwrap();
    let module = Module::read(&bytes).unwrap();
    let mut imports = module.function_imports.iter();
    let free = imports.position(|(import, _)| import.name == "free");
    let free = free.unwrap() as u32;
    let code = module.bodies[0].get_operators_reader().unwrap();
    let mut code: Vec<_> = code.into_iter().map(Result::unwrap).collect();
    assert!(matches!(code.pop(), Some(Operator::End)));
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
                Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => depth += 1,
                Operator::End => depth -= 1,
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
            Operator::LocalGet { local_index } => stack.push(locals[*local_index as usize]),
            Operator::LocalSet { local_index } => {
                locals[*local_index as usize] = stack.pop().unwrap();
            }
            Operator::I32Const { value } => stack.push(i64::from(*value)),
            Operator::I32WrapI64 => {
                let value = stack.pop().unwrap();
                stack.push(i64::from(value as u32));
            }
            Operator::I32Load { memarg: at } => {
                let address = stack.pop().unwrap() as u32 + at.offset as u32;
                let bytes = [0, 1, 2, 3].map(|i| byte(address + i));
                stack.push(i64::from(u32::from_le_bytes(bytes)));
            }
            Operator::I32Load8U { memarg: at } => {
                let address = stack.pop().unwrap() as u32 + at.offset as u32;
                stack.push(i64::from(byte(address)));
            }
            Operator::I32Eqz => {
                let value = stack.pop().unwrap();
                stack.push(i64::from(value == 0));
            }
            two @ (Operator::I32Eq | Operator::I32GeU | Operator::I32Add | Operator::I32Sub) => {
                let (b, a) = (stack.pop().unwrap(), stack.pop().unwrap());
                stack.push(match two {
                    Operator::I32Eq => i64::from(a == b),
                    Operator::I32GeU => i64::from(a >= b),
                    Operator::I32Add => a + b,
                    _ => a - b,
                });
            }
            Operator::Call { function_index } if *function_index == free => {
                calls.push(stack.pop().unwrap() as u32);
            }
            Operator::Call { .. } => {
                stack.clear();
                calls.push(0);
            }
            Operator::Block { .. } => blocks.push(None),
            Operator::Loop { .. } => blocks.push(Some(place)),
            Operator::If { .. } if stack.pop().unwrap() == 0 => place = leave(place, 1),
            Operator::If { .. } => blocks.push(None),
            Operator::End => drop(blocks.pop()),
            Operator::Br { relative_depth } => branch = Some(*relative_depth),
            Operator::BrIf { relative_depth } if stack.pop().unwrap() != 0 => {
                branch = Some(*relative_depth);
            }
            Operator::BrIf { .. } => {}
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
    let module = world.calling("test:lists/all", function, &ty).unwrap();
    carry_out(&module, parameters, memory)
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
    let module = world.post_return("after", function, true).unwrap();
    assert_eq!(carry_out(&module, &[96], &returned), [2000, 2100, 0]);
    let mut failed = returned;
    failed[0].1 = 1;
    assert_eq!(carry_out(&module, &[96], &failed), [0]);
    let module = world.post_return("after", function, false).unwrap();
    assert_eq!(carry_out(&module, &[96], &returned), [2000, 2100]);
}

#[test]
fn functions_without_lists_of_bytes_are_not_wrapped() {
    let world = world();
    let function = function(&world, "no-bytes");
    assert!(!function.params.iter().any(|p| world.holds(&p.ty)));
}
