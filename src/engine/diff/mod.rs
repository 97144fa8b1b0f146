//! What an edit of the toggles files does, feature by feature.
//! In: an old and a new snapshot, one instant. Out: new, gone and renamed features, and exact flows where there are any.

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
    /// it gave no answer before
    Added,
    /// it gives no answer any more
    Removed,
    /// it asks the same and serves the same
    Same,
    /// no condition plays a part: these are the flows
    Exact(Flows<'a>),
    /// conditions make it depend on who comes; of those whom unchanged conditions lead to the feature's own
    /// `rollout` and `serve`, these are the flows
    Depends(Option<Flows<'a>>),
}

/// A feature that has gone while a new one looks like it.
#[derive(Debug)]
pub struct Renamed<'a> {
    /// the old key
    pub from: &'a str,
    /// the new key
    pub to: &'a str,
    /// the salt that would keep everybody where they are
    pub salt: &'a str,
}

/// Compares every feature of two snapshots, in the order of the new one, those that are gone last.
pub fn changes<'a>(old: &'a Snapshot, new: &'a Snapshot, now: Second) -> Vec<Change<'a>> {
    let mut changes = Vec::new();
    for (_, toggles, feature) in new.features() {
        let kind = match (find(old, &feature.key), answers(feature)) {
            (Some((_, before)), false) if answers(before) => ChangeKind::Removed,
            (None, false) | (Some(_), false) => ChangeKind::Same,
            (Some(before), true) if answers(before.1) => compare(before, (toggles, feature), now),
            (_, true) => ChangeKind::Added,
        };
        changes.push(Change {
            key: &feature.key,
            kind,
        });
    }
    for (_, _, feature) in old.features().filter(|(_, _, feature)| answers(feature)) {
        if find(new, &feature.key).is_none() {
            changes.push(Change {
                key: &feature.key,
                kind: ChangeKind::Removed,
            });
        }
    }
    changes
}

/// Pairs of a gone and a new feature that serve the same and are dealt differently.
pub fn renamed<'a>(old: &'a Snapshot, new: &'a Snapshot) -> Vec<Renamed<'a>> {
    let mut pairs = Vec::new();
    let gone = old
        .features()
        .filter(|(_, _, feature)| answers(feature) && find(new, &feature.key).is_none());
    for (_, toggles, feature) in gone {
        let before = alike(feature, toggles);
        let twin = new.features().find(|(_, toggles, twin)| {
            find(old, &twin.key).is_none() && alike(twin, toggles) == before
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

fn answers(feature: &Feature) -> bool {
    matches!(feature.status, Status::Running | Status::Paused)
}

fn find<'a>(snapshot: &'a Snapshot, key: &str) -> Option<(&'a Toggles, &'a Feature)> {
    snapshot
        .features()
        .find(|(_, _, feature)| &*feature.key == key)
        .map(|(_, toggles, feature)| (toggles, feature))
}

/// Everything but the salt; a plain `on` or `off` is like a hundred others.
fn alike(feature: &Feature, toggles: &Toggles) -> Option<String> {
    let whole = canonical::feature(feature, toggles).replace(&*feature.salt, "");
    (feature.declared > 0 || whole.contains('%')).then_some(whole)
}
