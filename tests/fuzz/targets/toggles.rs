//! Any bytes as a toggles file: refused with a place, or in force; never a panic, and what is in force answers.
#![no_main]

use burgee::{
    config,
    engine::{Decisions, attributes::{Asked, Context}, units::Second},
};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    match config::compile_texts(&[config::Text { name: "toggles.yaml".into(), bytes: data.to_vec() }], &|_| None, Second(1_800_000_000)) {
        Ok((loaded, _)) => {
            let mut decisions = Decisions::default();
            for user in [None, Some("mia".to_owned())] {
                let context = Context { user, ..Context::default() };
                loaded.decide(Asked::Context(&context), Second(0), None, &mut decisions);
                assert_eq!(decisions.answers.len(), loaded.features().count());
            }
        }
        Err(problems) => assert!(problems.to_string().contains("toggles.yaml:"), "a problem has no place: {problems}"),
    }
});
