//! One grammar for `when` and `segments`: text to condition.
//! In: a value of the file. Out: a [`Condition`], and what it reaches; every problem is told.

use super::{
    compiler::{Compiler, Reach},
    names, near_misses,
};
use crate::config::{
    file,
    phrases::{did_you_mean, quote},
    tree::{Entry, Kind, Node, Position},
};
use crate::engine::{
    attributes::Attribute,
    model::{Condition, FeatureIndex},
    normal,
    operator::{Test, Texts},
    source::{self, Source},
};
use std::collections::HashMap;

/// The names in the order of the file, so that a hint says the same each time.
fn as_declared<'t, I: Ord + Copy>(
    names: &HashMap<&'t str, I>,
) -> impl Iterator<Item = &'t str> + Clone {
    let mut names: Vec<_> = names.iter().map(|(name, index)| (*index, *name)).collect();
    names.sort_unstable();
    names.into_iter().map(|(_, name)| name)
}

impl<'t> Compiler<'t, '_> {
    /// A condition and what it reaches.
    pub(super) fn condition(&mut self, node: &'t Node<'t>) -> (Option<Condition>, Reach) {
        let outer = std::mem::take(&mut self.reach);
        let condition = self.any_condition(node);
        (condition, std::mem::replace(&mut self.reach, outer))
    }

    fn any_condition(&mut self, node: &'t Node<'t>) -> Option<Condition> {
        match &node.kind {
            Kind::Text(text, _) if !node.is_null() && !text.is_empty() => {
                self.segment(text, false, node.at)
            }
            Kind::List(items) if !items.is_empty() => self.each(items).map(Condition::Any),
            Kind::Map(entries) if !entries.is_empty() => {
                let all: Vec<_> = entries.iter().map(|entry| self.entry(entry)).collect();
                let mut all = all.into_iter().collect::<Option<Vec<_>>>()?;
                match all.len() {
                    1 => all.pop(),
                    _ => Some(Condition::All(all.into())),
                }
            }
            Kind::Refused => None,
            _ => {
                self.problems.error(
                    node.at,
                    "the condition is empty",
                    "write a segment, or `attribute: value`; leave `when` out to mean everybody",
                );
                None
            }
        }
    }

    fn each(&mut self, items: &'t [Node<'t>]) -> Option<Box<[Condition]>> {
        let each: Vec<_> = items
            .iter()
            .map(|item| match item.text() {
                Some(name) if !name.is_empty() => self.segment(name, true, item.at),
                _ => self.any_condition(item),
            })
            .collect();
        each.into_iter().collect()
    }

    fn segment(&mut self, name: &str, is_listed: bool, at: Position) -> Option<Condition> {
        if let Some(index) = self.segments.get(name) {
            self.reach.segments.push((*index, at));
            return Some(Condition::Segment(*index));
        }
        let hint = match self.problems.is_tired() {
            true => String::new(),
            false => self.with_known(|known| near_misses::for_segment(name, is_listed, known)),
        };
        self.problems
            .error(at, format!("there is no segment {}", quote(name)), hint);
        None
    }

    fn entry(&mut self, entry: &'t Entry<'t>) -> Option<Condition> {
        match &*entry.key {
            "not" => Some(Condition::Not(Box::new(self.any_condition(&entry.value)?))),
            "any" => self.list(entry).map(Condition::Any),
            "all" => self.list(entry).map(Condition::All),
            "now" => self.now(entry),
            "feature" => {
                self.problems.error(
                    entry.key_at,
                    "`feature` needs the name of a feature",
                    "write it after a dot: `feature.new-checkout: on`",
                );
                None
            }
            key => match key.strip_prefix("feature.") {
                Some(name) => self.asked_feature(name, entry),
                None => {
                    let index = self.attribute_index(key, entry.key_at);
                    self.asked = index;
                    let test = self.matcher(&entry.value, entry.key_at, None);
                    self.asked = None;
                    self.reach.attributes.extend(index);
                    if let (Some(index), Some(_)) = (index, &test) {
                        self.impossible(index, &entry.value);
                    }
                    Some(Condition::Attribute(index?, test?))
                }
            },
        }
    }

    fn list(&mut self, entry: &'t Entry<'t>) -> Option<Box<[Condition]>> {
        match &entry.value.kind {
            Kind::List(items) if !items.is_empty() => self.each(items),
            Kind::Refused => None,
            _ => {
                let found = match &entry.value.kind {
                    Kind::List(_) => "an empty list".to_owned(),
                    _ => entry.value.what(),
                };
                self.problems.error(
                    entry.value.at,
                    format!(
                        "{} takes a list of conditions, not {found}",
                        quote(&entry.key)
                    ),
                    format!("write `{}: [staff, {{country: US}}]`", entry.key),
                );
                None
            }
        }
    }

    fn asked_feature(&mut self, name: &str, entry: &'t Entry<'t>) -> Option<Condition> {
        let Some(index) = self.features.get(name).copied() else {
            let hint = if self.problems.is_tired() {
                String::new()
            } else {
                did_you_mean(name, as_declared(&self.features))
            };
            self.problems.error(
                entry.key_at,
                format!("there is no feature {} in this file", quote(name)),
                hint,
            );
            self.matcher(&entry.value, entry.key_at, None);
            return None;
        };
        if self.declared[usize::from(index)].archived {
            self.problems.error(
                entry.key_at,
                format!(
                    "the feature {} is archived and never has a variant",
                    quote(name)
                ),
                "remove this condition, or bring the feature back",
            );
        }
        self.reach.features.push((index, entry.key_at));
        let test = self.matcher(&entry.value, entry.key_at, Some(index))?;
        Some(Condition::Feature(index, test))
    }

    fn now(&mut self, entry: &'t Entry<'t>) -> Option<Condition> {
        self.reach.tests += 1;
        if let Kind::Text(..) | Kind::List(_) = entry.value.kind {
            self.expected(
                &entry.value,
                "a window of time",
                "write `now: {from: 2026-03-01, until: 2026-03-15}`",
            );
            return None;
        }
        let before = self.problems.errors();
        let map = file::Window::read(&entry.value, self.problems)?;
        if map.from.is_none() && map.until.is_none() {
            if self.problems.errors() == before {
                self.problems.error(
                    entry.key_at,
                    "`now` needs `from`, `until` or both",
                    "write `now: {from: 2026-03-01, until: 2026-03-15}`",
                );
            }
            return None;
        }
        let from = map.from.map(|from| self.instant(&from.value));
        let until = map.until.map(|until| (until, self.instant(&until.value)));
        if let (Some(Some(from)), Some((place, Some(until)))) = (from, until)
            && from >= until
        {
            self.problems.error(
                place.value.at,
                "`until` is not after `from`: this is never true",
                "`from` is inclusive, `until` exclusive",
            );
        }
        if let Some((place, Some(until))) = until
            && until <= self.now
        {
            self.problems.warn(
                place.value.at,
                "this window is in the past: it is never true again",
                "remove the condition, or move the date",
            );
        }
        Some(Condition::Now {
            from: from.map_or(Some(None), |from| from.map(Some))?,
            until: until.map_or(Some(None), |(_, until)| until.map(Some))?,
        })
    }

    /// A value, a list of values, or operators. `feature` is the one whose variants the values are.
    pub(super) fn matcher(
        &mut self,
        node: &'t Node<'t>,
        at: Position,
        feature: Option<FeatureIndex>,
    ) -> Option<Test> {
        self.reach.tests += 1;
        match &node.kind {
            Kind::Map(entries) if entries.is_empty() => {
                self.problems.error(
                    node.at,
                    "the set of operators is empty",
                    "write a value, a list, or an operator such as `prefix:`",
                );
                None
            }
            Kind::Map(_) => self.operators(node, at, feature),
            Kind::List(items) if items.is_empty() => {
                self.problems.error(
                    node.at,
                    "the list is empty: this is never true",
                    "write values, or `present: false` if it must be absent",
                );
                None
            }
            Kind::List(items) => {
                let texts: Vec<_> = items.iter().map(|item| self.value(item, feature)).collect();
                Some(Test::Is(texts.into_iter().collect::<Option<Texts>>()?))
            }
            _ => Some(Test::Is(Texts::from_iter([self.value(node, feature)?]))),
        }
    }

    fn value(&mut self, node: &'t Node<'t>, feature: Option<FeatureIndex>) -> Option<Box<str>> {
        let Some(text) = node.text() else {
            self.expected(
                node,
                "a value",
                "write `\"null\"` for the text, or `present: false` if it must be absent",
            );
            return None;
        };
        if text.trim().is_empty() {
            self.problems.error(
                node.at,
                "a blank value counts as absent: this is never true",
                "write `present: false` if it must be absent",
            );
            return None;
        }
        let Some(index) = feature else {
            return Some(self.spelled(text));
        };
        let variant = names::as_variant(text);
        match self.variant(index, variant) {
            Err(known) => {
                self.no_variant(text, node.at, &known);
                None
            }
            Ok(_) => Some(variant.into()),
        }
    }

    /// A text of the file as the values that it is compared with.
    pub(super) fn spelled(&self, text: &str) -> Box<str> {
        let Some(asked) = self.asked() else {
            return text.into();
        };
        let is_path = matches!(&*asked.sources, [Source::Path]);
        let sent = match is_path && !asked.normal.percent {
            true => source::as_browsers_send(text),
            false => text.to_owned(),
        };
        match asked.normal.lower {
            true => normal::folded(&sent).into(),
            false => sent.into(),
        }
    }

    /// The attribute that is being asked.
    pub(super) fn asked(&self) -> Option<&Attribute> {
        let index = self.asked?;
        self.attributes.list.get(usize::from(index))
    }
}
