//! Which variants are worth comparing. In: a feature. Out: the variants that its requests can get now, if there are several.

use crate::engine::{
    Feature, Status, Toggles,
    model::{Allocation, Serve},
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
    if feature.when.is_some() || feature.fallthrough.is_none() {
        live.push(feature.default);
    }
    for allocation in feature
        .rules
        .iter()
        .map(|rule| &rule.allocation)
        .chain(&feature.fallthrough)
    {
        allocation_live(allocation, feature.default, &mut live);
    }
    live.sort_unstable();
    live.dedup();
    live
}

fn allocation_live(allocation: &Allocation, default: u8, live: &mut Vec<u8>) {
    let share = match allocation.rollout {
        Rollout::Fixed(share) => Some(share),
        _ => None,
    };
    if share != Some(Share::EVERYBODY) {
        live.push(default);
    }
    if share == Some(Share::NOBODY) {
        return;
    }
    match &allocation.serve {
        Serve::One(variant) => live.push(*variant),
        Serve::Split(arms) => live.extend(arms.iter().map(|arm| arm.variant)),
        Serve::Buckets(ranges) => {
            live.push(default); // in a gap; full cover is rare and costs only an empty series
            live.extend(ranges.iter().map(|(_, _, variant)| *variant));
        }
    }
}
