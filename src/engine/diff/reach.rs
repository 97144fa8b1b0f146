//! What a feature depends on beside its user: attributes and dates, through segments and parents.
//! In: a feature and its file. Out: the attributes that its conditions ask for, and when it changes by itself.

use crate::engine::{
    attributes::{AttributeIndex, USER},
    model::{Condition, Feature, FeatureIndex, Toggles},
    schedule::Rollout,
    units::Second,
};
use std::collections::BTreeSet;

/// What a feature depends on.
#[derive(Debug, Default)]
pub struct Reach {
    /// what its conditions ask for, but for the user
    pub attributes: BTreeSet<AttributeIndex>,
    /// dates of conditions and rollouts
    dates: BTreeSet<Second>,
    parents: BTreeSet<FeatureIndex>,
}

impl Reach {
    /// Of this feature.
    pub fn of(toggles: &Toggles, feature: &Feature) -> Reach {
        let mut reach = Reach::default();
        toggles
            .when
            .iter()
            .for_each(|when| reach.condition(when, toggles));
        reach.feature(feature, toggles);
        reach
    }

    /// The instants after `now` at which the feature changes by itself, each with the second before it: where a step
    /// meets a glide, that is the glide's last point.
    pub fn instants(&self, now: Second) -> impl Iterator<Item = Second> {
        let dates = self.dates.iter();
        let instants = dates.flat_map(|date| [Second(date.0.saturating_sub(1)), *date]);
        instants.filter(move |at| *at > now)
    }

    fn feature(&mut self, feature: &Feature, toggles: &Toggles) {
        let rules = feature.rules.iter().map(|rule| &rule.when);
        feature
            .when
            .iter()
            .chain(rules)
            .for_each(|when| self.condition(when, toggles));
        let rules = feature.rules.iter().map(|rule| &rule.allocation);
        for allocation in rules.chain(&feature.fallthrough) {
            match &allocation.rollout {
                Rollout::Fixed(_) => {}
                Rollout::Steps(steps) => self.dates.extend(steps.iter().map(|(at, _)| *at)),
                Rollout::Glide { start, end, .. } => self.dates.extend([start, end]),
            }
        }
    }

    fn condition(&mut self, condition: &Condition, toggles: &Toggles) {
        match condition {
            Condition::Segment(index) => {
                self.condition(&toggles.segments[usize::from(*index)], toggles);
            }
            Condition::All(all) | Condition::Any(all) => {
                all.iter().for_each(|one| self.condition(one, toggles));
            }
            Condition::Not(one) => self.condition(one, toggles),
            Condition::Attribute(USER, _) => {}
            Condition::Attribute(index, _) => {
                self.attributes.insert(*index);
            }
            Condition::Feature(index, _) => {
                if self.parents.insert(*index) {
                    self.feature(&toggles.features[usize::from(*index)], toggles);
                }
            }
            Condition::Now { from, until } => self.dates.extend(from.iter().chain(until)),
        }
    }
}
