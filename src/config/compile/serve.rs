//! What those who are meant get: `serve`, or what stands in its place.
//! In: the keys that features and rules share. Out: an [`Allocation`] whose shares add up and whose variants exist.

use super::{compiler::Compiler, names};
use crate::config::{
    phrases::{did_you_mean, quote},
    tree::{Entry, Kind, Position},
};
use crate::engine::{
    bucket::{Arm, Seed},
    model::{Allocation, FeatureIndex, Serve},
    schedule::Rollout,
    units::Share,
};

/// The keys that a feature and a rule share.
#[derive(Clone, Copy)]
pub(super) struct AllocationKeys<'t> {
    pub(super) at: Position,
    pub(super) rollout: Option<&'t Entry<'t>>,
    pub(super) serve: Option<&'t Entry<'t>>,
    pub(super) buckets: Option<&'t Entry<'t>>,
    pub(super) draw: Option<&'t Entry<'t>>,
}

impl<'t> Compiler<'t, '_> {
    /// `who` is `this rule` or `the feature`: what may leave `serve` out only where `on` is meant.
    pub(super) fn allocation(
        &mut self,
        written: AllocationKeys<'t>,
        feature: FeatureIndex,
        salt: &str,
        who: &str,
    ) -> Option<Allocation> {
        let own = written.draw.map(|entry| (entry, self.draws(entry)));
        let drawn = match &own {
            Some((_, own)) => Some(own.clone()?),
            None => self.drawn.clone(),
        };
        if let (Some(_), Some(buckets)) = (written.serve, written.buckets) {
            self.problems.error(
                buckets.key_at,
                "`serve` and `buckets` do not go together",
                "both say who gets what: keep one",
            );
        }
        if let (Some(_), Some(buckets)) = (written.rollout, written.buckets) {
            self.problems.error(
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
            (Some(entry), _) if drawn.is_some() => self.arms(entry, feature),
            (Some(entry), _) => self.serve(entry, feature, salt),
            (None, Some(entry)) if drawn.is_some() => self.ranges(entry, feature),
            (None, Some(entry)) => self.buckets(entry, feature),
            (None, None) => self.on(written.at, feature, who),
        };
        let allocation = Allocation {
            rollout: rollout?,
            serve: serve?,
            draws: None,
        };
        let needs_unit = needs_unit(&allocation);
        self.needs_unit |= needs_unit;
        if let Some((entry, _)) = own
            && !self.still_draws(&allocation)
        {
            self.draws_nothing(entry, who);
        }
        let draws = drawn.filter(|_| needs_unit).map(Box::new);
        Some(Allocation {
            draws,
            ..allocation
        })
    }

    pub(super) fn on(&mut self, at: Position, feature: FeatureIndex, who: &str) -> Option<Serve> {
        let declared = &mut self.declared[usize::from(feature)];
        let variants = declared.variants.as_ref()?;
        let on = variants.iter().position(|variant| &**variant == "on")?;
        if declared.named > 0 && on >= declared.named {
            let example = variants[0].clone();
            self.problems.error(
                at,
                format!("{who} does not say which variant to serve"),
                format!("write `serve: {example}`, or shares of several"),
            );
            return None;
        }
        declared.used[on] = true;
        Some(Serve::One(on as u8))
    }

    pub(super) fn serve(
        &mut self,
        entry: &'t Entry<'t>,
        feature: FeatureIndex,
        salt: &str,
    ) -> Option<Serve> {
        let shares = match &entry.value.kind {
            Kind::Text(text, _) if !entry.value.is_null() && !text.is_empty() => {
                if Share::parse(text).is_ok() {
                    self.problems.error(entry.value.at, format!("{} is a share, not a variant", quote(text)), format!("write `rollout: {text}`, or shares by variant: `serve: {{control: 50%, treatment: 50%}}`"));
                    return None;
                }
                return self
                    .one_variant(text, entry.value.at, feature)
                    .map(Serve::One);
            }
            Kind::Map(shares) if !shares.is_empty() => shares,
            Kind::Map(_) => {
                self.problems.error(
                    entry.key_at,
                    "`serve` is empty",
                    "write a variant, or shares that add up to 100%",
                );
                return None;
            }
            Kind::List(_) => {
                self.problems.error(
                    entry.value.at,
                    "a list of shares needs a `draw`",
                    "write a map, `serve: {control: 50%, treatment: 50%}`: without the draw of another system the order of variants means nothing",
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
                    self.problems.error(
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
        self.add_up(entry, &arms)?;
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

    /// Shares that do not add up to 100% are a problem.
    pub(super) fn add_up(&mut self, entry: &Entry<'_>, arms: &[(u8, Share)]) -> Option<()> {
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
            self.problems.error(
                entry.key_at,
                format!("the shares add up to {sum_shown}, not to 100%"),
                hint,
            );
            return None;
        }
        Some(())
    }

    pub(super) fn one_variant(
        &mut self,
        text: &str,
        at: Position,
        feature: FeatureIndex,
    ) -> Option<u8> {
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

    pub(super) fn no_variant(&mut self, text: &str, at: Position, known: &[Box<str>]) {
        let hint = match &*text.to_ascii_lowercase() {
            "yes" | "y" | "enabled" | "1" => "did you mean `on`?".to_owned(),
            "no" | "n" | "disabled" | "0" | "none" => "did you mean `off`?".to_owned(),
            _ => did_you_mean(text, known.iter().map(|name| &**name)),
        };
        self.problems
            .error(at, format!("there is no variant {}", quote(text)), hint);
    }

    pub(super) fn variant_name(&self, feature: FeatureIndex, variant: u8) -> &str {
        let variants = self.declared[usize::from(feature)].variants.as_deref();
        variants
            .and_then(|variants| variants.get(usize::from(variant)))
            .map_or("", |name| name)
    }
}

/// Whether a share may have to decide, now or later.
fn needs_unit(allocation: &Allocation) -> bool {
    let everybody_or_nobody = matches!(allocation.rollout, Rollout::Fixed(share) if share == Share::EVERYBODY || share == Share::NOBODY);
    !everybody_or_nobody || !matches!(allocation.serve, Serve::One(_))
}
