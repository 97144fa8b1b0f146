//! Conditions as text: short ones for people, whole ones to tell whether two files ask the same.
//! In: compiled conditions. Out: text; with `deep`, all that the condition depends on is in it.

use super::reason;
use crate::engine::{
    attributes::AttributeIndex,
    instant,
    model::{Condition, Feature, Toggles},
    operator::{Test, Texts},
};

/// A condition in words. `deep` names sources, spells out segments and follows parents.
pub fn condition(condition: &Condition, toggles: &Toggles, deep: bool) -> String {
    let join = |conditions: &[Condition], word: &str| {
        let parts: Vec<_> = conditions
            .iter()
            .map(|one| self::condition(one, toggles, deep))
            .collect();
        if parts.len() == 1 {
            parts.concat()
        } else {
            format!("({})", parts.join(word))
        }
    };
    match condition {
        Condition::Segment(index) if deep => {
            self::condition(&toggles.segments[usize::from(*index)], toggles, deep)
        }
        Condition::Segment(index) => toggles.segment_names[usize::from(*index)].to_string(),
        Condition::All(all) => join(all, " and "),
        Condition::Any(any) => join(any, " or "),
        Condition::Not(one) => format!("not {}", self::condition(one, toggles, deep)),
        Condition::Attribute(index, test) => {
            let name = if deep {
                source(*index, toggles)
            } else {
                toggles.attributes[usize::from(*index)].name.to_string()
            };
            format!("{name} {}", asks(test, deep))
        }
        Condition::Feature(index, test) => {
            let parent = &toggles.features[usize::from(*index)];
            let name = if deep {
                whole(parent, toggles)
            } else {
                format!("feature.{}", parent.name)
            };
            format!("{name} {}", asks(test, deep))
        }
        Condition::Now { from, until } => {
            let bound = |word: &str, second: &Option<_>| {
                second.map(|second| format!(" {word} {}", instant::show(second)))
            };
            let bounds = [bound("from", from), bound("until", until)]
                .into_iter()
                .flatten();
            format!("now is{}", bounds.collect::<String>())
        }
    }
}

/// Everything that decides a feature but its shares: conditions in their order, the unit, the status, the default.
pub fn gate(feature: &Feature, toggles: &Toggles) -> String {
    let when = |when: &Option<Condition>| {
        when.as_ref()
            .map_or(String::new(), |when| condition(when, toggles, true))
    };
    let rules: Vec<_> = feature
        .rules
        .iter()
        .map(|rule| condition(&rule.when, toggles, true))
        .collect();
    let (paused, unit) = (toggles.paused, unit(feature, toggles));
    format!(
        "{paused} {:?} {unit} [{}] [{}] {rules:?}",
        feature.status,
        when(&toggles.when),
        when(&feature.when)
    )
}

/// What is bucketed, and where it comes from.
pub fn unit(feature: &Feature, toggles: &Toggles) -> String {
    source(feature.unit, toggles)
}

/// Everything that decides a feature.
pub fn whole(feature: &Feature, toggles: &Toggles) -> String {
    let allocations = feature
        .rules
        .iter()
        .map(|rule| &rule.allocation)
        .chain(&feature.fallthrough);
    let served: Vec<_> = allocations
        .map(|allocation| reason::allocation(allocation, feature))
        .collect();
    let weights = feature.weighted.as_ref().map(|weighted| &weighted.subjects);
    let default = &feature.variant(feature.default).name;
    format!(
        "{} {served:?} {default} {} {weights:?}",
        gate(feature, toggles),
        feature.salt
    )
}

fn source(index: AttributeIndex, toggles: &Toggles) -> String {
    let attribute = &toggles.attributes[usize::from(index)];
    let sources: Vec<_> = attribute.sources.iter().map(ToString::to_string).collect();
    format!("{}={sources:?}{:?}", attribute.name, attribute.split)
}

fn asks(test: &Test, deep: bool) -> String {
    match test {
        Test::Is(Texts::Many(many)) if deep => {
            let mut all: Vec<_> = many
                .iter()
                .map(|text| String::from_utf8_lossy(text))
                .collect();
            all.sort();
            format!("is {all:?}")
        }
        Test::Not(test) if deep => format!("not {}", asks(test, deep)),
        Test::Is(Texts::Few(few)) => format!("is {}", few.join(" or ")),
        test => reason::describe(test)
            .trim_start_matches("has to ")
            .to_owned(),
    }
}
