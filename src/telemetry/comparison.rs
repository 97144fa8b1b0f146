//! What can be said of a feature's variants, for the API and the page. In: stages. Out: one report a feature that draws.

use super::{
    counter::BOUNDS,
    metrics::{Metrics, evaluations},
    recorder::lock,
    stages::{ArmMetrics, StageMetrics, durations},
    variant::{FORCED, REASONS},
};
use crate::engine::{
    Feature, Reason,
    compare::{
        share::share,
        split::{self, Split},
        stage::Arm,
        sums::Counts,
        words::{Comparison, Interval, Measure},
    },
    units::Second,
};
use std::{array, collections::BTreeMap};

/// The comparison of one feature's variants since its text was written, in this process.
#[derive(Debug)]
pub struct FeatureComparison {
    /// when the stage began
    pub since: Second,
    /// what the others are compared with
    pub control: u8,
    /// each other variant that is drawn beside the control
    pub tested: Vec<(u8, Measure, Comparison)>,
    /// in the order of the file: the feature's own, then those of rules
    pub draws: Vec<DrawReport>,
    /// requests that are in no arm
    pub not_compared: NotCompared,
}

/// One draw.
#[derive(Debug)]
pub struct DrawReport {
    /// from 1; 0 for the feature's own
    pub rule: u8,
    /// what it gave
    pub arms: Vec<ArmReport>,
    /// what arrives is not what was drawn
    pub broken: Option<Split>,
}

/// One variant of one draw.
#[derive(Debug)]
pub struct ArmReport {
    /// index into the feature's variants
    pub variant: u8,
    /// requests
    pub requests: u64,
    /// of them, answers with 500 or above
    pub errors: u64,
    /// about so many people, within 2%
    pub people: u64,
    /// the share of errors; none where there are too few people
    pub share: Option<Interval>,
    /// by the time that they took
    pub durations: [u64; BOUNDS.len() + 1],
    /// by goal
    pub goals: BTreeMap<Box<str>, GoalReport>,
    /// how many people there should be, and are; none where that is not known
    pub drawn: Option<(f64, u64)>,
}

/// The people of one arm who reached one goal.
#[derive(Clone, Copy, Debug)]
pub struct GoalReport {
    /// about so many
    pub people: u64,
    /// their share of the arm's people; none where there are too few
    pub share: Option<Interval>,
}

/// Requests that are in no arm, by why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NotCompared {
    /// no condition held
    pub not_eligible: u64,
    /// a draw had to decide, and nobody knows who asks
    pub without_id: u64,
    /// a tester asked for a variant
    pub forced: u64,
    /// a rule gave a variant to everybody that it holds for
    pub without_draw: u64,
    /// a rule drew, but not the control
    pub without_control: u64,
    /// the file was paused
    pub paused: u64,
}

/// The permitted error at either end of an arm's own interval.
const ONE_SIDED: f64 = 0.005;

impl Metrics {
    /// As of now; none for a feature that draws nothing.
    pub fn comparison(&self, feature: &Feature, now: Second) -> Option<FeatureComparison> {
        let features = lock(&self.features);
        let metrics = features.stages.get(&feature.key)?;
        // a request of just now may come between two snapshots
        if metrics.text != feature.text {
            return None;
        }
        let (stage, counted) = (&metrics.stage, metrics.counted());
        let tested = stage.tested.iter().map(|tested| {
            let comparison = stage.comparison(tested, now, &counted);
            (tested.variant, tested.measure, comparison)
        });
        let variants: Vec<_> = feature
            .variants
            .iter()
            .filter_map(|variant| {
                let key = (feature.key.clone(), variant.name.clone());
                features.variants.get(&key).cloned()
            })
            .collect();
        let draws = reports(metrics, &counted, &self.goals.names());
        let mut not_compared = NotCompared::since(&metrics.before, &evaluations(&variants));
        let without = draws.iter().filter(|draw| {
            let control = |arm: &ArmReport| arm.variant == stage.control;
            !draw.arms.iter().any(control)
        });
        let requests = without.flat_map(|draw| draw.arms.iter().map(|arm| arm.requests));
        not_compared.without_control = requests.sum();
        Some(FeatureComparison {
            since: stage.since,
            control: stage.control,
            tested: tested.collect(),
            draws,
            not_compared,
        })
    }
}

fn reports(metrics: &StageMetrics, counted: &[Vec<Arm>], goals: &[Box<str>]) -> Vec<DrawReport> {
    let draws = metrics.stage.draws.iter().zip(&metrics.arms).zip(counted);
    let report = draws.map(|((looked, slots), arms)| {
        let scale = scale(arms.iter().map(|arm| arm.people).sum());
        let reached = reached(slots, arms, goals, scale);
        let splits = looked.splits.iter();
        let drawn = splits.map(|split| Some(split.people()).filter(|(drawn, _)| *drawn > 0.0));
        let arms = looked.draw.variants.iter().zip(slots).zip(arms);
        let arms = arms.zip(reached).zip(drawn);
        let arms = arms.map(|((((variant, slots), arm), goals), drawn)| {
            let counts = arm.cells.counts(Measure::Errors);
            let mut durations = durations(&slots.requests);
            let before = durations.iter_mut().zip(&slots.before);
            before.for_each(|(now, before)| *now -= before);
            ArmReport {
                variant: *variant,
                requests: counts.requests.iter().sum(),
                errors: counts.bad.iter().sum(),
                people: (arm.people as f64 * scale).round() as u64,
                share: share(&counts, ONE_SIDED),
                durations,
                goals,
                drawn,
            }
        });
        DrawReport {
            rule: looked.draw.rule,
            arms: arms.collect(),
            broken: looked
                .splits
                .iter()
                .find(|split| split.is_broken())
                .copied(),
        }
    });
    report.collect()
}

/// Who met a bit that somebody else had set is one of them, too.
fn scale(first: u64) -> f64 {
    split::people(first) as f64 / first.max(1) as f64
}

/// By arm: who reached each goal that anybody of the draw reached.
fn reached(
    slots: &[ArmMetrics],
    arms: &[Arm],
    goals: &[Box<str>],
    scale_people: f64,
) -> Vec<BTreeMap<Box<str>, GoalReport>> {
    let mut all = vec![BTreeMap::new(); arms.len()];
    for (number, name) in goals.iter().enumerate() {
        let reached: Vec<_> = slots.iter().map(|arm| arm.goals.people(number)).collect();
        let first = reached.iter().flatten().flatten().sum();
        if first == 0 {
            continue;
        }
        let scale_goal = scale(first);
        for ((all, arm), reached) in all.iter_mut().zip(arms).zip(reached) {
            let (people, reached) = (arm.by_group, reached.unwrap_or_default());
            let scaled = |count: u64, scale: f64| (count as f64 * scale).round() as u64;
            let requests = people.map(|count| scaled(count, scale_people));
            let bad =
                array::from_fn(|group| scaled(reached[group], scale_goal).min(requests[group]));
            let report = GoalReport {
                people: scaled(reached.iter().sum(), scale_goal),
                share: share(&Counts { requests, bad }, ONE_SIDED),
            };
            all.insert(name.clone(), report);
        }
    }
    all
}

impl NotCompared {
    fn since(before: &[u64; FORCED + 1], now: &[u64; FORCED + 1]) -> NotCompared {
        let mut not = NotCompared::default();
        for (slot, (now, before)) in now.iter().zip(before).enumerate() {
            let count = match REASONS.get(slot) {
                None => &mut not.forced,
                Some(Reason::Default) => &mut not.not_eligible,
                Some(Reason::Error) => &mut not.without_id,
                Some(Reason::Disabled) => &mut not.paused,
                Some(Reason::Static | Reason::TargetingMatch) => &mut not.without_draw,
                Some(Reason::Split) => continue,
            };
            *count += now.saturating_sub(*before);
        }
        not
    }
}
