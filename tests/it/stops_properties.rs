//! A stop can only take away: every answer with it is the answer without it, or the default. For random files that ask for one
//! another, ramp up and down, and default to treatments; and for random stops and holds.

use burgee::{
    config::{self, Text},
    engine::{
        Decisions, Reason, Snapshot,
        request::{EvaluationContext, Input},
        stops::{Stop, Stops, Trip},
        units::Second,
    },
};
use proptest::{prelude::*, sample::select};
use std::sync::Arc;

/// The year 2026 in quarters.
const QUARTERS: [&str; 4] = ["2026-01-01", "2026-04-01", "2026-07-01", "2026-10-01"];

fn rollout() -> impl Strategy<Value = String> {
    let percent = || select(vec!["0%", "10%", "50%", "90%", "100%"]);
    prop_oneof![
        percent().prop_map(str::to_owned),
        (percent(), percent(), percent()).prop_map(|(a, b, c)| format!(
            "{{{}: {a}, {}: {b}, {}: {c}}}",
            QUARTERS[0], QUARTERS[1], QUARTERS[2]
        )),
        (percent(), percent()).prop_map(|(from, to)| format!(
            "{{from: {from}, to: {to}, start: {}, end: {}}}",
            QUARTERS[0], QUARTERS[3]
        )),
    ]
}

/// What a feature asks for: one before it, its opposite, a segment of one, or nobody.
fn asks(before: usize) -> impl Strategy<Value = String> {
    (0..4, 0..before.max(1), select(vec!["x", "y", "off"])).prop_map(move |(how, of, variant)| {
        match (before, how) {
            (0, _) | (_, 0) => String::new(),
            (_, 1) => format!("{{feature.f{of}: {variant}}}"),
            (_, 2) => format!("{{not: {{feature.f{of}: {variant}}}}}"),
            _ => format!("s{of}"),
        }
    })
}

fn feature(index: usize) -> impl Strategy<Value = String> {
    (asks(index), asks(index), rollout(), rollout(), select(vec!["x", "y", "off"])).prop_map(
        move |(when, rule, first, own, default)| {
            let rules = match rule.is_empty() {
                true => String::new(),
                // not the feature's own condition: a rule that holds for everybody is refused
                false => format!(
                    "rules: [{{when: [{rule}, {{user: bo}}], rollout: {first}, serve: y}}], "
                ),
            };
            let when = match when.is_empty() {
                true => String::new(),
                false => format!("when: {when}, "),
            };
            format!("  f{index}: {{variants: [x, y], default: {default}, {when}{rules}rollout: {own}, serve: {{x: 50%, y: 50%}}}}\n")
        },
    )
}

fn toggles() -> impl Strategy<Value = String> {
    (feature(0), feature(1), feature(2), feature(3), feature(4)).prop_map(|(a, b, c, d, e)| {
        let segments: String = (0..4)
            .map(|of| format!("  s{of}: {{any: [{{feature.f{of}: x}}, {{user: mia}}]}}\n"))
            .collect();
        format!("version: 1\nsegments:\n{segments}features:\n{a}{b}{c}{d}{e}")
    })
}

fn stops() -> impl Strategy<Value = String> {
    let stop = prop_oneof![
        3 => Just(String::new()),
        1 => Just("{why: x}".to_owned()),
        1 => select(QUARTERS.to_vec()).prop_map(|at| format!("{{hold: {at}}}")),
    ];
    proptest::collection::vec(stop, 5).prop_map(|stops| {
        let lines = stops.iter().enumerate();
        let lines = lines.filter(|(_, stop)| !stop.is_empty());
        let lines: Vec<String> = lines.map(|(of, stop)| format!("f{of}: {stop}")).collect();
        format!("version: 1\nstops: {{{}}}\n", lines.join(", "))
    })
}

fn decided(snapshot: &Snapshot, user: &str, now: Second) -> Decisions {
    let context = EvaluationContext {
        user: Some(user.into()),
        ..EvaluationContext::default()
    };
    let mut decisions = Decisions::default();
    snapshot.decide(Input::Context(&context), now, None, &mut decisions);
    decisions
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_stop_turns_nothing_on(file in toggles(), stops in stops(), day in 0..400_i64, user in 0..1_000) {
        let text = Text { name: "toggles.yaml".into(), bytes: file.clone().into() };
        // some rules turn out to hold for everybody, which is refused
        let open = config::compile_texts(&[text], &|_| None, Second(0));
        prop_assume!(open.is_ok());
        let (open, _) = open.unwrap();
        let text = Text { name: "stops.yaml".into(), bytes: stops.clone().into() };
        let stops = config::compile_stops(&text).unwrap();
        let stopped = open.with_stops(&Arc::new(stops.clone()));
        let now = Second(1_767_225_600 + day * 86_400);
        // what the guard of a process stops is as if somebody had
        let (by_hand, by_guard): (Vec<Stop>, Vec<Trip>) = open
            .features()
            .filter(|(_, _, feature)| stops.of(&[&feature.name]).is_some_and(|stop| stop.at.is_none()))
            .map(|(_, _, feature)| {
                let stop = stops.of(&[&feature.name]).unwrap().clone();
                (stop, Trip { key: feature.key.clone(), text: feature.text, sentence: "".into() })
            })
            .unzip();
        let by_hand = Stops { revision: "0".into(), list: by_hand.into() };
        let by_hand = open.with_stops(&by_hand.into());
        let by_guard = open.with_trips(&Arc::default(), &by_guard.into());
        let same = |user: &str| decided(&by_hand, user, now).by_feature == decided(&by_guard, user, now).by_feature;
        prop_assert!(same("mia") && same(&format!("user-{user}")), "{}", file);
        for user in [format!("user-{user}"), "mia".to_owned()] {
            let (before, after) = (decided(&open, &user, now), decided(&stopped, &user, now));
            for (index, _, feature) in open.features() {
                let (before, after) = (before.by_feature[index].unwrap(), after.by_feature[index].unwrap());
                let is_stopped = stops.of(&[&feature.name]).is_some_and(|stop| stop.at.is_none());
                if is_stopped || before != after {
                    prop_assert_eq!((after.variant, after.reason), (feature.default, Reason::Disabled), "{} of {}", feature.name, file);
                }
            }
        }
    }
}
