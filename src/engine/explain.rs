//! Why a request gets what it gets, by the same evaluation that the proxy does.
//! In: one file, a request, an instant. Out: for each feature its decision, its bucket, and sentences.

use super::{
    Feature, Reason, Status, Toggles,
    attributes::{Asked, USER, Values},
    condition::Context,
    evaluate::{Decision, Decisions, Outcome, Serve},
    units::{Second, Share},
    words,
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
    asked: Asked<'a>,
    visitor: Option<&str>,
) -> Vec<Option<u16>> {
    let values = values(toggles, asked, visitor);
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
    asked: Asked<'a>,
    now: Second,
    decisions: &Decisions,
) -> Vec<Explanation> {
    let visitor = decisions.visitor.as_ref().map(|(id, _)| id.as_str());
    let values = values(toggles, asked, visitor);
    let decided = &decisions.answers[toggles.first..toggles.first + toggles.features.len()];
    let context = Context {
        values: &values,
        now,
        toggles,
        decided,
    };
    let explain = |(index, feature): (usize, &Feature)| {
        let unit = values.get(feature.unit).bytes();
        let (why, change) = sentence(feature, decided[index], context);
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

fn values<'a>(toggles: &'a Toggles, asked: Asked<'a>, visitor: Option<&str>) -> Values<'a> {
    let values = Values::new(&toggles.attributes, asked);
    let is_stranger = || {
        toggles.attributes[usize::from(USER)]
            .find(asked, true)
            .bytes()
            .is_none()
    };
    if let (Some(_), Some(id)) = (&toggles.anonymous, visitor)
        && is_stranger()
    {
        values.set_user(id.as_bytes().to_vec().into());
    }
    values
}

fn sentence(
    feature: &Feature,
    decision: Option<Decision>,
    context: Context<'_, '_>,
) -> (String, Option<String>) {
    let plain = |why: &str| (why.to_owned(), None);
    let Some(decision) = decision else {
        return match (feature.status, &context.toggles.when) {
            (Status::Archived, _) => plain("it is archived: no header"),
            (_, Some(when))
                if !when.holds(Context {
                    decided: &[],
                    ..context
                }) =>
            {
                (
                    format!("the whole file is off: {}", words::because(when, context)),
                    None,
                )
            }
            _ => plain("it is a draft: no header unless an override forces it"),
        };
    };
    if decision.forced {
        return plain("an override forces it");
    }
    if decision.reason == Reason::Disabled {
        let what = if context.toggles.paused {
            "the whole file"
        } else {
            "it"
        };
        return (
            format!("{what} is paused, so everybody gets the default"),
            None,
        );
    }
    if let Some(when) = feature.when.as_ref().filter(|when| !when.holds(context)) {
        return (
            format!(
                "the default, for its condition does not hold: {}",
                words::because(when, context)
            ),
            None,
        );
    }
    let (rule, outcome) = match decision
        .rule
        .checked_sub(1)
        .map(|rule| &feature.rules[usize::from(rule)])
    {
        Some(rule) => {
            let name = rule
                .name
                .as_ref()
                .map_or(String::new(), |name| format!(" ({name})"));
            let because = words::because(&rule.when, context);
            (
                format!("rule {}{name} decides, {because}", decision.rule),
                Some(&rule.outcome),
            )
        }
        None => (condition_of(feature, context), feature.last.as_ref()),
    };
    let Some(outcome) = outcome else {
        return plain("the default, for no rule holds and nothing else is served");
    };
    let (share, change) = shares(feature, outcome, decision, context);
    (
        [rule, share]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("; "),
        change,
    )
}

fn condition_of(feature: &Feature, context: Context<'_, '_>) -> String {
    match (&feature.when, feature.rules.is_empty()) {
        (Some(when), _) => format!("its condition holds: {}", words::because(when, context)),
        (None, true) => String::new(),
        (None, false) => "no rule holds".to_owned(),
    }
}

/// How the rollout and the split decided, and which rollout would decide otherwise.
fn shares(
    feature: &Feature,
    outcome: &Outcome,
    decision: Decision,
    context: Context<'_, '_>,
) -> (String, Option<String>) {
    let share = outcome.rollout.at(context.now);
    if share == Share::NOBODY {
        return ("the rollout is at 0%".to_owned(), None);
    }
    let unit = context.values.get(feature.unit);
    let name = &context.values.attribute(feature.unit).name;
    let Some(unit) = unit.bytes() else {
        if decision.reason == Reason::Error {
            return (
                format!("a share decides, and there is no {name}"),
                Some(format!("a request with {name}")),
            );
        }
        return (served(feature, outcome), None);
    };
    let bucket = feature.bucket(unit);
    if share == Share::EVERYBODY {
        return (
            format!("{}{}", served(feature, outcome), consulted(outcome, bucket)),
            None,
        );
    }
    let edge = Share::from_millionths((u32::from(bucket) + 1) * 10_000).unwrap_or(Share::EVERYBODY);
    if feature.is_in(unit, share) {
        let why = format!(
            "{}, and bucket {bucket} is inside a rollout of {share}",
            served(feature, outcome)
        );
        return (
            why,
            Some(format!("a rollout below {edge} may leave them out")),
        );
    }
    let why = format!("the default, for bucket {bucket} is outside a rollout of {share}");
    (why, Some(format!("a rollout of {edge} takes them in")))
}

fn served(feature: &Feature, outcome: &Outcome) -> String {
    let only = Outcome {
        rollout: super::schedule::Rollout::Fixed(Share::EVERYBODY),
        serve: outcome.serve.clone(),
    };
    format!("serves {}", words::outcome(&only, feature))
}

fn consulted(outcome: &Outcome, bucket: u16) -> String {
    match outcome.serve {
        Serve::Buckets(_) => format!(", and this is bucket {bucket}"),
        _ => String::new(),
    }
}
