//! What `burgee override` asks of a toggles file: whether it takes what is to be signed.
//! In: the file, and what is wanted. Out: the file that is meant, and its policy; or why it would be of no use.

use crate::{
    config::{self, phrases},
    engine::{Feature, Snapshot, Toggles, model::OverridePolicy, remember},
    server::clock::wall_clock,
};
use sfv::Key as Name;
use std::{env, path::Path, time::Duration};

/// What is to be signed.
pub(super) struct Wanted<'a> {
    pub(super) namespace: Option<&'a str>,
    /// none to make a browser forget
    pub(super) forced: &'a [(Name, String)],
    pub(super) lifetime: Duration,
}

/// Reads it as a sidecar would that has every variable: that of the key may be called otherwise here.
pub(super) fn load(path: &Path) -> Result<Snapshot, config::Problems> {
    let environment = |name: &str| env::var(name).ok().or_else(|| Some("not here".into()));
    config::load(path, &environment, wall_clock()).map(|loaded| loaded.snapshot)
}

/// The file that the override is for, if it takes it.
pub(super) fn find<'s>(
    snapshot: &'s Snapshot,
    wanted: &Wanted<'_>,
) -> Result<(&'s Toggles, &'s OverridePolicy), String> {
    let file = named(snapshot, wanted.namespace)?;
    let policy = file.override_policy.as_ref();
    let policy = policy
        .filter(|policy| policy.key.is_some())
        .ok_or("the file has no `override` with a `key`: it takes no signed override")?;
    if policy.remember.is_some() && wanted.lifetime.as_secs() > remember::LONGEST {
        return Err("the file has `remember`, which keeps an override for 30 days at most: write `--exp 30d` or less".into());
    }
    if policy.remember.is_none() && wanted.forced.is_empty() {
        return Err("the file has no `remember`: there is nothing to clear".into());
    }
    for (name, variant) in wanted.forced {
        has(file, name.as_str(), variant)?;
    }
    Ok((file, policy))
}

/// Of several files the one with this namespace.
fn named<'s>(snapshot: &'s Snapshot, namespace: Option<&str>) -> Result<&'s Toggles, String> {
    let is_meant = |file: &&Toggles| namespace.is_none() || file.namespace.as_deref() == namespace;
    let mut meant = snapshot.files.iter().filter(is_meant);
    match (meant.next(), meant.next(), namespace) {
        (Some(file), None, _) => Ok(file),
        (Some(_), Some(_), _) => Err("there are several files: say which by `--namespace`".into()),
        (None, _, Some(name)) => Err(format!("no file has the namespace `{name}`")),
        (None, ..) => Err("there is no file".into()),
    }
}

fn has(file: &Toggles, name: &str, variant: &str) -> Result<(), String> {
    let features = &file.features;
    let is_named = |feature: &&Feature| feature.name.eq_ignore_ascii_case(name);
    let Some(feature) = features.iter().find(is_named) else {
        let known = features.iter().map(|feature| &*feature.name);
        let meant = phrases::meant(name, known);
        return Err(format!("there is no feature `{name}`{meant}"));
    };
    let variants = feature.variants.iter().map(|variant| &*variant.name);
    if !variants.clone().any(|known| known == variant) {
        let meant = phrases::meant(variant, variants);
        return Err(format!("`{name}` has no variant `{variant}`{meant}"));
    }
    Ok(())
}
