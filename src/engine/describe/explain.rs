//! Why a request gets what it gets, by the same evaluation that the proxy does.
//! In: one file, a request, an instant. Out: for each feature its decision, its bucket, and sentences.

use super::reason;
use crate::engine::{
    attributes::{USER, Values},
    bucket::Arm,
    condition::Scope,
    decision::{Decision, Decisions, Reason},
    model::{Allocation, Feature, Serve, Status, Toggles},
    request::Input,
    schedule::Rollout,
    units::{Second, Share},
};

/// One feature's answer and why.
#[derive(Debug)]
pub struct Explanation {
    /// the answer; none for a draft, an archived feature, or a file whose condition is false
    pub decision: Option<Decision>,
    /// point("bucket") of the unit, where there is a unit
    pub bucket: Option<u16>,
    /// the unit itself, as text
    pub unit: Option<String>,
    /// why
    pub why: String,
    /// what would change it, where one thing would
    pub change: Option<String>,
}

/// The bucket of every feature of one file, for answers without sentences.
pub fn buckets<'a>(
    toggles: &'a Toggles,
    input: Input<'a>,
    visitor: Option<&str>,
) -> Vec<Option<u16>> {
    let values = values(toggles, input, visitor);
    let bucket = |feature: &Feature| {
        values
            .get(feature.unit)
            .bytes()
            .map(|unit| feature.bucket(unit))
    };
    toggles.features.iter().map(bucket).collect()
}

/// Explains every feature of one file. `decisions` are those of this very request.
pub fn file<'a>(
    toggles: &'a Toggles,
    input: Input<'a>,
    now: Second,
    decisions: &Decisions,
) -> Vec<Explanation> {
    let visitor = decisions.visitor.as_ref().map(|(id, _)| id.as_str());
    let values = values(toggles, input, visitor);
    let decided = &decisions.by_feature[toggles.first..toggles.first + toggles.features.len()];
    let scope = Scope {
        values: &values,
        now,
        toggles,
        decided,
    };
    let explain = |(index, feature): (usize, &Feature)| {
        let unit = values.get(feature.unit).bytes();
        let (why, change) = sentence(feature, decided[index], scope);
        Explanation {
            decision: decided[index],
            bucket: unit.map(|unit| feature.bucket(unit)),
            unit: unit.map(|unit| String::from_utf8_lossy(unit).into_owned()),
            why,
            change,
        }
    };
    toggles.features.iter().enumerate().map(explain).collect()
}

fn values<'a>(toggles: &'a Toggles, input: Input<'a>, visitor: Option<&str>) -> Values<'a> {
    let values = Values::new(&toggles.attributes, input);
    let is_stranger = || {
        toggles.attributes[usize::from(USER)]
            .find(input, true)
            .bytes()
            .is_none()
    };
    if let (Some(_), Some(id)) = (&toggles.visitor_cookie, visitor)
        && is_stranger()
    {
        values.set_user(id.as_bytes().to_vec().into());
    }
    values
}

fn sentence(
    feature: &Feature,
    decision: Option<Decision>,
    scope: Scope<'_, '_>,
) -> (String, Option<String>) {
    let plain = |why: &str| (why.to_owned(), None);
    let Some(decision) = decision else {
        return match (feature.status, &scope.toggles.when) {
            (Status::Archived, _) => plain("it is archived: no header"),
            (_, Some(when))
                if !when.holds(Scope {
                    decided: &[],
                    ..scope
                }) =>
            {
                (
                    format!("the whole file is off: {}", reason::because(when, scope)),
                    None,
                )
            }
            _ => plain("it is a draft: no header unless an override forces it"),
        };
    };
    if decision.overridden {
        return plain("an override forces it");
    }
    if decision.reason == Reason::Disabled {
        let what = if scope.toggles.paused {
            "the whole file"
        } else {
            "it"
        };
        return (
            format!("{what} is paused, so everybody gets the default"),
            None,
        );
    }
    if let Some(when) = feature.when.as_ref().filter(|when| !when.holds(scope)) {
        return (
            format!(
                "the default, for its condition does not hold: {}",
                reason::because(when, scope)
            ),
            None,
        );
    }
    let (rule, allocation) = match decision
        .rule
        .checked_sub(1)
        .map(|rule| &feature.rules[usize::from(rule)])
    {
        Some(rule) => {
            let name = rule
                .name
                .as_ref()
                .map_or(String::new(), |name| format!(" ({name})"));
            let because = reason::because(&rule.when, scope);
            (
                format!("rule {}{name} decides, {because}", decision.rule),
                Some(&rule.allocation),
            )
        }
        None => (condition_of(feature, scope), feature.fallthrough.as_ref()),
    };
    let Some(allocation) = allocation else {
        return plain("the default, for no rule holds and nothing else is served");
    };
    let (share, change) = shares(feature, allocation, decision, scope);
    let change = change.or_else(|| without_rule(feature, decision, scope));
    (
        [rule, share]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("; "),
        change,
    )
}

fn condition_of(feature: &Feature, scope: Scope<'_, '_>) -> String {
    match (&feature.when, feature.rules.is_empty()) {
        (Some(when), _) => format!("its condition holds: {}", reason::because(when, scope)),
        (None, true) => String::new(),
        (None, false) => "no rule holds".to_owned(),
    }
}

/// How the rollout and the split decided, and which rollout would decide otherwise.
fn shares(
    feature: &Feature,
    allocation: &Allocation,
    decision: Decision,
    scope: Scope<'_, '_>,
) -> (String, Option<String>) {
    let share = allocation.rollout.at(scope.now);
    if share == Share::NOBODY {
        return ("the rollout is at 0%".to_owned(), None);
    }
    let unit = scope.values.get(feature.unit);
    let name = &scope.values.attribute(feature.unit).name;
    let Some(unit) = unit.bytes() else {
        if decision.reason == Reason::Error {
            return (
                format!("a share decides, and there is no {name}"),
                Some(format!("a request with {name}")),
            );
        }
        return (served(feature, allocation), None);
    };
    let bucket = feature.bucket(unit);
    if share == Share::EVERYBODY {
        let why = format!(
            "{}{}",
            served(feature, allocation),
            consulted(allocation, bucket)
        );
        return (why, another_draw(feature, allocation, unit, bucket));
    }
    let edge = Share::from_millionths((u32::from(bucket) + 1) * 10_000).unwrap_or(Share::EVERYBODY);
    if feature.is_in(unit, share) {
        let why = format!(
            "{}, and bucket {bucket} is inside a rollout of {share}",
            served(feature, allocation)
        );
        return (
            why,
            Some(format!("a rollout below {edge} may leave them out")),
        );
    }
    let why = format!("the default, for bucket {bucket} is outside a rollout of {share}");
    (why, Some(format!("a rollout of {edge} takes them in")))
}

/// What it takes for somebody inside to get another variant.
fn another_draw(
    feature: &Feature,
    allocation: &Allocation,
    unit: &[u8],
    bucket: u16,
) -> Option<String> {
    let arms = match &allocation.serve {
        Serve::One(_) => return None,
        Serve::Buckets(_) => return Some(format!("another variant's buckets that hold {bucket}")),
        Serve::Split(arms) => arms,
    };
    let weighted = feature.weighted.as_ref();
    if weighted.is_some_and(|weighted| weighted.split.position(unit).is_some()) {
        return None;
    }
    let whole = f64::from(Share::WHOLE);
    let of = |arm: &Arm| f64::from(arm.share.millionths());
    let score = |arm: &Arm| arm.seed.point(unit).score(arm.share);
    let winner = arms.iter().min_by(|a, b| score(a).total_cmp(&score(b)))?;
    // An arm's draw stays when its share changes: score = draw / share. With a share s it wins where
    // draw / s < the winner's score, which grows by (1 - share) / (1 - s), as that of all others does.
    let needed = |arm: &Arm| {
        let draw = score(arm) * of(arm);
        1.0 / (1.0 + score(winner) * (whole - of(arm)) / draw)
    };
    let others = arms.iter().filter(|arm| arm.variant != winner.variant);
    let (arm, share) = others
        .map(|arm| (arm, needed(arm)))
        .min_by(|(a, s), (b, t)| (s - of(a) / whole).total_cmp(&(t - of(b) / whole)))?;
    let share = Share::from_millionths((share * 10_000.0).ceil() as u32 * 10_000)?;
    let name = &feature.variant(arm.variant).name;
    Some(format!(
        "a share of {share} for {name} takes them there, if the others keep their ratio"
    ))
}

/// What they would get if the rule that decided were not there.
fn without_rule(feature: &Feature, decision: Decision, scope: Scope<'_, '_>) -> Option<String> {
    let rules = feature.rules.get(usize::from(decision.rule)..)?;
    if decision.rule == 0 {
        return None;
    }
    let next = rules.iter().find(|rule| rule.when.holds(scope));
    let allocation = next
        .map(|rule| &rule.allocation)
        .or(feature.fallthrough.as_ref());
    let unit = || scope.values.get(feature.unit).bytes();
    let variant = allocation.map_or(feature.default, |allocation| {
        allocation
            .decide(feature, unit, scope.now, Reason::Static)
            .0
    });
    let name = &feature.variant(variant).name;
    Some(format!("without rule {} it is {name}", decision.rule))
}

fn served(feature: &Feature, allocation: &Allocation) -> String {
    let only = Allocation {
        rollout: Rollout::Fixed(Share::EVERYBODY),
        serve: allocation.serve.clone(),
    };
    format!("serves {}", reason::allocation(&only, feature))
}

fn consulted(allocation: &Allocation, bucket: u16) -> String {
    match allocation.serve {
        Serve::Buckets(_) => format!(", and this is bucket {bucket}"),
        _ => String::new(),
    }
}
