//! Fuzzes the linker; see `guest/src/fuzz.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| archipel_guest::fuzz::linker(data));
