//! `burgee_fuzz::conditions`, asked by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| burgee_fuzz::conditions::ask(data));
