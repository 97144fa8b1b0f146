//! What others may know of a feature before it is read in full: its name, its status, its variants.
//! In: an entry of `features`. Out: a [`Declared`], so that everything may refer to everything.

use super::payload;
use super::{Cx, names};
use crate::config::{
    file,
    problem::quote,
    tree::{Entry, Kind, Node, Place},
};
use crate::engine::Status;
use serde_json::Value;

/// Variants of a feature.
pub(super) const MOST_VARIANTS: usize = 64;

/// What others may know of a feature before it is read in full.
pub(super) struct Declared<'t> {
    pub(super) name: &'t str,
    pub(super) at: Place,
    /// where its header is named
    pub(super) header_at: Place,
    /// the long form, if it is one
    pub(super) long: Option<file::Feature<'t>>,
    pub(super) entry: &'t Entry<'t>,
    /// declared ones, then `on` and `off`; none where they are broken
    pub(super) variants: Option<Vec<Box<str>>>,
    /// how many of them the file declares
    pub(super) named: usize,
    pub(super) values: Vec<Option<Value>>,
    pub(super) places: Vec<Place>,
    /// which are given to somebody
    pub(super) used: Vec<bool>,
    pub(super) archived: bool,
    pub(super) status: Status,
}

impl<'t> Declared<'t> {
    /// As it stands in the file.
    pub(super) fn node(&self) -> &'t Node<'t> {
        &self.entry.value
    }
}

impl<'t> Cx<'t, '_> {
    /// The name, the status and the variants.
    pub(super) fn declare_feature(&mut self, entry: &'t Entry<'t>) -> Declared<'t> {
        let name = &*entry.key;
        if !names::is_feature(name) {
            let plain: String = name
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
                .collect();
            let hint = match plain.trim_matches('-') {
                better if names::is_feature(better) => {
                    format!("write {}, for example", quote(better))
                }
                _ => format!("names {}", names::FEATURE),
            };
            self.log.error(
                entry.key_at,
                format!("{} is no name for a feature", quote(name)),
                hint,
            );
        }
        let long = match &entry.value.kind {
            Kind::Map(_) => file::Feature::read(&entry.value, self.log),
            _ => None,
        };
        let mut declared = Declared {
            name,
            at: entry.key_at,
            header_at: entry.key_at,
            long: None,
            entry,
            variants: Some(Vec::new()),
            named: 0,
            values: Vec::new(),
            places: Vec::new(),
            used: Vec::new(),
            archived: false,
            status: Status::Running,
        };
        if let Some(long) = &long {
            let known = ["draft", "running", "paused", "archived"];
            declared.status = match long.status.and_then(|entry| self.word(entry, &known)) {
                Some("draft") => Status::Draft,
                Some("paused") => Status::Paused,
                Some("archived") => Status::Archived,
                _ => Status::Running,
            };
            declared.archived = declared.status == Status::Archived;
            if let Some(entry) = long.variants {
                self.variants(entry, &mut declared);
            }
            if let Some(entry) = long.header {
                declared.header_at = entry.value.at;
            }
        }
        declared.long = long;
        if let Some(variants) = &mut declared.variants {
            for implied in ["on", "off"] {
                if !variants.iter().any(|name| **name == *implied) {
                    variants.push(implied.into());
                    declared.values.push(None);
                }
            }
            declared.used = vec![false; variants.len()];
        }
        declared
    }

    pub(super) fn variants(&mut self, entry: &'t Entry<'t>, declared: &mut Declared<'t>) {
        let before = self.log.errors();
        let mut names: Vec<Box<str>> = Vec::new();
        let listed: Vec<(&'t str, Place, Option<&'t Node<'t>>)> = match &entry.value.kind {
            Kind::List(items) => items
                .iter()
                .filter_map(|item| {
                    if item.text().is_none() {
                        self.expected(item, "the name of a variant", "write names, `[control, treatment]`; values stand in a map, `{control: 1}`");
                    }
                    Some((item.text()?, item.at, None))
                })
                .collect(),
            Kind::Map(entries) => entries.iter().map(|entry| (&*entry.key, entry.key_at, Some(&entry.value))).collect(),
            _ => {
                self.expected(&entry.value, "a list of variants", "write `[control, treatment]`");
                Vec::new()
            }
        };
        if listed.is_empty() && self.log.errors() == before {
            self.log.error(
                entry.key_at,
                "`variants` is empty",
                "name some, or leave it out: `on` and `off` always exist",
            );
        }
        if listed.len() > MOST_VARIANTS {
            self.log.error(
                entry.key_at,
                format!("{} variants: more than {MOST_VARIANTS}", listed.len()),
                "make it several features",
            );
        }
        for (written, at, value) in listed.into_iter().take(MOST_VARIANTS) {
            let name = names::as_variant(written);
            if !names::is_variant(name) {
                self.log.error(
                    at,
                    format!("{} is no name for a variant", quote(name)),
                    format!("names {}", names::VARIANT),
                );
            }
            if names.iter().any(|other| **other == *name) {
                self.log.error(
                    at,
                    format!("the variant {} is there twice", quote(name)),
                    "keep one of them",
                );
            }
            let value = value.and_then(|value| {
                if value.is_null() {
                    self.log.error(
                        value.at,
                        format!("the variant {} has no value", quote(name)),
                        "give every variant a value, or write a list of names",
                    );
                    return None;
                }
                self.payload(value).map(|json| (json, value.at))
            });
            if let (Some((one, at)), Some(first)) =
                (&value, declared.values.iter().flatten().next())
                && payload::kind(one) != payload::kind(first)
            {
                self.log.error(
                    *at,
                    format!(
                        "this value is {}, and the first one is {}",
                        payload::kind(one),
                        payload::kind(first)
                    ),
                    "values of one feature have one type",
                );
            }
            names.push(name.into());
            declared.places.push(at);
            declared.values.push(value.map(|(value, _)| value));
        }
        declared.named = names.len();
        declared.variants = (self.log.errors() == before).then_some(names);
    }

    /// Warnings for variants that nobody gets.
    pub(super) fn unused_variants(&mut self) {
        for declared in &self.declared {
            let Some(variants) = &declared.variants else {
                continue;
            };
            for (number, name) in variants.iter().enumerate().take(declared.named) {
                if !declared.used[number] && !declared.archived {
                    self.log.warn(
                        declared.places[number],
                        format!("nobody gets the variant {}", quote(name)),
                        "serve it, or take it out",
                    );
                }
            }
        }
    }
}
