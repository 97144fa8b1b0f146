//! What others may know of segments and features before they are read in full: names, and a feature's status and variants.
//! In: `segments` and `features`. Out: a [`Declared`] for each feature, so that everything may refer to everything.

use super::{
    compiler::{Compiler, Declared},
    names,
};
use crate::config::{
    file, map,
    phrases::quote,
    tree::{Entry, Kind},
};
use crate::engine::{Status, model::FeatureIndex};
use std::collections::HashMap;

/// How many features a file may have.
const MOST_FEATURES: usize = 1_000;

impl<'t> Compiler<'t, '_> {
    /// The names of segments and features, so that everything may refer to everything.
    pub(super) fn declare(&mut self, file: &file::File<'t>) -> &'t [Entry<'t>] {
        let segments = file
            .segments
            .and_then(|entry| map::entries(&entry.value, "`segments`", self.problems))
            .unwrap_or_default();
        for (index, entry) in segments.iter().enumerate() {
            if !names::is_variant(&entry.key) {
                self.problems.error(
                    entry.key_at,
                    format!("{} is not a valid segment name", quote(&entry.key)),
                    format!("names {}", names::VARIANT),
                );
            }
            match u16::try_from(index) {
                Ok(index) => {
                    self.segments.insert(&entry.key, index);
                    self.segment_names.push(&entry.key);
                }
                Err(_) => {
                    self.problems
                        .error(entry.key_at, "more than 65,536 segments", "name fewer");
                    return &segments[..index];
                }
            }
        }
        let features = match file.features {
            Some(entry) if !entry.value.is_null() => {
                map::entries(&entry.value, "`features`", self.problems).unwrap_or_default()
            }
            _ => &[],
        };
        if features.is_empty() && self.problems.errors() == 0 {
            let at = file.features.map_or(self.top, |entry| entry.key_at);
            self.problems
                .warn(at, "there are no features", "write one: `dark-mode: on`");
        }
        if features.len() > MOST_FEATURES {
            let at = file.features.map_or(self.top, |entry| entry.key_at);
            self.problems.error(
                at,
                format!(
                    "{} features: at most {MOST_FEATURES} are allowed",
                    features.len()
                ),
                "split them into several files, each with a namespace",
            );
        }
        let mut lower: HashMap<String, &str> = HashMap::new();
        for (index, entry) in features.iter().take(MOST_FEATURES).enumerate() {
            if let Some(other) = lower.insert(entry.key.to_ascii_lowercase(), &entry.key) {
                self.problems.error(
                    entry.key_at,
                    format!(
                        "{} and {} differ only in case",
                        quote(&entry.key),
                        quote(other)
                    ),
                    "header names ignore case: rename one",
                );
            }
            self.features.insert(&entry.key, index as FeatureIndex);
            let declared = self.declare_feature(entry);
            self.declared.push(declared);
        }
        segments
    }

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
            self.problems.error(
                entry.key_at,
                format!("{} is not a valid feature name", quote(name)),
                hint,
            );
        }
        let long = match &entry.value.kind {
            Kind::Map(_) => file::Feature::read(&entry.value, self.problems),
            _ => None,
        };
        let mut declared = Declared {
            name,
            at: entry.key_at,
            header_at: entry.key_at,
            long: None,
            entry,
            // which ones a refused feature has is not known
            variants: (!entry.value.is_refused()).then(Vec::new),
            named: 0,
            values: Vec::new(),
            places: Vec::new(),
            used: Vec::new(),
            archived: false,
            status: Status::Running,
        };
        if let Some(long) = &long {
            let known = ["draft", "running", "paused", "archived"];
            declared.status = match long.status.and_then(|entry| self.choice(entry, &known)) {
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
}
