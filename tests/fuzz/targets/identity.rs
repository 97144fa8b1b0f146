//! `burgee_fuzz::identity`, asked by libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| burgee_fuzz::identity::ask(data));
