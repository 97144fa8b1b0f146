//! What the bucketing contract promises and no single figure shows, for any shares, names and ids.

use burgee::{
    config,
    engine::{
        Decisions, Snapshot,
        diff::{self, flows},
        given::Given,
        request::{EvaluationContext, Input},
        units::Second,
    },
};
use proptest::{prelude::*, sample::subsequence};
use std::collections::BTreeMap;

fn compiled(text: &str) -> Result<Snapshot, config::Problems> {
    let loaded = config::compile_texts(
        &[config::Text {
            name: "toggles.yaml".into(),
            bytes: text.into(),
        }],
        &|_| None,
        Second(0),
    );
    loaded.map(|(snapshot, _)| snapshot)
}

fn snapshot(text: &str) -> Snapshot {
    compiled(text).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

/// The variant of every feature, by name.
fn variants(snapshot: &Snapshot, user: &str) -> BTreeMap<String, String> {
    let user = Some(user.into());
    variants_of(
        snapshot,
        &EvaluationContext {
            user,
            ..EvaluationContext::default()
        },
    )
}

fn variants_of(snapshot: &Snapshot, context: &EvaluationContext) -> BTreeMap<String, String> {
    let mut decisions = Decisions::default();
    snapshot.decide(Input::Context(context), Second(0), None, &mut decisions);
    let variant = |index: usize, feature: &burgee::engine::Feature| {
        decisions.by_feature[index].map_or(String::new(), |decision| {
            feature.variant(decision.variant).name.to_string()
        })
    };
    snapshot
        .features()
        .map(|(index, _, feature)| (feature.name.to_string(), variant(index, feature)))
        .collect()
}

fn with_attributes(features: &str) -> String {
    format!(
        "version: 1\nattributes: {{plan: header.x-plan, tier: header.x-tier}}\nfeatures:\n{features}"
    )
}

/// Two features with conditions, the second of which may ask for the first.
fn conditional() -> impl Strategy<Value = String> {
    let conditions = |of_parent: bool| {
        let mut conditions = vec![
            "{plan: a}",
            "{plan: [a, b]}",
            "{plan: {not: a}}",
            "{plan: {prefix: a}}",
            "{plan: a, tier: b}",
            "{any: [{plan: b}, {tier: {present: false}}]}",
            "{not: {tier: {suffix: b}}}",
        ];
        if of_parent {
            conditions.extend([
                "{feature.f: on}",
                "{feature.f: on, plan: a}",
                "{not: {feature.f: on}}",
            ]);
        }
        subsequence(conditions, 0..=3).prop_shuffle()
    };
    let share = || prop::sample::select(vec![0, 5, 30, 35, 100]);
    let feature = move |name: &'static str, of_parent: bool| {
        let shares = prop::collection::vec(share(), 4);
        let given = (conditions(of_parent), shares, any::<bool>());
        given.prop_map(move |(mut conditions, shares, has_when)| {
            let when = conditions.pop().filter(|_| has_when);
            let when = when.map_or(String::new(), |when| format!("when: {when}, "));
            let rule = |(when, share): (&str, &u32)| format!("{{when: {when}, rollout: {share}%}}");
            let rules: Vec<_> = conditions.into_iter().zip(&shares[1..]).map(rule).collect();
            let (rules, share) = (rules.join(", "), shares[0]);
            format!("  {name}: {{{when}rules: [{rules}], rollout: {share}%}}\n")
        })
    };
    let both = (feature("f", false), feature("g", true)).prop_map(|(f, g)| f + &g);
    both.prop_filter("a rule that is never reached is refused", |features| {
        compiled(&with_attributes(features)).is_ok()
    })
}

/// Shares of a split in percent; a variant of 0% is written too.
fn split(name: &str, shares: &[(usize, u32)]) -> String {
    let arms: Vec<_> = shares
        .iter()
        .map(|(arm, percent)| format!("v{arm}: {percent}%"))
        .collect();
    let names: Vec<_> = shares.iter().map(|(arm, _)| format!("v{arm}")).collect();
    format!(
        "  {name}: {{variants: [{}], serve: {{{}}}}}\n",
        names.join(", "),
        arms.join(", ")
    )
}

/// Whole percentages of up to five arms that add up to 100.
fn shares() -> impl Strategy<Value = Vec<u32>> {
    (1..=5usize)
        .prop_flat_map(|arms| subsequence((1..100).collect::<Vec<u32>>(), arms - 1))
        .prop_map(|cuts| {
            let ends = cuts.iter().copied().chain([100]);
            let starts = [0].into_iter().chain(cuts.iter().copied());
            starts.zip(ends).map(|(start, end)| end - start).collect()
        })
}

fn numbered(shares: &[u32]) -> Vec<(usize, u32)> {
    shares.iter().copied().enumerate().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Helm and formatters sort keys; nobody may move because of it.
    #[test]
    fn the_order_of_keys_is_irrelevant(shares in shares(), turn in 0..5usize, ids in prop::collection::vec("[a-z0-9-]{1,40}", 20)) {
        let arms = numbered(&shares);
        let mut turned = arms.clone();
        turned.rotate_left(turn % arms.len());
        let one = snapshot(&format!("version: 1\nfeatures:\n{}  other: 50%\n", split("f", &arms)));
        let two = snapshot(&format!("features:\n  other: 50%\n{}version: 1\n", split("f", &turned)));
        for id in &ids {
            prop_assert_eq!(variants(&one, id), variants(&two, id));
        }
    }

    /// Whoever does not go to the new arm stays where they are.
    #[test]
    fn an_added_arm_takes_people_only_for_itself(shares in shares(), weight in 1..50u32, ids in prop::collection::vec("[a-z0-9-]{1,40}", 200)) {
        let scaled: Vec<_> = shares.iter().map(|share| share * (100 - weight)).collect();
        let percent = |millis: u32| format!("{}.{:02}%", millis / 100, millis % 100);
        let names: Vec<_> = (0..scaled.len()).map(|arm| format!("v{arm}")).collect();
        let arms: Vec<_> = names.iter().zip(&scaled).map(|(name, share)| format!("{name}: {}", percent(*share))).collect();
        let before = snapshot(&format!("version: 1\nfeatures:\n{}", split("f", &numbered(&shares))));
        let after = snapshot(&format!(
            "version: 1\nfeatures:\n  f: {{variants: [{}, new], serve: {{{}, new: {weight}%}}}}\n",
            names.join(", "),
            arms.join(", "),
        ));
        for id in &ids {
            let (old, new) = (variants(&before, id), variants(&after, id));
            prop_assert!(new["f"] == "new" || new["f"] == old["f"], "{} went from {} to {}", id, old["f"], new["f"]);
        }
    }

    /// No edit of shares moves more than 2d/(1+d), and what moves is the closed form.
    #[test]
    fn an_edit_moves_the_closed_form_and_never_more_than_its_bound(p in shares(), q in shares()) {
        let (old, new) = (numbered(&p), numbered(&q));
        let texts = [old, new].map(|arms| snapshot(&format!("version: 1\nfeatures:\n{}", split("f", &arms))));
        let [(_, _, old), (_, _, new)] = [texts[0].features().next().unwrap(), texts[1].features().next().unwrap()];
        let lines = [old, new].map(|side| flows::Line::of(side, side.fallthrough.as_ref().unwrap(), Second(0)));
        let flows = flows::flows(&lines[0], &lines[1], true);
        let closed = flows::switched(&flows);
        let share = |shares: &[u32], arm: usize| shares.get(arm).map_or(0.0, |share| f64::from(*share) / 100.0);
        let d: f64 = (0..5).map(|arm| (share(&p, arm) - share(&q, arm)).abs()).sum::<f64>() / 2.0;
        prop_assert!(closed <= 2.0 * d / (1.0 + d) + 1e-9, "{closed} of d {d}");
        prop_assert!(closed >= d - 1e-9, "{closed} of d {d}");
        let people = 4_000;
        let counted = (0..people).filter(|id| variants(&texts[0], &id.to_string()) != variants(&texts[1], &id.to_string())).count();
        let noise = 5.0 * (f64::from(people) * closed * (1.0 - closed)).sqrt() + 1.0;
        prop_assert!((counted as f64 - closed * f64::from(people)).abs() < noise, "{counted} moved, not {closed}");
    }

    /// The gate of `burgee diff`: nobody, whatever they bring, belongs to a group of which more moves than it says.
    #[test]
    fn no_group_of_users_moves_more_than_the_gate_takes(old in conditional(), new in conditional()) {
        let texts = [&old, &new].map(|features| snapshot(&with_attributes(features)));
        let changes = diff::changes(&texts[0], &texts[1], Second(0));
        let concerned: BTreeMap<_, _> = changes.iter().map(|change| (change.key, change.concerned)).collect();
        let (values, people) = ([None, Some("a"), Some("b"), Some("ab")], 400);
        for (plan, tier) in values.iter().flat_map(|plan| values.map(|tier| (plan, tier))) {
            let mut moved: BTreeMap<_, u32> = BTreeMap::new();
            for id in 0..people {
                let attributes = [("plan", *plan), ("tier", tier)].into_iter();
                let given = |(name, value): (&str, Option<&str>)| Some((name.to_owned(), Given::text(value?)));
                let context = EvaluationContext { user: Some(format!("user-{id}")), attributes: attributes.filter_map(given).collect(), ..EvaluationContext::default() };
                let sides = [0, 1].map(|side| variants_of(&texts[side], &context));
                for (name, old) in &sides[0] {
                    *moved.entry(name.clone()).or_default() += u32::from(*old != sides[1][name]);
                }
            }
            for (name, moved) in moved {
                let most = concerned[&*name] * f64::from(people);
                let noise = 5.0 * (most * (1.0 - concerned[&*name])).sqrt() + 1.0;
                prop_assert!(f64::from(moved) <= most + noise, "{name}: {moved} of {people} move, not {most}, for {plan:?} {tier:?}\n{old}\n{new}");
            }
        }
    }

    /// `rollout: 25%` is exactly `buckets: 0-2499`, for every hundredth of a percent.
    #[test]
    fn a_rollout_is_its_buckets(hundredths in 1..=10_000u32, ids in prop::collection::vec("[a-z0-9-]{1,40}", 100)) {
        let (percent, last) = (format!("{}.{:02}%", hundredths / 100, hundredths % 100), hundredths - 1);
        let both = snapshot(&format!(
            "version: 1\nfeatures:\n  a: {{salt: s, rollout: {percent}}}\n  b: {{salt: s, buckets: {{on: 0-{last}}}}}\n"
        ));
        for id in &ids {
            let variants = variants(&both, id);
            prop_assert_eq!(&variants["a"], &variants["b"], "{} at {}", id, percent);
        }
    }

    /// Raising a percentage keeps everybody who was in, and nobody's variant changes.
    #[test]
    fn a_ramp_only_takes_people_in(from in 0..100u32, more in 0..100u32, ids in prop::collection::vec("[a-z0-9-]{1,40}", 100)) {
        let ramp = |percent: u32| snapshot(&format!(
            "version: 1\nfeatures:\n  f: {{variants: [a, b], rollout: {percent}%, serve: {{a: 50%, b: 50%}}}}\n"
        ));
        let (before, after) = (ramp(from), ramp((from + more).min(100)));
        for id in &ids {
            let (old, new) = (variants(&before, id), variants(&after, id));
            prop_assert!(old["f"] == "off" || old["f"] == new["f"]);
        }
    }
}

/// Experiments of one layer never share a person, and together they have everybody.
#[test]
fn experiments_of_one_layer_never_share_a_person() {
    let snapshot = snapshot(
        "version: 1
features:
  layer: {variants: [one, two, three], serve: {one: 20%, two: 30%, three: 50%}, header: none}
  a: {when: {feature.layer: one}, variants: [x, y], serve: {x: 50%, y: 50%}}
  b: {when: {feature.layer: two}, variants: [x, y], serve: {x: 50%, y: 50%}}
  c: {when: {feature.layer: three}, rollout: 100%}
",
    );
    let mut inside = BTreeMap::new();
    for person in 0..10_000 {
        let variants = variants(&snapshot, &format!("user-{person}"));
        let live: Vec<_> = ["a", "b", "c"]
            .into_iter()
            .filter(|name| variants[*name] != "off")
            .collect();
        assert_eq!(live.len(), 1, "user-{person} is in {live:?}");
        *inside.entry(live[0]).or_insert(0) += 1;
    }
    for (name, share) in [("a", 0.2), ("b", 0.3), ("c", 0.5)] {
        let noise = 5.0 * (10_000.0f64 * share * (1.0 - share)).sqrt();
        assert!(
            (f64::from(inside[name]) - 10_000.0 * share).abs() < noise,
            "{name}: {inside:?}"
        );
    }
}

/// `salt:` shared on purpose aligns two features; names alone never do.
#[test]
fn a_shared_salt_aligns_and_a_name_does_not() {
    let snapshot = snapshot(
        "version: 1\nfeatures:\n  a: {salt: s, rollout: 30%}\n  b: {salt: s, rollout: 30%}\n  c: 30%\n",
    );
    let differ = |one: &str, other: &str| {
        (0..5_000)
            .filter(|id| {
                let variants = variants(&snapshot, &format!("{id}"));
                variants[one] != variants[other]
            })
            .count()
    };
    assert_eq!(differ("a", "b"), 0);
    // 2 * 0.3 * 0.7 of 5,000
    let apart = differ("a", "c");
    assert!((1_900..2_300).contains(&apart), "{apart}");
}
