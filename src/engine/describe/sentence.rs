//! A feature in one sentence, for the page: "checkout-button, only for us-pro: staff get treatment; everybody else …".
//! In: what the file means. Out: one sentence that says everything but the salt.

use super::{
    phrase::{self, list},
    reason::percent,
};
use crate::engine::{
    attributes::USER,
    bucket::Arm,
    instant,
    model::{Allocation, Condition, Feature, Serve, Status, Toggles},
    operator::{Test, Texts},
    schedule::Rollout,
    units::{Second, Share},
};

/// The sentence of one feature.
pub fn feature(feature: &Feature, toggles: &Toggles) -> String {
    let name = &feature.name;
    let default = &feature.variant(feature.default).name;
    match feature.status {
        Status::Archived => return format!("{name} is archived: no header."),
        Status::Paused => return format!("{name} is paused: everybody gets {default}."),
        _ if toggles.paused => {
            return format!("{name}: everybody gets {default}, because the whole file is paused.");
        }
        _ => {}
    }
    let draft = match feature.status {
        Status::Draft => " (draft: no header without an override)",
        _ => "",
    };
    let audience = match &feature.when {
        None | Some(Condition::Now { .. }) => None,
        Some(when) => Some(who(when, toggles)),
    };
    let otherwise = match &**default {
        "off" => String::new(),
        default => format!(" (otherwise {default})"),
    };
    let only = match (&feature.when, &audience) {
        (Some(Condition::Now { from, until }), _) => {
            format!(", only{}{otherwise}", window(*from, *until))
        }
        (_, Some(audience)) if !feature.rules.is_empty() => {
            format!(", only for {audience}{otherwise}")
        }
        _ => String::new(),
    };
    let mut clauses: Vec<String> = feature
        .rules
        .iter()
        .map(|rule| {
            let whom = who(&rule.when, toggles);
            clause(&Subject::Named(&whom), &rule.allocation, feature)
        })
        .collect();
    let rest = match (&audience, clauses.is_empty()) {
        (Some(audience), true) => Subject::Named(audience),
        (None, true) => Subject::Everybody,
        (_, false) => Subject::EverybodyElse,
    };
    clauses.push(match &feature.fallthrough {
        Some(allocation) => clause(&rest, allocation, feature),
        None => rest.gets(default),
    });
    if let Subject::Named(_) = rest {
        clauses.push(Subject::EverybodyElse.gets(default));
    }
    format!("{name}{draft}{only}: {}.", clauses.join("; "))
}

/// Who gets something, in a clause.
enum Subject<'a> {
    Everybody,
    EverybodyElse,
    /// plural: "staff", "requests whose country is US"
    Named(&'a str),
}

impl Subject<'_> {
    fn gets(&self, variant: &str) -> String {
        match self {
            Subject::Everybody => format!("everybody gets {variant}"),
            Subject::EverybodyElse => format!("everybody else gets {variant}"),
            Subject::Named(name) => format!("{name} get {variant}"),
        }
    }

    /// Behind a share: "25% of staff".
    fn of(&self) -> String {
        match self {
            Subject::Everybody => String::new(),
            Subject::EverybodyElse => " of everybody else".to_owned(),
            Subject::Named(name) => format!(" of {name}"),
        }
    }

    /// Before shares: "of staff, half get a".
    fn among(&self) -> String {
        match self {
            Subject::Everybody => String::new(),
            _ => format!("{}, ", self.of().trim_start()),
        }
    }
}

/// Who gets what by one allocation: "25% of staff get on, the rest off".
fn clause(subject: &Subject<'_>, allocation: &Allocation, feature: &Feature) -> String {
    let default = &feature.variant(feature.default).name;
    let of = subject.of();
    let (share, many) = match &allocation.rollout {
        Rollout::Fixed(Share::NOBODY) => {
            return subject.gets(default) + " (the rollout is at 0%)";
        }
        Rollout::Fixed(Share::EVERYBODY) => {
            return match &allocation.serve {
                Serve::One(variant) => subject.gets(&feature.variant(*variant).name),
                serve => subject.among() + &shares(serve, feature),
            };
        }
        Rollout::Fixed(share) => (format!("{share}{of}"), true),
        Rollout::Steps(steps) => {
            let step =
                |(at, share): &(Second, Share)| format!("{share}{of} from {}", instant::show(*at));
            (list(steps.iter().map(step), "then"), true)
        }
        Rollout::Glide {
            from,
            to,
            start,
            end,
        } => {
            let (start, end) = (instant::show(*start), instant::show(*end));
            let share =
                format!("a share{of} that goes from {from} to {to} between {start} and {end}");
            (share, false)
        }
    };
    match &allocation.serve {
        Serve::One(variant) => {
            let verb = if many { "get" } else { "gets" };
            let variant = &feature.variant(*variant).name;
            format!("{share} {verb} {variant}, the rest {default}")
        }
        serve => {
            let verb = if many { "take part" } else { "takes part" };
            let shares = shares(serve, feature);
            format!("{share} {verb} ({shares}), the rest get {default}")
        }
    }
}

/// "half get a, half get b".
fn shares(serve: &Serve, feature: &Feature) -> String {
    let name = |variant: u8| &feature.variant(variant).name;
    match serve {
        Serve::One(variant) => format!("all get {}", name(*variant)),
        Serve::Split(arms) => {
            let halves = matches!(&**arms, [a, b] if a.share == b.share);
            let arm = |arm: &Arm| match halves {
                true => format!("half get {}", name(arm.variant)),
                false => format!("{} get {}", arm.share, name(arm.variant)),
            };
            arms.iter().map(arm).collect::<Vec<_>>().join(", ")
        }
        Serve::Buckets(ranges) => {
            let range = |(first, last, variant): &(u16, u16, u8)| {
                format!("{first} to {last} get {}", name(*variant))
            };
            let ranges: Vec<_> = ranges.iter().map(range).collect();
            let default = name(feature.default);
            format!("buckets {}, any other bucket {default}", ranges.join(", "))
        }
        Serve::Arms(_) => {
            let arm =
                |(start, end, variant)| format!("{} get {}", percent(end - start), name(variant));
            serve.pieces().map(arm).collect::<Vec<_>>().join(", ")
        }
        Serve::Ranges(_) => {
            let range = |(start, end, variant)| {
                let (start, end) = (percent(start), percent(end));
                format!("those from {start} to {end} get {}", name(variant))
            };
            let ranges: Vec<_> = serve.pieces().map(range).collect();
            let default = name(feature.default);
            format!("{}, all others {default}", ranges.join(", "))
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
        Condition::Attribute(USER, Test::Is(Texts::Few(few))) => list(few, "and"),
        Condition::Attribute(USER, Test::Is(Texts::Many(many))) => {
            format!("{} listed users", many.len())
        }
        Condition::Attribute(index, test) => {
            format!(
                "requests whose {} {}",
                toggles.attributes[usize::from(*index)].name,
                phrase::passes(test)
            )
        }
        Condition::Feature(index, test) => {
            format!(
                "requests whose {} {}",
                toggles.features[usize::from(*index)].name,
                phrase::passes(test)
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
            list(parts, "and")
        }
        Condition::Any(some) => list(some.iter().map(|one| who(one, toggles)), "or"),
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
