//! A feature as one reads it aloud, for the page: "checkout-button, for us-pro: staff get treatment; otherwise …".
//! In: what the file means. Out: one sentence that says everything but the salt.

use crate::engine::{
    attributes::USER,
    bucket::Arm,
    instant,
    model::{Allocation, Condition, Feature, Serve, Status, Toggles},
    operator::{Test, Texts},
    schedule::Rollout,
    units::{Second, Share},
};
use std::fmt::Display;

/// The sentence of one feature.
pub fn feature(feature: &Feature, toggles: &Toggles) -> String {
    let name = &feature.name;
    let default = &feature.variant(feature.default).name;
    match feature.status {
        Status::Archived => return format!("{name} is archived: no header."),
        Status::Paused => return format!("{name} is paused: everybody gets {default}."),
        _ if toggles.paused => {
            return format!("{name}: everybody gets {default}, for the whole file is paused.");
        }
        _ => {}
    }
    let draft = match feature.status {
        Status::Draft => " (a draft: nobody gets it without an override)",
        _ => "",
    };
    let when = feature
        .when
        .as_ref()
        .map_or(String::new(), |when| match when {
            Condition::Now { from, until } => format!(",{}", window(*from, *until)),
            when => format!(", for {}", who(when, toggles)),
        });
    let mut clauses: Vec<String> = feature
        .rules
        .iter()
        .map(|rule| given(&who(&rule.when, toggles), &rule.allocation, feature))
        .collect();
    let whom_is_said = !matches!(feature.when, None | Some(Condition::Now { .. }));
    let (otherwise, everybody) = match clauses.is_empty() {
        true if whom_is_said => ("", ""),
        true => ("", " for everybody"),
        false => ("otherwise ", ""),
    };
    clauses.push(match &feature.fallthrough {
        Some(allocation) if is_plain(allocation) => {
            format!("{otherwise}{}{everybody}", served(allocation, feature))
        }
        Some(allocation) => format!("{otherwise}{}", served(allocation, feature)),
        None if clauses.is_empty() => format!("{default}{everybody}"),
        None => format!("otherwise {default}"),
    });
    if &**default != "off"
        && (feature.when.is_some() || feature.fallthrough.as_ref().is_some_and(leaves_some_out))
    {
        clauses.push(format!("the rest get {default}"));
    }
    format!("{name}{draft}{when}: {}.", clauses.join("; "))
}

/// One variant, and no share.
fn is_plain(allocation: &Allocation) -> bool {
    !leaves_some_out(allocation) && matches!(allocation.serve, Serve::One(_))
}

fn leaves_some_out(allocation: &Allocation) -> bool {
    !matches!(allocation.rollout, Rollout::Fixed(Share::EVERYBODY))
}

fn given(who: &str, allocation: &Allocation, feature: &Feature) -> String {
    match (&allocation.rollout, &allocation.serve) {
        (Rollout::Fixed(Share::EVERYBODY), _) => {
            format!("{who} get {}", shares(allocation, feature))
        }
        _ => format!("{who}: {}", served(allocation, feature)),
    }
}

fn served(allocation: &Allocation, feature: &Feature) -> String {
    let shares = shares(allocation, feature);
    match &allocation.rollout {
        Rollout::Fixed(Share::NOBODY) => "rolled out to nobody".to_owned(),
        Rollout::Fixed(Share::EVERYBODY) => shares,
        Rollout::Fixed(share) => format!("roll out to {share}: {shares}"),
        Rollout::Steps(steps) => {
            let step =
                |(at, share): &(Second, Share)| format!("{share} from {}", instant::show(*at));
            format!(
                "roll out to {}: {shares}",
                all(steps.iter().map(step), "then")
            )
        }
        Rollout::Glide {
            from,
            to,
            start,
            end,
        } => format!(
            "roll out from {from} to {to} between {} and {}: {shares}",
            instant::show(*start),
            instant::show(*end)
        ),
    }
}

fn shares(allocation: &Allocation, feature: &Feature) -> String {
    let name = |variant: u8| &feature.variant(variant).name;
    match &allocation.serve {
        Serve::One(variant) => name(*variant).to_string(),
        Serve::Split(arms) => match &**arms {
            [a, b] if a.share == b.share => {
                format!("half {}, half {}", name(a.variant), name(b.variant))
            }
            arms => {
                let arm = |arm: &Arm| format!("{} {}", arm.share, name(arm.variant));
                arms.iter().map(arm).collect::<Vec<_>>().join(", ")
            }
        },
        Serve::Buckets(ranges) => {
            let range = |(first, last, variant): &(u16, u16, u8)| {
                format!("{first} to {last} {}", name(*variant))
            };
            let gap = &feature.variant(feature.default).name;
            let ranges: Vec<_> = ranges.iter().map(range).collect();
            format!("buckets {}, gaps {gap}", ranges.join(", "))
        }
    }
}

/// Whom a condition names, as the subject of "… get treatment".
pub fn who(condition: &Condition, toggles: &Toggles) -> String {
    match condition {
        Condition::Segment(index) => toggles.segment_names[usize::from(*index)].to_string(),
        Condition::Not(one) => match &**one {
            Condition::Any(_) | Condition::All(_) => format!("all but ({})", who(one, toggles)),
            one => format!("all but {}", who(one, toggles)),
        },
        Condition::Attribute(USER, Test::Is(Texts::Few(few))) => all(few, "and"),
        Condition::Attribute(USER, Test::Is(Texts::Many(many))) => {
            format!("{} users by name", many.len())
        }
        Condition::Attribute(index, test) => {
            format!(
                "requests whose {} {}",
                toggles.attributes[usize::from(*index)].name,
                verb(test)
            )
        }
        Condition::Feature(index, test) => {
            format!(
                "requests whose {} {}",
                toggles.features[usize::from(*index)].name,
                verb(test)
            )
        }
        Condition::Now { from, until } => format!("requests{}", window(*from, *until)),
        // "requests whose country is US and whose plan is pro"
        Condition::All(some) if some.len() > 1 => {
            let parts = some.iter().enumerate().map(|(place, one)| {
                let whom = who(one, toggles);
                match (place, whom.strip_prefix("requests ")) {
                    (0, _) | (_, None) => whom,
                    (_, Some(rest)) => rest.to_owned(),
                }
            });
            all(parts, "and")
        }
        Condition::Any(some) => all(some.iter().map(|one| who(one, toggles)), "or"),
        Condition::All(some) => some.iter().map(|one| who(one, toggles)).collect(),
    }
}

fn window(from: Option<Second>, until: Option<Second>) -> String {
    let bound =
        |word: &str, at: Option<Second>| at.map(|at| format!(" {word} {}", instant::show(at)));
    [bound("from", from), bound("until", until)]
        .into_iter()
        .flatten()
        .collect()
}

fn verb(test: &Test) -> String {
    fn or(texts: impl IntoIterator<Item = impl Display>) -> String {
        all(texts, "or")
    }
    match test {
        Test::Is(Texts::Few(few)) => format!("is {}", or(few)),
        Test::Is(Texts::Many(many)) => format!("is one of {} values", many.len()),
        Test::All(tests) => all(tests.iter().map(verb), "and"),
        Test::Not(test) => match &**test {
            Test::Is(Texts::Few(few)) => format!("is not {}", or(few)),
            test => format!("is none that {}", verb(test)),
        },
        Test::Contains(texts) => format!("contains {}", or(texts)),
        Test::Prefix(texts) => format!("begins with {}", or(texts)),
        Test::Suffix(texts) => format!("ends with {}", or(texts)),
        Test::Matches(patterns) => format!("matches {}", or(patterns)),
        Test::Above(bound) => format!("is above {bound}"),
        Test::Min(bound) => format!("is at least {bound}"),
        Test::Below(bound) => format!("is below {bound}"),
        Test::Max(bound) => format!("is at most {bound}"),
        Test::Version(ranges) => format!("is a version in {}", or(ranges)),
        Test::Within(networks) => format!("is within {}", or(networks)),
        Test::From(from) => format!("is {} or later", instant::show(*from)),
        Test::Until(until) => format!("is before {}", instant::show(*until)),
        Test::Present(true) => "is present".into(),
        Test::Present(false) => "is absent".into(),
    }
}

/// `a`, `a and b`, `a, b and c`
fn all(items: impl IntoIterator<Item = impl Display>, word: &str) -> String {
    let mut items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    match (items.pop(), items.is_empty()) {
        (None, _) => String::new(),
        (Some(only), true) => only,
        (Some(last), false) => format!("{} {word} {last}", items.join(", ")),
    }
}
