//! Who switches variant by an edit where both sides draw as another system did: with intervals, exactly.
//! In: two allocations at one instant. Out: flows where the draws are the same; where they are not, everybody is dealt anew.

use crate::engine::{
    model::{Allocation, Feature, Serve},
    units::{Second, Share},
};
use std::collections::BTreeMap;

/// One side of an edit.
struct Side<'a, 'b> {
    feature: &'a Feature,
    allocation: &'b Allocation,
    /// the rollout in force, in millionths of a percent
    rollout: u32,
}

impl<'a> Side<'a, '_> {
    /// Whether the first of two numbers, in or out, plays no part.
    fn rollout_is_trivial(&self) -> bool {
        self.rollout == 0 || self.rollout == Share::WHOLE
    }

    /// Whether the second one plays none.
    fn serve_is_trivial(&self) -> bool {
        matches!(self.allocation.serve, Serve::One(_))
    }

    /// What somebody gets whose numbers stand here.
    fn of(&self, rollout: u32, serve: u32) -> &'a str {
        let variant = match &self.allocation.serve {
            _ if rollout >= self.rollout => None,
            Serve::One(variant) => Some(*variant),
            pieces => {
                let mut pieces = pieces.pieces();
                let piece = pieces.find(|(start, end, _)| (*start..*end).contains(&serve));
                piece.map(|(_, _, variant)| variant)
            }
        };
        let variant = variant.unwrap_or(self.feature.default);
        &self.feature.variant(variant).name
    }

    fn cuts(&self) -> impl Iterator<Item = u32> {
        let pieces = self.allocation.serve.pieces();
        pieces.flat_map(|(start, end, _)| [start, end])
    }
}

/// A feature, and the allocation of it that decides.
type Drawn<'a> = (&'a Feature, &'a Allocation);

/// The share of users for each (from, to); none where the draws are not the same on both sides.
pub fn flows<'a>(
    (before, was): Drawn<'a>,
    (after, is): Drawn<'a>,
    now: Second,
) -> Option<BTreeMap<(&'a str, &'a str), f64>> {
    let (Some(drew), Some(draws)) = (&was.draws, &is.draws) else {
        return None;
    };
    let side = |feature, allocation: &'a Allocation| Side {
        feature,
        allocation,
        rollout: allocation.rollout.at(now).millionths(),
    };
    let [old, new] = [side(before, was), side(after, is)];
    let rollout = match (old.rollout_is_trivial(), new.rollout_is_trivial()) {
        (true, _) => &draws.rollout,
        (_, true) => &drew.rollout,
        _ if drew.rollout == draws.rollout => &draws.rollout,
        _ => return None,
    };
    let serve = match (old.serve_is_trivial(), new.serve_is_trivial()) {
        (true, _) => &draws.serve,
        (_, true) => &drew.serve,
        _ if drew.serve == draws.serve => &draws.serve,
        _ => return None,
    };
    let mut flows = BTreeMap::new();
    let mut flow = |rollout, serve, share: f64| {
        let pair = (old.of(rollout, serve), new.of(rollout, serve));
        *flows.entry(pair).or_insert(0.0) += share;
    };
    let rollouts = [old.rollout, new.rollout];
    let serves: Vec<u32> = old.cuts().chain(new.cuts()).collect();
    if rollout == serve {
        for (start, length) in cells(rollouts.into_iter().chain(serves)) {
            flow(start, start, length);
        }
        return Some(flows);
    }
    for (rollout, width) in cells(rollouts.into_iter()) {
        for (serve, height) in cells(serves.iter().copied()) {
            flow(rollout, serve, width * height);
        }
    }
    Some(flows)
}

/// What an allocation gives on a line from 0 to 1: where each piece ends, and the shares of variants on it.
pub fn pieces<'a>(
    feature: &'a Feature,
    allocation: &Allocation,
    now: Second,
) -> Vec<(f64, Vec<(&'a str, f64)>)> {
    let side = Side {
        feature,
        allocation,
        rollout: allocation.rollout.at(now).millionths(),
    };
    let end = |start: u32, length: f64| fraction(start) + length;
    if allocation.is_one_number() {
        let cuts = std::iter::once(side.rollout).chain(side.cuts());
        let piece = |(start, length)| (end(start, length), vec![(side.of(start, start), 1.0)]);
        return cells(cuts).map(piece).collect();
    }
    let mut shares = BTreeMap::new();
    for (start, length) in cells(side.cuts()) {
        let (inside, is_in) = (side.of(0, start), side.rollout > 0);
        if is_in {
            *shares.entry(inside).or_insert(0.0) += length;
        }
    }
    match side.rollout {
        0 => Vec::new(),
        rollout => vec![(fraction(rollout), shares.into_iter().collect())],
    }
}

/// From 0 to 100%, cut at these: where each begins and how long it is.
fn cells(cuts: impl Iterator<Item = u32>) -> impl Iterator<Item = (u32, f64)> {
    let mut cuts: Vec<u32> = cuts.chain([0, Share::WHOLE]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let ends = cuts.clone().into_iter().skip(1);
    let pairs = cuts.into_iter().zip(ends);
    pairs.map(|(start, end)| (start, fraction(end - start)))
}

fn fraction(millionths: u32) -> f64 {
    f64::from(millionths) / f64::from(Share::WHOLE)
}
