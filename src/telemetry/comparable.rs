//! Which variants are worth comparing. In: a feature. Out: the variants that its requests can get now, if there are several.

use crate::engine::{
    Feature, Status, Toggles,
    model::{Outcome, Serve},
    schedule::Rollout,
    units::Share,
};

/// Whether this variant is one of several that the feature can give now: only then is there something to compare.
pub(super) fn is_compared(toggles: &Toggles, feature: &Feature, variant: u8) -> bool {
    let live = live(toggles, feature);
    feature.metrics && live.len() > 1 && live.contains(&variant)
}

/// The variants that requests can get, overrides apart.
fn live(toggles: &Toggles, feature: &Feature) -> Vec<u8> {
    let mut live = Vec::new();
    match feature.status {
        Status::Draft | Status::Archived => return live,
        _ if toggles.paused || feature.status == Status::Paused => return vec![feature.default],
        _ => {}
    }
    if feature.when.is_some() || feature.last.is_none() {
        live.push(feature.default);
    }
    for outcome in feature
        .rules
        .iter()
        .map(|rule| &rule.outcome)
        .chain(&feature.last)
    {
        outcome_live(outcome, feature.default, &mut live);
    }
    live.sort_unstable();
    live.dedup();
    live
}

fn outcome_live(outcome: &Outcome, default: u8, live: &mut Vec<u8>) {
    let share = match outcome.rollout {
        Rollout::Fixed(share) => Some(share),
        _ => None,
    };
    if share != Some(Share::EVERYBODY) {
        live.push(default);
    }
    if share == Some(Share::NOBODY) {
        return;
    }
    match &outcome.serve {
        Serve::One(variant) => live.push(*variant),
        Serve::Split(arms) => live.extend(arms.iter().map(|arm| arm.variant)),
        Serve::Buckets(ranges) => {
            live.push(default); // in a gap; full cover is rare and costs only an empty series
            live.extend(ranges.iter().map(|(_, _, variant)| *variant));
        }
    }
}
