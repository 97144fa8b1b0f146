//! What users get of one feature before and after an edit, once every condition is settled.
//! In: two allocations, or one variant for everybody. Out: flows, and the weight that moves of subjects that have one.

use super::{
    flows::{self, Flows, Line},
    imported,
};
use crate::engine::{
    decision::Reason,
    model::{Allocation, Feature, Toggles},
    units::Second,
};
use std::collections::BTreeMap;

/// Stands for the variant where a feature has none (a draft, or a file whose condition does not hold).
pub const NO_ANSWER: &str = "(no answer)";

/// A feature before and after the edit, each with its file; none where it is not served.
pub type Sides<'a> = [Option<(&'a Toggles, &'a Feature)>; 2];

/// What users without a feature are taken to get: its default, and `off` where that is `on`.
pub fn baseline(feature: &Feature) -> &str {
    match &*feature.variant(feature.default).name {
        "on" => "off",
        default => default,
    }
}

/// What users get.
#[derive(Clone, Copy, Debug)]
pub enum Lot<'a> {
    /// this variant
    Everybody(&'a str),
    /// what an allocation of a feature gives them
    Drawn(&'a Feature, &'a Allocation),
}

/// Before and after.
#[derive(Debug)]
pub struct Lots<'a> {
    /// before the edit
    pub old: Lot<'a>,
    /// after it
    pub new: Lot<'a>,
    /// whether both draw the same unit with the same salt
    pub is_aligned: bool,
}

impl<'a> Lot<'a> {
    /// What an allocation gives users who have no unit.
    pub fn without_unit(feature: &'a Feature, allocation: &Allocation, now: Second) -> Lot<'a> {
        let (variant, _) = allocation.decide(feature, || None, now, None, Reason::Static);
        Lot::Everybody(&feature.variant(variant).name)
    }

    /// Whether another system's draw decides.
    fn is_imported(self) -> bool {
        matches!(self, Lot::Drawn(_, allocation) if allocation.draws.is_some())
    }

    fn line(self, now: Second) -> Line<'a> {
        match self {
            Lot::Everybody(name) => Line::everybody(name),
            Lot::Drawn(feature, allocation) => Line::of(feature, allocation, now),
        }
    }

    fn of(self, unit: &[u8], now: Second) -> &'a str {
        match self {
            Lot::Everybody(name) => name,
            Lot::Drawn(feature, allocation) => {
                let decided = allocation.decide(feature, || Some(unit), now, None, Reason::Static);
                &feature.variant(decided.0).name
            }
        }
    }

    fn subjects(&self) -> &'a [(Box<[u8]>, u64)] {
        match self {
            Lot::Everybody(_) => &[],
            Lot::Drawn(feature, _) => {
                let weighted = feature.weighted();
                weighted.map_or(&[], |weighted| &weighted.subjects)
            }
        }
    }
}

impl<'a> Lots<'a> {
    /// Who moves from which variant to which.
    pub fn flows(&self, now: Second) -> Flows<'a> {
        let imported = match (self.old, self.new) {
            (Lot::Drawn(old, was), Lot::Drawn(new, is)) => {
                imported::flows((old, was), (new, is), now)
            }
            _ => None,
        };
        imported.unwrap_or_else(|| {
            let is_imported = self.old.is_imported() || self.new.is_imported();
            let is_aligned = self.is_aligned && !is_imported;
            flows::flows(&self.old.line(now), &self.new.line(now), is_aligned)
        })
    }

    /// The share of users that moves, or of the weight of listed subjects if that is more.
    pub fn greatest(&self, now: Second) -> f64 {
        let subjects = self.old.subjects().iter().chain(self.new.subjects());
        let weights: BTreeMap<&[u8], u64> = subjects.map(|(id, weight)| (&**id, *weight)).collect();
        let moves = |id: &&[u8]| self.old.of(id, now) != self.new.of(id, now);
        let moving = weights.iter().filter(|(id, _)| moves(id));
        let moved = moving.map(|(_, weight)| *weight as f64).sum::<f64>();
        let all = weights.values().map(|weight| *weight as f64).sum::<f64>();
        let by_weight = if all > 0.0 { moved / all } else { 0.0 };
        f64::max(flows::switched(&self.flows(now)), by_weight)
    }
}
