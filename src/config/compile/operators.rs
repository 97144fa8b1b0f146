//! The operators of a condition: text to tests.
//! In: a map of operators. Out: a [`Test`]; what can never hold is a problem.

use super::compiler::Compiler;
use crate::config::{
    file, map,
    phrases::quote,
    tree::{Entry, Kind, Node, Position},
};
use crate::engine::{model::FeatureIndex, number::Decimal, operator::Test};

/// An operator that looks for any of several texts.
type ManyTexts = fn(Box<[Box<str>]>) -> Test;

impl<'t> Compiler<'t, '_> {
    pub(super) fn operators(
        &mut self,
        node: &'t Node<'t>,
        at: Position,
        feature: Option<FeatureIndex>,
    ) -> Option<Test> {
        let before = self.problems.errors();
        let map = file::Operators::read(node, self.problems)?;
        let mut tests = Vec::new();
        if let Some(entry) = map.not {
            let test = self.matcher(&entry.value, entry.key_at, feature);
            tests.extend(test.map(|test| Test::Not(Box::new(test))));
        }
        let texts: [(_, ManyTexts); 3] = [
            (map.contains, Test::Contains),
            (map.prefix, Test::Prefix),
            (map.suffix, Test::Suffix),
        ];
        for (entry, test) in texts {
            tests.extend(
                entry
                    .and_then(|entry| self.texts(entry, |this, text, _| Some(this.spelled(text))))
                    .map(test),
            );
        }
        tests.extend(
            map.matches
                .and_then(|entry| self.texts(entry, Self::pattern))
                .map(Test::Matches),
        );
        let [above, min, below, max] = [map.above, map.min, map.below, map.max]
            .map(|entry| entry.and_then(|entry| self.number(entry)));
        self.empty_range(
            [(map.above, &above), (map.min, &min)],
            [(map.below, &below), (map.max, &max)],
        );
        tests.extend(above.map(Test::Above));
        tests.extend(min.map(Test::Min));
        tests.extend(below.map(Test::Below));
        tests.extend(max.map(Test::Max));
        tests.extend(
            map.version
                .and_then(|entry| self.texts(entry, Self::range))
                .map(Test::Version),
        );
        tests.extend(
            map.within
                .and_then(|entry| self.texts(entry, Self::network))
                .map(Test::Within),
        );
        let from = map.from.and_then(|entry| self.instant(&entry.value));
        let until = map.until.and_then(|entry| self.instant(&entry.value));
        if let (Some(from), Some(until), Some(entry)) = (from, until, map.until)
            && from >= until
        {
            self.problems.error(
                entry.value.at,
                "`until` is not after `from`: this is never true",
                "`from` is inclusive, `until` exclusive",
            );
        }
        tests.extend(from.map(Test::From));
        tests.extend(until.map(Test::Until));
        if let Some(present) = map.present.and_then(|entry| self.boolean(entry)) {
            if !present
                && map::entries(node, "", self.problems).is_some_and(|all| {
                    all.iter()
                        .any(|other| !matches!(&*other.key, "present" | "not"))
                })
            {
                self.problems.error(
                    at,
                    "an absent value matches no other operator: this is never true",
                    "remove `present: false` or the other operators",
                );
            }
            tests.push(Test::Present(present));
        }
        self.reach.tests += tests.len() as u64;
        if self.problems.errors() > before {
            return None;
        }
        match tests.len() {
            1 => tests.pop(),
            _ => Some(Test::All(tests.into())),
        }
    }

    /// A text or a list of them, each read by `read`.
    pub(super) fn texts<T>(
        &mut self,
        entry: &'t Entry<'t>,
        read: impl Fn(&mut Self, &'t str, Position) -> Option<T>,
    ) -> Option<Box<[T]>> {
        let items = match &entry.value.kind {
            Kind::List(items) => &items[..],
            _ => std::slice::from_ref(&entry.value),
        };
        if items.is_empty() {
            self.problems.error(
                entry.value.at,
                "the list is empty: this is never true",
                "write at least one text",
            );
            return None;
        }
        let mut texts = Vec::new();
        for item in items {
            match item.text() {
                Some("") | None => self.expected(item, "a text", "write what to look for"),
                Some(text) => texts.extend(read(self, text, item.at)),
            }
        }
        (texts.len() == items.len()).then(|| texts.into())
    }

    pub(super) fn empty_range(
        &mut self,
        low: [(Option<&'t Entry<'t>>, &Option<Decimal>); 2],
        high: [(Option<&'t Entry<'t>>, &Option<Decimal>); 2],
    ) {
        for (low_place, low) in low {
            for (high_place, high) in high {
                let (Some(low), Some(high), Some(low_place), Some(place)) =
                    (low, high, low_place, high_place)
                else {
                    continue;
                };
                let both_inclusive = low_place.key == "min" && place.key == "max";
                if low > high || (low == high && !both_inclusive) {
                    self.problems.error(
                        place.value.at,
                        format!(
                            "no number is both {} and {}: this is never true",
                            bound(low_place),
                            bound(place)
                        ),
                        "swap the numbers, or leave one out",
                    );
                }
            }
        }
    }
}

fn bound(entry: &Entry<'_>) -> String {
    quote(&format!(
        "{}: {}",
        entry.key,
        entry.value.text().unwrap_or_default()
    ))
}
