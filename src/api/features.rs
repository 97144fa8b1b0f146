//! `GET /features` and `GET /features/{key}`: what is in force, as the files declare it, and what it has been counted for.
//! In: the snapshot, the last report, the counters. Out: responses.

use super::{
    comparison::ComparisonResponse,
    responses::{
        FeatureResponse, FeaturesResponse, GuardResponse, LastReload, Ordered, ProcessResponse,
        ShareNow, StandsResponse, TrippedResponse, VariantCounts,
    },
    tester,
};
use crate::{
    engine::{
        Feature, Snapshot, Toggles,
        attributes::{AttributeIndex, USER},
        compare::draw,
        describe::{json, sentence, standing},
        guard::Guard,
        instant,
        model::Condition,
        schedule::Rollout,
        source::Source,
        stops::StopKind,
        units::Second,
    },
    live::InForce,
    telemetry::{BOUNDS, Metrics, VariantTotals},
};
use std::{borrow::Cow, collections::BTreeMap};

/// Which pod this is, where somebody says so.
#[derive(Debug, Default)]
pub struct Pod {
    /// `POD_NAMESPACE`
    pub namespace: Option<String>,
    /// `POD_NAME`
    pub name: Option<String>,
}

/// By feature, then by variant.
type AllTotals = BTreeMap<Box<str>, BTreeMap<Box<str>, VariantTotals>>;

/// Everything.
pub(super) fn all<'a>(
    in_force: &'a InForce,
    metrics: &Metrics,
    pod: &'a Pod,
    now: Second,
) -> FeaturesResponse<'a> {
    let (snapshot, last) = (&in_force.snapshot, &in_force.last);
    let mut counts = metrics.counts();
    let described = snapshot.features().map(|(_, toggles, feature)| {
        (
            feature.key.to_string(),
            described(in_force, toggles, feature, &mut counts, metrics, now),
        )
    });
    FeaturesResponse {
        revision: (&*snapshot.revision).into(),
        stops: (&*snapshot.stopped.stops.revision).into(),
        loaded: in_force.loaded,
        since: instant::show(in_force.since),
        now: instant::show(now),
        last_reload: LastReload {
            at: instant::show(last.at),
            trigger: last.trigger.into(),
            problems: (&last.problems).into(),
            warnings: (&last.warnings).into(),
        },
        requests: metrics.requests(),
        bounds: BOUNDS.iter().map(|bound| *bound as f64 / 1e9).collect(),
        attributes: attributes(snapshot),
        process: ProcessResponse {
            version: env!("BURGEE_VERSION"),
            namespace: pod.namespace.as_deref().map(Into::into),
            pod: pod.name.as_deref().map(Into::into),
        },
        features: Ordered(described.collect()),
    }
}

/// One of them.
pub(super) fn one<'a>(
    in_force: &'a InForce,
    metrics: &Metrics,
    key: &str,
    now: Second,
) -> Option<FeatureResponse<'a>> {
    let mut features = in_force.snapshot.features();
    let (_, toggles, feature) = features.find(|(_, _, feature)| *feature.key == *key)?;
    Some(described(
        in_force,
        toggles,
        feature,
        &mut metrics.counts(),
        metrics,
        now,
    ))
}

fn described<'a>(
    in_force: &InForce,
    toggles: &'a Toggles,
    feature: &'a Feature,
    counts: &mut AllTotals,
    metrics: &Metrics,
    now: Second,
) -> FeatureResponse<'a> {
    let snapshot = &in_force.snapshot;
    let names = feature
        .variants
        .iter()
        .map(|variant| (&*variant.name).into());
    let header = json::header(feature);
    let counts = counts.remove(&feature.key).unwrap_or_default().into_iter();
    FeatureResponse {
        description: feature.description.as_deref().map(Into::into),
        status: feature.status.as_str().into(),
        variants: names.collect(),
        default: (&*feature.variant(feature.default).name).into(),
        header: header.map(Into::into),
        owner: feature.owner.as_deref().map(Into::into),
        expires: feature.expires.as_ref().map(|end| (&*end.day).into()),
        expired: feature.is_expired(now),
        permanent: feature.permanent,
        stands: stands(in_force, toggles, feature, now),
        metadata: Cow::Borrowed(&feature.metadata),
        shares_now: shares_now(snapshot, toggles, feature, now),
        sentence: sentence::feature(feature, toggles),
        stopped: stopped(snapshot, toggles, feature),
        tester: tester::made(snapshot, toggles, feature),
        guard: feature.guard.map(|guard| guarded(guard, feature, metrics)),
        counts: counts
            .map(|(name, counts)| (name, counted(counts)))
            .collect(),
        comparison: metrics
            .comparison(feature, now)
            .map(|report| ComparisonResponse::new(feature, report)),
    }
}

/// As far as this process knows: the file's history is not here.
fn stands(in_force: &InForce, toggles: &Toggles, feature: &Feature, now: Second) -> StandsResponse {
    let standing = standing::of(toggles, feature, now);
    let by_date = standing::since(toggles, feature, now);
    let since = by_date.unwrap_or(in_force.since);
    StandsResponse {
        at: standing.as_str(),
        variant: standing.variant().map(Into::into),
        since: instant::show(since),
        at_least: by_date.is_none(),
        is_long: since.0 <= now.0 - standing::LONG,
    }
}

/// Of the rollouts that follow the clock, which somebody may hold.
fn shares_now<'a>(
    snapshot: &Snapshot,
    toggles: &Toggles,
    feature: &'a Feature,
    now: Second,
) -> Vec<ShareNow<'a>> {
    let stop = snapshot.stop_of(toggles, feature);
    let hold = stop.filter(|stop| stop.kind == StopKind::Hold);
    let hold = hold.and_then(|hold| hold.at);
    let rules = feature.rules.iter().map(|rule| &rule.allocation);
    let own = feature.fallthrough.iter().map(|own| (0, own));
    let all = (1..).zip(rules).chain(own);
    let moving = all.filter(|(_, one)| !matches!(one.rollout, Rollout::Fixed(_)));
    moving
        .map(|(rule, one)| ShareNow {
            rule: feature.rule_label(rule),
            share: match hold {
                None => one.rollout.at(now),
                Some(hold) => one.rollout.held(now, hold),
            }
            .to_string(),
        })
        .collect()
}

/// By somebody, or by the guard of this process.
fn stopped(snapshot: &Snapshot, toggles: &Toggles, feature: &Feature) -> Option<String> {
    let stop = snapshot.stop_of(toggles, feature);
    let trip = snapshot.trip_of(feature);
    match (stop, trip) {
        // a stop beats a hold
        (Some(stop), trip) if trip.is_none() || stop.kind == StopKind::Stop => {
            Some(stop.sentence())
        }
        (_, trip) => trip.map(|trip| trip.sentence.to_string()),
    }
}

fn guarded(guard: Guard, feature: &Feature, metrics: &Metrics) -> GuardResponse {
    let tripped = metrics.verdicts(feature).into_iter();
    let tripped = tripped.map(|verdict| TrippedResponse {
        variant: verdict.variant.into(),
        rule: verdict.rule.into(),
        measure: verdict.measure.as_str(),
        at: instant::show(verdict.at),
        difference: verdict.harm.difference,
        at_least: verdict.harm.at_least,
        words: verdict.sentence,
    });
    GuardResponse {
        action: guard.action.as_str(),
        words: guard.sentence(&feature.variant(draw::control(feature)).name),
        tripped: tripped.collect(),
    }
}

fn counted(counts: VariantTotals) -> VariantCounts {
    VariantCounts {
        evaluations: counts.evaluations,
        requests: counts.requests,
        errors: counts.errors,
        durations: counts.durations,
        exposures: counts.exposures,
        goals: counts.goals,
    }
}

/// The attributes that conditions and shares use, without the user and without the environment, which no request brings.
fn attributes(snapshot: &Snapshot) -> Vec<Cow<'_, str>> {
    let mut names: Vec<Cow<'_, str>> = Vec::new();
    for toggles in &*snapshot.files {
        for index in used_attributes(toggles) {
            let attribute = &toggles.attributes[usize::from(index)];
            let is_asked = |source: &Source| !matches!(source, Source::Env(..));
            if attribute.sources.iter().any(is_asked) && !names.contains(&(&*attribute.name).into())
            {
                names.push((&*attribute.name).into());
            }
        }
    }
    names
}

fn used_attributes(toggles: &Toggles) -> Vec<AttributeIndex> {
    fn walk(condition: &Condition, indexes: &mut Vec<AttributeIndex>) {
        match condition {
            Condition::All(some) | Condition::Any(some) => {
                some.iter().for_each(|one| walk(one, indexes))
            }
            Condition::Not(one) => walk(one, indexes),
            Condition::Attribute(index, _) => indexes.push(*index),
            Condition::Segment(_) | Condition::Feature(..) | Condition::Now { .. } => {}
        }
    }
    let mut indexes = Vec::new();
    let features = toggles.features.iter();
    let conditions = features.clone().flat_map(|feature| {
        feature
            .rules
            .iter()
            .map(|rule| &rule.when)
            .chain(&feature.when)
    });
    for condition in conditions.chain(&toggles.segments).chain(&toggles.when) {
        walk(condition, &mut indexes);
    }
    indexes.extend(features.map(|feature| feature.unit));
    indexes.retain(|index| *index != USER);
    indexes.sort_unstable();
    indexes.dedup();
    indexes
}
