//! Variants by bucket.
//! In: `buckets`. Out: ranges within 0 to 9999 that do not overlap.

use super::compiler::Compiler;
use crate::config::{
    map,
    phrases::quote,
    tree::{Entry, Kind, Node},
};
use crate::engine::model::{FeatureIndex, Serve};

impl<'t> Compiler<'t, '_> {
    pub(super) fn buckets(&mut self, entry: &'t Entry<'t>, feature: FeatureIndex) -> Option<Serve> {
        let variants = map::entries(&entry.value, "`buckets`", self.problems)?;
        if variants.is_empty() {
            self.problems.error(
                entry.key_at,
                "`buckets` is empty",
                "write `{control: 0-4999, treatment: 5000-9999}`",
            );
        }
        let (before, mut ranges) = (self.problems.errors(), Vec::new());
        for variant in variants {
            let index = self.one_variant(&variant.key, variant.key_at, feature);
            let items = match &variant.value.kind {
                Kind::List(items) if !items.is_empty() => &items[..],
                _ => std::slice::from_ref(&variant.value),
            };
            for item in items {
                if let (Some((first, last)), Some(index)) = (self.range_of_buckets(item), index) {
                    ranges.push((first, last, index, item.at));
                }
            }
        }
        ranges.sort_by_key(|(first, ..)| *first);
        for pair in ranges.windows(2) {
            let ((_, end, a, _), (begin, last, b, at)) = (pair[0], pair[1]);
            if begin <= end {
                let (a, b) = (
                    self.variant_name(feature, a).to_owned(),
                    self.variant_name(feature, b).to_owned(),
                );
                self.problems.error(
                    at,
                    format!(
                        "buckets {begin} to {} are given to {} and to {}",
                        end.min(last),
                        quote(&a),
                        quote(&b)
                    ),
                    "ranges are inclusive: `0-4999` and `5000-9999` do not overlap",
                );
            }
        }
        let ranges = ranges
            .into_iter()
            .map(|(first, last, variant, _)| (first, last, variant));
        (self.problems.errors() == before).then(|| Serve::Buckets(ranges.collect()))
    }

    pub(super) fn range_of_buckets(&mut self, node: &Node<'_>) -> Option<(u16, u16)> {
        let hint = "write a range within 0-9999, first and last included: `0-4999`";
        let Some(text) = node.text() else {
            self.expected(node, "a range of buckets", hint);
            return None;
        };
        let number = |text: &str| {
            text.trim()
                .parse::<u16>()
                .ok()
                .filter(|number| *number <= 9_999 && !text.contains('+'))
        };
        match text
            .split_once('-')
            .map(|(first, last)| (number(first), number(last)))
        {
            Some((Some(first), Some(last))) if first <= last => return Some((first, last)),
            Some((Some(first), Some(last))) => self.problems.error(
                node.at,
                format!("{} goes backwards", quote(text)),
                format!("write `{last}-{first}`"),
            ),
            _ => self.problems.error(
                node.at,
                format!("{} is not a range of buckets", quote(text)),
                hint,
            ),
        }
        None
    }
}
