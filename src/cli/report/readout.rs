//! What came of it: for each feature people by arm, whether they arrive as they were drawn, and for each goal how many of them
//! reached it, with intervals that hold at every look. In: people. Out: numbers; sums are taken in an order of their own, so that
//! the order of lines changes no bit of them.

use super::{
    draw::Draw,
    people::{First, Lines, Met, People},
};
use crate::engine::compare::{
    GROUPS,
    share::share,
    split::{LEVEL, Split},
    sums::{Counts, Sums},
    words::{Comparison, Interval},
};
use std::collections::{BTreeMap, HashMap};

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

/// Whether people arrive as they were drawn.
#[derive(Clone, Copy, Debug)]
pub struct SplitReadout {
    /// people whose lines say it
    pub people: u64,
    /// how unlikely it is by chance, at all looks together
    pub p: f64,
    /// less likely than one in a thousand
    pub is_broken: bool,
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

/// One rule's people while its shares stayed as they were: these alone can be compared.
#[derive(Default)]
struct Stratum {
    /// by arm
    arms: Vec<ArmCounts>,
}

#[derive(Clone, Default)]
struct ArmCounts {
    people: [u64; GROUPS],
    in_two_arms: u64,
    /// by goal
    reached: Vec<[u64; GROUPS]>,
}

impl People {
    /// As of now. `control` is what the others are compared with, where the lines do not say it well.
    pub fn readout(&self, control: Option<&str>) -> Readout {
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
        let draws: Vec<Draw> = met
            .draws
            .iter()
            .filter_map(|text| Draw::read(text))
            .collect();
        let (first, last) = match (people.first(), people.last()) {
            (Some((_, first)), Some((_, last))) => (first.at, last.at),
            _ => (0, 0),
        };
        let latest = people.last().map(|(_, first)| &draws[first.draw as usize]);
        let (control, stands_in) = control_of(met, latest, control);
        let arms = Arms::new(met, control);
        let strata = self.strata(&people, &draws, &arms);
        let (drawn, split) = split(&people, &draws, met, &arms);
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

    /// `people` in the order of time.
    fn strata(&self, people: &[(&u64, &First)], draws: &[Draw], arms: &Arms) -> Vec<Stratum> {
        let empty = ArmCounts {
            reached: vec![[0; GROUPS]; self.goals.len()],
            ..ArmCounts::default()
        };
        let mut strata: Vec<Stratum> = Vec::new();
        // by rule, the draw at which its last stratum began
        let mut open: BTreeMap<&str, (usize, &Draw)> = BTreeMap::new();
        for (key, first) in people {
            let draw = &draws[first.draw as usize];
            let begun = open.get(&*draw.rule);
            let begun = begun.filter(|(_, begin)| draw.is_like(begin));
            let index = begun.map_or(strata.len(), |(index, _)| *index);
            if index == strata.len() {
                open.insert(&draw.rule, (index, draw));
                strata.push(Stratum {
                    arms: vec![empty.clone(); arms.names.len()],
                });
            }
            let arm = &mut strata[index].arms[arms.places[usize::from(first.variant)]];
            if first.in_two_arms {
                arm.in_two_arms += 1;
                continue;
            }
            let group = usize::from(first.group);
            arm.people[group] += 1;
            for (count, reached) in arm.reached.iter_mut().zip(self.goals.values()) {
                let last = reached.get(*key);
                count[group] += u64::from(last.is_some_and(|last| *last >= first.at));
            }
        }
        strata
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
            let mut all = Counts::default();
            for stratum in strata {
                all = plus(all, &stratum.counts(arm, index));
            }
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

impl Stratum {
    fn counts(&self, arm: usize, goal: usize) -> Counts {
        Counts {
            requests: self.arms[arm].people,
            bad: self.arms[arm].reached[goal],
        }
    }

    /// The part of an arm that is counted nowhere, because it met another variant later.
    fn gone(&self, arm: usize) -> f64 {
        let arm = &self.arms[arm];
        let people: u64 = arm.people.iter().sum();
        arm.in_two_arms as f64 / (people + arm.in_two_arms).max(1) as f64
    }
}

fn plus(mut sum: Counts, other: &Counts) -> Counts {
    let requests = sum.requests.iter_mut().zip(&other.requests);
    requests.for_each(|(sum, other)| *sum += other);
    let bad = sum.bad.iter_mut().zip(&other.bad);
    bad.for_each(|(sum, other)| *sum += other);
    sum
}

/// What the others are compared with: what was asked for, else what the latest line says. A default that is never drawn has no people:
/// the first name stands for it, which is said.
fn control_of<'a>(
    met: &'a Met,
    latest: Option<&'a Draw>,
    asked: Option<&'a str>,
) -> (&'a str, bool) {
    let said = latest.map_or("", |draw| &*draw.control);
    let is_drawn = latest.is_some_and(|draw| draw.shares.contains_key(said));
    let is_met = met.variants.iter().any(|name| **name == *said);
    match (asked, met.variants.iter().min()) {
        (Some(asked), _) => (asked, false),
        (None, Some(first)) if !is_drawn && !is_met => (first, true),
        _ => (said, false),
    }
}

/// The arms in their order, and where each variant of a log is among them.
struct Arms {
    names: Vec<String>,
    places: Vec<usize>,
}

impl Arms {
    fn new(met: &Met, control: &str) -> Arms {
        let mut names: Vec<String> = met.variants.iter().map(|name| (**name).into()).collect();
        names.sort_by_key(|name| (name != control, name.clone()));
        if !names.iter().any(|name| name == control) {
            // nobody met it
            names.insert(0, control.into());
        }
        let place = |variant: &str| names.iter().position(|name| name == variant);
        let places = met
            .variants
            .iter()
            .map(|name| place(name).unwrap_or_default());
        Arms {
            places: places.collect(),
            names,
        }
    }
}

/// By arm how many people there should be and are, and whether that is chance. People at their first exposure are exact trials,
/// whatever they met later.
fn split(
    people: &[(&u64, &First)],
    draws: &[Draw],
    met: &Met,
    arms: &Arms,
) -> (Vec<(f64, u64)>, Option<SplitReadout>) {
    let mut counts = vec![vec![0_u64; arms.names.len()]; draws.len()];
    for (_, first) in people {
        let place = arms.places[usize::from(first.variant)];
        counts[first.draw as usize][place] += 1;
    }
    let mut order: Vec<usize> = (0..draws.len()).collect();
    order.retain(|draw| !draws[*draw].shares.is_empty());
    order.sort_unstable_by_key(|draw| &met.draws[*draw]);
    let mut splits = vec![(Split::default(), 1.0_f64); arms.names.len()];
    let mut all = 0;
    for draw in order {
        let of_draw: u64 = counts[draw].iter().sum();
        all += of_draw;
        for (arm, (split, p)) in splits.iter_mut().enumerate() {
            let share = draws[draw].shares.get(&arms.names[arm]);
            // how unlikely it is with all of them: the last of these is the look
            *p = split.look(
                share.copied().unwrap_or_default(),
                counts[draw][arm],
                of_draw,
            );
        }
    }
    // of two arms each says what the other says
    let tests = splits.len().saturating_sub(1).max(1) as f64;
    let least = splits.iter().fold(1.0_f64, |least, (_, p)| least.min(*p));
    let p = (least * tests).min(1.0);
    let readout = SplitReadout {
        people: all,
        p,
        is_broken: p < LEVEL,
    };
    let people = splits.iter().map(|(split, _)| split.people());
    (people.collect(), (all > 0).then_some(readout))
}
