//! `GET /features` and `GET /features/{key}`: what is in force, as the files declare it.
//! In: the snapshot and the last report. Out: answers.

use super::answers::{Described, Features, LastReload, Ordered};
use crate::{
    engine::{Feature, Status, answer::canonical, instant},
    live::InForce,
};

/// Everything.
pub(super) fn all(in_force: &InForce) -> Features<'_> {
    let (snapshot, last) = (&in_force.snapshot, &in_force.last);
    let features = snapshot.features().map(|(_, _, feature)| feature);
    let named = features.map(|feature| (feature.key.to_string(), described(feature)));
    Features {
        revision: (&*snapshot.revision).into(),
        loaded: in_force.loaded,
        since: instant::show(in_force.since),
        last_reload: LastReload {
            at: instant::show(last.at),
            trigger: last.trigger.into(),
            problems: (&last.problems).into(),
            warnings: (&last.warnings).into(),
        },
        features: Ordered(named.collect()),
    }
}

/// One of them.
pub(super) fn one<'a>(in_force: &'a InForce, key: &str) -> Option<Described<'a>> {
    let mut features = in_force.snapshot.features();
    let (_, _, feature) = features.find(|(_, _, feature)| *feature.key == *key)?;
    Some(described(feature))
}

fn described(feature: &Feature) -> Described<'_> {
    let status = match feature.status {
        Status::Draft => "draft",
        Status::Running => "running",
        Status::Paused => "paused",
        Status::Archived => "archived",
    };
    let names = feature
        .variants
        .iter()
        .map(|variant| (&*variant.name).into());
    let header = feature.header.as_ref().map(|name| canonical(name.as_str()));
    Described {
        description: feature.description.as_deref().map(Into::into),
        status: status.into(),
        variants: names.collect(),
        default: (&*feature.variant(feature.default).name).into(),
        header: header.map(Into::into),
    }
}
