//! What came of it: for each feature people by arm, whether they arrive as they were drawn, and for each goal how many of them
//! reached it, with intervals that hold at every look. In: people. Out: numbers; sums are taken in an order of their own, so that
//! the order of lines changes no bit of them.

use super::{
    arms::{Arms, SplitReadout, control_of, split},
    people::{First, Lines, Met, People},
    strata::{Stratum, strata},
};
use crate::engine::compare::{
    share::share,
    sums::{Counts, Sums},
    words::{Comparison, Interval},
};
use std::collections::HashMap;

/// How often the intervals of a feature may miss: all of them together, at all looks together.
const ERROR: f64 = 0.05;

/// All of it.
#[derive(Debug)]
pub struct Readout {
    /// what became of the lines
    pub lines: Lines,
    /// by name
    pub features: Vec<FeatureReadout>,
}

/// One feature.
#[derive(Debug)]
pub struct FeatureReadout {
    /// its name
    pub feature: String,
    /// when somebody met it first, in microseconds since 1970
    pub first: i64,
    /// when somebody met it first who had not met it before
    pub last: i64,
    /// whether the control is none that lines name: that one is never drawn
    pub stands_in: bool,
    /// in the order of their names, the control first
    pub arms: Vec<ArmReadout>,
    /// none where no line says what was drawn
    pub split: Option<SplitReadout>,
    /// by name
    pub goals: Vec<GoalReadout>,
}

/// The people of one variant.
#[derive(Debug)]
pub struct ArmReadout {
    /// its name
    pub variant: String,
    /// who met it first
    pub people: u64,
    /// of them, who met another one later: they are in no arm
    pub in_two_arms: u64,
    /// how many of those whose draw is known there should be, and are
    pub drawn: (f64, u64),
}

/// One goal.
#[derive(Debug)]
pub struct GoalReadout {
    /// its name
    pub goal: String,
    /// people who reached it before they met the feature, and not again
    pub late: u64,
    /// people who reached it and never met the feature
    pub not_exposed: u64,
    /// in the order of the arms
    pub arms: Vec<Reached>,
    /// each arm but the control
    pub compared: Vec<(String, Comparison)>,
}

/// How many of an arm reached a goal.
#[derive(Debug)]
pub struct Reached {
    /// people of this arm alone
    pub people: u64,
    /// of them, who reached it after they had met the feature
    pub reached: u64,
    /// their share; none where there are too few people
    pub share: Option<Interval>,
}

impl People {
    /// As of now. `control` is what the others are compared with, where the lines do not say it well.
    pub fn readout(&mut self, control: Option<&str>) -> Readout {
        self.join();
        // a line may name a feature and be broken
        let features = self.features.iter();
        let features = features.filter(|(_, met)| !met.people.is_empty());
        Readout {
            lines: self.lines,
            features: features
                .map(|(name, met)| self.feature(name, met, control))
                .collect(),
        }
    }

    fn feature(&self, name: &str, met: &Met, control: Option<&str>) -> FeatureReadout {
        let mut people: Vec<(&u64, &First)> = met.people.iter().collect();
        people.sort_unstable_by_key(|(_, first)| met.order(first));
        let draws = &met.read;
        let (first, last) = match (people.first(), people.last()) {
            (Some((_, first)), Some((_, last))) => (first.at, last.at),
            _ => (0, 0),
        };
        let latest = people.last().map(|(_, first)| &draws[first.draw as usize]);
        let (control, stands_in) = control_of(met, latest, control);
        let arms = Arms::new(met, control);
        let strata = strata(&people, draws, &arms, &self.goals);
        let (drawn, split) = split(&people, draws, met, &arms);
        let arm = |(index, variant): (usize, &String)| {
            let counts = strata.iter().map(|stratum| &stratum.arms[index]);
            let in_two_arms: u64 = counts.clone().map(|arm| arm.in_two_arms).sum();
            let people: u64 = counts.flat_map(|arm| arm.people).sum();
            ArmReadout {
                variant: variant.clone(),
                people: people + in_two_arms,
                in_two_arms,
                drawn: drawn[index],
            }
        };
        let goals = self.goals.iter().enumerate();
        FeatureReadout {
            feature: name.into(),
            first,
            last,
            stands_in,
            goals: goals
                .map(|(index, (goal, reached))| {
                    self.goal(index, goal, reached, met, &arms, &strata)
                })
                .collect(),
            arms: arms.names.iter().enumerate().map(arm).collect(),
            split,
        }
    }

    fn goal(
        &self,
        index: usize,
        name: &str,
        reached: &HashMap<u64, i64>,
        met: &Met,
        arms: &Arms,
        strata: &[Stratum],
    ) -> GoalReadout {
        let tested = (arms.names.len().max(2) - 1) * self.goals.len();
        let one_sided = ERROR / 2.0 / tested as f64;
        let first = |key: &u64| met.people.get(key);
        let is_late = |(key, last): &(&u64, &i64)| first(key).is_some_and(|one| **last < one.at);
        let of_arm = |arm: usize| {
            let all = strata.iter().map(|stratum| stratum.counts(arm, index));
            let all = all.fold(Counts::default(), |sum, one| plus(sum, &one));
            Reached {
                people: all.requests.iter().sum(),
                reached: all.bad.iter().sum(),
                share: share(&all, one_sided),
            }
        };
        let compared = |arm: usize| {
            let (mut sums, mut unknown) = (Sums::default(), 0.0);
            for stratum in strata {
                let of = Sums::of(&stratum.counts(0, index), &stratum.counts(arm, index));
                unknown += of.weight * (stratum.gone(0) + stratum.gone(arm));
                sums.add(&of);
            }
            let unknown = if sums.weight > 0.0 {
                unknown / sums.weight
            } else {
                0.0
            };
            (
                arms.names[arm].clone(),
                Comparison::with_unknown(&sums, one_sided, unknown),
            )
        };
        GoalReadout {
            goal: name.into(),
            late: reached.iter().filter(is_late).count() as u64,
            not_exposed: reached.keys().filter(|key| first(key).is_none()).count() as u64,
            arms: (0..arms.names.len()).map(of_arm).collect(),
            compared: (1..arms.names.len()).map(compared).collect(),
        }
    }
}

fn plus(mut sum: Counts, other: &Counts) -> Counts {
    let requests = sum.requests.iter_mut().zip(&other.requests);
    requests.for_each(|(sum, other)| *sum += other);
    let bad = sum.bad.iter_mut().zip(&other.bad);
    bad.for_each(|(sum, other)| *sum += other);
    sum
}
