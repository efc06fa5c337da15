//! Fuzzes message values; see `host/fuzz.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| archipel::fuzz::value(data));
