//! Any value against every operator: an answer, never an error, and `not` is the opposite.
use burgee::{
    config,
    engine::{
        Decisions, Snapshot,
        given::Given,
        request::{EvaluationContext, Input},
        units::Second,
    },
};
use std::sync::OnceLock;

const OPERATORS: [&str; 16] = [
    "yes",
    "[yes, no, 1, 2, 3, 4, 5, 6, 7, 8]",
    "{contains: a}",
    "{prefix: [a, bb]}",
    "{suffix: z}",
    "{matches: '^(a|b)*c+$'}",
    "{above: 1.5}",
    "{min: -2}",
    "{below: 1e9}",
    "{max: 9007199254740993}",
    "{version: '>=1.2, <3'}",
    "{within: [10.0.0.0/8, '::1/128']}",
    "{from: 2026-01-01}",
    "{until: 2026-01-01}",
    "{present: true}",
    "{prefix: a, not: ab}",
];

/// Panics where the promise is broken.
pub fn ask(data: &[u8]) {
    static LOADED: OnceLock<Snapshot> = OnceLock::new();
    let loaded = LOADED.get_or_init(|| {
        let pair = |(index, test): (usize, &&str)| {
            format!("  yes-{index}: {{when: {{x: {test}}}, serve: on}}\n  no-{index}: {{when: {{not: {{x: {test}}}}}, serve: on}}\n")
        };
        let features: String = OPERATORS.iter().enumerate().map(pair).collect();
        let text = format!("version: 1\nattributes: {{x: header.x-x}}\nfeatures:\n{features}");
        match config::compile_texts(&[config::Text { name: "toggles.yaml".into(), bytes: text.into() }], &|_| None, Second(0)) {
            Ok((snapshot, _)) => snapshot,
            Err(problems) => panic!("{problems}"),
        }
    });
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut context = EvaluationContext::default();
    context.attributes.insert("x".into(), Given::text(text));
    let mut decisions = Decisions::default();
    loaded.decide(Input::Context(&context), Second(0), None, &mut decisions);
    for pair in decisions.by_feature.chunks(2) {
        assert_ne!(
            pair[0].map(|yes| yes.variant),
            pair[1].map(|no| no.variant),
            "{text:?}"
        );
    }
}
