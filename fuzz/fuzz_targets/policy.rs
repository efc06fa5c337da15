//! Fuzzes policy files; see `host/fuzz.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| archipel::fuzz::policy(data));
