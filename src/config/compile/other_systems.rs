//! Files of other systems, and files that are wrapped: told once, not key by key.
//! In: a tree. Out: whether it is one, and which `burgee import` reads it.

use crate::config::{
    collector::Collector,
    phrases::quote,
    tree::{Entry, Kind, Node, Position},
};

/// A file of another system, or one that is wrapped: told once, not key by key.
pub(super) fn is_of_another_system(root: &Node<'_>, problems: &mut Collector) -> bool {
    if let Kind::List(items) = &root.kind
        && items
            .first()
            .is_some_and(|item| item.below("flag_name").is_some())
    {
        is_file_of(root.at, "the FastAPI flag service", "fastapi", problems);
        return true;
    }
    let Kind::Map(entries) = &root.kind else {
        return false;
    };
    let has = |key: &str| entries.iter().find(|entry| entry.key == key);
    let version = has("version").is_some();
    if let Some(entry) = has("apiVersion").or(has("kind")) {
        let map = has("kind").is_some_and(|kind| kind.value.text() == Some("ConfigMap"));
        let (message, hint) = match map {
            true => (
                "this is a ConfigMap, not the toggles file in it",
                "check the text below `data`, without the indentation; Kubernetes mounts that as the file",
            ),
            false => (
                "this is a Kubernetes manifest, not a toggles file",
                "a toggles file begins with `version: 1`",
            ),
        };
        problems.error(entry.key_at, message, hint);
    } else if let Some(entry) = has("contexts") {
        written(entry, "Experimentor", "experimentor", problems);
    } else if let Some(entry) = has("feature_management") {
        written(
            entry,
            "Microsoft's FeatureManagement",
            "microsoft",
            problems,
        );
    } else if let Some(entry) = has("flagValues") {
        written(entry, "LaunchDarkly", "launchdarkly", problems);
    } else if let Some(entry) = has("flags") {
        match system(&entry.value) {
            Some((name, word)) => written(entry, name, word, problems),
            None => problems.error(
                entry.key_at,
                format!("{} is how other flag systems write it", quote(&entry.key)),
                "`burgee import` reads files of flagd, LaunchDarkly, Flipt and PostHog, so that nobody moves; by hand, a flag that is on is `name: on`, a percentage `name: 25%`",
            ),
        }
    } else if let Some(entry) = has("features").filter(|entry| is_list(&entry.value)) {
        written(entry, "Unleash", "unleash", problems);
    } else if let Some(entry) = has("experiments").filter(|entry| is_list(&entry.value)) {
        written(entry, "williamgrosset/experiments", "experiments", problems);
    } else if let Some(entry) = entries
        .iter()
        .find(|entry| {
            entry.value.below("variations").is_some() && entry.value.below("defaultRule").is_some()
        })
        .filter(|_| has("features").is_none())
    {
        is_file_of(entry.key_at, "GO Feature Flag", "goff", problems);
    } else if let (Some(entry), Some(_)) = (has("variations"), has("key")) {
        is_file_of(entry.key_at, "LaunchDarkly", "launchdarkly", problems);
    } else if let Some(entry) = has("experiments")
        .or(has("toggles"))
        .or(has("feature_flags"))
        .filter(|_| !version)
    {
        problems.error(
            entry.key_at,
            format!("{} is how other systems write it", quote(&entry.key)),
            "write `version: 1` and put the features below `features:`",
        );
    } else {
        return false;
    }
    true
}

fn is_list(node: &Node<'_>) -> bool {
    matches!(node.kind, Kind::List(_))
}

/// Whose `flags` these are, by the first of them.
fn system(flags: &Node<'_>) -> Option<(&'static str, &'static str)> {
    let first = match &flags.kind {
        Kind::Map(entries) => &entries.first()?.value,
        Kind::List(items) => items.first()?,
        _ => return None,
    };
    let has = |key: &str| first.below(key).is_some();
    match is_list(flags) {
        true if has("filters") => Some(("PostHog", "posthog")),
        true if has("enabled") || has("type") => Some(("Flipt", "flipt")),
        false if has("variations") => Some(("LaunchDarkly", "launchdarkly")),
        false if has("variants") || has("defaultVariant") || has("state") => {
            Some(("flagd", "flagd"))
        }
        _ => None,
    }
}

fn written(entry: &Entry<'_>, name: &str, word: &str, problems: &mut Collector) {
    let message = format!("{} is how {name} writes it", quote(&entry.key));
    problems.error(entry.key_at, message, hint(word));
}

fn is_file_of(at: Position, name: &str, word: &str, problems: &mut Collector) {
    problems.error(at, format!("this is a file of {name}"), hint(word));
}

fn hint(word: &str) -> String {
    format!("`burgee import {word} FILE` makes a toggles file of it, in which nobody moves")
}
