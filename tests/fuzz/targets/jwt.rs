//! `burgee_fuzz::jwt`, asked by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| burgee_fuzz::jwt::ask(data));
