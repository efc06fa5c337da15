//! Fuzzes policy files; see `host/core/fuzz.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| archipel_core::fuzz::policy(data));
