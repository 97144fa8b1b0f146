//! What an edit of the toggles files does, feature by feature.
//! In: an old and a new snapshot, one instant. Out: new, removed and renamed features, exact flows where there are any, and
//! the share that moves at most, whoever comes.

pub mod assumed;
pub mod concern;
pub mod flows;
pub mod imported;
pub mod logic;
pub mod lots;
pub mod reach;

use super::{
    describe::canonical,
    model::{Feature, Snapshot, Status, Toggles},
    units::Second,
};
use concern::Concern;
use flows::Flows;
use lots::Sides;
use reach::Reach;
use std::collections::BTreeSet;

/// What became of one feature.
#[derive(Debug)]
pub struct Change<'a> {
    /// `feature`, or `namespace.feature`, as the new file calls it (the old one, where it is gone)
    pub key: &'a str,
    /// what happened
    pub kind: ChangeKind<'a>,
    /// before and after
    pub sides: Sides<'a>,
    /// the flows, where no condition plays a part
    pub flows: Option<Flows<'a>>,
    /// the greatest share that moves, among any users whom the conditions reach together
    pub concerned: f64,
    /// the instants after this one at which the feature changes by itself
    pub dates: BTreeSet<Second>,
    /// the first of these at which a greater share gets something else than before the edit, and that share
    pub later: Option<(Second, f64)>,
}

/// What happened to a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind<'a> {
    /// it was not served before
    Added,
    /// it is no longer served
    Removed,
    /// it was called so before, and kept its salt
    Renamed(&'a str),
    /// nothing that decides it has changed
    Same,
    /// something that decides it has changed
    Changed,
}

/// A feature that was removed while a new one looks like it.
#[derive(Debug)]
pub struct Renamed<'a> {
    /// the old key
    pub from: &'a str,
    /// the new key
    pub to: &'a str,
    /// the salt that keeps the variants of all users
    pub salt: &'a str,
}

/// Compares every feature of two snapshots, in the order of the new one, removed ones last.
pub fn changes<'a>(old: &'a Snapshot, new: &'a Snapshot, now: Second) -> Vec<Change<'a>> {
    let kept = twins(old, new, |(_, old), (_, new)| {
        let draws = canonical::draws(old);
        old.salt == new.salt || draws.is_some() && draws == canonical::draws(new)
    });
    let mut changes = Vec::new();
    for after in features(new) {
        let twin = kept.iter().find(|(_, twin)| twin.1.key == after.1.key);
        let twin = twin.map(|(before, _)| *before);
        let sides = [find(old, after).or(twin), Some(after)].map(|side| side.filter(is_served));
        let kind = match (sides, twin) {
            ([None, None], _) => ChangeKind::Same,
            ([None, Some(_)], _) => ChangeKind::Added,
            ([Some(_), None], _) => ChangeKind::Removed,
            (_, Some((_, before))) => ChangeKind::Renamed(&before.key),
            ([Some(old), Some(new)], _) if decides(old) == decides(new) => ChangeKind::Same,
            _ => ChangeKind::Changed,
        };
        changes.push(change(&after.1.key, kind, sides, now));
    }
    let is_kept = |before: &Whole<'_>| kept.iter().any(|(twin, _)| twin.1.key == before.1.key);
    let gone = features(old).filter(|before| is_served(before) && find(new, *before).is_none());
    for before in gone.filter(|before| !is_kept(before)) {
        let sides = [Some(before), None];
        changes.push(change(&before.1.key, ChangeKind::Removed, sides, now));
    }
    changes
}

/// Pairs of a removed and a new feature that serve the same with another salt.
pub fn renamed<'a>(old: &'a Snapshot, new: &'a Snapshot) -> Vec<Renamed<'a>> {
    let looks_alike = |(before, old): Whole<'_>, (after, new): Whole<'_>| {
        let whole = canonical::but_for_salt(old, before);
        // a plain `on` or `off` is like a hundred others
        let says_enough = old.declared > 0 || whole.contains('%');
        // what another system drew does not depend on the salt
        let is_drawn = canonical::draws(old).is_some();
        says_enough
            && !is_drawn
            && old.salt != new.salt
            && whole == canonical::but_for_salt(new, after)
    };
    let pair = |((_, old), (_, new)): (Whole<'a>, Whole<'a>)| Renamed {
        from: &old.key,
        to: &new.key,
        salt: &old.salt,
    };
    let twins = twins(old, new, looks_alike);
    twins.into_iter().map(pair).collect()
}

/// Pairs of an old and a new key: one feature under a new name, with its salt or without.
pub fn renames<'a>(old: &'a Snapshot, new: &'a Snapshot) -> Vec<(&'a str, &'a str)> {
    let kept = twins(old, new, |old, new| old.1.salt == new.1.salt);
    let kept = kept
        .into_iter()
        .map(|((_, old), (_, new))| (&*old.key, &*new.key));
    let alike = renamed(old, new);
    let alike = alike.into_iter().map(|one| (one.from, one.to));
    kept.chain(alike).collect()
}

/// A feature with its file.
type Whole<'a> = (&'a Toggles, &'a Feature);

fn change<'a>(key: &'a str, kind: ChangeKind<'a>, sides: Sides<'a>, now: Second) -> Change<'a> {
    let mut change = Change {
        key,
        kind,
        sides,
        flows: Some(Flows::new()),
        concerned: 0.0,
        dates: BTreeSet::new(),
        later: None,
    };
    if kind == ChangeKind::Same {
        return change;
    }
    for (toggles, feature) in sides.into_iter().flatten() {
        change
            .dates
            .extend(Reach::of(toggles, feature).instants(now));
    }
    change.flows = Concern::new(sides, now).exact();
    change.concerned = Concern::new(sides, now).greatest();
    let mut most = change.concerned;
    for at in &change.dates {
        let share = Concern::new(sides, *at).greatest();
        if share > most + 1e-12 {
            most = share;
            change.later = Some((*at, share));
        }
    }
    change
}

/// Features that are gone, each with a new one that is like it.
fn twins<'a>(
    old: &'a Snapshot,
    new: &'a Snapshot,
    alike: impl Fn(Whole<'_>, Whole<'_>) -> bool,
) -> Vec<(Whole<'a>, Whole<'a>)> {
    let fresh = features(new).filter(|after| is_served(after) && find(old, *after).is_none());
    let mut fresh: Vec<_> = fresh.collect();
    let gone = features(old).filter(|before| is_served(before) && find(new, *before).is_none());
    let twin = |before| {
        let found = fresh.iter().position(|after| alike(before, *after))?;
        Some((before, fresh.remove(found)))
    };
    gone.filter_map(twin).collect()
}

fn decides((toggles, feature): Whole<'_>) -> String {
    canonical::feature(feature, toggles)
}

fn is_served((_, feature): &Whole<'_>) -> bool {
    matches!(feature.status, Status::Running | Status::Paused)
}

fn features(snapshot: &Snapshot) -> impl Iterator<Item = Whole<'_>> {
    snapshot
        .features()
        .map(|(_, toggles, feature)| (toggles, feature))
}

/// The same feature there: a file keeps its namespace while another one comes beside it.
fn find<'a>(snapshot: &'a Snapshot, (toggles, feature): Whole<'_>) -> Option<Whole<'a>> {
    let is_it = |(there, one): &Whole<'_>| {
        let same_name = there.namespace == toggles.namespace && one.name == feature.name;
        same_name || one.key == feature.key
    };
    features(snapshot).find(is_it)
}
