//! A feature's stage, look by look: what is thrown away, what a broken split takes away, and when harm is certain.

use super::toggles::compile;
use burgee::engine::{
    Snapshot,
    compare::{
        GROUPS,
        cells::outcome,
        guard::Test,
        sequences::Span,
        stage::{Arm, Stage},
        words::{Measure, Verdict},
    },
    units::Second,
};

/// A midnight.
const BEGIN: i64 = 1_769_904_000;

fn snapshot(feature: &str) -> Snapshot {
    let text =
        format!("version: 1\nattributes: {{plan: header.x-plan}}\nfeatures:\n  f: {feature}\n");
    let files = [("toggles.yaml", text.as_bytes())];
    compile(&files).unwrap_or_else(|p| panic!("{p}\n{text}")).0
}

struct World {
    stage: Stage,
    counted: Vec<Vec<Arm>>,
    now: i64,
}

impl World {
    fn new(feature: &str) -> World {
        let snapshot = snapshot(feature);
        let feature = &snapshot.files[0].features[0];
        let stage = Stage::new(feature, &[Measure::Errors], true, Second(BEGIN), 60).unwrap();
        let arms = |draw: usize| vec![Arm::default(); stage.draws[draw].draw.variants.len()];
        World {
            counted: (0..stage.draws.len()).map(arms).collect(),
            stage,
            now: BEGIN,
        }
    }

    /// So many looks, each with `good` and `bad` requests in each group of each arm of each draw.
    fn looks(&mut self, looks: usize, counts: impl Fn(usize, usize, usize) -> (u64, u64)) {
        for _ in 0..looks {
            for (draw, arms) in self.counted.iter_mut().enumerate() {
                for (arm, counted) in arms.iter_mut().enumerate() {
                    for group in 0..GROUPS {
                        let (good, bad) = counts(draw, arm, group);
                        counted.cells.0[group][outcome(false, false)] += good;
                        counted.cells.0[group][outcome(true, false)] += bad;
                    }
                }
            }
            self.now += 2;
            self.stage.look(Second(self.now), &self.counted, true);
        }
    }

    fn verdict(&self, tested: usize) -> Verdict {
        let tested = &self.stage.tested[tested];
        let comparison = self
            .stage
            .comparison(tested, Second(self.now), &self.counted);
        comparison.verdict
    }
}

#[test]
fn harm_that_comes_late_is_found_by_a_sequence_that_began_later() {
    let mut world = World::new("50%");
    // two points of errors in both arms, for three hours
    let usual = |group: usize| (49, u64::from(group.is_multiple_of(2)) * 2);
    world.looks(3 * 1_800, |_, _, group| usual(group));
    let harm = |world: &World| {
        let tested = &world.stage.tested[0];
        let now = Second(world.now);
        world.stage.harm(tested, 0.001, 1, now, &world.counted)
    };
    assert_eq!(harm(&world), None);
    assert!(matches!(world.verdict(0), Verdict::NoDifferenceSeen(_)));
    let mut looks = 0;
    let found = loop {
        world.looks(1, |_, arm, group| {
            let (good, bad) = usual(group);
            // the first is `on`
            if arm == 0 {
                (good - 5, bad + 5)
            } else {
                (good, bad)
            }
        });
        looks += 1;
        if let Some(found) = harm(&world) {
            break found;
        }
        assert!(looks < 30, "never");
    };
    assert_ne!(found.span, Span::Stage, "{found:?}");
    assert!(
        found.since.0 >= BEGIN && found.at_least > 0.001,
        "{found:?}"
    );
    assert!(matches!(found.test, Test::Level | Test::Rise));
    // the margin is what must be exceeded: of twenty points nothing is certain
    let tested = &world.stage.tested[0];
    let now = Second(world.now);
    assert_eq!(world.stage.harm(tested, 0.2, 1, now, &world.counted), None);
}

#[test]
fn a_broken_split_takes_the_good_words_away() {
    let mut world = World::new("50%");
    let counts = |_, _, group: usize| (200, u64::from(group.is_multiple_of(4)));
    world.looks(30, counts);
    assert!(matches!(world.verdict(0), Verdict::NoDifferenceSeen(_)));
    world.counted[0][0].people += 4_600;
    world.counted[0][1].people += 5_400;
    world.looks(1, counts);
    assert_eq!(world.verdict(0), Verdict::TooFewToTell);
    let (draw, split) = world.stage.broken_split().unwrap();
    assert_eq!((draw.rule, split.shares()), (0, (0.46, 0.5)));
}

#[test]
fn people_who_come_around_a_step_are_no_trials() {
    // at ten minutes from 10 to 90%
    let at = "{rollout: {\"2026-02-01T00:00:00Z\": 10%, \"2026-02-01T00:10:00Z\": 90%}}";
    let mut world = World::new(at);
    let none = |_, _, _| (0, 0);
    world.looks(299, none);
    // decided before the step, and answered after it
    world.looks(2, none);
    world.counted[0][0].people += 100;
    world.counted[0][1].people += 900;
    world.looks(1, none);
    world.looks(60, none);
    world.counted[0][0].people += 900;
    world.counted[0][1].people += 100;
    world.looks(1, none);
    assert!(world.stage.broken_split().is_none());
    assert_eq!(world.stage.draws[0].splits[0].people(), (900.0, 900));
}

#[test]
fn a_rule_that_cannot_draw_the_control_compares_nothing() {
    let mut world = World::new(
        "{variants: [control, a, b], default: control, rules: [{when: {plan: pro}, serve: {a: 50%, b: 50%}}], serve: {control: 50%, a: 50%}}",
    );
    assert_eq!(world.stage.draws.len(), 2);
    let tested: Vec<u8> = world.stage.tested.iter().map(|one| one.variant).collect();
    assert_eq!(tested, [1], "b is never drawn beside the control");
    // a fails for professionals only, who have no control
    world.looks(30, |draw, arm, _| {
        if (draw, arm) == (1, 0) {
            (0, 50)
        } else {
            (50, 0)
        }
    });
    assert!(matches!(world.verdict(0), Verdict::NoDifferenceSeen(_)));
}

/// Pooled, `on` would fail seven points more often: staff fail often, and nearly all of them have it.
#[test]
fn rules_with_opposite_shares_are_strata() {
    let mut world = World::new("{rules: [{when: {plan: staff}, rollout: 90%}], rollout: 10%}");
    assert_eq!(world.stage.draws[1].draw.rule, 1);
    world.looks(60, |draw, arm, group| {
        let spread = u64::from(group % 2 == 0);
        match (draw, arm) {
            (0, 0) => (10, 0),
            (0, _) => (90, spread),
            (_, 0) => (81 - spread, 9 + spread),
            _ => (9, 1),
        }
    });
    let said = world.verdict(0);
    assert!(
        matches!(said, Verdict::NoDifferenceSeen(_) | Verdict::TooFewToTell),
        "{said:?}"
    );
}
