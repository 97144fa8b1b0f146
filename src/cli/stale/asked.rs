//! Which features of a file ask for another: its end would change what they give.
//! In: a file and one of its features. Out: names.

use crate::engine::{Feature, Toggles, model::Condition};

/// In the order of the file.
pub fn by<'t>(toggles: &'t Toggles, feature: &Feature) -> Vec<&'t str> {
    let asks = |one: &&Feature| {
        let rules = one.rules.iter().map(|rule| &rule.when);
        let mut conditions = one.when.iter().chain(rules);
        conditions.any(|condition| names(condition, toggles, feature))
    };
    let askers = toggles.features.iter().filter(asks);
    askers.map(|one| &*one.name).collect()
}

fn names(condition: &Condition, toggles: &Toggles, feature: &Feature) -> bool {
    let any = |some: &[Condition]| some.iter().any(|one| names(one, toggles, feature));
    match condition {
        Condition::Segment(index) => {
            names(&toggles.segments[usize::from(*index)], toggles, feature)
        }
        Condition::All(some) | Condition::Any(some) => any(some),
        Condition::Not(one) => names(one, toggles, feature),
        Condition::Feature(index, _) => {
            std::ptr::eq(&toggles.features[usize::from(*index)], feature)
        }
        Condition::Attribute(..) | Condition::Now { .. } => false,
    }
}
