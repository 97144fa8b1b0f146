//! What `burgee override` asks of a toggles file: whether it takes what is to be signed.
//! In: the file, and what is wanted. Out: the file that is meant, and its policy; or why it would be of no use.

use crate::{
    config::{self, phrases},
    engine::{
        Feature, Snapshot, Toggles, describe::overridden, model::OverridePolicy, override_choice,
    },
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

/// Reads it, and the stops beside it, as a sidecar would that has every variable: that of the key may be called otherwise here.
pub(super) fn load(path: &Path) -> Result<Snapshot, config::Problems> {
    let environment = |name: &str| env::var(name).ok().or_else(|| config::set_elsewhere(name));
    config::load_with_stops(path, &environment, wall_clock())
}

/// The file that the override is for, if it takes it.
pub(super) fn find<'s>(
    snapshot: &'s Snapshot,
    wanted: &Wanted<'_>,
) -> Result<(&'s Toggles, &'s OverridePolicy), String> {
    let file = named(snapshot, wanted)?;
    let policy = file.override_policy.as_ref();
    let policy = policy
        .filter(|policy| policy.key.is_some())
        .ok_or("the file has no `override` with a `key`: it takes no signed override")?;
    if policy.remember.is_some() && wanted.lifetime.as_secs() > override_choice::FURTHEST_END {
        return Err("the file has `remember`, which keeps an override for 30 days at most: write `--exp 30d` or less".into());
    }
    if policy.remember.is_none() && wanted.forced.is_empty() {
        return Err("the file has no `remember`: there is nothing to clear".into());
    }
    for (name, variant) in wanted.forced {
        has((snapshot, file), name.as_str(), variant)?;
    }
    Ok((file, policy))
}

/// Of several files the one with this namespace, or that all names begin with, as `explain` prints them.
fn named<'s>(snapshot: &'s Snapshot, wanted: &Wanted<'_>) -> Result<&'s Toggles, String> {
    let begins_all = |file: &&Toggles| {
        let begins = |(name, _): &(Name, String)| name.as_str().starts_with(&prefix(file));
        !wanted.forced.is_empty() && file.namespace.is_some() && wanted.forced.iter().all(begins)
    };
    let is_meant = |file: &&Toggles| match wanted.namespace {
        Some(namespace) => file.namespace.as_deref() == Some(namespace),
        None => snapshot.files.len() == 1 || begins_all(file),
    };
    if let Some(file) = snapshot.files.iter().find(is_meant) {
        return Ok(file);
    }
    let known = snapshot
        .files
        .iter()
        .filter_map(|file| file.namespace.as_deref());
    let known: Vec<String> = known.map(|name| format!("`{name}`")).collect();
    let known = known.join(", ");
    Err(match wanted.namespace {
        Some(name) if known.is_empty() => format!("no file has the namespace `{name}`"),
        Some(name) => format!("no file has the namespace `{name}`; there is {known}"),
        None => format!("there are several files: say which by `--namespace`, one of {known}"),
    })
}

/// What its features' names begin with where several files are told apart.
fn prefix(file: &Toggles) -> String {
    let namespace = file.namespace.as_deref().unwrap_or_default();
    format!("{}.", namespace.to_ascii_lowercase())
}

/// Which features the override has no effect on now, and why: "`x` is paused".
pub(super) fn unforced(snapshot: &Snapshot, file: &Toggles, wanted: &Wanted<'_>) -> Vec<String> {
    let unforced = |(name, _): &(Name, String)| {
        let name = name.as_str();
        let mut features = file.features.iter();
        let feature = features.find(|feature| feature.is_named(name))?;
        let what = overridden::unforced(snapshot, file, feature)?;
        Some(format!("`{name}` is {what}"))
    };
    wanted.forced.iter().filter_map(unforced).collect()
}

fn has((snapshot, file): (&Snapshot, &Toggles), name: &str, variant: &str) -> Result<(), String> {
    let is_named = |feature: &&Feature| feature.is_named(name);
    let namespace = file.namespace.as_deref();
    let features = &file.features;
    let Some(feature) = features.iter().find(is_named) else {
        let of_file = namespace.map_or(String::new(), |namespace| format!(" in `{namespace}`"));
        let mut others = snapshot.files.iter();
        let other = others.find(|other| other.features.iter().any(|feature| is_named(&feature)));
        let hint = match other.and_then(|other| other.namespace.as_deref()) {
            Some(other) => format!("; `{other}` has it: each file needs an override of its own"),
            None => phrases::meant(name, features.iter().map(|feature| &*feature.name)),
        };
        return Err(format!("there is no feature `{name}`{of_file}{hint}"));
    };
    let variants = feature.variants.iter().map(|variant| &*variant.name);
    if !variants.clone().any(|known| known == variant) {
        let meant = phrases::meant(variant, variants);
        return Err(format!("`{name}` has no variant `{variant}`{meant}"));
    }
    Ok(())
}
