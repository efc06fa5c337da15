//! Tests calls through pointers of another signature, in the engine.

use archipel_guest::direct::call_directly;
use wasmtime::{Engine, Instance, Module, Store, Trap};

const MODULE: &str = r#"(module
    (type $called (func (param i32 i32) (result i32)))
    (type $float (func (param f32) (result f32)))
    (type $nothing (func (param i32)))
    (global $seen (mut i32) (i32.const 0))
    (table 9 9 funcref)
    (elem (i32.const 1) func $sum $one $three $void $wide $double $vector)
    (func $sum (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func $one (param i32) (result i32) (i32.mul (local.get 0) (i32.const 10)))
    (func $three (param i32 i32 i32) (result i32)
      (i32.add (local.get 1) (i32.add (i32.const 100) (local.get 2))))
    (func $void (param i32) (global.set $seen (local.get 0)))
    (func $wide (param i64 i64) (result i64) (i64.sub (local.get 0) (local.get 1)))
    (func $double (param f64 i32) (result f64) (local.get 0))
    (func $vector (param v128))
    (func (export "called") (param i32 i32 i32) (result i32)
      (call_indirect (type $called) (local.get 1) (local.get 2) (local.get 0)))
    (func (export "float") (param i32 f32) (result f32)
      (call_indirect (type $float) (local.get 1) (local.get 0)))
    (func (export "nothing") (param i32 i32) (result i32)
      (call_indirect (type $nothing) (local.get 1) (local.get 0))
      (global.get $seen)))"#;

fn instance(adapt: bool) -> (Store<()>, Instance) {
    let mut module = wat::parse_str(MODULE).unwrap();
    assert_ne!(call_directly(&mut module, adapt).unwrap(), 0);
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let module = Module::new(&engine, module).unwrap();
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    (store, instance)
}

/// Calls the function at a place of the table with 5 and -7.
fn called(adapt: bool, place: i32) -> Result<i32, Trap> {
    let (mut store, instance) = instance(adapt);
    let function = instance.get_typed_func::<(i32, i32, i32), i32>(&mut store, "called");
    let outcome = function.unwrap().call(&mut store, (place, 5, -7));
    outcome.map_err(|error| *error.downcast_ref::<Trap>().unwrap())
}

#[test]
fn a_call_is_adapted_to_a_target_of_another_type() {
    let expected = [
        ("same type", -2),
        ("surplus argument", 50),
        ("missing argument", 93),
        ("missing result", 0),
        ("64 bits", 12),
        ("bits of a float", 5),
    ];
    for (place, (what, result)) in (1..).zip(expected) {
        assert_eq!(called(true, place), Ok(result), "{what}");
    }
    assert_eq!(called(false, 1), Ok(-2));
    for place in 2..=6 {
        assert_eq!(called(false, place), Err(Trap::BadSignature), "{place}");
    }
}

#[test]
fn floats_keep_their_bits_and_surplus_results_are_dropped() {
    let (mut store, instance) = instance(true);
    let float = instance.get_typed_func::<(i32, f32), f32>(&mut store, "float");
    // `$three` returns its second argument, which is missing, plus 100; `$wide` subtracts 0.
    let float = float.unwrap();
    assert_eq!(float.call(&mut store, (3, 0.5)).unwrap().to_bits(), 100);
    assert_eq!(float.call(&mut store, (5, 0.5)).unwrap(), 0.5);
    let nothing = instance.get_typed_func::<(i32, i32), i32>(&mut store, "nothing");
    let nothing = nothing.unwrap();
    assert_eq!(nothing.call(&mut store, (1, 7)).unwrap(), 0);
    assert_eq!(nothing.call(&mut store, (4, 7)).unwrap(), 7);
}

#[test]
fn a_call_without_an_adaptable_target_traps_as_before() {
    for (place, trap) in [
        (0, Trap::IndirectCallToNull),
        (7, Trap::BadSignature),
        (8, Trap::IndirectCallToNull),
        (9, Trap::TableOutOfBounds),
        (-1, Trap::TableOutOfBounds),
    ] {
        assert_eq!(called(true, place), Err(trap), "{place}");
        assert_eq!(called(false, place), Err(trap), "{place}");
    }
}
