//! What is compared of a feature, and which part of people each draw gives a variant: as the evaluation does it.

use super::toggles::compile;
use burgee::engine::{
    Decisions, Feature, Reason, Snapshot,
    compare::draw::{control, draws},
    instant,
    request::{EvaluationContext, Input},
};

fn snapshot(feature: &str) -> Snapshot {
    let text =
        format!("version: 1\nattributes: {{plan: header.x-plan}}\nfeatures:\n  f: {feature}\n");
    let files = [("toggles.yaml", text.as_bytes())];
    compile(&files).unwrap_or_else(|p| panic!("{p}\n{text}")).0
}

fn names(feature: &Feature, variants: &[u8]) -> String {
    let names = variants.iter().map(|one| &*feature.variant(*one).name);
    names.collect::<Vec<_>>().join(",")
}

const GLIDE: &str = "{from: 0%, to: 100%, start: 2026-03-01, end: 2026-03-11}";

#[test]
fn a_draw_is_what_can_give_several_variants() {
    for (feature, expected) in [
        ("on", ""),
        ("0%", ""),
        ("100%", ""),
        ("25%", "off: - on,off"),
        ("{when: {plan: pro}, serve: on}", ""),
        ("{when: {plan: pro}, rollout: 50%}", "off: - on,off"),
        ("{rollout: 25%, metrics: off}", ""),
        ("{rollout: 25%, status: paused}", ""),
        ("{rollout: 25%, status: draft}", ""),
        ("{rollout: 25%, default: on}", ""),
        (
            "{variants: [a, b], default: a, serve: {a: 50%, b: 50%}}",
            "a: - a,b",
        ),
        (
            "{variants: [b, control, c], default: b, serve: {b: 50%, c: 50%}}",
            "control: - b,c",
        ),
        (
            "{variants: [a, b, c], default: a, serve: {b: 50%, c: 50%}}",
            "a: - b,c",
        ),
        (
            "{variants: [a, b, c], default: a, rollout: 9%, serve: {b: 50%, c: 50%}}",
            "a: - a,b,c",
        ),
        (
            "{variants: [a, b], default: a, buckets: {b: 0-99}}",
            "a: - a,b",
        ),
        ("{variants: [a, b], default: a, buckets: {b: 0-9999}}", ""),
        (
            "{rules: [{when: {plan: pro}, name: vip, rollout: 90%}, {when: {plan: free}, serve: on}, {rollout: 5%}]}",
            "off: vip on,off; 3 on,off",
        ),
    ] {
        let snapshot = snapshot(feature);
        let one = &snapshot.files[0].features[0];
        let shown = draws(one).into_iter();
        let shown = shown.map(|draw| {
            format!(
                "{} {}",
                one.rule_label(draw.rule),
                names(one, &draw.variants)
            )
        });
        let shown = shown.collect::<Vec<_>>().join("; ");
        let control = names(one, &[control(one)]);
        let expected = expected
            .strip_prefix(&format!("{control}: "))
            .unwrap_or(expected);
        assert_eq!(shown, expected, "{feature}");
    }
    let glide = snapshot(&format!("{{rollout: {GLIDE}}}"));
    assert_eq!(draws(&glide.files[0].features[0]).len(), 1);
}

/// 20,000 people: each part is met within five standard deviations.
#[test]
fn the_parts_are_those_that_people_get() {
    const PEOPLE: usize = 20_000;
    let at = |text: &str| instant::parse(text).unwrap();
    let (before, third, end) = (at("2026-02-01"), at("2026-03-04"), at("2026-03-12"));
    for (feature, now) in [
        ("{rollout: 25%}".to_owned(), before),
        (format!("{{rollout: {GLIDE}}}"), before),
        (format!("{{rollout: {GLIDE}}}"), third),
        (format!("{{rollout: {GLIDE}}}"), end),
        (
            format!(
                "{{variants: [a, b, c], default: a, rollout: {GLIDE}, serve: {{b: 20%, c: 80%}}}}"
            ),
            third,
        ),
        (
            "{variants: [a, b, c], default: c, serve: {a: 10%, b: 20%, c: 70%}}".to_owned(),
            before,
        ),
        (
            "{variants: [a, b], default: a, buckets: {b: [0-99, 5000-9999]}}".to_owned(),
            before,
        ),
    ] {
        let snapshot = snapshot(&feature);
        let one = &snapshot.files[0].features[0];
        let draws = draws(one);
        let parts = draws[0].parts(now);
        let mut got = vec![0; one.variants.len()];
        let mut decisions = Decisions::default();
        for user in 0..PEOPLE {
            let context = EvaluationContext {
                user: Some(format!("user-{user}")),
                ..EvaluationContext::default()
            };
            snapshot.decide(Input::Context(&context), now, None, &mut decisions);
            let decision = decisions.by_feature[0].unwrap();
            if decision.reason == Reason::Split {
                got[usize::from(decision.variant)] += 1;
            }
        }
        let drawn: usize = got.iter().sum();
        for (variant, part) in draws[0].variants.iter().zip(&parts) {
            let seen = got[usize::from(*variant)] as f64;
            let deviation = (drawn as f64 * part * (1.0 - part)).sqrt();
            let off = (seen - drawn as f64 * part).abs();
            // where everybody gets one variant nobody is drawn, whatever the part
            assert!(
                off <= 5.0 * deviation,
                "{feature} {now:?}: {seen} of {drawn}, not {part}"
            );
        }
        let sum: f64 = parts.iter().sum();
        assert!(
            (sum - 1.0).abs() < 1e-9 || (sum == 0.0 && drawn == 0),
            "{feature}: {parts:?}"
        );
    }
}
