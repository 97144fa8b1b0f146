//! Why a condition holds or does not, and what an allocation serves, for `explain` and the page.
//! In: compiled conditions and one request. Out: the part of the condition that decided, with the value of the request.

use super::phrase;
use crate::engine::{
    attributes::Found,
    condition::Scope,
    instant,
    model::{Allocation, Condition, Feature, Serve},
    operator::{Needs, Test},
    schedule::Rollout,
    units::Share,
};

/// Why this condition holds, or why it does not: the clauses that decided it.
pub fn because(condition: &Condition, scope: Scope<'_, '_>) -> String {
    scope.values.unreadable.take();
    let holds = condition.holds(scope);
    let unreadable = scope.values.unreadable.take();
    let decisive = |conditions: &[Condition], all: bool| {
        // an `all` that fails fails by its first false part; one that holds needs every part, and so for `any`
        let parts: Vec<String> = match conditions.iter().find(|one| one.holds(scope) != all) {
            Some(one) => vec![because(one, scope)],
            None => conditions.iter().map(|one| because(one, scope)).collect(),
        };
        parts.join(", and ")
    };
    match condition {
        Condition::Segment(index) => {
            let index = usize::from(*index);
            let (name, inner) = (
                &scope.toggles.segment_names[index],
                &scope.toggles.segments[index],
            );
            let is = if holds { "in" } else { "not in" };
            format!("{is} segment {name} ({})", because(inner, scope))
        }
        Condition::All(all) => decisive(all, true),
        Condition::Any(any) => decisive(any, false),
        Condition::Not(one) => because(one, scope),
        Condition::Attribute(index, test) => {
            let name = &scope.values.attribute(*index).name;
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let (value, is_list) = match scope.values.get(*index) {
                Found::Value(bytes, _) => {
                    let is_list = scope.values.attribute(*index).split.is_some();
                    (Some(text(bytes)), is_list)
                }
                Found::List(items) => {
                    let items: Vec<_> = items.iter().map(|item| text(item)).collect();
                    (Some(items.join(", ")), true)
                }
                Found::Object => (Some("an object".to_owned()), false),
                Found::Absent | Found::Conflict => (None, false),
            };
            // of a list, another element may have passed
            match (&value, unreadable.filter(|_| !(is_list && holds))) {
                (Some(value), Some(needs)) => not_read(name, value, needs, holds),
                _ => clause(name, value.as_deref(), test, holds),
            }
        }
        Condition::Feature(index, test) => {
            let index = usize::from(*index);
            let feature = &scope.toggles.features[index];
            let variant = scope.decided.get(index).copied().flatten();
            let variant = variant.map(|decision| &*feature.variant(decision.variant).name);
            let name = format!("feature.{}", feature.name);
            match (variant, unreadable) {
                (Some(variant), Some(needs)) => not_read(&name, variant, needs, holds),
                _ => clause(&name, variant, test, holds),
            }
        }
        Condition::Now { from, until } => {
            let bound = |word: &str, second: &Option<_>| {
                second.map(|second| format!(" {word} {}", instant::show(second)))
            };
            let bounds = [bound("from", from), bound("until", until)]
                .into_iter()
                .flatten()
                .collect::<String>();
            let now = instant::show(scope.now);
            let is = if holds { "inside" } else { "outside" };
            format!("now is {now}, {is} the time{bounds}")
        }
    }
}

/// The first value that this condition met and could not read, decisive or not.
pub fn unread(condition: &Condition, scope: Scope<'_, '_>) -> Option<String> {
    match condition {
        Condition::Segment(index) => unread(&scope.toggles.segments[usize::from(*index)], scope),
        Condition::All(some) | Condition::Any(some) => {
            some.iter().find_map(|one| unread(one, scope))
        }
        Condition::Not(one) => unread(one, scope),
        Condition::Attribute(..) | Condition::Feature(..) => {
            scope.values.unreadable.take();
            condition.holds(scope);
            scope.values.unreadable.take()?;
            Some(because(condition, scope))
        }
        Condition::Now { .. } => None,
    }
}

/// What was asked is not told: a value that cannot be read may pass it or not.
fn not_read(name: &str, value: &str, needs: Needs, holds: bool) -> String {
    let what = match needs {
        Needs::Number => " as a number",
        Needs::Version => " as a version",
        Needs::Address => " as an address",
        Needs::Instant => " as an instant",
        Needs::Value => "",
    };
    let negated = if holds { ", for which `not` holds" } else { "" };
    format!("{name} is {value}, which cannot be read{what} and counts as absent{negated}")
}

fn clause(name: &str, value: Option<&str>, test: &Test, holds: bool) -> String {
    match (value, holds) {
        (None, true) => match test {
            Test::Present(_) => format!("{name} is missing"),
            test => format!("{name} is missing, so it {}", phrase::passes(test)),
        },
        (None, false) => format!("{name} is missing but {}", phrase::requires(test)),
        (Some(value), true) => match test {
            Test::Is(_) => format!("{name} is {value}"),
            test => format!("{name} is {value}, which {}", phrase::passes(test)),
        },
        (Some(value), false) => format!("{name} is {value} but {}", phrase::requires(test)),
    }
}

/// An allocation: `20%: control 50%, treatment 50%`.
pub fn allocation(allocation: &Allocation, feature: &Feature) -> String {
    let rollout = match &allocation.rollout {
        Rollout::Fixed(Share::EVERYBODY) => String::new(),
        Rollout::Fixed(share) => format!("{share}: "),
        Rollout::Steps(steps) => {
            let step = |(at, share): &(_, _)| format!("{share} from {}", instant::show(*at));
            let steps: Vec<_> = steps.iter().map(step).collect();
            format!("{}: ", steps.join(", "))
        }
        Rollout::Glide {
            from,
            to,
            start,
            end,
        } => {
            let (start, end) = (instant::show(*start), instant::show(*end));
            format!("{from} to {to} between {start} and {end}: ")
        }
    };
    let draws = allocation.draws.as_ref();
    let draws = draws.map_or(String::new(), |draws| format!(" by {draws}"));
    rollout + &serve(&allocation.serve, feature) + &draws
}

/// What those inside a rollout get: `control 50%, treatment 50%`.
pub fn serve(serve: &Serve, feature: &Feature) -> String {
    let name = |variant: u8| &feature.variant(variant).name;
    match serve {
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
            let ranges: Vec<_> = ranges.iter().map(range).collect();
            format!("buckets {}", ranges.join(", "))
        }
        Serve::Arms(_) => {
            let arm = |(start, end, variant)| format!("{} {}", name(variant), percent(end - start));
            serve.pieces().map(arm).collect::<Vec<_>>().join(", ")
        }
        Serve::Ranges(_) => {
            let range = |(start, end, variant)| {
                format!("{} {} to {}", name(variant), percent(start), percent(end))
            };
            serve.pieces().map(range).collect::<Vec<_>>().join(", ")
        }
    }
}

/// Millionths of a percent as a percentage.
pub fn percent(millionths: u32) -> Share {
    Share::from_millionths(millionths).unwrap_or(Share::EVERYBODY)
}
