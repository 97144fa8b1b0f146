//! Conditions and allocations in words, for `explain` and the page.
//! In: compiled conditions and one request. Out: the clause that decided, with the value that it saw.

use crate::engine::{
    attributes::Found,
    condition::Scope,
    instant,
    model::{Allocation, Condition, Feature, Serve},
    operator::{Test, Texts},
    schedule::Rollout,
    units::Share,
};
use std::fmt::Display;

/// Why this condition holds, or why it does not: the clauses that decided it.
pub fn because(condition: &Condition, scope: Scope<'_, '_>) -> String {
    let holds = condition.holds(scope);
    let decisive = |conditions: &[Condition], all: bool| {
        // an `all` that fails fails by its first false part; one that holds needs every part, and so for `any`
        let parts: Vec<String> = match conditions.iter().find(|one| one.holds(scope) != all) {
            Some(one) => vec![because(one, scope)],
            None => conditions.iter().map(|one| because(one, scope)).collect(),
        };
        parts.join(" and ")
    };
    match condition {
        Condition::Segment(index) => {
            let index = usize::from(*index);
            let (name, inner) = (
                &scope.toggles.segment_names[index],
                &scope.toggles.segments[index],
            );
            let is = if holds { "in" } else { "not in" };
            format!("{is} segment {name}: {}", because(inner, scope))
        }
        Condition::All(all) => decisive(all, true),
        Condition::Any(any) => decisive(any, false),
        Condition::Not(one) => because(one, scope),
        Condition::Attribute(index, test) => {
            let name = &scope.values.attribute(*index).name;
            let value = match scope.values.get(*index) {
                Found::Value(bytes, _) => Some(String::from_utf8_lossy(bytes).into_owned()),
                _ => None,
            };
            clause(name, value.as_deref(), test, holds)
        }
        Condition::Feature(index, test) => {
            let index = usize::from(*index);
            let feature = &scope.toggles.features[index];
            let variant = scope.decided.get(index).copied().flatten();
            let variant = variant.map(|decision| &*feature.variant(decision.variant).name);
            clause(&format!("feature.{}", feature.name), variant, test, holds)
        }
        Condition::Now { from, until } => {
            let bound = |word: &str, second: &Option<_>| {
                second.map(|second| format!(" {word} {}", instant::show(second)))
            };
            let bounds = [bound("from", from), bound("until", until)]
                .into_iter()
                .flatten()
                .collect::<String>();
            format!(
                "now is {}, {}{bounds}",
                instant::show(scope.now),
                if holds { "which is" } else { "which is not" }
            )
        }
    }
}

fn clause(name: &str, value: Option<&str>, test: &Test, holds: bool) -> String {
    match (value, holds) {
        (None, true) => format!("there is no {name}, and it {}", describe(test)),
        (None, false) => format!("there is no {name}, which {}", describe(test)),
        (Some(value), true) => match test {
            Test::Is(_) => format!("{name} is {value}"),
            test => format!("{name} is {value}, which {}", describe(test)),
        },
        (Some(value), false) => format!("{name} is {value}, but {}", describe(test)),
    }
}

/// What a test asks for, after "it …".
pub fn describe(test: &Test) -> String {
    fn list(items: impl IntoIterator<Item = impl Display>) -> String {
        items
            .into_iter()
            .map(|item| item.to_string())
            .collect::<Vec<_>>()
            .join(" or ")
    }
    match test {
        Test::Is(Texts::Few(few)) => format!("has to be {}", list(few)),
        Test::Is(Texts::Many(many)) => format!("has to be one of {} values", many.len()),
        Test::All(all) => all.iter().map(describe).collect::<Vec<_>>().join(" and "),
        Test::Not(test) => match &**test {
            Test::Is(Texts::Few(few)) => format!("may not be {}", list(few)),
            test => format!("may not be one that {}", describe(test)),
        },
        Test::Contains(texts) => format!("has to contain {}", list(texts)),
        Test::Prefix(texts) => format!("has to begin with {}", list(texts)),
        Test::Suffix(texts) => format!("has to end with {}", list(texts)),
        Test::Matches(patterns) => format!("has to match {}", list(patterns)),
        Test::Above(bound) => format!("has to be above {bound}"),
        Test::Min(bound) => format!("has to be at least {bound}"),
        Test::Below(bound) => format!("has to be below {bound}"),
        Test::Max(bound) => format!("has to be at most {bound}"),
        Test::Version(ranges) => format!("has to be a version in {}", list(ranges)),
        Test::Within(networks) => format!("has to be within {}", list(networks)),
        Test::From(from) => format!("has to be {} or later", instant::show(*from)),
        Test::Until(until) => format!("has to be before {}", instant::show(*until)),
        Test::Present(true) => "has to be present".into(),
        Test::Present(false) => "has to be absent".into(),
    }
}

/// What an allocation serves: `20%: control 50%, treatment 50%`.
pub fn allocation(allocation: &Allocation, feature: &Feature) -> String {
    let name = |variant: u8| &feature.variant(variant).name;
    let rollout = match &allocation.rollout {
        Rollout::Fixed(Share::EVERYBODY) => String::new(),
        Rollout::Fixed(share) => format!("{share}: "),
        Rollout::Steps(steps) => {
            let step = |(at, share): &(_, _)| format!("{share} from {}", instant::show(*at));
            format!(
                "{}: ",
                steps.iter().map(step).collect::<Vec<_>>().join(", ")
            )
        }
        Rollout::Glide {
            from,
            to,
            start,
            end,
        } => {
            format!(
                "{from} to {to} between {} and {}: ",
                instant::show(*start),
                instant::show(*end)
            )
        }
    };
    let served = match &allocation.serve {
        Serve::One(variant) => name(*variant).to_string(),
        Serve::Split(arms) => arms
            .iter()
            .map(|arm| format!("{} {}", name(arm.variant), arm.share))
            .collect::<Vec<_>>()
            .join(", "),
        Serve::Buckets(ranges) => {
            let range = |(first, last, variant): &(u16, u16, u8)| {
                format!("{} {first}-{last}", name(*variant))
            };
            format!(
                "buckets {}",
                ranges.iter().map(range).collect::<Vec<_>>().join(", ")
            )
        }
    };
    rollout + &served
}
