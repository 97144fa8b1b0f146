//! Where a feature stands at an instant, without any request: everybody gets one variant, nobody is served, or it depends.
//! In: a feature, its file, an instant. Out: a [`Standing`], and since when by the file's own dates.

use crate::engine::{
    diff::reach::Reach,
    model::{Allocation, Condition, Feature, Serve, Status, Toggles},
    units::{Second, Share},
};
use std::collections::BTreeSet;

/// Where a feature stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// everybody gets this variant
    Everybody(Box<str>),
    /// in the file, and out of service: by its own status, or paused as its file is
    Parked(Status),
    /// a share of people gets something else than the rest
    Share,
    /// it depends on the request alone
    Targeted,
}

/// What has stood still for so many seconds has done so for long: 90 days.
pub const LONG: i64 = 90 * 86_400;

impl Standing {
    /// For programs: `everybody`, `share`, `targeted`, `draft`, `paused`, `archived`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Standing::Everybody(_) => "everybody",
            Standing::Parked(parked) => parked.as_str(),
            Standing::Share => "share",
            Standing::Targeted => "targeted",
        }
    }

    /// What everybody gets.
    pub fn variant(&self) -> Option<&str> {
        match self {
            Standing::Everybody(variant) => Some(variant),
            _ => None,
        }
    }
}

/// What a feature can give at an instant.
#[derive(Default)]
struct Given {
    variants: BTreeSet<u8>,
    is_drawn: bool,
}

/// Where it stands at this instant.
pub fn of(toggles: &Toggles, feature: &Feature, at: Second) -> Standing {
    match feature.status {
        Status::Running if toggles.paused => return Standing::Parked(Status::Paused),
        Status::Running => {}
        parked => return Standing::Parked(parked),
    }
    let mut given = Given::default();
    given.feature(toggles, feature, at);
    let file_holds = toggles
        .when
        .as_ref()
        .is_none_or(|when| known(when, toggles, at) == Some(true));
    match (given.variants.first(), given.variants.len()) {
        (Some(only), 1) if file_holds => {
            Standing::Everybody(feature.variant(*only).name.as_ref().into())
        }
        _ if given.is_drawn => Standing::Share,
        _ => Standing::Targeted,
    }
}

/// Since when it has stood as it does at `now`, where one of the file's dates brought that about.
pub fn since(toggles: &Toggles, feature: &Feature, now: Second) -> Option<Second> {
    let stands = of(toggles, feature, now);
    let dates = Reach::of(toggles, feature);
    let past: Vec<_> = dates
        .instants(Second(i64::MIN))
        .take_while(|at| *at <= now)
        .collect();
    let mut later = None;
    for at in past.into_iter().rev() {
        if of(toggles, feature, at) != stands {
            return later;
        }
        later = Some(at);
    }
    None
}

/// Whether a date of the file is still to come for it.
pub fn changes_later(toggles: &Toggles, feature: &Feature, now: Second) -> bool {
    Reach::of(toggles, feature).instants(now).next().is_some()
}

impl Given {
    fn feature(&mut self, toggles: &Toggles, feature: &Feature, at: Second) {
        let live = feature
            .when
            .as_ref()
            .map_or(Some(true), |when| known(when, toggles, at));
        if live != Some(true) {
            self.variants.insert(feature.default);
        }
        if live == Some(false) {
            return;
        }
        for rule in &feature.rules {
            let holds = known(&rule.when, toggles, at);
            if holds != Some(false) {
                self.allocation(&rule.allocation, feature.default, at);
            }
            if holds == Some(true) {
                return;
            }
        }
        match &feature.fallthrough {
            Some(allocation) => self.allocation(allocation, feature.default, at),
            None => drop(self.variants.insert(feature.default)),
        }
    }

    fn allocation(&mut self, allocation: &Allocation, default: u8, at: Second) {
        let share = allocation.rollout.at(at);
        if share != Share::EVERYBODY {
            self.variants.insert(default);
        }
        if share == Share::NOBODY {
            return;
        }
        let before = self.variants.len();
        match &allocation.serve {
            Serve::One(variant) => drop(self.variants.insert(*variant)),
            Serve::Split(arms) => self.variants.extend(arms.iter().map(|arm| arm.variant)),
            Serve::Buckets(ranges) => {
                let pieces = ranges.iter();
                let pieces = pieces.map(|(first, last, it)| (*first, last + 1, *it));
                self.pieces(pieces, 10_000, default);
            }
            imported => self.pieces(imported.pieces(), Share::WHOLE, default),
        }
        let is_split = !matches!(allocation.serve, Serve::One(_));
        self.is_drawn |= share != Share::EVERYBODY || is_split && self.variants.len() > before;
    }

    /// Ranges of a whole; a gap is the default.
    fn pieces<N: Copy + Into<u32>>(
        &mut self,
        pieces: impl Iterator<Item = (N, N, u8)>,
        whole: u32,
        default: u8,
    ) {
        let mut covered = 0;
        for (from, to, variant) in pieces {
            covered += to.into() - from.into();
            self.variants.insert(variant);
        }
        if covered < whole {
            self.variants.insert(default);
        }
    }
}

/// Whether a condition holds whatever the request: none where the request says it.
fn known(condition: &Condition, toggles: &Toggles, at: Second) -> Option<bool> {
    match condition {
        Condition::Segment(index) => known(&toggles.segments[usize::from(*index)], toggles, at),
        Condition::Not(one) => known(one, toggles, at).map(|holds| !holds),
        Condition::Now { from, until } => {
            Some(from.is_none_or(|from| from <= at) && until.is_none_or(|until| at < until))
        }
        Condition::All(all) => decided(all, toggles, at, false),
        Condition::Any(any) => decided(any, toggles, at, true),
        Condition::Attribute(..) | Condition::Feature(..) => None,
    }
}

/// One that says `enough` decides; all of them decide otherwise.
fn decided(some: &[Condition], toggles: &Toggles, at: Second, enough: bool) -> Option<bool> {
    let mut answers = some.iter().map(|one| known(one, toggles, at));
    if answers.clone().any(|one| one == Some(enough)) {
        return Some(enough);
    }
    answers.all(|one| one == Some(!enough)).then_some(!enough)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config, engine::instant};

    fn check(feature: &str, at: &str, expected: &str, since: Option<&str>) {
        let text = config::Text {
            name: "t.yaml".into(),
            bytes: format!(
                "version: 1\nsegments: {{staff: {{user: [ann]}}}}\nfeatures:\n  a: on\n  f: {feature}\n"
            )
            .into_bytes(),
        };
        let at = instant::parse(at).unwrap();
        let (snapshot, _) = config::compile_texts(&[text], &|_| None, at).unwrap();
        let (_, toggles, f) = snapshot
            .features()
            .find(|(_, _, feature)| &*feature.key == "f")
            .unwrap();
        let stands = match of(toggles, f, at) {
            Standing::Everybody(variant) => format!("everybody {variant}"),
            Standing::Parked(parked) => parked.as_str().to_owned(),
            other => format!("{other:?}"),
        };
        assert_eq!(stands, expected, "{feature}");
        let since = since.map(|since| instant::parse(since).unwrap());
        assert_eq!(super::since(toggles, f, at), since, "{feature}");
    }

    #[test]
    fn a_feature_stands_where_its_file_says_whoever_asks() {
        for (feature, expected) in [
            ("on", "everybody on"),
            ("off", "everybody off"),
            ("0%", "everybody off"),
            ("100%", "everybody on"),
            ("25%", "Share"),
            ("{when: staff, serve: on}", "Targeted"),
            ("{when: staff, serve: off}", "everybody off"),
            (
                "{rules: [{when: staff, serve: on}], serve: on}",
                "everybody on",
            ),
            ("{rules: [{when: staff, serve: on}], rollout: 10%}", "Share"),
            ("{rules: [{when: staff}]}", "Targeted"),
            ("{variants: [a, b], serve: {a: 50%, b: 50%}}", "Share"),
            ("{variants: [a, b], serve: {a: 100%}}", "everybody a"),
            ("{variants: [a, b], buckets: {a: 0-9999}}", "everybody a"),
            ("{variants: [a, b], buckets: {a: 0-4999}}", "Share"),
            ("{status: paused, serve: on}", "paused"),
            ("{status: draft, serve: on}", "draft"),
            ("{status: archived, serve: on}", "archived"),
            ("{when: {feature.a: on}, serve: on}", "Targeted"),
            (
                "{when: {now: {until: 2026-01-01}}, serve: on}",
                "everybody off",
            ),
            (
                "{when: {not: {now: {from: 2027-01-01}}}, serve: on}",
                "everybody on",
            ),
        ] {
            let since = match feature.contains("until") {
                true => Some("2026-01-01"),
                false => None,
            };
            check(feature, "2026-06-01", expected, since);
        }
    }

    #[test]
    fn a_date_of_the_file_says_since_when() {
        let glide = "{rollout: {from: 0%, to: 100%, start: 2026-03-01, end: 2026-03-08}}";
        check(glide, "2026-06-01", "everybody on", Some("2026-03-08"));
        check(glide, "2026-02-01", "everybody off", None);
        check(glide, "2026-03-04", "Share", None);
        let steps = "{rollout: {2026-03-01: 1%, 2026-03-10: 100%, 2026-05-01: 100%}}";
        check(steps, "2026-06-01", "everybody on", Some("2026-03-10"));
    }
}
