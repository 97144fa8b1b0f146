//! The variants of a feature, with their values.
//! In: `variants`. Out: their names, each once, in the order of the file.

use super::{
    compiler::{Compiler, Declared},
    names, payload,
};
use crate::config::{
    phrases::quote,
    tree::{Entry, Kind, Node, Position},
};

/// How many variants a feature may have.
pub(super) const MOST_VARIANTS: usize = 64;

impl<'t> Compiler<'t, '_> {
    /// Into what is declared of the feature.
    pub(super) fn variants(&mut self, entry: &'t Entry<'t>, declared: &mut Declared<'t>) {
        let before = self.problems.errors();
        let mut names: Vec<Box<str>> = Vec::new();
        let listed: Vec<(&'t str, Position, Option<&'t Node<'t>>)> = match &entry.value.kind {
            Kind::List(items) => items
                .iter()
                .filter_map(|item| {
                    if item.text().is_none() {
                        self.expected(item, "the name of a variant", "write names, `[control, treatment]`, or a map with values, `{control: 1}`");
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
        if listed.is_empty() && self.problems.errors() == before {
            self.problems.error(
                entry.key_at,
                "`variants` is empty",
                "name some, or leave it out: `on` and `off` always exist",
            );
        }
        if listed.len() > MOST_VARIANTS {
            self.problems.error(
                entry.key_at,
                format!(
                    "{} variants: at most {MOST_VARIANTS} are allowed",
                    listed.len()
                ),
                "split it into several features",
            );
        }
        for (written, at, value) in listed.into_iter().take(MOST_VARIANTS) {
            let name = names::as_variant(written);
            if !names::is_variant(name) {
                self.problems.error(
                    at,
                    format!("{} is not a valid variant name", quote(name)),
                    format!("names {}", names::VARIANT),
                );
            }
            if names.iter().any(|other| **other == *name) {
                self.problems.error(
                    at,
                    format!("duplicate variant {}", quote(name)),
                    "keep one of them",
                );
            }
            let value = value.and_then(|value| {
                if value.is_null() {
                    self.problems.error(
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
                self.problems.error(
                    *at,
                    format!(
                        "this value is {}, and the first one is {}",
                        payload::kind(one),
                        payload::kind(first)
                    ),
                    "give all values of a feature the same type",
                );
            }
            names.push(name.into());
            declared.places.push(at);
            declared.values.push(value.map(|(value, _)| value));
        }
        declared.named = names.len();
        declared.variants = (self.problems.errors() == before).then_some(names);
    }
}
