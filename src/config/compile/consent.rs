//! The condition that gates a visitor's cookie: consent. In: `when` of `anonymous`. Out: a condition that every request of a
//! browser answers alike, or what is wrong with it.

use super::{
    compiler::{Compiler, Reach},
    cookie::reads,
    near_misses,
};
use crate::config::{
    phrases::quote,
    tree::{Entry, Kind, Node, Position},
};
use crate::engine::{attributes::Attribute, model::Condition, source::Source};

/// What to write where a condition is no consent.
const CONSENT: &str = "ask for what your consent banner keeps: `when: {cookie.consent: \"yes\"}`";

impl<'t> Compiler<'t, '_> {
    /// None where it does not gate this cookie: nothing else about that is told.
    pub(super) fn consent(
        &mut self,
        entry: &'t Entry<'t>,
        cookie: &str,
        segments: &[Option<Condition>],
    ) -> (Option<Condition>, Reach) {
        let word = entry.value.text().filter(|word| !word.is_empty());
        if let Some(word) = word.filter(|word| !self.segment_names.contains(word)) {
            let hint = self.with_known(|known| near_misses::for_word(word, known));
            self.problems.error(
                entry.value.at,
                format!("there is no segment {}", quote(word)),
                hint.unwrap_or_else(|| CONSENT.to_owned()),
            );
            return (None, Reach::default());
        }
        let (condition, reach) = self.condition(&entry.value);
        let Some(condition) = condition else {
            return (None, reach);
        };
        let asks = |leaf: &Condition| self.asks_for(leaf, cookie).then_some(());
        if first(&condition, segments, &asks).is_some() {
            let at = self.place_of(&entry.value, cookie);
            self.problems.error(
                at.unwrap_or(entry.key_at),
                "consent cannot depend on the cookie that it gates",
                CONSENT,
            );
            return (None, reach);
        }
        let beside = first(&condition, segments, &|leaf| self.beside(leaf));
        if let Some(beside) = beside {
            self.problems.error(
                entry.key_at,
                format!("this condition cannot gate the cookie: {beside}"),
                "use only `header.` and `cookie.` sources, which every request of a browser brings alike",
            );
        }
        (Some(condition), reach)
    }

    /// What a condition asks for beside headers and cookies, if anything.
    fn beside(&self, condition: &Condition) -> Option<String> {
        match condition {
            Condition::Feature(..) => Some("it depends on a feature".to_owned()),
            Condition::Now { .. } => Some("it depends on the clock".to_owned()),
            Condition::Attribute(index, _) => {
                let attribute = &self.attributes.list[usize::from(*index)];
                let sources = attribute.sources.iter();
                let mut others = sources
                    .filter(|source| !matches!(source, Source::Header(_) | Source::Cookie(_)));
                let source = others.next()?.to_string();
                Some(match *attribute.name == *source {
                    true => format!("it depends on {}", quote(&source)),
                    false => format!("{} is read from {}", quote(&attribute.name), quote(&source)),
                })
            }
            _ => None,
        }
    }

    fn asks_for(&self, condition: &Condition, cookie: &str) -> bool {
        match condition {
            Condition::Attribute(index, _) => {
                is_own(&self.attributes.list[usize::from(*index)], cookie)
            }
            _ => false,
        }
    }

    /// Where a condition asks for this cookie itself; none where a segment does.
    fn place_of(&self, node: &Node<'_>, cookie: &str) -> Option<Position> {
        let asks = |name: &str| {
            let index = self.attributes.by_name.get(name);
            index.is_some_and(|index| is_own(&self.attributes.list[usize::from(*index)], cookie))
        };
        match &node.kind {
            Kind::Map(entries) => entries.iter().find_map(|entry| match asks(&entry.key) {
                true => Some(entry.key_at),
                false => self.place_of(&entry.value, cookie),
            }),
            Kind::List(items) => items.iter().find_map(|item| self.place_of(item, cookie)),
            _ => None,
        }
    }
}

/// The cookie itself, or `visitor`, which is nothing else.
fn is_own(attribute: &Attribute, cookie: &str) -> bool {
    let mut sources = attribute.sources.iter();
    reads(attribute, cookie)
        || matches!(
            (sources.next(), sources.next()),
            (Some(Source::Visitor(_)), None)
        )
}

/// What is found first in the conditions that contain no other.
fn first<T>(
    condition: &Condition,
    segments: &[Option<Condition>],
    find: &dyn Fn(&Condition) -> Option<T>,
) -> Option<T> {
    first_in(condition, segments, &mut vec![false; segments.len()], find)
}

fn first_in<T>(
    condition: &Condition,
    segments: &[Option<Condition>],
    seen: &mut [bool],
    find: &dyn Fn(&Condition) -> Option<T>,
) -> Option<T> {
    match condition {
        Condition::All(some) | Condition::Any(some) => {
            let mut some = some.iter();
            some.find_map(|one| first_in(one, segments, seen, find))
        }
        Condition::Not(one) => first_in(one, segments, seen, find),
        Condition::Segment(index) => {
            let index = usize::from(*index);
            match std::mem::replace(&mut seen[index], true) {
                true => None,
                false => first_in(segments[index].as_ref()?, segments, seen, find),
            }
        }
        condition => find(condition),
    }
}
