//! What those who are meant get, and how many they are: `serve`, `buckets`, `rollout`.
//! In: their values. Out: an [`Outcome`] whose shares add up and whose variants exist.

use super::{
    super::{
        file,
        problem::{did_you_mean, quote},
        source::{Entry, Kind, Node, Place},
    },
    Cx, names,
};
use crate::engine::{
    bucket::{Arm, Seed},
    evaluate::{FeatureIndex, Outcome, Serve},
    schedule::Rollout,
    units::{Second, Share, ShareError},
};

/// The keys that a feature and a rule share.
#[derive(Clone, Copy)]
pub(super) struct Written<'t> {
    pub(super) at: Place,
    pub(super) rollout: Option<&'t Entry<'t>>,
    pub(super) serve: Option<&'t Entry<'t>>,
    pub(super) buckets: Option<&'t Entry<'t>>,
}

impl<'t> Cx<'t, '_> {
    /// `who` is `a rule` or `a feature`: what may leave `serve` out only where `on` is meant.
    pub(super) fn outcome(
        &mut self,
        written: Written<'t>,
        feature: FeatureIndex,
        salt: &str,
        who: &str,
    ) -> Option<Outcome> {
        if let (Some(_), Some(buckets)) = (written.serve, written.buckets) {
            self.log.error(
                buckets.key_at,
                "`serve` and `buckets` do not go together",
                "both say who gets what: keep one",
            );
        }
        if let (Some(_), Some(buckets)) = (written.rollout, written.buckets) {
            self.log.error(
                buckets.key_at,
                "`rollout` and `buckets` do not go together",
                "leave a gap in the buckets instead: it gets the default",
            );
        }
        let rollout = match written.rollout {
            Some(entry) => self.rollout(entry),
            None => Some(Rollout::Fixed(Share::EVERYBODY)),
        };
        let serve = match (written.serve, written.buckets) {
            (Some(entry), _) => self.serve(entry, feature, salt),
            (None, Some(entry)) => self.buckets(entry, feature),
            (None, None) => self.on(written.at, feature, who),
        };
        let outcome = Outcome {
            rollout: rollout?,
            serve: serve?,
        };
        self.needs_unit |= needs_unit(&outcome);
        Some(outcome)
    }

    fn on(&mut self, at: Place, feature: FeatureIndex, who: &str) -> Option<Serve> {
        let declared = &mut self.declared[usize::from(feature)];
        let variants = declared.variants.as_ref()?;
        let on = variants.iter().position(|variant| &**variant == "on")?;
        if declared.named > 0 && on >= declared.named {
            let example = variants[0].clone();
            self.log.error(
                at,
                format!("the feature declares variants, and {who} does not say which one it gives"),
                format!("write `serve: {example}`, or shares of several"),
            );
            return None;
        }
        declared.used[on] = true;
        Some(Serve::One(on as u8))
    }

    fn serve(&mut self, entry: &'t Entry<'t>, feature: FeatureIndex, salt: &str) -> Option<Serve> {
        let shares = match &entry.value.kind {
            Kind::Text(text, _) if !entry.value.is_null() && !text.is_empty() => {
                if Share::parse(text).is_ok() {
                    self.log.error(entry.value.at, format!("{} is a share, not a variant", quote(text)), format!("write `rollout: {text}`, or shares by variant: `serve: {{control: 50%, treatment: 50%}}`"));
                    return None;
                }
                return self
                    .one_variant(text, entry.value.at, feature)
                    .map(Serve::One);
            }
            Kind::Map(shares) if !shares.is_empty() => shares,
            Kind::Map(_) => {
                self.log.error(
                    entry.key_at,
                    "`serve` is empty",
                    "write a variant, or shares that add up to 100%",
                );
                return None;
            }
            _ => {
                self.expected(
                    &entry.value,
                    "a variant or a map of shares",
                    "write `serve: treatment` or `serve: {control: 50%, treatment: 50%}`",
                );
                return None;
            }
        };
        let mut arms = Vec::new();
        for share in shares {
            let variant = self.one_variant(&share.key, share.key_at, feature);
            let part = self.share(&share.value);
            if let (Some(variant), Some(part)) = (variant, part) {
                if arms.iter().any(|(other, _)| *other == variant) {
                    self.log.error(
                        share.key_at,
                        format!("{} has a share already", quote(&share.key)),
                        "`true` is `on`, and `false` is `off`: keep one of them",
                    );
                }
                arms.push((variant, part));
            }
        }
        if arms.len() < shares.len() {
            return None;
        }
        let sum: u64 = arms
            .iter()
            .map(|(_, share)| u64::from(share.millionths()))
            .sum();
        let whole = u64::from(Share::WHOLE);
        if sum != whole {
            let off = |by: u64| {
                u32::try_from(by)
                    .ok()
                    .and_then(Share::from_millionths)
                    .map_or("more than 100%".to_owned(), |share| share.to_string())
            };
            let (sum_shown, hint) = if sum < whole {
                (
                    off(sum),
                    format!(
                        "{} is missing: give it to a variant, or to `off`",
                        off(whole - sum)
                    ),
                )
            } else {
                (
                    format!("{}.{:06}", sum / 1_000_000, sum % 1_000_000)
                        .trim_end_matches('0')
                        .trim_end_matches('.')
                        .to_owned()
                        + "%",
                    format!("take {} away", off(sum - whole)),
                )
            };
            self.log.error(
                entry.key_at,
                format!("the shares add up to {sum_shown}, not to 100%"),
                hint,
            );
            return None;
        }
        let name = |variant: u8| self.variant_name(feature, variant);
        arms.retain(|(_, share)| *share != Share::NOBODY);
        if let [(variant, _)] = *arms {
            return Some(Serve::One(variant));
        }
        arms.sort_by(|(a, _), (b, _)| name(*a).as_bytes().cmp(name(*b).as_bytes()));
        let arm = |(variant, share): (u8, Share)| Arm {
            variant,
            share,
            seed: Seed::split(name(variant), salt),
        };
        Some(Serve::Split(arms.into_iter().map(arm).collect()))
    }

    fn buckets(&mut self, entry: &'t Entry<'t>, feature: FeatureIndex) -> Option<Serve> {
        let variants = file::entries(&entry.value, "`buckets`", self.log)?;
        if variants.is_empty() {
            self.log.error(
                entry.key_at,
                "`buckets` is empty",
                "write `{control: 0-4999, treatment: 5000-9999}`",
            );
        }
        let (before, mut ranges) = (self.log.errors(), Vec::new());
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
                self.log.error(
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
        (self.log.errors() == before).then(|| Serve::Buckets(ranges.collect()))
    }

    fn range_of_buckets(&mut self, node: &Node<'_>) -> Option<(u16, u16)> {
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
            Some((Some(first), Some(last))) => self.log.error(
                node.at,
                format!("{} goes backwards", quote(text)),
                format!("write `{last}-{first}`"),
            ),
            _ => self.log.error(
                node.at,
                format!("{} is no range of buckets", quote(text)),
                hint,
            ),
        }
        None
    }

    fn rollout(&mut self, entry: &'t Entry<'t>) -> Option<Rollout> {
        let Kind::Map(entries) = &entry.value.kind else {
            return self.share(&entry.value).map(Rollout::Fixed);
        };
        if entries.is_empty() {
            self.log.error(
                entry.key_at,
                "`rollout` is empty",
                "write `rollout: 25%`, or steps `{2026-03-01: 1%, 2026-03-10: 100%}`",
            );
            return None;
        }
        if entries
            .iter()
            .any(|entry| !entry.key.starts_with(|c: char| c.is_ascii_digit()))
        {
            return self.glide(entry);
        }
        let (before, mut steps) = (self.log.errors(), Vec::new());
        for step in entries {
            let at = self.instant_text(&step.key, step.key_at);
            let share = self.share(&step.value);
            if let (Some(at), Some(share)) = (at, share) {
                steps.push((at, share, step.key_at));
            }
        }
        steps.sort_by_key(|(at, ..)| *at);
        for pair in steps.windows(2) {
            let ((one, before, _), (other, after, at)) = (pair[0], pair[1]);
            if one == other {
                self.log
                    .error(at, "two steps stand at one instant", "keep one of them");
            } else if after < before {
                self.log.warn(
                    at,
                    format!("the rollout goes down here, from {before} to {after}"),
                    "people who had the feature lose it",
                );
            }
        }
        let steps = steps
            .into_iter()
            .map(|(at, share, _)| (at, share))
            .collect::<Box<[(Second, Share)]>>();
        (self.log.errors() == before).then_some(Rollout::Steps(steps))
    }

    fn glide(&mut self, entry: &'t Entry<'t>) -> Option<Rollout> {
        let glide = file::Glide::read(&entry.value, self.log)?;
        let missing: Vec<_> = [
            ("from", glide.from),
            ("to", glide.to),
            ("start", glide.start),
            ("end", glide.end),
        ]
        .into_iter()
        .filter_map(|(name, entry)| entry.is_none().then_some(name))
        .collect();
        if !missing.is_empty() {
            let names: Vec<_> = missing.into_iter().map(quote).collect();
            self.log.error(
                entry.key_at,
                format!("the glide has no {}", names.join(" and no ")),
                "write `{from: 0%, to: 100%, start: 2026-03-01, end: 2026-03-08}`",
            );
        }
        let [from, to] =
            [glide.from, glide.to].map(|entry| entry.and_then(|entry| self.share(&entry.value)));
        let [start, end] = [glide.start, glide.end]
            .map(|entry| entry.and_then(|entry| self.instant(&entry.value)));
        if let (Some(start), Some(end), Some(entry)) = (start, end, glide.end)
            && start >= end
        {
            self.log.error(
                entry.value.at,
                "`end` is not after `start`",
                "a glide takes time; a jump is a step: `{2026-03-01: 100%}`",
            );
            return None;
        }
        Some(Rollout::Glide {
            from: from?,
            to: to?,
            start: start?,
            end: end?,
        })
    }

    /// A percentage, always with its sign.
    pub(super) fn share(&mut self, node: &Node<'_>) -> Option<Share> {
        let Some(text) = node.text() else {
            self.expected(node, "a percentage", "write `25%`");
            return None;
        };
        let (message, hint) = match Share::parse(text) {
            Ok(share) => return Some(share),
            Err(ShareError::NoPercentSign) => match names::as_switch(text) {
                Some(on) => (
                    format!("{} is no percentage", quote(text)),
                    format!("write `{}`", if on { "100%" } else { "0%" }),
                ),
                None => (
                    format!("{} is no percentage", quote(text)),
                    in_percent(text),
                ),
            },
            Err(ShareError::NotANumber) if text.starts_with('-') => (
                format!(
                    "{} is not between 0% and 100%",
                    quote(text).trim_matches('`')
                ),
                "write a percentage such as `25%`".to_owned(),
            ),
            Err(ShareError::NotANumber) => (
                format!("{} is no percentage", quote(text)),
                "write digits, a point if need be, and `%`: `0.5%`".to_owned(),
            ),
            Err(ShareError::TooFine) => (
                format!("{} has more than 6 decimals", quote(text)),
                "round it".to_owned(),
            ),
            Err(ShareError::OutOfRange) => (
                format!(
                    "{} is not between 0% and 100%",
                    quote(text).trim_matches('`')
                ),
                "write `100%` for everybody".to_owned(),
            ),
        };
        self.log.error(node.at, message, hint);
        None
    }

    fn one_variant(&mut self, text: &str, at: Place, feature: FeatureIndex) -> Option<u8> {
        match self.variant(feature, names::as_variant(text)) {
            Ok(index) => index,
            Err(known) => {
                self.no_variant(text, at, &known);
                None
            }
        }
    }

    /// The place of a variant; `Ok(None)` where the variants themselves are broken, else the names that there are.
    pub(super) fn variant(
        &mut self,
        feature: FeatureIndex,
        name: &str,
    ) -> Result<Option<u8>, Vec<Box<str>>> {
        let declared = &mut self.declared[usize::from(feature)];
        let Some(variants) = &declared.variants else {
            return Ok(None);
        };
        match variants.iter().position(|variant| **variant == *name) {
            Some(index) => {
                declared.used[index] = true;
                Ok(Some(index as u8))
            }
            None => Err(variants.clone()),
        }
    }

    pub(super) fn no_variant(&mut self, text: &str, at: Place, known: &[Box<str>]) {
        let hint = did_you_mean(text, known.iter().map(|name| &**name));
        self.log
            .error(at, format!("there is no variant {}", quote(text)), hint);
    }

    fn variant_name(&self, feature: FeatureIndex, variant: u8) -> &str {
        let variants = self.declared[usize::from(feature)].variants.as_deref();
        variants
            .and_then(|variants| variants.get(usize::from(variant)))
            .map_or("", |name| name)
    }
}

/// Whether a share may have to decide, now or later.
fn needs_unit(outcome: &Outcome) -> bool {
    let everybody_or_nobody = matches!(outcome.rollout, Rollout::Fixed(share) if share == Share::EVERYBODY || share == Share::NOBODY);
    !everybody_or_nobody || !matches!(outcome.serve, Serve::One(_))
}

/// `25` is `25%`; `0.25` may be either of two things.
fn in_percent(text: &str) -> String {
    let decimal = !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
    match text.parse::<f64>() {
        Ok(part) if decimal && part > 0.0 && part < 1.0 => format!(
            "write `{}%` or `{text}%`, whichever is meant",
            (part * 1e8).round() / 1e6
        ),
        Ok(_) if decimal => format!("write `{text}%`"),
        _ => "write a percentage such as `25%`".to_owned(),
    }
}
