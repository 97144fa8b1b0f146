//! Files of other systems, and files that are wrapped: told once, not key by key.
//! In: a tree. Out: whether it is one.

use crate::config::{
    collector::Collector,
    phrases::quote,
    tree::{Kind, Node},
};

/// A file of another system, or one that is wrapped: told once, not key by key.
pub(super) fn is_of_another_system(root: &Node<'_>, problems: &mut Collector) -> bool {
    let Kind::Map(entries) = &root.kind else {
        return false;
    };
    let has = |key: &str| entries.iter().find(|entry| entry.key == key);
    let version = has("version").is_some();
    let (entry, message, hint) = if let Some(entry) = has("apiVersion").or(has("kind")) {
        let map = has("kind").is_some_and(|kind| kind.value.text() == Some("ConfigMap"));
        match map {
            true => (
                entry,
                "this is a ConfigMap, not the toggles file in it".to_owned(),
                "check the text below `data`, without the indentation; Kubernetes mounts that as the file",
            ),
            false => (
                entry,
                "this is a Kubernetes manifest, not a toggles file".to_owned(),
                "a toggles file begins with `version: 1`",
            ),
        }
    } else if let Some(entry) = has("contexts") {
        (
            entry,
            "`contexts` is how Experimentor writes it".to_owned(),
            "make each context a file: `version: 1`, `namespace: <context>`, and its features below `features:`",
        )
    } else if let Some(entry) = has("flags").or(has("flagValues")) {
        (
            entry,
            format!("{} is how other flag systems write it", quote(&entry.key)),
            "write `version: 1` and `features:`; a flag that is on is `name: on`, a percentage `name: 25%`",
        )
    } else if let Some(entry) = has("experiments")
        .or(has("toggles"))
        .or(has("feature_flags"))
        .filter(|_| !version)
    {
        (
            entry,
            format!("{} is how other systems write it", quote(&entry.key)),
            "write `version: 1` and put the features below `features:`",
        )
    } else {
        return false;
    };
    problems.error(entry.key_at, message, hint);
    true
}
