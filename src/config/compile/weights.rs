//! How much each subject counts in a rollout.
//! In: `weights` of an attribute. Out: the subjects, as their values are spelled, with positive weights.

use super::compiler::{Compiler, Weights};
use crate::config::{map, phrases::quote, tree::Entry};
use crate::engine::normal;
use std::collections::HashSet;

impl<'t> Compiler<'t, '_> {
    pub(super) fn weights(&mut self, entry: &'t Entry<'t>, lower: bool) -> Option<Weights> {
        let listed = map::entries(&entry.value, "`weights`", self.problems)?;
        if listed.is_empty() {
            self.problems.error(
                entry.key_at,
                "`weights` is empty",
                "write `acme: 400`, or leave it out",
            );
        }
        let mut weights = Weights::new();
        let (mut total, mut seen) = (0u64, HashSet::new());
        for subject in listed {
            if subject.key.trim().is_empty() {
                self.problems.error(
                    subject.key_at,
                    "this weight has no id before the colon",
                    "write `acme: 400`",
                );
            }
            let weight = subject
                .value
                .text()
                .and_then(|text| text.parse::<u64>().ok())
                .filter(|weight| *weight > 0);
            let Some(weight) = weight else {
                if !subject.value.is_refused() {
                    self.problems.error(
                        subject.value.at,
                        format!("{} is not a weight", subject.value.what()),
                        "weights are whole numbers from 1",
                    );
                }
                continue;
            };
            match total.checked_add(weight) {
                Some(sum) => total = sum,
                None => self.problems.error(
                    subject.value.at,
                    "the weights add up to more than 18446744073709551615",
                    "make them smaller",
                ),
            }
            let id = match lower {
                true => normal::folded(&subject.key),
                false => subject.key.to_string(),
            };
            if lower && !seen.insert(id.clone()) {
                self.problems.error(
                    subject.key_at,
                    format!(
                        "{} has a weight already, in another case",
                        quote(&subject.key)
                    ),
                    "with `lower: true` the two are one: keep one of them",
                );
            }
            weights.push((id.into_bytes().into(), weight));
        }
        Some(weights)
    }
}
