//! The arms of a feature: which one the others are compared with, and whether people arrive in them as they were drawn (sample ratio).
//! In: who met what first, and what drew. Out: arms in their order, expected numbers of people, and how unlikely it all is.

use super::{
    draw::Draw,
    people::{First, Met},
};
use crate::engine::compare::split::{LEVEL, Split};
use std::collections::BTreeMap;

/// Whether people arrive as they were drawn.
#[derive(Clone, Copy, Debug)]
pub struct SplitReadout {
    /// people whose lines say it
    pub people: u64,
    /// how unlikely it is by chance, at all looks together
    pub p: f64,
    /// less likely than one in a thousand
    pub is_broken: bool,
}

/// What the others are compared with: what was asked for, else what the latest line says. A default that is never drawn has no people:
/// the first name stands for it, which is said.
pub(super) fn control_of<'a>(
    met: &'a Met,
    latest: Option<&'a Draw>,
    asked: Option<&'a str>,
) -> (&'a str, bool) {
    let said = latest.map_or("", |draw| &*draw.control);
    let is_drawn = latest.is_some_and(|draw| draw.shares.contains_key(said));
    let is_met = met.variants.iter().any(|name| **name == *said);
    match (asked, met.variants.iter().min()) {
        (Some(asked), _) => (asked, false),
        (None, Some(first)) if !is_drawn && !is_met => (first, true),
        _ => (said, false),
    }
}

/// The arms in their order, and where each variant of a log is among them.
pub(super) struct Arms {
    pub(super) names: Vec<String>,
    places: Vec<usize>,
}

impl Arms {
    pub(super) fn new(met: &Met, control: &str) -> Arms {
        let mut names: Vec<String> = met.variants.iter().map(|name| (**name).into()).collect();
        names.sort_by_key(|name| (name != control, name.clone()));
        if !names.iter().any(|name| name == control) {
            // nobody met it
            names.insert(0, control.into());
        }
        let place = |variant: &str| names.iter().position(|name| name == variant);
        let places = met
            .variants
            .iter()
            .map(|name| place(name).unwrap_or_default());
        Arms {
            places: places.collect(),
            names,
        }
    }

    /// Where this person is.
    pub(super) fn of(&self, first: &First) -> usize {
        self.places[usize::from(first.variant)]
    }
}

/// By rule since when a hold has held people back: they come later as if they were new, and all of them in one arm.
fn held_since<'d>(people: &[(&u64, &First)], draws: &'d [Draw]) -> BTreeMap<&'d str, i64> {
    let mut since = BTreeMap::new();
    for (_, first) in people {
        let draw = &draws[first.draw as usize];
        if draw.shares.is_empty() {
            let earliest = since.entry(&*draw.rule).or_insert(first.at);
            *earliest = first.at.min(*earliest);
        }
    }
    since
}

/// By arm how many people there should be and are, and whether that is chance. People at their first exposure are exact trials,
/// whatever they met later.
pub(super) fn split(
    people: &[(&u64, &First)],
    draws: &[Draw],
    met: &Met,
    arms: &Arms,
) -> (Vec<(f64, u64)>, Option<SplitReadout>) {
    let until = held_since(people, draws);
    let mut counts = vec![vec![0_u64; arms.names.len()]; draws.len()];
    for (_, first) in people {
        let draw = first.draw as usize;
        let held = until.get(&*draws[draw].rule);
        if held.is_none_or(|held| first.at < *held) {
            counts[draw][arms.of(first)] += 1;
        }
    }
    let mut order: Vec<usize> = (0..draws.len()).collect();
    order.retain(|draw| !draws[*draw].shares.is_empty());
    order.sort_unstable_by_key(|draw| &met.draws[*draw]);
    let mut splits = vec![(Split::default(), 1.0_f64); arms.names.len()];
    let mut all = 0;
    for draw in order {
        let of_draw: u64 = counts[draw].iter().sum();
        all += of_draw;
        for (arm, (split, p)) in splits.iter_mut().enumerate() {
            let share = draws[draw].shares.get(&arms.names[arm]);
            // how unlikely it is with all of them: the last of these is the look
            *p = split.look(
                share.copied().unwrap_or_default(),
                counts[draw][arm],
                of_draw,
            );
        }
    }
    // of two arms each says what the other says
    let tests = splits.len().saturating_sub(1).max(1) as f64;
    let least = splits.iter().fold(1.0_f64, |least, (_, p)| least.min(*p));
    let p = (least * tests).min(1.0);
    let readout = SplitReadout {
        people: all,
        p,
        is_broken: p < LEVEL,
    };
    let people = splits.iter().map(|(split, _)| split.people());
    (people.collect(), (all > 0).then_some(readout))
}
