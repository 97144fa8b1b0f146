//! What is allowed, and probably not meant.
//! In: the text of a file that has been understood. Out: warnings.

use super::{
    compiler::{Compiler, Reach},
    reachable::are_apart,
};
use crate::config::{
    file,
    phrases::quote,
    tree::{Entry, Kind, Node},
};
use crate::engine::{instant, units::Second};

/// A test with dates: from, until, and what it is called.
type Window = (Option<Second>, Option<Second>, String);

impl<'t> Compiler<'t, '_> {
    /// Segments that nothing asks for, and variants that nobody gets.
    pub(super) fn unused<'r>(
        &mut self,
        file: &file::File<'t>,
        reaches: impl Iterator<Item = &'r Reach>,
    ) {
        let mut used = vec![false; self.segment_names.len()];
        for (segment, _) in reaches.flat_map(|reach| &reach.segments) {
            used[usize::from(*segment)] = true;
        }
        let entries = file.segments.and_then(|entry| match &entry.value.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        });
        for (entry, _) in entries
            .into_iter()
            .flatten()
            .zip(&used)
            .filter(|(_, used)| !**used)
        {
            self.problems.warn(
                entry.key_at,
                format!("the segment {} is never used", quote(&entry.key)),
                "use it, or remove it",
            );
        }
        // what nobody is served, a tester may still force
        if file.overrides.is_none() {
            self.unused_variants();
        }
    }

    /// Warnings for variants that nobody gets.
    fn unused_variants(&mut self) {
        for declared in &self.declared {
            let Some(variants) = &declared.variants else {
                continue;
            };
            for (number, name) in variants.iter().enumerate().take(declared.named) {
                if !declared.used[number] && !declared.archived {
                    self.problems.warn(
                        declared.places[number],
                        format!("the variant {} is never served", quote(name)),
                        "serve it, or remove it",
                    );
                }
            }
        }
    }

    /// Two dated tests on one feature at one time: whoever is in both only sees the first.
    pub(super) fn overlaps(&mut self, rules: &'t [Node<'t>]) {
        let mut tests: Vec<(Window, &Node<'t>)> = Vec::new();
        for (number, rule) in rules.iter().enumerate() {
            let Some(when) = rule.below("when") else {
                continue;
            };
            let Some(window) = self.window(when, number + 1) else {
                continue;
            };
            let other = tests.iter().find(|(other, condition)| {
                other.2 != window.2 && meet(other, &window) && !are_apart(condition, when)
            });
            if let Some((other, _)) = other {
                let message = format!("{} and {} are tested at the same time", other.2, window.2);
                self.problems.warn(
                    when.at,
                    message,
                    "users in both get only the first; separate the two by `when` or by dates",
                );
            }
            tests.push((window, when));
        }
    }

    /// The dates of a rule: its own, or those of a feature that it asks for.
    fn window(&self, when: &Node<'t>, rule: usize) -> Option<Window> {
        if let Some(now) = when.below("now") {
            let (from, until) = dates(now);
            return Some((from, until, format!("rule {rule}")));
        }
        let Kind::Map(entries) = &when.kind else {
            return None;
        };
        entries.iter().find_map(|entry: &Entry<'t>| {
            let name = entry.key.strip_prefix("feature.")?;
            let parent = self.features.get(name)?;
            let parent = self.declared[usize::from(*parent)].node();
            let now = parent.below("when").and_then(|when| when.below("now"))?;
            let (from, until) = dates(now);
            Some((from, until, quote(name)))
        })
    }
}

fn dates(now: &Node<'_>) -> (Option<Second>, Option<Second>) {
    let date = |key| {
        now.below(key)
            .and_then(|node| instant::parse(node.text()?).ok())
    };
    (date("from"), date("until"))
}

fn meet(one: &Window, other: &Window) -> bool {
    let before = |until: Option<Second>, from: Option<Second>| matches!((until, from), (Some(until), Some(from)) if until <= from);
    !before(one.1, other.0) && !before(other.1, one.0)
}
