//! The comparison of variants: the numbers of its reference, and what holds for any counts.

use burgee::engine::compare::{
    GROUPS,
    bound::bound,
    guard::{Test, Window},
    sequences::{Span, Tests},
    split::Split,
    statistic::Statistic,
    sums::{Counts, Sums},
    words::{Comparison, Measure, Verdict},
};
use proptest::{collection::vec, prelude::*};
use serde_yaml::Value;

fn vectors() -> Value {
    serde_yaml::from_str(include_str!("../data/vectors/comparison.yaml")).unwrap()
}

fn counts(arm: &Value) -> Counts {
    let groups = |key: &str| {
        let numbers = arm[key].as_sequence().unwrap().iter();
        let numbers: Vec<u64> = numbers.map(|n| n.as_u64().unwrap()).collect();
        numbers.try_into().unwrap()
    };
    Counts {
        requests: groups("n"),
        bad: groups("e"),
    }
}

fn sums(strata: &Value) -> Sums {
    let mut sums = Sums::default();
    for stratum in strata.as_sequence().unwrap() {
        sums.add(&Sums::of(
            &counts(&stratum["control"]),
            &counts(&stratum["treatment"]),
        ));
    }
    sums
}

fn level(sums: &Sums, margin: f64, one_sided: f64) -> bool {
    let window = Window {
        stage: sums,
        before: None,
    };
    window.exceeds(Test::Level, margin, one_sided).is_some()
}

/// Within 1e-9, relatively or absolutely; null is none.
fn same(name: &str, key: &str, found: Option<f64>, expected: &Value) {
    let expected = expected.as_f64();
    let near = match (found, expected) {
        (Some(found), Some(expected)) if expected.is_finite() => {
            (found - expected).abs() <= 1e-9 * expected.abs().max(1.0)
        }
        (found, expected) => found == expected,
    };
    assert!(near, "{name}: {key} is {found:?}, not {expected:?}");
}

#[test]
fn the_numbers_are_those_of_the_reference() {
    let vectors = vectors();
    let cases = vectors["cases"].as_sequence().unwrap();
    assert!(cases.len() > 40);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let expected = &case["out"];
        let size = |key: &str| case[key].as_u64().unwrap() as usize;
        let spans = [Span::RECURRING.as_slice(), &[Span::Stage]].concat();
        let mut spans = spans.into_iter();
        let span = spans.find(|span| span.as_str() == case["sequence"].as_str().unwrap());
        let tests = Tests {
            variants: size("arms"),
            measures: size("measures"),
            pods: size("pods"),
        };
        let alpha = tests.one_sided(span.unwrap());
        let margin = case["margin"].as_f64().unwrap();
        let sums = sums(&case["strata"]);
        let statistic = Statistic::of(&sums);
        let comparison = Comparison::of(&sums, alpha);
        let boundary = |s: Statistic| bound(s.variance, s.freedom, alpha);
        for (key, found) in [
            ("alpha", Some(alpha)),
            ("A", statistic.map(|s| s.amount)),
            ("B", statistic.map(|s| s.weight)),
            ("V", statistic.map(|s| s.variance)),
            ("nu", statistic.map(|s| s.freedom)),
            ("bound", statistic.map(boundary)),
            ("worse", statistic.map(|s| s.worse as f64)),
            ("d", comparison.difference.map(|i| i.value)),
            ("low", comparison.difference.map(|i| i.low)),
            ("high", comparison.difference.map(|i| i.high)),
        ] {
            same(name, key, found, &expected[key]);
        }
        let words = comparison.verdict.words(Measure::Errors);
        assert_eq!(Some(words), expected["words"].as_str(), "{name}");
        let stops = level(&sums, margin, alpha);
        assert_eq!(Some(stops), expected["stops"].as_bool(), "{name}");
        if !case["base"].is_null() {
            let before = self::sums(&case["base"]);
            let rise = Statistic::rise(&sums, &before);
            same(name, "rise_A", rise.map(|s| s.amount), &expected["rise_A"]);
            same(
                name,
                "rise_V",
                rise.map(|s| s.variance),
                &expected["rise_V"],
            );
            let mut stage = before.clone();
            stage.add(&sums);
            let window = Window {
                stage: &stage,
                before: Some(&before),
            };
            let stops = window.exceeds(Test::Rise, margin, alpha).is_some();
            assert_eq!(Some(stops), expected["rise_stops"].as_bool(), "{name}");
        }
    }
}

#[test]
fn the_split_is_tested_as_by_the_reference() {
    for case in vectors()["split"].as_sequence().unwrap() {
        let (name, expected) = (case["name"].as_str().unwrap(), &case["out"]);
        let (mut split, mut p) = (Split::default(), 1.0);
        for look in case["people"].as_sequence().unwrap() {
            let people = |index: usize| look[index].as_u64().unwrap();
            p = split.look(look[0].as_f64().unwrap(), people(1), people(2));
        }
        let (should_be, are) = split.people();
        same(name, "expected", Some(should_be), &expected["expected"]);
        same(name, "seen", Some(are as f64), &expected["seen"]);
        same(name, "p", Some(p), &expected["p"]);
        assert!(split.p() <= p, "{name}");
        assert_eq!(
            Some(split.is_broken()),
            expected["broken"].as_bool(),
            "{name}"
        );
    }
}

/// An arm with up to 200 requests in each group, some of them bad.
fn arm() -> impl Strategy<Value = Counts> {
    vec((0_u64..200, 0_u64..=100), GROUPS).prop_map(|groups| {
        let mut counts = Counts::default();
        for (group, (requests, percent)) in groups.into_iter().enumerate() {
            counts.requests[group] = requests;
            counts.bad[group] = requests * percent / 100;
        }
        counts
    })
}

/// The same in each group.
fn alike() -> impl Strategy<Value = Counts> {
    (1_u64..1_000, 0_u64..=100).prop_map(|(requests, percent)| Counts {
        requests: [requests; GROUPS],
        bad: [requests * percent / 100; GROUPS],
    })
}

fn doubled(counts: &Counts) -> Counts {
    Counts {
        requests: counts.requests.map(|n| 2 * n),
        bad: counts.bad.map(|e| 2 * e),
    }
}

/// Group by group in another order.
fn turned(counts: &Counts, order: &[usize]) -> Counts {
    Counts {
        requests: std::array::from_fn(|group| counts.requests[order[group]]),
        bad: std::array::from_fn(|group| counts.bad[order[group]]),
    }
}

fn near(a: f64, b: f64) -> bool {
    a == b || (a - b).abs() <= 1e-9 * a.abs().max(1.0)
}

fn numbers(sums: &Sums) -> Option<[f64; 4]> {
    let s = Statistic::of(sums)?;
    Some([s.amount, s.weight, s.variance, s.freedom])
}

fn all_near(a: Option<[f64; 4]>, b: Option<[f64; 4]>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.iter().zip(&b).all(|(a, b)| near(*a, *b)),
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// The whole budget of a stage that compares one variant by one measure.
const STAGE: f64 = 0.005;

proptest! {
    #[test]
    fn the_order_of_groups_does_not_matter(
        control in arm(),
        tested in arm(),
        order in Just((0..GROUPS).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let straight = Sums::of(&control, &tested);
        let turned = Sums::of(&turned(&control, &order), &turned(&tested, &order));
        prop_assert!(all_near(numbers(&straight), numbers(&turned)));
    }

    #[test]
    fn the_order_of_slices_does_not_matter(slices in vec((arm(), arm()), 1..6)) {
        let (mut there, mut back) = (Sums::default(), Sums::default());
        slices.iter().for_each(|(c, t)| there.add(&Sums::of(c, t)));
        slices.iter().rev().for_each(|(c, t)| back.add(&Sums::of(c, t)));
        prop_assert!(all_near(numbers(&there), numbers(&back)));
    }

    #[test]
    fn a_copy_taken_away_leaves_what_came_since(before in (arm(), arm()), after in (arm(), arm())) {
        let (before, after) = (Sums::of(&before.0, &before.1), Sums::of(&after.0, &after.1));
        let mut all = before.clone();
        all.add(&after);
        prop_assert!(all_near(numbers(&all.since(&before)), numbers(&after)));
    }

    /// Where people are alike. Where they are not, more requests of the same people tell no more about others.
    #[test]
    fn twice_as_many_requests_narrow_the_interval(
        control in alike(),
        tested in alike(),
    ) {
        let once = Comparison::of(&Sums::of(&control, &tested), STAGE).difference;
        let twice = Comparison::of(&Sums::of(&doubled(&control), &doubled(&tested)), STAGE).difference;
        let (once, twice) = (once.unwrap(), twice.unwrap());
        prop_assert!(near(once.value, twice.value));
        let is_cut = once.low == -1.0 || once.high == 1.0;
        prop_assert!(is_cut || twice.high - twice.low < once.high - once.low);
    }

    #[test]
    fn swapped_arms_flip_the_sign(control in arm(), tested in arm()) {
        let there = Comparison::of(&Sums::of(&control, &tested), STAGE);
        let back = Comparison::of(&Sums::of(&tested, &control), STAGE);
        if let (Some(there), Some(back)) = (there.difference, back.difference) {
            prop_assert!(near(there.value, -back.value));
            prop_assert!(near(there.low, -back.high) && near(there.high, -back.low));
        }
        let flipped = match back.verdict {
            Verdict::MoreOften => Verdict::LessOften,
            Verdict::LessOften => Verdict::MoreOften,
            same => same,
        };
        prop_assert_eq!(there.verdict.words(Measure::Errors), flipped.words(Measure::Errors));
    }

    /// One client is in one group, whatever it sends.
    #[test]
    fn nothing_is_certain_from_one_group(
        control in arm(),
        group in 0..GROUPS,
        requests in 0_u64..1_000_000_000,
    ) {
        // both arms are the same, but for one client's errors in the one that is tested
        let mut tested = control;
        tested.requests[group] += requests;
        tested.bad[group] += requests;
        let sums = Sums::of(&control, &tested);
        let said = Comparison::of(&sums, STAGE).verdict;
        prop_assert!(!matches!(said, Verdict::MoreOften | Verdict::LessOften), "{said:?}");
        for span in Span::RECURRING {
            let tests = Tests { variants: 1, measures: 1, pods: 1 };
            prop_assert!(!level(&sums, 0.0, tests.one_sided(span)));
        }
    }

    /// The quick way out never hides what the whole test would find.
    #[test]
    fn the_quick_way_out_changes_no_answer(control in arm(), tested in arm(), margin in 0.0..0.2_f64) {
        let sums = Sums::of(&control, &tested);
        let slow = Statistic::of(&sums).is_some_and(|s| {
            s.worse >= 8 && s.level > margin
                && s.amount - margin * s.weight > bound(s.variance, s.freedom, STAGE)
        });
        prop_assert_eq!(level(&sums, margin, STAGE), slow);
    }
}
