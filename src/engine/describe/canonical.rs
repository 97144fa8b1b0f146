//! Features as text that is equal where they decide alike, however their files write it.
//! In: compiled features. Out: text that spells out segments, sources and parents.

use super::reason;
use crate::engine::{
    attributes::AttributeIndex,
    instant,
    model::{Condition, Feature, Toggles},
    operator::{Test, Texts},
    source::Source,
};

/// Everything that decides a feature.
pub fn feature(feature: &Feature, toggles: &Toggles) -> String {
    format!("{} {}", feature.salt, but_for_salt(feature, toggles))
}

/// Everything that decides a feature but its salt.
pub fn but_for_salt(feature: &Feature, toggles: &Toggles) -> String {
    let rules = feature.rules.iter().map(|rule| &rule.allocation);
    let served: Vec<_> = rules
        .chain(&feature.fallthrough)
        .map(|allocation| reason::allocation(allocation, feature))
        .collect();
    let weights = feature.weighted().map(|weighted| &weighted.subjects);
    let default = &feature.variant(feature.default).name;
    format!(
        "{} {served:?} {default} {weights:?}",
        targeting(feature, toggles)
    )
}

/// The draws of other systems that a feature has: where they stay, everybody stays.
pub fn draws(feature: &Feature) -> Option<String> {
    let rules = feature.rules.iter().map(|rule| &rule.allocation);
    let mut draws = rules
        .chain(&feature.fallthrough)
        .filter_map(|allocation| allocation.draws.as_ref())
        .map(ToString::to_string);
    let first = draws.next()?;
    Some(draws.fold(first, |all, draw| all + "; " + &draw))
}

/// Conditions in their order, the unit, the status.
fn targeting(feature: &Feature, toggles: &Toggles) -> String {
    let when = |when: &Option<Condition>| {
        when.as_ref()
            .map_or(String::new(), |when| condition(when, toggles))
    };
    let rules = feature.rules.iter();
    let rules: Vec<_> = rules.map(|rule| condition(&rule.when, toggles)).collect();
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
    attribute(feature.unit, toggles)
}

fn condition(condition: &Condition, toggles: &Toggles) -> String {
    let one = |condition: &Condition| self::condition(condition, toggles);
    let join = |conditions: &[Condition], word: &str| {
        let parts: Vec<_> = conditions.iter().map(one).collect();
        match &*parts {
            [part] => part.clone(),
            parts => format!("({})", parts.join(word)),
        }
    };
    match condition {
        Condition::Segment(index) => one(&toggles.segments[usize::from(*index)]),
        Condition::All(all) => join(all, " and "),
        Condition::Any(any) => join(any, " or "),
        Condition::Not(not) => format!("not {}", one(not)),
        Condition::Attribute(index, test) => {
            format!("{} {}", attribute(*index, toggles), self::test(test))
        }
        Condition::Feature(index, test) => {
            let parent = &toggles.features[usize::from(*index)];
            format!("{} {}", feature(parent, toggles), self::test(test))
        }
        Condition::Now { from, until } => {
            let bound = |second: &Option<_>| second.map_or("-".into(), instant::show);
            format!("now {} {}", bound(from), bound(until))
        }
    }
}

/// An attribute and where it comes from.
pub fn attribute(index: AttributeIndex, toggles: &Toggles) -> String {
    let attribute = &toggles.attributes[usize::from(index)];
    let source = |source: &Source| match source {
        // another cookie, other ids; another condition, other people
        Source::Visitor(cookie) => {
            let anonymous = toggles.anonymous.as_ref();
            let when = anonymous.and_then(|anonymous| anonymous.when.as_ref());
            let when = when.map_or(String::new(), |when| condition(when, toggles));
            format!("{source} {cookie} {when}")
        }
        source => source.to_string(),
    };
    let sources: Vec<_> = attribute.sources.iter().map(source).collect();
    let (split, normal) = (&attribute.split, attribute.normal);
    format!("{}={sources:?}{split:?}{normal:?}", attribute.name)
}

/// What a test asks.
pub fn test(test: &Test) -> String {
    match test {
        Test::Is(Texts::Many(many)) => {
            let texts = many.iter().map(|text| String::from_utf8_lossy(text));
            let mut texts: Vec<_> = texts.collect();
            texts.sort();
            format!("is {texts:?}")
        }
        Test::Not(test) => format!("not {}", self::test(test)),
        Test::All(all) => format!("{:?}", all.iter().map(self::test).collect::<Vec<_>>()),
        // quoted, so that `[a, b]` is not `["a or b"]`
        test => format!("{test:?}"),
    }
}
