//! What an edit of the toggles files does, feature by feature.
//! In: an old and a new snapshot, one instant. Out: new, removed and renamed features, and exact flows where there are any.

pub mod flows;

use super::{
    describe::canonical,
    model::{Allocation, Feature, Snapshot, Status, Toggles},
    units::Second,
};
use flows::Flows;

/// What became of one feature.
#[derive(Debug)]
pub struct Change<'a> {
    /// `feature`, or `namespace.feature`, as the new file calls it (the old one, where it is gone)
    pub key: &'a str,
    /// what happened
    pub kind: ChangeKind<'a>,
}

/// What happened to a feature.
#[derive(Debug)]
pub enum ChangeKind<'a> {
    /// it was not served before
    Added,
    /// it is no longer served
    Removed,
    /// nothing that decides it has changed
    Same,
    /// no condition plays a part: these are the exact flows
    Exact(Flows<'a>),
    /// it depends on the request; where its conditions are the same, these are the exact flows among the users who
    /// get to the feature's own `rollout` and `serve`
    Depends(Option<Flows<'a>>),
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
    let mut changes = Vec::new();
    for (_, toggles, feature) in new.features() {
        let kind = match (find(old, &feature.key), is_served(feature)) {
            (Some((_, before)), false) if is_served(before) => ChangeKind::Removed,
            (None, false) | (Some(_), false) => ChangeKind::Same,
            (Some(before), true) if is_served(before.1) => compare(before, (toggles, feature), now),
            (_, true) => ChangeKind::Added,
        };
        changes.push(Change {
            key: &feature.key,
            kind,
        });
    }
    for (_, _, feature) in old.features().filter(|(_, _, feature)| is_served(feature)) {
        if find(new, &feature.key).is_none() {
            changes.push(Change {
                key: &feature.key,
                kind: ChangeKind::Removed,
            });
        }
    }
    changes
}

/// Pairs of a removed and a new feature that serve the same with another salt.
pub fn renamed<'a>(old: &'a Snapshot, new: &'a Snapshot) -> Vec<Renamed<'a>> {
    let mut pairs = Vec::new();
    let removed = old
        .features()
        .filter(|(_, _, feature)| is_served(feature) && find(new, &feature.key).is_none());
    for (_, toggles, feature) in removed {
        let Some(before) = but_for_salt(feature, toggles) else {
            continue;
        };
        let twin = new.features().find(|(_, toggles, twin)| {
            find(old, &twin.key).is_none() && but_for_salt(twin, toggles).as_ref() == Some(&before)
        });
        if let Some((_, _, twin)) = twin.filter(|(_, _, twin)| twin.salt != feature.salt) {
            pairs.push(Renamed {
                from: &feature.key,
                to: &twin.key,
                salt: &feature.salt,
            });
        }
    }
    pairs
}

fn compare<'a>(
    old: (&'a Toggles, &'a Feature),
    new: (&'a Toggles, &'a Feature),
    now: Second,
) -> ChangeKind<'a> {
    if canonical::feature(old.1, old.0) == canonical::feature(new.1, new.0) {
        return ChangeKind::Same;
    }
    let aligned = old.1.salt == new.1.salt;
    let flows = || flows::flows((old.1, in_force(old)), (new.1, in_force(new)), aligned, now);
    let free = |(toggles, feature): (&Toggles, &Feature)| {
        toggles.when.is_none()
            && feature.when.is_none()
            && feature.rules.is_empty()
            && feature.weighted.is_none()
    };
    let same_unit = |(toggles, feature): (&Toggles, &Feature)| canonical::unit(feature, toggles);
    if free(old) && free(new) && same_unit(old) == same_unit(new) {
        return ChangeKind::Exact(flows());
    }
    let same_targeting = canonical::targeting(old.1, old.0) == canonical::targeting(new.1, new.0);
    let hashed = old.1.weighted.is_none() && new.1.weighted.is_none();
    ChangeKind::Depends((same_targeting && hashed).then(flows))
}

/// The allocation that decides where no rule does; none where everybody gets the default.
fn in_force<'a>((toggles, feature): (&Toggles, &'a Feature)) -> Option<&'a Allocation> {
    feature
        .fallthrough
        .as_ref()
        .filter(|_| !toggles.paused && feature.status != Status::Paused)
}

fn is_served(feature: &Feature) -> bool {
    matches!(feature.status, Status::Running | Status::Paused)
}

fn find<'a>(snapshot: &'a Snapshot, key: &str) -> Option<(&'a Toggles, &'a Feature)> {
    snapshot
        .features()
        .find(|(_, _, feature)| &*feature.key == key)
        .map(|(_, toggles, feature)| (toggles, feature))
}

/// Everything that decides a feature but its salt; none for a plain `on` or `off`, which is like a hundred others.
fn but_for_salt(feature: &Feature, toggles: &Toggles) -> Option<String> {
    let whole = canonical::feature(feature, toggles).replace(&*feature.salt, "");
    (feature.declared > 0 || whole.contains('%')).then_some(whole)
}
