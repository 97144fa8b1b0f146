//! Why a request gets what it gets, by the same evaluation that the proxy does.
//! In: one file, a request, an instant. Out: for each feature its decision, its bucket, and sentences.

use super::{overridden, reason};
use crate::engine::{
    anonymous,
    attributes::{Found, USER, Values},
    bucket::Arm,
    compare::draw,
    condition::Scope,
    decision::{Decision, Decisions, Reason},
    imported::{ImportedDraw, ImportedDraws},
    model::{Allocation, Feature, Rule, Serve, Snapshot, Spread, Status, Toggles},
    request::Input,
    stops::{Stop, StopKind, Trip},
    units::{Second, Share},
};

/// What one feature gives a request, and why.
#[derive(Debug)]
pub struct Explanation {
    /// none for a draft, an archived feature, or a file whose condition is false
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

/// Where a unit stands in one feature.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standing {
    /// point("bucket"), where the bucketing contract draws
    pub bucket: Option<u16>,
    /// in the rollout and in the split, where another system's draw decided
    pub draw: Option<[Share; 2]>,
}

/// Where the unit of every feature of one file stands, where no sentences are wanted. `decisions` are those of this very
/// request.
pub fn standings<'a>(
    toggles: &'a Toggles,
    input: Input<'a>,
    now: Second,
    decisions: &Decisions,
) -> Vec<Standing> {
    let values = values(toggles, input, now, decisions);
    let decided = &decisions.by_feature;
    let standing = |(index, feature): (usize, &Feature)| {
        let unit = values.get(feature.unit).bytes();
        let decision = decided.get(toggles.first + index).copied().flatten();
        unit.map_or_else(Standing::default, |unit| standing(feature, decision, unit))
    };
    toggles.features.iter().enumerate().map(standing).collect()
}

fn standing(feature: &Feature, decision: Option<Decision>, unit: &[u8]) -> Standing {
    let drawn = decision.filter(|decision| decision.reason == Reason::Split);
    let allocation = drawn.and_then(|decision| feature.allocation(decision.rule));
    let draws = allocation.and_then(|allocation| allocation.draws.as_ref());
    Standing {
        bucket: bucket_of(feature, unit),
        draw: draws.map(|draws| {
            let place = |draw: &ImportedDraw| draw.number(unit).place();
            [place(&draws.rollout), place(&draws.serve)]
        }),
    }
}

/// The bucket of one feature's unit, where a context says who it is and no sentences are wanted.
pub fn bucket<'a>(toggles: &'a Toggles, input: Input<'a>, feature: &Feature) -> Option<u16> {
    let values = Values::new(&toggles.attributes, input);
    let unit = values.get(feature.unit).bytes()?;
    bucket_of(feature, unit)
}

/// None where another system's draw decides.
fn bucket_of(feature: &Feature, unit: &[u8]) -> Option<u16> {
    match feature.spread {
        Spread::Draws => None,
        _ => Some(feature.bucket(unit)),
    }
}

/// Explains every feature of one file. `decisions` are those of this very request.
pub fn file<'a>(
    snapshot: &Snapshot,
    toggles: &'a Toggles,
    input: Input<'a>,
    now: Second,
    decisions: &Decisions,
) -> Vec<Explanation> {
    let values = values(toggles, input, now, decisions);
    let decided = &decisions.by_feature[toggles.first..toggles.first + toggles.features.len()];
    let scope = Scope {
        values: &values,
        now,
        toggles,
        decided,
    };
    let explain = |(index, feature): (usize, &Feature)| {
        let unit = values.get(feature.unit).bytes();
        let stop = snapshot.stop_of(toggles, feature);
        let (why, change) = match decided[index] {
            Some(decision) if snapshot.is_stopped(toggles, feature, decision) => {
                (stopped(stop, snapshot.trip_of(feature)), None)
            }
            Some(decision) if decision.overridden => {
                (overridden::origin(toggles, input, now).sentence(), None)
            }
            decision => {
                let (why, change) = sentence(feature, decision, scope);
                (why + &guarded(feature, decision), change)
            }
        };
        Explanation {
            decision: decided[index],
            bucket: unit.and_then(|unit| bucket_of(feature, unit)),
            unit: unit.map(|unit| String::from_utf8_lossy(unit).into_owned()),
            why,
            change,
        }
    };
    toggles.features.iter().enumerate().map(explain).collect()
}

/// What a request that has been decided is known by.
pub fn values<'a>(
    toggles: &'a Toggles,
    input: Input<'a>,
    now: Second,
    decisions: &Decisions,
) -> Values<'a> {
    let values = Values::new(&toggles.attributes, input);
    if let Some(anonymous) = &toggles.anonymous {
        let changes = decisions.visitor.as_ref();
        anonymous::apply_again((toggles, anonymous), &values, input, now, changes);
    }
    values
}

/// Why, and what would change it.
type Why = (String, Option<String>);

fn sentence(feature: &Feature, decision: Option<Decision>, scope: Scope<'_, '_>) -> Why {
    let Some(decision) = decision else {
        return (without_decision(feature, scope), None);
    };
    if decision.reason == Reason::Disabled {
        let what = match scope.toggles.paused {
            true => "the whole file is paused",
            false => "paused",
        };
        return (format!("{what}: everybody gets the default"), None);
    }
    if let Some(when) = feature.when.as_ref().filter(|when| !when.holds(scope)) {
        let because = reason::because(when, scope);
        let why = format!("default, because its condition does not hold: {because}");
        return (why, None);
    }
    let (matched, allocation) = match decision.rule.checked_sub(1) {
        Some(index) => {
            let rule = &feature.rules[usize::from(index)];
            let matched = rule_matches(rule, decision.rule, scope);
            (Some(matched), Some(&rule.allocation))
        }
        None => (
            no_rule_matches(feature, scope),
            feature.fallthrough.as_ref(),
        ),
    };
    let passed = passed_over(feature, decision, scope);
    let Some(allocation) = allocation else {
        return (format!("default: no rule matches{passed}"), None);
    };
    let (shares, change) = shares(feature, allocation, decision, scope);
    let change = change.or_else(|| without_rule(feature, decision, scope));
    let why = match matched {
        Some(matched) => format!("{matched}; {shares}{passed}"),
        None => format!("{shares}{passed}"),
    };
    (why, change)
}

/// What watches over a variant that was drawn.
fn guarded(feature: &Feature, decision: Option<Decision>) -> String {
    let drawn = decision.is_some_and(|decision| decision.reason == Reason::Split);
    match feature.guard.filter(|_| drawn) {
        None => String::new(),
        Some(guard) => {
            let control = &feature.variant(draw::control(feature)).name;
            format!("; {}", guard.sentence(control))
        }
    }
}

fn stopped(stop: Option<&Stop>, trip: Option<&Trip>) -> String {
    match stop {
        Some(stop) if stop.kind == StopKind::Stop => {
            format!("{}; everybody gets the default", stop.sentence())
        }
        _ if let Some(trip) = trip => format!("{}; everybody gets the default", trip.sentence),
        Some(stop) => format!(
            "{}; without the hold it would be another variant by now, so it is the default",
            stop.sentence()
        ),
        None => "it asks for a feature that is stopped or held, and its answer would be another: so it is the default".into(),
    }
}

/// A rule before the one that decided that could not read what it asks for.
fn passed_over(feature: &Feature, decision: Decision, scope: Scope<'_, '_>) -> String {
    let before = match decision.rule.checked_sub(1) {
        Some(decided) => usize::from(decided),
        None => feature.rules.len(),
    };
    let rules = feature.rules.iter().take(before).zip(1..);
    let mut unread = rules.filter_map(|(rule, number)| {
        let unread = reason::unread(&rule.when, scope)?;
        Some(format!("; rule {number} does not match: {unread}"))
    });
    unread.next().unwrap_or_default()
}

fn without_decision(feature: &Feature, scope: Scope<'_, '_>) -> String {
    match (feature.status, &scope.toggles.when) {
        (Status::Archived, _) => "archived: no header".into(),
        (_, Some(when))
            if !when.holds(Scope {
                decided: &[],
                ..scope
            }) =>
        {
            let because = reason::because(when, scope);
            format!("no header, because the condition of the whole file does not hold: {because}")
        }
        _ => "draft: no header without an override".into(),
    }
}

fn rule_matches(rule: &Rule, number: u8, scope: Scope<'_, '_>) -> String {
    let name = rule.name.as_ref();
    let name = name.map_or(String::new(), |name| format!(" ({name})"));
    match rule.when.is_always() {
        true => format!("rule {number}{name} matches everybody"),
        false => {
            let because = reason::because(&rule.when, scope);
            format!("rule {number}{name} matches: {because}")
        }
    }
}

fn no_rule_matches(feature: &Feature, scope: Scope<'_, '_>) -> Option<String> {
    match (&feature.when, feature.rules.is_empty()) {
        (Some(when), _) => Some(format!(
            "its condition holds: {}",
            reason::because(when, scope)
        )),
        (None, true) => None,
        (None, false) => Some("no rule matches".to_owned()),
    }
}

/// How the rollout and the split decided, and which rollout would decide otherwise.
fn shares(
    feature: &Feature,
    allocation: &Allocation,
    decision: Decision,
    scope: Scope<'_, '_>,
) -> Why {
    let share = allocation.rollout.at(scope.now);
    if share == Share::NOBODY {
        return ("default: the rollout is at 0%".to_owned(), None);
    }
    let found = scope.values.get(feature.unit);
    let name = &scope.values.attribute(feature.unit).name;
    let Some(unit) = found.bytes() else {
        if decision.reason == Reason::Error {
            let id = match feature.unit {
                USER => "a user id".to_owned(),
                _ => format!("a value for {name}"),
            };
            let given = match found {
                Found::List(_) => "a list",
                Found::Object => "an object",
                _ => "none",
            };
            let why = format!("needs {id}; {given} was given, so the default applies");
            return (why, Some(format!("send a request with {id}")));
        }
        return (serves(feature, allocation), None);
    };
    if let Some(draws) = &allocation.draws {
        return imported(feature, allocation, draws, share, unit, name);
    }
    let bucket = feature.bucket(unit);
    if share == Share::EVERYBODY {
        let of_buckets = match allocation.serve {
            Serve::Buckets(_) => format!("; this is bucket {bucket}"),
            _ => String::new(),
        };
        let why = serves(feature, allocation) + &of_buckets;
        return (
            why,
            another_variant(feature, allocation, unit, bucket, name),
        );
    }
    let edge = Share::from_millionths((u32::from(bucket) + 1) * 10_000).unwrap_or(Share::EVERYBODY);
    if allocation.is_in(feature, unit, share) {
        let served = serves(feature, allocation);
        let why = format!("{served}: bucket {bucket} is in the {share} rollout");
        let change = format!("below a {edge} rollout, this {name} may drop out");
        return (why, Some(change));
    }
    let why = format!("default: bucket {bucket} is not in the {share} rollout");
    let change = format!("at a {edge} rollout, this {name} is in");
    (why, Some(change))
}

/// The same where another system's draw decides.
fn imported(
    feature: &Feature,
    allocation: &Allocation,
    draws: &ImportedDraws,
    share: Share,
    unit: &[u8],
    unit_name: &str,
) -> Why {
    let place = |draw: &ImportedDraw| draw.number(unit).place();
    let by = match allocation.serve {
        Serve::One(_) => String::new(),
        _ => format!(
            "; its {} stands at {}",
            draws.serve.hash.name(),
            place(&draws.serve)
        ),
    };
    if share == Share::EVERYBODY {
        return (serves(feature, allocation) + &by, None);
    }
    let (at, hash) = (place(&draws.rollout), draws.rollout.hash.name());
    if draws.rollout.number(unit).is_in(share) {
        let served = serves(feature, allocation);
        let why = format!("{served}: its {hash} stands at {at}, inside the {share} rollout{by}");
        let change = format!("at a {at} rollout, this {unit_name} drops out");
        return (why, Some(change));
    }
    let why = format!("default: its {hash} stands at {at}, outside the {share} rollout");
    let change = format!("above a {at} rollout, this {unit_name} is in");
    (why, Some(change))
}

/// The smallest change of shares that gives this unit another variant.
fn another_variant(
    feature: &Feature,
    allocation: &Allocation,
    unit: &[u8],
    bucket: u16,
    unit_name: &str,
) -> Option<String> {
    let arms = match &allocation.serve {
        Serve::One(_) => return None,
        Serve::Buckets(_) => return Some(format!("give bucket {bucket} to another variant")),
        Serve::Split(arms) => arms,
        // told apart before
        Serve::Arms(_) | Serve::Ranges(_) => return None,
    };
    let weighted = feature.weighted();
    if weighted.is_some_and(|weighted| weighted.split.position(unit).is_some()) {
        return None;
    }
    let whole = f64::from(Share::WHOLE);
    let of = |arm: &Arm| f64::from(arm.share.millionths());
    let score = |arm: &Arm| arm.seed.point(unit).score(arm.share);
    let winner = arms.iter().min_by(|a, b| score(a).total_cmp(&score(b)))?;
    // score = time / share, and an arm's time stays when its share changes. With a share s it wins where
    // time / s < the winner's score, which grows by (1 - share) / (1 - s), as that of all others does.
    let needed = |arm: &Arm| {
        let time = score(arm) * of(arm);
        1.0 / (1.0 + score(winner) * (whole - of(arm)) / time)
    };
    let others = arms.iter().filter(|arm| arm.variant != winner.variant);
    let (arm, share) = others
        .map(|arm| (arm, needed(arm)))
        .min_by(|(a, s), (b, t)| (s - of(a) / whole).total_cmp(&(t - of(b) / whole)))?;
    let share = Share::from_millionths((share * 10_000.0).ceil() as u32 * 10_000)?;
    let name = &feature.variant(arm.variant).name;
    let others = match arms.len() {
        2 => "",
        _ => " (the others in the same ratio)",
    };
    Some(format!(
        "at {share} {name}{others}, this {unit_name} gets {name}"
    ))
}

/// The variant that this request would get if the rule that decided were not there.
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
            .decide(feature, unit, scope.now, None, Reason::Static)
            .0
    });
    let name = &feature.variant(variant).name;
    Some(format!(
        "without rule {}, this request gets {name}",
        decision.rule
    ))
}

fn serves(feature: &Feature, allocation: &Allocation) -> String {
    format!("serves {}", reason::serve(&allocation.serve, feature))
}
