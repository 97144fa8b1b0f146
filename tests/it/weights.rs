//! Whole companies, for any weights, salts and shares: what is rolled out stays within half a company of the target.

use super::toggles::compile;
use burgee::engine::{
    Decisions, Snapshot,
    given::Given,
    request::{EvaluationContext, Input},
    units::Second,
};
use proptest::{collection::vec, prelude::*};

/// What the one feature of the file gives to each company.
fn given(snapshot: &Snapshot, companies: usize) -> Vec<String> {
    let feature = &snapshot.files[0].features[0];
    let mut decisions = Decisions::default();
    let variant = |company: usize| {
        let mut context = EvaluationContext::default();
        let name = Given::text(format!("c{company}"));
        context.attributes.insert("company".into(), name);
        snapshot.decide(Input::Context(&context), Second(0), None, &mut decisions);
        let decision = decisions.by_feature[0].unwrap();
        feature.variant(decision.variant).name.to_string()
    };
    (0..companies).map(variant).collect()
}

fn file(weights: &[u64], feature: &str) -> Snapshot {
    let list: Vec<_> = weights
        .iter()
        .enumerate()
        .map(|(company, weight)| format!("c{company}: {weight}"))
        .collect();
    let text = format!(
        "version: 1\nattributes: {{company: {{from: header.x-company, weights: {{{}}}}}}}\nfeatures:\n  f: {{by: company, {feature}}}\n",
        list.join(", ")
    );
    compile(&[("a.yaml", text.as_bytes())]).unwrap().0
}

/// The weight of all who are given one of these, as a share of everything.
fn weight(weights: &[u64], given: &[String], wanted: &[&str]) -> f64 {
    let pairs = weights.iter().zip(given);
    let inside: u64 = pairs
        .filter(|(_, variant)| wanted.contains(&variant.as_str()))
        .map(|(weight, _)| weight)
        .sum();
    inside as f64 / weights.iter().sum::<u64>() as f64
}

/// Half of the heaviest, as a share of everything.
fn half(weights: &[u64]) -> f64 {
    *weights.iter().max().unwrap() as f64 / 2.0 / weights.iter().sum::<u64>() as f64 + 1e-9
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_weight_rolled_out_is_within_half_a_company(weights in vec(1..1000u64, 1..60), salt in "[a-z]{1,8}", first in 0..=100u32, second in 0..=100u32) {
        let (low, high) = (first.min(second), first.max(second));
        let rollout = |percent: u32| given(&file(&weights, &format!("salt: {salt}, rollout: {percent}%")), weights.len());
        let (before, after) = (rollout(low), rollout(high));
        for (given, percent) in [(&before, low), (&after, high)] {
            let off = weight(&weights, given, &["on"]) - f64::from(percent) / 100.0;
            prop_assert!(off.abs() <= half(&weights), "{percent}% is off by {off}");
        }
        for (old, new) in before.iter().zip(&after) {
            prop_assert!(old == "off" || new == "on", "a company falls out of a ramp");
        }
    }

    /// An arm begins and ends on the line within half a company of where its shares say.
    #[test]
    fn arms_are_cut_within_half_a_company(weights in vec(1..1000u64, 1..60), salt in "[a-z]{1,8}", a in 0..=50u32, b in 0..=50u32) {
        let text = format!("salt: {salt}, variants: [a, b, c], serve: {{c: {}%, b: {b}%, a: {a}%}}", 100 - a - b);
        let given = given(&file(&weights, &text), weights.len());
        for (arms, percent) in [(&["a"][..], a), (&["a", "b"], a + b)] {
            let off = weight(&weights, &given, arms) - f64::from(percent) / 100.0;
            prop_assert!(off.abs() <= half(&weights), "{arms:?} are off by {off}");
        }
    }

    /// A bucket is where the middle of a company stands: `rollout: 25%` is `buckets: 0-2499`.
    #[test]
    fn a_rollout_is_its_buckets(weights in vec(1..1000u64, 1..60), salt in "[a-z]{1,8}", percent in 1..=100u32) {
        let rollout = file(&weights, &format!("salt: {salt}, rollout: {percent}%"));
        let buckets = file(&weights, &format!("salt: {salt}, buckets: {{on: 0-{}}}", percent * 100 - 1));
        prop_assert_eq!(given(&rollout, weights.len()), given(&buckets, weights.len()));
    }
}
